# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2PCycleMembership(models.Model):
    _name = "g2p.cycle.membership"
    _description = "Cycle Membership"
    _order = "partner_id asc, id desc"

    partner_id = fields.Many2one("res.partner", "Registrant", required=True, index=True)
    cycle_id = fields.Many2one("g2p.cycle", required=True, index=True)
    enrollment_date = fields.Date(default=fields.Date.today)
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("enrolled", "Enrolled"),
            ("paused", "Paused"),
            ("exited", "Exited"),
            ("not_eligible", "Not Eligible"),
        ],
        default="draft",
    )

    _cycle_partner_unique = models.Constraint(
        "UNIQUE (partner_id, cycle_id)", "Registrant must be unique per cycle."
    )
