# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from uuid import uuid4

from odoo import api, fields, models


class PaymentManager(models.Model):
    _name = "g2p.program.payment.manager"
    _description = "Payment Manager"
    _inherit = "g2p.manager.mixin"

    program_id = fields.Many2one("g2p.program", ondelete="cascade")

    @api.model
    def _selection_manager_ref_id(self):
        selection = super()._selection_manager_ref_id()
        new_manager = ("g2p.program.payment.manager.default", "Default")
        if new_manager not in selection:
            selection.append(new_manager)
        return selection


class BasePaymentManager(models.AbstractModel):
    _name = "g2p.base.program.payment.manager"
    _inherit = "base.programs.manager"
    _description = "Base Payment Manager"

    name = fields.Char("Manager Name", required=True)
    program_id = fields.Many2one("g2p.program", required=True, ondelete="cascade")

    def prepare_payments(self, entitlements):
        raise NotImplementedError()

    def send_payments(self, batches):
        raise NotImplementedError()

    def validate_accounts(self, entitlements):
        raise NotImplementedError()

    def mark_job_as_done(self, cycle, msg):
        self.ensure_one()
        cycle.locked = False
        cycle.locked_reason = None
        cycle.message_post(body=msg)


class DefaultPaymentManager(models.Model):
    _name = "g2p.program.payment.manager.default"
    _inherit = ["g2p.base.program.payment.manager", "g2p.manager.source.mixin"]
    _description = "Default Payment Manager"

    MAX_PAYMENTS_FOR_SYNC_PREPARE = 200
    MAX_BATCHES_FOR_SYNC_SEND = 50

    create_batch = fields.Boolean("Automatically Create Batch", default=True)
    batch_tag_ids = fields.Many2many(
        "g2p.payment.batch.tag", "g2p_pay_batch_tag_pay_manager_def", string="Batch Tags"
    )

    # === PREPARE ===#

    def prepare_payments(self, cycle, entitlements=None):
        """Make payments for approved entitlements, by default all of the cycle."""
        if entitlements is None:
            entitlements = cycle.entitlement_ids
        entitlements = entitlements.filtered(lambda entitlement: entitlement.state == "approved")
        count = len(entitlements)
        if not count:
            return self._notification(
                "danger", self.env._("All entitlements selected are not approved!")
            )
        if count < self.MAX_PAYMENTS_FOR_SYNC_PREPARE:
            payments, _batches = self._prepare_payments(cycle, entitlements)
            if payments:
                message = self.env._("%s new payments was issued.", len(payments))
                return self._notification("success", message)
            return self._notification("danger", self.env._("There are no new payments issued!"))
        self._prepare_payments_async(cycle, entitlements, count)
        return self._notification("success", self.env._("Preparing payments asynchronously."))

    def _prepare_payments(self, cycle, entitlements):
        """Make one payment for each entitlement that has none but failed ones.

        :return: (payments, batches), recordsets or None
        """
        entitlements = entitlements.filtered(
            lambda entitlement: all(
                payment.status == "failed" for payment in entitlement.payment_ids
            )
        )
        payments = batches = None
        for tag in self.batch_tag_ids.sorted("order"):
            tagged = entitlements.filtered_domain(self._safe_eval(tag.domain or "[]"))
            entitlements -= tagged
            new_payments, new_batches = self._prepare_payments_of_tag(cycle, tagged, tag)
            payments = payments + new_payments if payments else new_payments
            batches = batches + new_batches if batches else new_batches
        return payments, batches

    def _prepare_payments_of_tag(self, cycle, entitlements, tag):
        """One by one, with a new batch whenever one is full."""
        payments = self.env["g2p.payment"]
        batches = batch = self.env["g2p.payment.batch"]
        for position, entitlement in enumerate(entitlements):
            payment = self.env["g2p.payment"].create(self._payment_values(cycle, entitlement))
            accounts = payment.partner_id.bank_ids
            payment.account_number = accounts[0].acc_number if accounts else None
            payments += payment
            if not self.create_batch:
                continue
            if position % tag.max_batch_size == 0:
                batch = batches.create(
                    {
                        "name": str(uuid4()),
                        "cycle_id": cycle.id,
                        "stats_datetime": fields.Datetime.now(),
                        "tag_id": tag.id,
                    }
                )
                batches += batch
            batch.payment_ids = [(4, payment.id)]
            payment.batch_id = batch
        return payments, batches

    def _payment_values(self, cycle, entitlement):
        return {
            "name": str(uuid4()),
            "entitlement_id": entitlement.id,
            "cycle_id": cycle.id,
            "amount_issued": entitlement.initial_amount,
            "payment_fee": entitlement.transfer_fee,
            "state": "issued",
        }

    def _prepare_payments_async(self, cycle, entitlements, entitlements_count):
        """Upstream puts the call in one job of a queue; the cycle is locked until it is done."""
        cycle.locked = True
        cycle.locked_reason = "Prepare payments for entitlements in cycle."
        cycle.message_post(body=f"Prepare payments started for {entitlements_count} entitlements.")
        self._prepare_payments(cycle, entitlements)
        self.mark_job_as_done(cycle, "Prepare payments finished.")

    # === SEND ===#

    def send_payments(self, batches):
        if not batches:
            return self._notification("warning", self.env._("No payment batches to process."))
        if len(batches) < self.MAX_BATCHES_FOR_SYNC_SEND:
            return self._send_payments(batches)
        self._send_payments_async(batches[0].cycle_id, batches)
        return self._notification("success", self.env._("Sending payments asynchronously."))

    def _send_payments(self, batches):
        """The default manager sends nothing."""
        return None

    def _send_payments_async(self, cycle, batches):
        cycle.locked = True
        cycle.locked_reason = "Send payments for batches in cycle."
        self._send_payments(batches)
        self.mark_job_as_done(cycle, "Send payments finished.")

    # === ACCOUNTS ===#

    def _get_account_number(self, entitlement):
        """Nothing calls it, and no module defines `get_payment_token`: as upstream."""
        return entitlement.partner_id.get_payment_token(entitlement.program_id)

    def _notification(self, kind, message):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": self.env._("Payment"),
                "message": message,
                "sticky": False,
                "type": kind,
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
