# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from uuid import uuid4

from odoo import fields, models


class SPPPayment(models.Model):
    _name = "spp.payment"
    _description = "Payment"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"

    # The same for all that are made without a name, as upstream: evaluated once.
    name = fields.Char(default=str(uuid4()))
    entitlement_id = fields.Many2one("spp.entitlement", required=True, index=True)
    cycle_id = fields.Many2one("spp.cycle", index=True)
    program_id = fields.Many2one(related="cycle_id.program_id")
    partner_id = fields.Many2one(related="entitlement_id.partner_id")
    batch_id = fields.Many2one("spp.payment.batch", index=True)
    state = fields.Selection(
        [("issued", "Issued"), ("sent", "Sent"), ("reconciled", "Reconciled")],
        default="issued",
        required=True,
    )
    status = fields.Selection([("paid", "Paid"), ("failed", "Failed")])
    is_status_final = fields.Boolean()
    status_datetime = fields.Datetime()
    account_number = fields.Char()
    amount_issued = fields.Monetary(required=True, currency_field="currency_id")
    amount_paid = fields.Monetary(currency_field="currency_id")
    issuance_date = fields.Datetime(default=fields.Datetime.now)
    payment_datetime = fields.Datetime()
    payment_fee = fields.Monetary(currency_field="currency_id")
    company_id = fields.Many2one(related="entitlement_id.company_id")
    currency_id = fields.Many2one(related="entitlement_id.currency_id")

    def check_account_status(self):
        """Empty, as upstream."""

    def send_payment(self):
        """Empty, as upstream."""
