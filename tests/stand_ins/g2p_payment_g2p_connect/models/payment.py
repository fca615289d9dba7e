# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2PPayment(models.Model):
    _inherit = "g2p.payment"

    disbursement_envelope_id = fields.Char(related="cycle_id.disbursement_envelope_id")
    disbursement_id = fields.Char()
    dispatch_status = fields.Selection(
        [("pending", "Pending"), ("sent", "Sent")], default="pending"
    )
