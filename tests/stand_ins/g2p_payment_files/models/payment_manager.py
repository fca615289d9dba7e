# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from string import Template

from odoo import api, fields, models


class PaymentManager(models.Model):
    _inherit = "g2p.program.payment.manager"

    @api.model
    def _selection_manager_ref_id(self):
        selection = super()._selection_manager_ref_id()
        new_manager = ("g2p.program.payment.manager.file", "File Payment Manager")
        if new_manager not in selection:
            selection.append(new_manager)
        return selection


class FilePaymentManager(models.Model):
    _name = "g2p.program.payment.manager.file"
    _inherit = "g2p.program.payment.manager.default"
    _description = "File Payment Manager"

    # A table of its own: the parent's is the parent's.
    batch_tag_ids = fields.Many2many(
        "g2p.payment.batch.tag", "g2p_pay_batch_tag_pay_manager_files", string="Batch Tags"
    )
    payment_file_config_ids = fields.Many2many("g2p.payment.file.config")

    def _prepare_payments(self, cycle, entitlements):
        payments, batches = super()._prepare_payments(cycle, entitlements)
        for config in self.payment_file_config_ids:
            for payment in payments or []:
                payment.payment_file_ids = [(0, 0, self._payment_file(config, payment))]
        return payments, batches

    def _payment_file(self, config, payment):
        text = Template(config.body_string).substitute(
            partner=payment.partner_id.name,
            account=payment.account_number,
            amount=payment.amount_issued,
        )
        return {"name": config.name, "raw": text, "mimetype": "text/plain"}

    def _send_payments(self, batches):
        raise NotImplementedError()
