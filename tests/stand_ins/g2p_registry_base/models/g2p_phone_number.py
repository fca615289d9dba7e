# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2PPhoneNumber(models.Model):
    _name = "g2p.phone.number"
    _description = "Phone Number"
    _order = "id desc"
    _rec_name = "phone_no"

    partner_id = fields.Many2one(
        "res.partner", "Registrant", required=True, index=True, ondelete="cascade"
    )
    phone_no = fields.Char("Phone Number", required=True)
    phone_sanitized = fields.Char()
    date_collected = fields.Date(default=fields.Date.today)
    disabled = fields.Datetime("Date Disabled")
    country_id = fields.Many2one("res.country")
