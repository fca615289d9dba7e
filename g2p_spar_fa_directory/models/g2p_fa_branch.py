# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..ids import code_problem
from ..trigram_index import trigram_index

# Among so many branches, by name, there are some with a text that is common in a bank.
FIRST = 200


def _by_trigrams(condition):
    """Put a condition on the bank so that only the index of trigrams has it."""
    bank_id = condition.value
    is_bank = (condition.field_expr, condition.operator) == ("provider_id", "=")
    if not is_bank or not isinstance(bank_id, int):
        return condition
    return Domain.custom(
        to_sql=lambda _model, alias, _query: SQL(
            "-%s = %s", SQL.identifier(alias, "provider_id"), -bank_id
        )
    )


class G2pFaBranch(models.Model):
    _name = "g2p.fa.branch"
    _description = "Bank Branch"
    _order = "name, id"
    _rec_names_search = ["name", "code", "mnemonic"]

    provider_id = fields.Many2one(
        "g2p.fa.provider",
        string="Bank",
        required=True,
        index=True,
        ondelete="cascade",
        domain=[("fa_type", "=", "bank")],
    )
    name = fields.Char(required=True)
    code = fields.Char(required=True, help="As in financial addresses, such as HDFC0000522")
    mnemonic = fields.Char(string="Short Name")
    street = fields.Char()
    city = fields.Char()
    zip = fields.Char(string="ZIP")
    state_id = fields.Many2one("res.country.state")
    active = fields.Boolean(default=True)
    source = fields.Char(
        string="List", readonly=True, copy=False, help="The imported list that keeps this record"
    )
    gone_since = fields.Datetime(
        string="Gone From List Since",
        readonly=True,
        copy=False,
        help="Archived by an import, since the list does not have it any more",
    )

    _code_unique = models.UniqueIndex(
        "(provider_id, lower(code))", "This bank already has a branch with this code."
    )
    # A country has 200 000 branches, a bank up to 30 000. Why minus: see ``name_search``.
    _search_idx = models.Index(
        lambda registry: trigram_index(
            registry, "name", "code", "mnemonic", before="(-provider_id), "
        )
    )
    _name_idx = models.Index("(provider_id, name, id)")

    # === SETUP === #

    def _auto_init(self):
        # Lets a GIN index have the provider beside the trigrams; part of PostgreSQL's contrib.
        self.env.cr.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
        return super()._auto_init()

    # === COMPUTE METHODS === #

    @api.depends("name", "code")
    def _compute_display_name(self):
        for branch in self:
            # A branch of unknown name has its code as name.
            named = branch.code and branch.code != branch.name
            branch.display_name = f"{branch.name} ({branch.code})" if named else branch.name

    # === CONSTRAINT METHODS === #

    @api.constrains("code")
    def _check_code(self):
        for branch in self:
            if problem := code_problem(branch.code):
                raise ValidationError(
                    self.env._(
                        "Branch “%(name)s”, code: %(problem)s.", name=branch.name, problem=problem
                    )
                )

    @api.constrains("provider_id")
    def _check_provider(self):
        for provider in self.provider_id:
            if provider.fa_type != "bank":
                raise ValidationError(
                    self.env._("“%s” is not a bank, so it has no branches.", provider.name)
                )

    # === CRUD METHODS === #

    @api.model
    @api.readonly
    def name_search(self, name="", domain=None, operator="ilike", limit=100):
        """Find branches of a bank by a part of name or code in milliseconds, be it rare or common.

        The codes of a bank begin alike. PostgreSQL reckons with the share that a text has in all
        codes, so it would walk through all branches of a bank for what only others have.
        """
        domain = Domain(domain or [])
        by_trigrams = domain.map_conditions(_by_trigrams)
        if operator != "ilike" or not name or by_trigrams == domain:
            return super().name_search(name, domain, operator, limit)
        first = self._search(domain, order=self._order, limit=FIRST)
        found = super().name_search(name, [("id", "in", first)], limit=limit)
        if limit and len(found) == limit:
            return found
        return super().name_search(name, by_trigrams, limit=limit)

    # === ACTION METHODS === #

    @api.model
    def get_import_templates(self):
        """Return the files that the import screen offers (hook of Odoo's importer)."""
        folder = "/g2p_spar_fa_directory/static/xls"
        return [
            {
                "label": self.env._("Import Template for Branches (XLSX)"),
                "template": f"{folder}/branches.xlsx",
            },
            {
                "label": self.env._("Import Template for Branches (CSV)"),
                "template": f"{folder}/branches.csv",
            },
        ]
