# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import requests

from odoo import api, fields, models

PREFIXES = {
    "bank_acc_no": "account_no:",
    "bank_acc_iban": "iban:",
    "phone": "phone:",
    "email": "email:",
}


class PaymentManager(models.Model):
    _inherit = "g2p.program.payment.manager"

    @api.model
    def _selection_manager_ref_id(self):
        selection = super()._selection_manager_ref_id()
        new_manager = ("g2p.program.payment.manager.g2p.connect", "G2P Connect Payment Manager")
        if new_manager not in selection:
            selection.append(new_manager)
        return selection


class G2PConnectPaymentManager(models.Model):
    """Sends to a bridge; upstream's status polling and cron are not here."""

    _name = "g2p.program.payment.manager.g2p.connect"
    _inherit = ["g2p.program.payment.manager.file", "mail.thread"]
    _description = "G2P Connect Payment Manager"

    batch_tag_ids = fields.Many2many(
        "g2p.payment.batch.tag", "g2p_pay_batch_tag_pay_manager_g2p_connect", string="Batch Tags"
    )
    payment_file_config_ids = fields.Many2many(
        "g2p.payment.file.config", "g2p_pay_file_config_pay_manager_g2p_connect"
    )
    payee_id_type = fields.Selection(
        [
            ("bank_acc_no", "Bank Account Number"),
            ("bank_acc_iban", "IBAN"),
            ("phone", "Phone"),
            ("email", "Email"),
            ("reg_id", "Registrant ID"),
        ],
        "Payee ID Field",
        required=True,
    )
    reg_id_type_for_payee_id = fields.Many2one("g2p.id.type", "ID Type")
    payment_endpoint_url = fields.Char(required=True)
    status_endpoint_url = fields.Char(required=True)
    envelope_creation_url = fields.Char(required=True)
    envelope_status_url = fields.Char(required=True)
    api_timeout = fields.Integer(default=10)
    payee_prefix = fields.Char()
    payee_suffix = fields.Char()
    locale = fields.Char(required=True, default="en")
    send_payments_domain = fields.Text("Filter Batches to Send", default="[]")

    @api.onchange("payee_id_type")
    def _onchange_payee_id_type(self):
        if self.payee_id_type in PREFIXES:
            self.payee_prefix = PREFIXES[self.payee_id_type]

    # === PREPARE ===#

    def prepare_payments(self, cycle, entitlements=None):
        """Returns nothing: the parent's notification is lost, as upstream."""
        if entitlements is None:
            entitlements = cycle.entitlement_ids
        super().prepare_payments(cycle, entitlements)
        if not cycle.disbursement_envelope_id:
            self._create_envelope_g2p_bridge(cycle, entitlements)

    def _create_envelope_g2p_bridge(self, cycle, entitlements):
        program = cycle.program_id
        message = {
            "benefit_program_mnemonic": program.name,
            "disbursement_frequency": "OnDemand",
            "cycle_code_mnemonic": "SEP",
            "number_of_beneficiaries": len(entitlements),
            "number_of_disbursements": len(entitlements),
            "total_disbursement_amount": sum(entitlements.mapped("initial_amount")),
            "disbursement_currency_code": program.currency_id.name,
            "disbursement_schedule_date": str(fields.Date.today()),
        }
        answer = self._call_bridge(self.envelope_creation_url, message)
        cycle.disbursement_envelope_id = answer["message"]["disbursement_envelope_id"]

    # === SEND ===#

    def _send_payments(self, batches):
        for batch in batches.filtered_domain(self._safe_eval(self.send_payments_domain or "[]")):
            if batch.batch_has_started:
                continue
            batch.batch_has_started = True
            self._send_batch(batch)

    def _send_batch(self, batch):
        disbursements = []
        for payment in batch.payment_ids:
            payee_fa = self._get_payee_fa(payment)
            if not payee_fa:
                payment.status = "failed"
                continue
            disbursements.append(self._disbursement(payment, payee_fa))
        try:
            answer = self._call_bridge(self.payment_endpoint_url, disbursements)
        except requests.RequestException as error:
            self.message_post(body=f"{batch.name}: {type(error).__name__}")
            return
        self._record_answer(batch, answer)

    def _disbursement(self, payment, payee_fa):
        return {
            "disbursement_envelope_id": payment.disbursement_envelope_id,
            "beneficiary_id": payee_fa,
            "mis_reference_number": str(payment.id),
            "beneficiary_name": payment.partner_id.name,
            "disbursement_amount": payment.amount_issued,
            "narrative": payment.program_id.name,
        }

    def _record_answer(self, batch, answer):
        payments = {str(payment.id): payment for payment in batch.payment_ids}
        for disbursement in answer["message"]:
            payment = payments[disbursement["mis_reference_number"]]
            payment.disbursement_id = disbursement["disbursement_id"]
            payment.dispatch_status = "sent"
            payment.amount_paid = disbursement["disbursement_amount"]
        batch.batch_has_completed = True

    def _call_bridge(self, url, message):
        header = {"version": "1.0.0", "message_id": "string", "sender_id": "string"}
        # The misspelt member is upstream's.
        body = {"siganature": "string", "header": header, "message": message}
        answer = requests.post(url, json=body, timeout=self.api_timeout)
        answer.raise_for_status()
        return answer.json()

    # === PAYEE ===#

    def _get_payee_fa(self, payment):
        """What is sent as `beneficiary_id`. With `reg_id`, an ID that the bridge resolves."""
        self.ensure_one()
        payee = self.get_registrant_or_group_head(payment.partner_id)
        if not payee:
            return None
        accounts = payee.bank_ids
        if self.payee_id_type in ("bank_acc_no", "bank_acc_iban"):
            if not accounts:
                return None
            account = accounts[0]
            number = account.iban if self.payee_id_type == "bank_acc_iban" else account.acc_number
            return f"{self.payee_prefix or ''}{number}@{account.bank_id.bic}"
        if self.payee_id_type in ("phone", "email"):
            value = payee[self.payee_id_type]
            return f"{self.payee_prefix or ''}{value}{self.payee_suffix or ''}" if value else None
        for reg_id in payee.reg_ids:
            if reg_id.id_type == self.reg_id_type_for_payee_id:
                return f"{self.payee_prefix or ''}{reg_id.value}{self.payee_suffix or ''}"
        return None

    def get_registrant_or_group_head(self, partner):
        """A group stands for its head; None where it has none."""
        if not partner.is_group:
            return partner
        head = self.env.ref("g2p_registry_membership.group_membership_kind_head")
        heads = partner.group_membership_ids.filtered(lambda member: head in member.kind)
        return heads[0].individual if heads else None
