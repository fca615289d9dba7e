# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    group_membership_ids = fields.One2many("g2p.group.membership", "group", "Group Members")
    individual_membership_ids = fields.One2many(
        "g2p.group.membership", "individual", "Membership in Groups"
    )
