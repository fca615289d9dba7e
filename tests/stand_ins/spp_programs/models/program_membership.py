# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class SPPProgramMembership(models.Model):
    _name = "spp.program.membership"
    _description = "Program Membership"
    _inherits = {"res.partner": "partner_id"}
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"

    partner_id = fields.Many2one(
        "res.partner", "Registrant", required=True, index=True, ondelete="cascade"
    )
    program_id = fields.Many2one("spp.program", index=True)
    registrant_id = fields.Integer(related="partner_id.id", string="Registrant ID")
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("enrolled", "Enrolled"),
            ("paused", "Paused"),
            ("exited", "Exited"),
            ("not_eligible", "Not Eligible"),
            ("duplicated", "Duplicated"),
        ],
        string="Status",
        default="draft",
    )
    enrollment_date = fields.Date(default=fields.Date.today)
    exit_date = fields.Date()
    deduplication_status = fields.Selection(
        [("new", "New"), ("processing", "Processing"), ("verified", "Verified")], default="new"
    )
    delivery_mechanism_value = fields.Char()

    _program_partner_unique = models.Constraint(
        "UNIQUE (partner_id, program_id)", "Beneficiary must be unique per program."
    )
