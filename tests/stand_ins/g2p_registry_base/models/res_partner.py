# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    address = fields.Text()
    is_registrant = fields.Boolean()
    is_group = fields.Boolean()
    disabled = fields.Datetime("Date Disabled")
    disabled_reason = fields.Text()
    disabled_by = fields.Many2one("res.users")
    reg_ids = fields.One2many("g2p.reg.id", "partner_id", "Registrant IDs")
    phone_number_ids = fields.One2many("g2p.phone.number", "partner_id", "Phone Numbers")
    registration_date = fields.Date()
    district = fields.Many2one("res.country.state")
    income = fields.Float()
