# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2pFaProvider(models.Model):
    _inherit = "g2p.fa.provider"

    spar_ask_holder_name = fields.Boolean(
        "Ask for the Account Holder",
        help="In self service, people enter in whose name the account is; the mapper keeps it.",
    )
    spar_number_hint = fields.Char(
        "Where to Find the Number",
        translate=True,
        help="Shown in self service above the field, such as: 9 to 18 digits, printed in your "
        "passbook.",
    )
