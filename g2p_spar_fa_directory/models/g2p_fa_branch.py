# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .g2p_fa_provider import code_problem


class G2pFaBranch(models.Model):
    _name = "g2p.fa.branch"
    _description = "Bank Branch"
    _order = "name, id"
    _rec_names_search = ["name", "code", "mnemonic"]

    # A country has 200 000 branches, so searches need the trigram indexes.
    provider_id = fields.Many2one(
        "g2p.fa.provider",
        string="Bank",
        required=True,
        index=True,
        ondelete="cascade",
        domain=[("fa_type", "=", "bank")],
    )
    name = fields.Char(required=True, index="trigram")
    code = fields.Char(
        required=True, index="trigram", help="As in financial addresses, such as HDFC0000522"
    )
    mnemonic = fields.Char(string="Short Name", index="trigram")
    street = fields.Char()
    city = fields.Char()
    zip = fields.Char(string="ZIP")
    state_id = fields.Many2one("res.country.state")
    active = fields.Boolean(default=True)

    _code_unique = models.UniqueIndex(
        "(provider_id, lower(code))", "This bank already has a branch with this code."
    )

    # === COMPUTE METHODS === #

    @api.depends("name", "code")
    def _compute_display_name(self):
        for branch in self:
            branch.display_name = f"{branch.name} ({branch.code})" if branch.code else branch.name

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
