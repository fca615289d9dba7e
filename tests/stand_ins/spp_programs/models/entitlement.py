# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from uuid import uuid4

from odoo import api, fields, models


class SPPEntitlement(models.Model):
    _name = "spp.entitlement"
    _description = "Entitlement"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "partner_id asc, id desc"
    _check_company_auto = True

    name = fields.Char(compute="_compute_name")
    code = fields.Char(default=lambda self: str(uuid4())[4:-8][3:], copy=False, readonly=True)
    ern = fields.Char()
    partner_id = fields.Many2one("res.partner", "Registrant", required=True, index=True)
    company_id = fields.Many2one("res.company", default=lambda self: self.env.company)
    cycle_id = fields.Many2one("spp.cycle", required=True, index=True)
    program_id = fields.Many2one("spp.program", related="cycle_id.program_id")
    valid_from = fields.Date()
    valid_until = fields.Date(default=fields.Date.today)
    is_cash_entitlement = fields.Boolean("Cash Entitlement")
    currency_id = fields.Many2one(related="company_id.currency_id")
    initial_amount = fields.Monetary(required=True, currency_field="currency_id")
    transfer_fee = fields.Monetary(currency_field="currency_id")
    date_approved = fields.Date()
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("pending_validation", "Pending Validation"),
            ("approved", "Approved"),
            ("trans2FSP", "Transferred to FSP"),
            ("rdpd2ben", "Redeemed/Paid to Beneficiary"),
            ("rejected1", "Rejected: Beneficiary didn't want the entitlement"),
            ("rejected2", "Rejected: Beneficiary account does not exist"),
            ("rejected3", "Rejected: Other reason"),
            ("cancelled", "Cancelled"),
            ("expired", "Expired"),
        ],
        default="draft",
    )
    payment_ids = fields.One2many("spp.payment", "entitlement_id")
    payment_status = fields.Selection(
        [("paid", "Paid"), ("notpaid", "Not Paid")], compute="_compute_payment_status"
    )
    payment_date = fields.Date()

    @api.depends("code")
    def _compute_name(self):
        for record in self:
            record.name = self.env._("Entitlement: (%s)", record.code)

    @api.depends("payment_ids.status")
    def _compute_payment_status(self):
        for record in self:
            paid = "paid" in record.payment_ids.mapped("status")
            record.payment_status = "paid" if paid else "notpaid"
