# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    is_registrant = fields.Boolean()
    is_group = fields.Boolean()
    disabled = fields.Datetime("Date Disabled")
    registration_date = fields.Date()
    family_name = fields.Char()
    given_name = fields.Char()
    reg_ids = fields.One2many("spp.registry.id", "partner_id", "Registrant IDs")
    phone_number_ids = fields.One2many("spp.phone.number", "partner_id", "Phone Numbers")
    group_membership_ids = fields.One2many("spp.group.membership", "group", "Group Members")
    individual_membership_ids = fields.One2many(
        "spp.group.membership", "individual", "Membership in Groups"
    )
