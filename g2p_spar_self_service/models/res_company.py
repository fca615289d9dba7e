# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models, tools
from odoo.tools import SQL


class ResCompany(models.Model):
    _name = "res.company"
    _inherit = ["res.company", "g2p.spar.kept"]

    spar_change_needs_contact = fields.Boolean(
        "Somebody Must Be Told",
        default=True,
        help="A change or removal of an address on record is refused where no message can tell the "
        "person of it. A sign-in provider may say otherwise of its people.",
    )
    spar_help = fields.Text(
        "Help for Beneficiaries",
        translate=True,
        help="Shown on the help page of self service, as plain text.",
    )
    spar_contact = fields.Text(
        "Contact for Beneficiaries",
        translate=True,
        help="Where people turn to: shown on every page of self service and in messages to them.",
    )

    @api.private
    @tools.ormcache("self.id")
    def spar_timezone(self):
        """Of times on pages and in messages, for people who have told no other."""
        return self.sudo().partner_id.tz or "UTC"

    @api.private
    @tools.ormcache("self.id")
    def spar_sender(self):
        """The company's own e-mail address, with its name."""
        return self.sudo().partner_id.email_formatted

    @api.private
    @tools.ormcache()
    def spar_partner_ids(self):
        """Contacts of companies: of these, pages and messages have name, time zone and e-mail."""
        rows = self.env.execute_query(SQL("SELECT partner_id FROM res_company"))
        return frozenset(partner_id for (partner_id,) in rows)

    def _kept_fields(self):
        """Override: what pages have of a company."""
        return [self._fields[name] for name in ("name", "partner_id", "spar_contact")]
