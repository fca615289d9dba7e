# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

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
