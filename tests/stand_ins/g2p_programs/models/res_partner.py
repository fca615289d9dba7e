# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    program_membership_ids = fields.One2many("g2p.program_membership", "partner_id")
    cycle_ids = fields.One2many("g2p.cycle.membership", "partner_id")
    entitlement_ids = fields.One2many("g2p.entitlement", "partner_id")
