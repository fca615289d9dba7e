# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

from ..account_number import CHECKS, AccountNumberRule, compile_pattern
from ..financial_address import FA_MAX_LENGTH, FA_TYPES

_RULE_FIELDS = ["min_length", "max_length", "pattern", "check_method"]


class G2pFaAccountRule(models.Model):
    _name = "g2p.fa.account.rule"
    _inherit = "g2p.spar.kept"
    _description = "Account Number Rule"
    _order = "code"
    _rec_names_search = ["name", "code"]

    name = fields.Char(required=True)
    code = fields.Integer(
        required=True,
        copy=False,
        aggregator=None,
        help="A number to refer to. 1 to 99 are OpenG2P's.",
    )
    fa_type = fields.Selection(FA_TYPES, string="Kind of Account", required=True, default="bank")
    min_length = fields.Integer(string="Minimum Length", default=1, aggregator=None)
    max_length = fields.Integer(
        string="Maximum Length", aggregator=None, help="0 means no limit of its own."
    )
    pattern = fields.Char(
        string="Regular Expression",
        help="What the whole number must match, such as [0-9]{9,18} (RE2 syntax).",
    )
    check_method = fields.Selection(
        [("none", "None"), *((key, name) for key, (name, _module) in CHECKS.items())],
        string="Check Digits",
        required=True,
        default="none",
    )
    active = fields.Boolean(default=True)
    provider_ids = fields.One2many("g2p.fa.provider", "account_rule_id", string="Providers")

    _code_unique = models.Constraint("UNIQUE (code)", "Another account number rule has this code.")
    _lengths = models.Constraint(
        "CHECK (min_length >= 1 AND (max_length = 0 OR max_length >= min_length))",
        "The minimum length is at least 1, the maximum length 0 or not below the minimum.",
    )
    _max_length = models.Constraint(
        f"CHECK (max_length <= {FA_MAX_LENGTH})",
        f"The maximum length cannot exceed {FA_MAX_LENGTH}, the length of a financial address.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains("pattern")
    def _check_pattern(self):
        for rule in self.filtered("pattern"):
            try:
                compile_pattern(rule.pattern)
            except ValueError as error:
                raise ValidationError(
                    self.env._(
                        "Account number rule “%(name)s”, regular expression: %(problem)s.",
                        name=rule.name,
                        problem=error,
                    )
                ) from error

    @api.constrains("fa_type")
    def _check_fa_type(self):
        self.with_context(active_test=False).provider_ids._check_fa_type()

    # === BUSINESS METHODS === #

    @tools.ormcache()
    def _number_rules(self):
        """Return all rules by database id, compiled.

        :rtype: dict[int, AccountNumberRule]
        """
        rules = self.sudo().with_context(active_test=False).search_fetch([], _RULE_FIELDS)
        return {rule.id: rule._number_rule() for rule in rules}

    def _number_rule(self):
        return AccountNumberRule(
            min_length=self.min_length,
            max_length=self.max_length,
            pattern=compile_pattern(self.pattern) if self.pattern else None,
            check=self.check_method,
        )
