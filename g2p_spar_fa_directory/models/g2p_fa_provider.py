# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from stdnum import bic

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ..financial_address import FA_TYPES
from ..ids import code_problem
from ..trigram_index import trigram_index


class G2pFaProvider(models.Model):
    """A bank, or an operator of mobile or e-mail wallets (a DFSP)."""

    _name = "g2p.fa.provider"
    _description = "Financial Address Provider"
    _order = "name, id"
    _rec_names_search = ["name", "code", "mnemonic"]

    name = fields.Char(required=True)
    code = fields.Char(required=True, copy=False, help="As in financial addresses, such as HDFC")
    mnemonic = fields.Char(string="Short Name")
    fa_type = fields.Selection(
        FA_TYPES, string="Kind of Account", required=True, default="bank", index=True
    )
    country_id = fields.Many2one("res.country", default=lambda self: self.env.company.country_id)
    bic = fields.Char(string="BIC", help="Bank Identifier Code (SWIFT, ISO 9362)")
    bank_id = fields.Many2one("res.bank", string="Bank on Contacts")
    logo = fields.Image(max_width=256, max_height=256)
    active = fields.Boolean(
        default=True, help="An archived provider takes no new addresses; old ones still resolve."
    )
    strategy_id = fields.Many2one(
        "g2p.fa.strategy",
        index=True,
        ondelete="restrict",
        domain="[('strategy_type', '=', 'FA'), ('fa_type', '=', fa_type)]",
        help="How addresses at this provider are constructed. Addresses of every other active "
        "strategy are understood as well.",
    )
    account_rule_id = fields.Many2one(
        "g2p.fa.account.rule",
        string="Account Number Rule",
        index=True,
        ondelete="restrict",
        domain="[('fa_type', '=', fa_type)]",
        help="What a number must look like. Without a rule any number is accepted.",
    )
    source = fields.Char(
        string="List", readonly=True, copy=False, help="The imported list that keeps this record"
    )
    gone_since = fields.Datetime(
        string="Gone From List Since",
        readonly=True,
        copy=False,
        help="Archived by an import, since the list does not have it any more",
    )
    branch_ids = fields.One2many("g2p.fa.branch", "provider_id", string="Branches")
    branch_count = fields.Integer(compute="_compute_branch_count")

    # The code comes first: addresses are looked up by code alone.
    _code_unique = models.UniqueIndex(
        "(lower(code), COALESCE(country_id, 0))",
        "This country already has a provider with this code. Archived ones count.",
    )
    _search_idx = models.Index(lambda registry: trigram_index(registry, "name", "code", "mnemonic"))
    _name_idx = models.Index("(name, id)")

    # === COMPUTE METHODS === #

    @api.depends("branch_ids.active")
    def _compute_branch_count(self):
        counts = dict(
            self.env["g2p.fa.branch"]._read_group(
                [("provider_id", "in", self.ids)], ["provider_id"], ["__count"]
            )
        )
        for provider in self:
            provider.branch_count = counts.get(provider._origin, 0)

    @api.model
    def _search_display_name(self, operator, value):
        """Find a provider also by "IN/HDFC", since two countries may use one code."""
        domain = Domain(super()._search_display_name(operator, value))
        if operator == "in":
            for name in value:
                country, _slash, code = str(name).partition("/")
                domain |= Domain("country_id.code", "=", country) & Domain("code", "=", code)
        return domain

    @api.onchange("fa_type")
    def _onchange_fa_type(self):
        if self.strategy_id.fa_type != self.fa_type:
            self.strategy_id = False
        if self.account_rule_id.fa_type != self.fa_type:
            self.account_rule_id = False

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        providers = super().create(vals_list)
        self.env.registry.clear_cache()
        return providers

    def write(self, vals):
        result = super().write(vals)
        if "name" in vals or "code" in vals:
            self.env.registry.clear_cache()
        return result

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    # === CONSTRAINT METHODS === #

    @api.constrains("code")
    def _check_code(self):
        for provider in self:
            if problem := code_problem(provider.code):
                raise ValidationError(
                    self.env._(
                        "Provider “%(name)s”, code: %(problem)s.",
                        name=provider.name,
                        problem=problem,
                    )
                )

    @api.constrains("bic")
    def _check_bic(self):
        for provider in self.filtered("bic"):
            if not bic.is_valid(provider.bic):
                raise ValidationError(
                    self.env._(
                        "Provider “%s”, BIC: must have 8 or 11 characters, such as HDFCINBB.",
                        provider.name,
                    )
                )

    @api.constrains("fa_type", "strategy_id", "account_rule_id")
    def _check_fa_type(self):
        for provider in self:
            for other in (provider.strategy_id, provider.account_rule_id):
                if other and other.fa_type != provider.fa_type:
                    raise ValidationError(
                        self.env._(
                            "Provider “%(provider)s” cannot use “%(other)s”, which is for another "
                            "kind of account.",
                            provider=provider.name,
                            other=other.name,
                        )
                    )

    @api.constrains("fa_type")
    def _check_branches(self):
        wallets = self.filtered(lambda provider: provider.fa_type != "bank")
        branch = self.env["g2p.fa.branch"].with_context(active_test=False)
        if wallets and branch.search_count([("provider_id", "in", wallets.ids)], limit=1):
            raise ValidationError(self.env._("Only a bank can have branches."))

    @api.constrains("strategy_id", "active")
    def _check_strategy_active(self):
        for provider in self.filtered("active"):
            if provider.strategy_id and not provider.strategy_id.active:
                raise ValidationError(
                    self.env._(
                        "Provider “%(provider)s” needs a strategy that is not archived, unlike "
                        "“%(strategy)s”.",
                        provider=provider.name,
                        strategy=provider.strategy_id.name,
                    )
                )

    # === ACTION METHODS === #

    def action_view_branches(self):
        """Open the branches of this bank, new ones being its own."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "g2p_spar_fa_directory.g2p_fa_branch_action"
        )
        action["domain"] = [("provider_id", "=", self.id)]
        action["context"] = {"default_provider_id": self.id}
        action["display_name"] = self.env._("Branches of %s", self.name)
        return action

    @api.model
    def get_import_templates(self):
        """Return the files that the import screen offers (hook of Odoo's importer)."""
        folder = "/g2p_spar_fa_directory/static/xls"
        return [
            {
                "label": self.env._("Import Template for Providers (XLSX)"),
                "template": f"{folder}/providers.xlsx",
            },
            {
                "label": self.env._("Import Template for Providers (CSV)"),
                "template": f"{folder}/providers.csv",
            },
        ]

    @api.model
    def name_search(self, name="", domain=None, operator="ilike", limit=100):
        """Leave out ambiguous names in an import, where the first match would be taken."""
        found = super().name_search(name, domain, operator, limit)
        if operator == "=" and len(found) > 1 and "import_flush" in self.env.context:
            return []
        return found
