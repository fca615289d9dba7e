# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from typing import NamedTuple

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError

from ..financial_address import (
    FA_TYPES,
    NUMBER_FIELD,
    PROVIDER_CODE_FIELD,
    fa_problem,
)
from ..ids import id_problem
from ..pattern import FA_FIELDS, FIELD_SAMPLES, ID_FIELDS, Pattern, PatternError


class FaStrategy(NamedTuple):
    """An FA strategy as the directory uses it."""

    id: int
    code: int
    fa_type: str
    pattern: Pattern


class G2pFaStrategy(models.Model):
    """A form of ID or financial address strings.

    Append-only: strings of a form are stored here and elsewhere, so a strategy in use may be
    archived, never changed or deleted.
    """

    _name = "g2p.fa.strategy"
    _inherit = "g2p.spar.kept"
    _description = "ID or Financial Address Strategy"
    _order = "code"
    _rec_names_search = ["name", "code"]

    name = fields.Char(required=True)
    code = fields.Integer(
        required=True,
        copy=False,
        aggregator=None,
        help="The number that peers send as strategy_id. 1 to 99 are OpenG2P's.",
    )
    strategy_type = fields.Selection(
        [("ID", "ID"), ("FA", "Financial address")], string="Type", required=True, default="FA"
    )
    fa_type = fields.Selection(FA_TYPES, string="Kind of Account", default="bank")
    construct_pattern = fields.Char(
        string="Pattern",
        required=True,
        help="Text and field names in braces, such as account:{account_number}@{bank_code}",
    )
    upstream_regex = fields.Text(
        string="Published Regular Expression",
        help="How OpenG2P takes such strings apart. For reference only; it is never run.",
    )
    active = fields.Boolean(default=True)
    used = fields.Boolean(
        string="Addresses on Record",
        readonly=True,
        copy=False,
        help="Addresses of this form have been stored. This cannot be undone.",
    )
    provider_ids = fields.One2many("g2p.fa.provider", "strategy_id", string="Providers")
    provider_count = fields.Integer(compute="_compute_provider_count")
    in_use = fields.Boolean(compute="_compute_in_use")

    _code_unique = models.Constraint("UNIQUE (code)", "Another strategy has this code.")
    _fa_type_set = models.Constraint(
        "CHECK ((strategy_type = 'FA') = (fa_type IS NOT NULL))",
        "A strategy of financial addresses has a kind of account, one of IDs has none.",
    )

    # === COMPUTE METHODS === #

    @api.depends("provider_ids")
    def _compute_provider_count(self):
        counts = dict(
            self.env["g2p.fa.provider"]
            .with_context(active_test=False)
            ._read_group([("strategy_id", "in", self.ids)], ["strategy_id"], ["__count"])
        )
        for strategy in self:
            strategy.provider_count = counts.get(strategy._origin, 0)

    @api.depends("used", "provider_count")
    def _compute_in_use(self):
        for strategy in self:
            strategy.in_use = strategy.used or strategy.provider_count > 0

    @api.onchange("strategy_type")
    def _onchange_strategy_type(self):
        self.fa_type = "bank" if self.strategy_type == "FA" else False

    # === CONSTRAINT METHODS === #

    @api.constrains("construct_pattern", "strategy_type", "fa_type")
    def _check_construct_pattern(self):
        for strategy in self:
            try:
                strategy._check_pattern(strategy._pattern())
            except PatternError as error:
                raise ValidationError(
                    self.env._(
                        "Strategy “%(name)s”, pattern: %(problem)s.",
                        name=strategy.name,
                        problem=error,
                    )
                ) from error

    @api.constrains("active")
    def _check_active(self):
        # Archiving keeps old strings readable for people; new ones could not be constructed.
        stuck = self.filtered(lambda strategy: not strategy.active).provider_ids
        if stuck:
            raise ValidationError(
                self.env._(
                    "Give these providers another strategy before you archive theirs: %s.",
                    ", ".join(stuck.mapped("name")),
                )
            )

    # === CRUD METHODS === #

    def write(self, vals):
        self._check_immutable(vals)
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        self._refuse_in_use()

    def _check_immutable(self, vals):
        if not vals.get("used", True) and any(self.mapped("used")):
            raise UserError(self.env._("A strategy that has been used stays used."))
        names = {"code", "strategy_type", "fa_type", "construct_pattern"} & vals.keys()
        self.filtered(lambda strategy: any(strategy[n] != vals[n] for n in names))._refuse_in_use()

    def _refuse_in_use(self):
        in_use = self.filtered("in_use")
        if in_use:
            raise UserError(
                self.env._(
                    "In use, so it can be archived but neither changed nor deleted, since stored "
                    "strings depend on it: %s. Add a new strategy instead.",
                    ", ".join(in_use.mapped("name")),
                )
            )

    # === ACTION METHODS === #

    def action_view_providers(self):
        """Open the providers that construct addresses with this strategy."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "g2p_spar_fa_directory.g2p_fa_provider_action"
        )
        action["domain"] = [("strategy_id", "=", self.id)]
        action["context"] = {"active_test": False}
        action["display_name"] = self.env._("Providers with %s", self.name)
        return action

    # === BUSINESS METHODS === #

    @api.private
    def construct(self, parts):
        """Construct an ID or FA string.

        :param dict[str, str] parts: values by field name; fields that are not given are empty
        :rtype: str
        :raise PatternError: "<field>: <reason>"; the text never repeats a value
        """
        self.ensure_one()
        pattern = self._pattern()
        string = pattern.construct(dict.fromkeys(pattern.fields, "") | parts)
        if problem := self._string_problem(string):
            raise PatternError(f"{self.strategy_type.lower()}: {problem}")
        return string

    @api.private
    def deconstruct(self, string):
        """Take an ID or FA string apart.

        :param str string: any text; it need not be well-formed
        :return: the value of every field, None if the string does not have this form
        :rtype: dict[str, str] | None
        """
        self.ensure_one()
        return None if self._string_problem(string) else self._pattern().deconstruct(string)

    @api.private
    def mark_used(self):
        """Remember that strings of these strategies are stored. One statement; seldom a write."""
        self.flush_recordset(["used"])
        self.env.cr.execute(
            "UPDATE g2p_fa_strategy SET used = TRUE WHERE id = ANY(%s) AND used IS NOT TRUE",
            [list(self.ids)],
        )
        if self.env.cr.rowcount:
            self.invalidate_recordset(["used"], flush=False)

    @api.private
    @tools.ormcache()
    def fa_strategies_by_id(self):
        """Return all FA strategies, archived ones too: stored addresses may have their forms.

        :rtype: dict[int, FaStrategy]
        """
        strategies = self.sudo().with_context(active_test=False)
        strategies = strategies.search([("strategy_type", "=", "FA")])
        return {s.id: FaStrategy(s.id, s.code, s.fa_type, s._pattern()) for s in strategies}

    @tools.ormcache()
    def _fa_strategies(self):
        """Return the active FA strategies in order of code, ready for use.

        :rtype: tuple[FaStrategy, ...]
        """
        strategies = self.sudo().search([("strategy_type", "=", "FA")], order="code")
        return tuple(FaStrategy(s.id, s.code, s.fa_type, s._pattern()) for s in strategies)

    def _pattern(self):
        known = ID_FIELDS if self.strategy_type == "ID" else FA_FIELDS
        return Pattern.parse(self.construct_pattern, known)

    def _string_problem(self, string):
        return id_problem(string) if self.strategy_type == "ID" else fa_problem(string)

    def _check_pattern(self, pattern):
        if self.strategy_type == "FA":
            for field in (NUMBER_FIELD[self.fa_type], PROVIDER_CODE_FIELD[self.fa_type]):
                if field not in pattern.fields:
                    raise PatternError(
                        f"{{{field}}} is missing; without it nobody can tell the account"
                    )
        if problem := self._string_problem(pattern.construct(FIELD_SAMPLES)):
            raise PatternError(f"what it constructs {problem}")
