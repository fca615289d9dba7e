# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..g2p_connect.values import Outcome
from ..partner_result import ID_MISSING, NO_PAYEE, UNAVAILABLE, is_payable

FROM_REGISTRY = "registry"
FROM_SPAR = "spar"
FROM_SPAR_THEN_REGISTRY = "spar_then_registry"
NO_NUMBER = "no_number"
NAMED = 5
# Outcomes that say something of the person, and not of the mapper or the way to it.
_TOLD = (
    Outcome.ID_ACTIVE,
    Outcome.ID_INACTIVE,
    Outcome.ID_NOT_FOUND,
    Outcome.ID_INVALID,
    ID_MISSING,
    NO_PAYEE,
)


class G2pSparPaymentManager(models.AbstractModel):
    """Payment managers of a PBMS that pay to the address which the person chose. For glue to
    inherit from beside the PBMS's default payment manager; `payment_guard` watches over what
    managers that inherit from that one make of it.

    The empty recordset of this model stands for a manager that knows nothing of SPAR.

    No field is required but in views: tables of managers that are made after the default one keep
    the columns when the glue is uninstalled. Empty is as the default has it.
    """

    _name = "g2p.spar.payment.manager"
    _description = "Payment Manager with SPAR"

    fa_source = fields.Selection(
        [
            (FROM_REGISTRY, "Registry"),
            (FROM_SPAR, "SPAR"),
            (FROM_SPAR_THEN_REGISTRY, "SPAR, then Registry"),
        ],
        "Account From",
        default=FROM_REGISTRY,
        help="Registry: the first bank account on record. SPAR: the address that the person chose. "
        "SPAR, then Registry: the registry's for people who have never been linked; never for "
        "those whose address was removed or suspended, nor where the mapper cannot tell or does "
        "not answer.",
    )
    spar_id_rule_id = fields.Many2one(
        "g2p.spar.id.rule",
        "ID Rule",
        ondelete="restrict",
        help="Empty: the first rule that gives a person an ID.",
    )
    spar_unresolved_policy = fields.Selection(
        [
            ("fail", "Fail; Retry at the Next Prepare"),
            ("skip", "Make No Payment"),
            ("block", "Prepare Nothing"),
        ],
        "People Without Address",
        default="fail",
    )
    spar_check_on_send = fields.Boolean(
        "Check Again When Sending",
        default=True,
        help="A payment whose address was changed, removed or suspended since it was prepared is "
        "not sent. Nothing is sent while the mapper does not answer.",
    )

    # === BUSINESS METHODS === #

    def _prepare_payments(self, cycle, entitlements):
        """Override: fill in the addresses that the mapper tells now."""
        if not self._spar_is_asked():
            return super()._prepare_payments(cycle, entitlements)
        self._spar_check_preparing(entitlements)
        cycle._spar_lock()
        payable = self._spar_payable(entitlements)
        payable.payment_ids.sudo()._spar_fail_unresolved()
        purpose = self.env._("Payments of %s", cycle.name)
        results = self._spar_resolve(payable.partner_id, purpose)
        entitlements -= self._spar_apply_policy(cycle, payable, results)
        payments, batches = super()._prepare_payments(cycle, entitlements) or (None, None)
        if payments:
            unasked = payments.partner_id.filtered(lambda partner: partner.id not in results)
            if unasked:
                results |= self._spar_resolve(unasked, purpose)
            payments.sudo()._spar_fill(self, results)
            stopped = payments.sudo()._spar_stopped()
            stopped._spar_take_out(batches and batches.sudo())
            stopped._spar_tell_stopped(
                self.env._("Payments without a financial address, which were not issued: %s.")
            )
        return payments, batches

    def validate_accounts(self, entitlements):
        """Override, which nothing upstream implements: whose entitlements cannot be paid now.

        :return: `entitlement_id`, `partner_id`, `outcome` (as in results of `resolve_partners`)
            and `reason` of each of them
        :rtype: list[dict]
        """
        self._spar_check_preparing(entitlements)
        results = {}
        if self._spar_is_asked():
            purpose = self.env._("Check of accounts")
            results = self._spar_resolve(entitlements.partner_id, purpose)
        problems = []
        for entitlement in entitlements:
            partner = entitlement.partner_id
            if problem := self._spar_account_problem(partner, results.get(partner.id)):
                outcome, reason = problem
                problems.append(
                    {
                        "entitlement_id": entitlement.id,
                        "partner_id": partner.id,
                        "outcome": outcome,
                        "reason": reason,
                    }
                )
        return problems

    def _spar_account_number(self, partner):
        """The account number to which the person is paid now; False if there is none."""
        if self._spar_is_asked():
            purpose = self.env._("Account of a beneficiary")
            result = self._spar_resolve(partner, purpose)[partner.id]
            if self._spar_is_payable(result):
                return result["number"]
            if not self._spar_may_fall_back(result):
                return False
        return partner.sudo().bank_ids[:1].acc_number

    @api.model
    def _spar_of_program(self, program):
        """The payment manager of a programme; the empty recordset if it knows nothing of SPAR."""
        manager = self._spar_like(program.get_manager(program.MANAGER_PAYMENT))
        return manager.with_company(program.sudo().company_id)

    @api.model
    def _spar_like(self, manager):
        knows_spar = manager and "fa_source" in manager._fields
        return manager.sudo() if knows_spar else self.env["g2p.spar.payment.manager"]

    def _spar_is_asked(self):
        """Whether addresses come from SPAR, as far as it has them."""
        return self.fa_source in (FROM_SPAR, FROM_SPAR_THEN_REGISTRY)

    def _spar_resolve(self, partners, purpose):
        """What the mapper says of these contacts, by id: see ``resolve_partners``. May be called by
        whoever prepares or sends payments: that is checked before. Mapper and rules are those of
        the programme's company, whatever the user has chosen."""
        rule = self.sudo().spar_id_rule_id
        connectors = self.env["g2p.spar.connector"].sudo()
        if self:
            connectors = connectors.with_company(self.sudo().program_id.company_id)
        return connectors.resolve_partners(partners.sudo(), rule=rule or None, purpose=purpose)

    def _spar_resolve_before_sending(self, payments):
        """What the mapper says now of those who are to be paid; None where it is not to be asked.

        :raise UserError: it gives no answer
        """
        if self and not self.spar_check_on_send:
            return None
        partners = payments.partner_id
        of_programme = self.with_company(payments.program_id.company_id[:1])
        results = of_programme._spar_resolve(partners, self.env._("Sending of payments"))
        silent = partners.filtered(lambda one: results[one.id]["outcome"] == UNAVAILABLE)
        if not any(result["outcome"] in _TOLD for result in results.values()):
            silent = partners
        if silent:
            raise UserError(
                self.env._(
                    "Nothing was sent: the mapper gives no answer for %(count)s of %(all)s people "
                    "(payments %(payments)s). %(message)s",
                    count=len(silent),
                    all=len(partners),
                    payments=payments.filtered(
                        lambda payment: payment.partner_id in silent
                    )._spar_names(),
                    message=results[silent[0].id]["message"] or "",
                ).strip()
            )
        return results

    # === POLICY === #

    def _spar_is_payable(self, result):
        return is_payable(result) and bool(result["number"] or not self._spar_needs_number())

    def _spar_may_fall_back(self, result):
        """Whether the registry's account may stand in: for people whom the mapper never knew."""
        never_linked = result["outcome"] == Outcome.ID_NOT_FOUND and result["never_linked"] is True
        return never_linked and self.fa_source != FROM_SPAR

    def _spar_refusal(self, result):
        """Why there is nothing to pay to: outcome and readable text."""
        if is_payable(result):
            return NO_NUMBER, self.env._("The address has no number that can be read from it.")
        return result["outcome"], result["message"]

    def _spar_account_problem(self, partner, result):
        """Why a person cannot be paid now: outcome and text; None if there is an account.

        :param result: what the mapper says; None where it is not asked
        """
        if result and self._spar_is_payable(result):
            return None
        if (not result or self._spar_may_fall_back(result)) and partner.bank_ids[:1].acc_number:
            return None
        if result:
            return self._spar_refusal(result)
        return "no_account", self.env._("There is no bank account on record.")

    def _spar_payable(self, entitlements):
        """Those for which upstream makes a payment: unpaid ones that one of the tags is for."""
        unpaid = self._spar_unpaid(entitlements)
        tagged = unpaid.browse()
        for tag in self.batch_tag_ids:
            tagged |= unpaid.filtered_domain(self._safe_eval(tag.domain or "[]"))
        return tagged

    def _spar_unpaid(self, entitlements):
        """Those that have no payment, or only ones that failed or have no address, which fail again
        where somebody has cleared their status."""
        return entitlements.filtered(
            lambda entitlement: all(
                payment.status == "failed"
                or (not payment.status and payment.spar_state == "unresolved")
                for payment in entitlement.payment_ids.sudo()
            )
        )

    def _spar_apply_policy(self, cycle, payable, results):
        """Those of these entitlements for which no payment is to be made, as this manager has it
        for people without address."""
        without = payable.filtered(
            lambda entitlement: self._spar_account_problem(
                entitlement.partner_id, results[entitlement.partner_id.id]
            )
        )
        if without and self.spar_unresolved_policy == "block":
            raise UserError(self._spar_block_text(without, payable))
        if self.spar_unresolved_policy == "skip":
            self._spar_tell_skipped(cycle, without, results)
            return without
        return self._spar_fail_again(without, results)

    def _spar_tell_skipped(self, cycle, without, results):
        """Tell payment staff how many get no payment, and why."""
        if not without:
            return
        reasons = Counter(
            self._spar_account_problem(partner, results[partner.id])[1] or ""
            for partner in without.partner_id
        )
        cycle.sudo().message_post(
            body=self.env._(
                "No payment was made for %(count)s people: %(reasons)s",
                count=len(without.partner_id),
                reasons=" ".join(
                    f"{reason} ({count})" for reason, count in reasons.most_common(NAMED)
                ),
            )
        )

    def _spar_fail_again(self, entitlements, results):
        """Those that have a payment without address already: another one would tell no more. What
        is said of it is brought up to date."""
        failed = entitlements.payment_ids.sudo()._spar_stopped()
        failed = failed.filtered(lambda payment: payment.spar_state == "unresolved")
        failed._spar_fill(self, results)
        return failed.entitlement_id.with_env(self.env)

    def _spar_block_text(self, without, payable):
        names = without.partner_id[:NAMED].mapped("display_name")
        return self.env._(
            "No payment was prepared: %(count)s of %(all)s people have no financial address to pay "
            "to, such as %(names)s.",
            count=len(without.partner_id),
            all=len(payable.partner_id),
            names=", ".join(names),
        )

    def _spar_check_preparing(self, entitlements):
        """Who has an account, and who has not, is for those who make payments."""
        payments = entitlements._fields["payment_ids"].comodel_name
        self.env[payments].check_access("create")

    # === HOOKS === #

    def _spar_needs_number(self):
        """Whether only an address with a number can be paid to: all but managers that send IDs, or
        whole addresses."""
        return True
