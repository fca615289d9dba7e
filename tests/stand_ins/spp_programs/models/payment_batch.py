# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from uuid import uuid4

from odoo import fields, models


class SPPPaymentBatch(models.Model):
    _name = "spp.payment.batch"
    _description = "Payment Batch"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"

    name = fields.Char(default=lambda self: str(uuid4()))
    cycle_id = fields.Many2one("spp.cycle", index=True)
    program_id = fields.Many2one(related="cycle_id.program_id")
    external_batch_ref = fields.Char()
    has_batch_started = fields.Boolean()
    has_batch_completed = fields.Boolean()
    # Not the inverse of `batch_id`: each is written by itself.
    payment_ids = fields.Many2many("spp.payment", string="Issued Payments")
    stats_datetime = fields.Datetime()
    tag_id = fields.Many2one("spp.payment.batch.tag")

    def send_payment(self):
        self.ensure_one()
        manager = self.program_id.get_manager(self.program_id.MANAGER_PAYMENT)
        return manager.send_payments(self)
