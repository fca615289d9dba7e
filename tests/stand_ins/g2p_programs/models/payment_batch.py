# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from uuid import uuid4

from odoo import fields, models


class G2PPaymentBatch(models.Model):
    _name = "g2p.payment.batch"
    _description = "Payment Batch"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"

    name = fields.Char(default=lambda self: str(uuid4()))
    cycle_id = fields.Many2one("g2p.cycle", index=True)
    program_id = fields.Many2one(related="cycle_id.program_id")
    external_batch_ref = fields.Char()
    batch_has_started = fields.Boolean()
    batch_has_completed = fields.Boolean()
    # Not the inverse of `batch_id`: each is written by itself.
    payment_ids = fields.Many2many("g2p.payment", string="Issued Payments")
    stats_datetime = fields.Datetime()
    tag_id = fields.Many2one("g2p.payment.batch.tag")

    def send_payment(self):
        self.ensure_one()
        manager = self.program_id.get_manager(self.program_id.MANAGER_PAYMENT)
        return manager.send_payments(self)
