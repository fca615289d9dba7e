# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
from datetime import datetime
from uuid import uuid4

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from odoo.addons.g2p_spar_fa_directory.financial_address import FinancialAddress

from ..partner_result import NO_CONNECTOR
from ..secret import SealBroken, SecretKeyMissing, seal, unseal

VIEWER = "g2p_spar_fa_directory.group_viewer"
SEAL_PURPOSE = "payment address"
RESOLVED = "resolved"
REGISTRY = "registry"
UNRESOLVED = "unresolved"
CHANGED = "changed"
# Outcomes of payments beside those of `partner_result`.
ADDRESS_CHANGED = "address_changed"
NUMBER_CHANGED = "number_changed"
NAMED = 5


class G2pSparPayment(models.AbstractModel):
    """Payments of a PBMS whose account SPAR has filled in. For glue to inherit from beside the
    PBMS's own model, which has `entitlement_id`, `partner_id`, `cycle_id`, `batch_id`, `state`,
    `status` and `account_number`.

    What is written here goes past the ORM's ``write``, in one statement for all payments.
    """

    _name = "g2p.spar.payment"
    _description = "Payment to a Person's Own Address"

    # Who may accept an address that has changed: external ids of groups of the PBMS.
    _spar_accepting_groups = ()

    spar_state = fields.Selection(
        [
            (RESOLVED, "Address from SPAR"),
            (REGISTRY, "Account of the Registry"),
            (UNRESOLVED, "No Address"),
            (CHANGED, "Changed Since"),
        ],
        "Financial Address",
        readonly=True,
        copy=False,
        groups=VIEWER,
        help="Where the account number comes from. Empty: SPAR was not asked. Without an address, "
        "and where it has changed since the payment was prepared, the payment is not sent.",
    )
    spar_outcome = fields.Char("SPAR Outcome", readonly=True, copy=False, groups=VIEWER)
    spar_reason = fields.Char("SPAR Reason", readonly=True, copy=False, groups=VIEWER)
    spar_payee_id = fields.Many2one(
        "res.partner",
        "Payee",
        readonly=True,
        copy=False,
        groups=VIEWER,
        help="Who is paid for the beneficiary, such as the head of a household.",
    )
    spar_fa_masked = fields.Char("Address", readonly=True, copy=False, groups=VIEWER)
    spar_provider_name = fields.Char("Provider", readonly=True, copy=False, groups=VIEWER)
    spar_resolved_at = fields.Datetime("Looked Up On", readonly=True, copy=False, groups=VIEWER)
    spar_handed_over_at = fields.Datetime(
        "Handed Over On",
        readonly=True,
        copy=False,
        groups=VIEWER,
        help="When the payment manager was told to send it, whatever came of that.",
    )
    spar_accepted_by_id = fields.Many2one(
        "res.users", "Address Accepted By", readonly=True, copy=False, groups=VIEWER
    )
    # ID, address and number as sealed JSON (of an account of the registry, the number only): what
    # the mapper says later, and what stands in the payment then, is compared with it.
    spar_fa_sealed = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS)

    # === CRUD METHODS === #

    @api.model
    def default_get(self, fields):
        """Override: defaults of the context, or that users keep, are theirs to write, too."""
        values = super().default_get(fields)
        return {name: value for name, value in values.items() if not name.startswith("spar_")}

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._spar_check_written(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._spar_check_written(vals)
        return super().write(vals)

    def _spar_check_written(self, vals):
        """Whoever sees our fields may not write them: they decide what is sent."""
        if not self.env.su and any(name.startswith("spar_") for name in vals):
            raise AccessError(self.env._("What SPAR has filled in cannot be written."))

    # === ACTIONS === #

    def action_spar_accept(self):
        """Pay to the address that the mapper tells now, after somebody has looked into it."""
        return self._spar_accept()

    def action_spar_accept_handed_over(self):
        """The same for payments that were handed over before: whoever does this says that they were
        not paid."""
        return self._spar_accept(handed_over=True)

    def _spar_accept(self, handed_over=False):
        self._spar_check_accepting()
        payments = self.sudo()
        payments.cycle_id._spar_lock()
        payments.entitlement_id.payment_ids.fetch(["status"])
        if not handed_over:
            payments._spar_check_not_handed_over()
        for program, group in payments.grouped("program_id").items():
            manager = self.env["g2p.spar.payment.manager"]._spar_of_program(program)
            group._spar_check_acceptable(manager)
            results = manager._spar_resolve(group.partner_id, self.env._("Accepted by hand"))
            group._spar_check_payable(manager, results)
            group._spar_fill(manager, results)
            group._spar_put_into_new_batches()
        payments._spar_update(
            {
                "spar_accepted_by_id": [self.env.uid] * len(payments),
                "spar_handed_over_at": [None] * len(payments),
            }
        )
        payments._spar_tell_accepted()
        return True

    def _spar_check_acceptable(self, manager):
        """Refuse what is fine as it is, what was sent, and what would be paid twice."""
        for payment in self:
            others = payment.entitlement_id.payment_ids - payment
            waits = payment.spar_state in (False, UNRESOLVED, CHANGED) and payment._spar_is_open()
            if not waits or not manager._spar_is_asked():
                problem = self.env._("it does not wait for an address")
            elif any(other.status != "failed" or other in self for other in others):
                problem = self.env._("its entitlement has another payment")
            else:
                continue
            raise UserError(
                self.env._(
                    "Payment %(payment)s: %(problem)s.", payment=payment.name, problem=problem
                )
            )

    def _spar_check_not_handed_over(self):
        sent = self.filtered(
            lambda payment: payment._spar_is_open() and payment._spar_was_handed_over()
        )
        if sent:
            raise UserError(
                self.env._(
                    "%(count)s payments were handed over before and may have been paid: "
                    "%(payments)s. Find out first. For those that were not paid, choose Accept "
                    "SPAR's Address of Payments Handed Over Before.",
                    count=len(sent),
                    payments=sent._spar_names(),
                )
            )

    def _spar_check_payable(self, manager, results):
        for payment in self:
            result = results[payment.partner_id.id]
            if not manager._spar_is_payable(result):
                raise UserError(
                    self.env._(
                        "Payment %(payment)s: %(problem)s",
                        payment=payment.name,
                        problem=manager._spar_refusal(result)[1],
                    )
                )

    def _spar_put_into_new_batches(self):
        """Those that they came from may have been sent: no manager would look at them again. None
        of them keeps a payment: it would be sent twice."""
        batches = self.batch_id.search([("payment_ids", "in", self.ids)])
        held_in = {payment.id: batch for batch in batches for payment in batch.payment_ids}
        self._spar_take_out(batches)
        for batch, payments in self.grouped(
            lambda payment: payment.batch_id or held_in.get(payment.id)
        ).items():
            if not batch:
                continue
            payments.batch_id = batch.create(
                {
                    "name": str(uuid4()),
                    "cycle_id": batch.cycle_id.id,
                    "tag_id": batch.tag_id.id,
                    "stats_datetime": fields.Datetime.now(),
                    "payment_ids": [Command.set(payments.ids)],
                }
            )

    def _spar_tell_accepted(self):
        for cycle, payments in self.grouped("cycle_id").items():
            cycle.message_post(
                body=self.env._(
                    "%(user)s has accepted the addresses that SPAR tells now for: %(payments)s",
                    user=self.env.user.name,
                    payments=", ".join(payments.mapped("name")),
                )
            )

    # === BUSINESS METHODS === #

    def check_account_status(self):
        """Override: whether the account of each of these payments is still the person's own.

        :rtype: bool
        """
        self.check_access("read")
        payments = self.sudo()
        if not any(payment.spar_state for payment in payments):
            return super().check_account_status()
        self.check_access("write")
        if any(payment.spar_state not in (RESOLVED, REGISTRY) for payment in payments):
            return False
        for program, group in payments.grouped("program_id").items():
            manager = self.env["g2p.spar.payment.manager"]._spar_of_program(program)
            results = manager._spar_resolve(group.partner_id, self.env._("Check of accounts"))
            if any(group._spar_problem(manager, payment, results) for payment in group):
                return False
        return True

    def _spar_fill(self, manager, results):
        """Write what the mapper says of the beneficiaries, by id of `res.partner`.

        A payment without an address fails, and its account number is emptied, whatever it was: the
        next Prepare makes another one for the entitlement.
        """
        rows = [
            self._spar_row(manager, payment, results[payment.partner_id.id]) for payment in self
        ]
        if rows:
            self._spar_update({name: [row[name] for row in rows] for name in rows[0]})

    def _spar_row(self, manager, payment, result):
        row = {
            "spar_state": RESOLVED,
            "spar_outcome": result["outcome"],
            "spar_reason": None,
            "spar_payee_id": result["payee_partner_id"] or None,
            "spar_fa_masked": None,
            "spar_provider_name": None,
            "spar_resolved_at": _moment(result["resolved_at"]),
            "spar_fa_sealed": None,
            "account_number": None,
            "status": None,
        }
        if manager._spar_is_payable(result):
            return row | {
                "spar_fa_masked": _masked(result),
                "spar_provider_name": result["provider_name"],
                "spar_fa_sealed": _sealed(result),
                "account_number": result["number"],
            }
        outcome, reason = manager._spar_refusal(result)
        row |= {"spar_outcome": outcome, "spar_reason": reason}
        if manager._spar_may_fall_back(result) and payment.account_number:
            number = payment.account_number
            return row | {
                "spar_state": REGISTRY,
                "spar_fa_sealed": _sealed({"id": None, "fa": None, "number": number}),
                "account_number": number,
            }
        return row | {"spar_state": UNRESOLVED, "status": "failed"}

    def _spar_enforce(self, batches):
        """Undo what a payment manager has made of these payments after they were filled: numbers of
        its own, and batches with payments that must not be sent."""
        stopped = self._spar_stopped()
        numbers, statuses = {}, {}
        for payment in self:
            number = payment._spar_number(payment._spar_snapshot())
            status = "failed" if payment in stopped else payment.status
            if (number, status) != (payment.account_number, payment.status):
                numbers[payment.id], statuses[payment.id] = number or None, status or None
        self.browse(numbers)._spar_update(
            {"account_number": list(numbers.values()), "status": list(statuses.values())}
        )
        stopped._spar_take_out(batches)

    def _spar_number(self, snapshot):
        """The account number that this payment may have."""
        if snapshot:
            return snapshot["number"] or False
        return False if self.spar_state in (UNRESOLVED, CHANGED) else self.account_number

    def _spar_snapshot(self):
        """What was filled in: `id`, `fa`, `number`, the former two None of an account of the
        registry; None if nothing was."""
        payment = self.sudo()
        if payment.spar_state not in (RESOLVED, REGISTRY):
            return None
        try:
            return json.loads(unseal(payment.spar_fa_sealed or "", SEAL_PURPOSE))
        except (SealBroken, SecretKeyMissing) as error:
            raise UserError(str(error)) from None

    def _spar_stopped(self):
        """Those that must not be sent."""
        return self.filtered(lambda payment: payment.spar_state in (UNRESOLVED, CHANGED))

    def _spar_take_out(self, batches):
        """No manager, known or not, sends what is not in a batch."""
        batches = batches and batches.filtered(lambda batch: batch.payment_ids & self)
        if batches:
            batches.payment_ids = [Command.unlink(id_) for id_ in self.ids]

    # === SENDING === #

    def _spar_check_before_sending(self, manager, batches):
        """Stop the payments of these batches that have no address, or another one by now.

        :param manager: what the model `g2p.spar.payment.manager` knows of the manager
        :raise UserError: where the mapper gives no answer, or SPAR was never asked: nothing is sent
        """
        batches.cycle_id._spar_lock()
        self._spar_stopped()._spar_take_out(batches)
        left = (self - self._spar_stopped())._spar_without_failed(batches)
        waiting = left.filtered(lambda payment: payment._spar_is_open())
        asked = waiting.filtered("spar_state")
        if manager._spar_is_asked():
            (waiting - asked)._spar_refuse_unasked(batches)
            waiting = asked
        results = manager._spar_resolve_before_sending(asked)
        problems = {
            payment.id: problem
            for payment in asked
            if (problem := asked._spar_problem(manager, payment, results))
        }
        stopped = asked.browse(problems)
        stopped._spar_stop(problems, batches)
        (waiting - stopped)._spar_note_handed_over()

    def _spar_without_failed(self, batches):
        """Those that have not failed. For the others Prepare makes new payments, or has made them:
        sent once more, they would be paid twice."""
        failed = self.filtered(lambda payment: payment.status == "failed")
        failed._spar_take_out(batches)
        failed._spar_tell_stopped(self.env._("Failed payments, which were not sent again: %s."))
        return self - failed

    def _spar_refuse_unasked(self, batches):
        """Take those out that went to an account of the registry already."""
        sent = self.filtered(lambda payment: payment._spar_was_handed_over())
        sent._spar_take_out(batches)
        sent._spar_tell_stopped(
            self.env._(
                "Payments that were handed over before SPAR was asked for addresses, which were "
                "not sent again: %s."
            )
        )
        if unasked := self - sent:
            raise UserError(
                self.env._(
                    "Nothing was sent: %(count)s payments were prepared before SPAR was asked for "
                    "addresses, such as %(payment)s. Accept SPAR's address for them, or choose the "
                    "registry as the source.",
                    count=len(unasked),
                    payment=unasked[0].name,
                )
            )

    def _spar_problem(self, manager, payment, results):
        """Why a payment must not be sent: outcome and text, None if it may.

        :param results: what the mapper says now; None if it was not asked
        """
        before = payment._spar_snapshot()
        if payment.account_number != payment._spar_number(before):
            return NUMBER_CHANGED, self.env._("The account number was changed after it was filled.")
        if results is None:
            return None
        result = results[payment.partner_id.id]
        if payment.spar_state == REGISTRY:
            if manager._spar_may_fall_back(result):
                return None
            if result["outcome"] == NO_CONNECTOR:
                return manager._spar_refusal(result)
            return ADDRESS_CHANGED, self.env._("Meanwhile the person has, or had, an own address.")
        if not manager._spar_is_payable(result):
            return manager._spar_refusal(result)
        if any(result[name] != before[name] for name in before):
            return ADDRESS_CHANGED, self.env._("The address has changed since it was filled in.")
        return None

    def _spar_stop(self, problems, batches):
        """Fail these payments; those that were handed over before may have been paid: they are only
        held back, and no other one is made until somebody decides."""
        if not self:
            return
        held = self.env._("It was handed over on %s: find out whether it was paid.")
        rows = []
        for payment in self:
            outcome, reason = problems[payment.id]
            handed_over_at = payment.spar_handed_over_at
            if handed_over_at:
                reason = f"{reason} {held % handed_over_at}"
            status = payment.status or None if handed_over_at else "failed"
            rows.append((CHANGED, outcome, reason, None, status))
        names = ("spar_state", "spar_outcome", "spar_reason", "account_number", "status")
        self._spar_update(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
        self._spar_take_out(batches)
        unknown = self.filtered(lambda payment: payment.spar_outcome == NO_CONNECTOR)
        unknown._spar_tell_stopped(
            self.env._("Payments of people with no mapper to ask, which were not sent: %s.")
        )
        (self - unknown)._spar_tell_stopped(
            self.env._("Payments whose financial address has changed, which were not sent: %s.")
        )

    def _spar_tell_stopped(self, text):
        """Tell payment staff, who do not see our fields, how many and which they are."""
        for cycle, payments in self.grouped("cycle_id").items():
            said = f"{text % len(payments)} {payments._spar_names()}"
            cycle.message_post(body=said)

    def _spar_names(self):
        """Names of the first few."""
        return ", ".join(self[:NAMED].mapped("name")) + ("…" if len(self) > NAMED else "")

    def _spar_note_handed_over(self):
        if self:
            self._spar_update({"spar_handed_over_at": [fields.Datetime.now()] * len(self)})

    def _spar_update(self, values):
        """Write columns of these payments in one statement, whose parameters no log gets to see.

        :param values: by name of the field, a value for each payment
        """
        if not self:
            return
        self.flush_recordset(list(values))
        names = [*values, "write_uid", "write_date"]
        now = fields.Datetime.now()
        columns = [list(self.ids), *values.values()]
        columns += [[self.env.uid] * len(self), [now] * len(self)]
        types = ["int4", *(self._fields[name].column_type[0] for name in names)]
        query = SQL(
            "UPDATE %s AS payment SET %s FROM unnest(%s) AS new(id, %s) WHERE payment.id = new.id",
            SQL.identifier(self._table),
            SQL(", ").join(
                SQL("%s = new.%s", SQL.identifier(name), SQL.identifier(name)) for name in names
            ),
            SQL(", ").join(
                SQL("%s::%s[]", column, SQL.identifier(type_))
                for column, type_ in zip(columns, types, strict=True)
            ),
            SQL(", ").join(map(SQL.identifier, names)),
        )
        self.env.cr.execute(query, log_exceptions=False)
        self.invalidate_recordset(names)
        self.modified(names)

    def _spar_fail_unresolved(self):
        """Those without an address whose status somebody has cleared: nobody would ever be paid."""
        cleared = self.filtered(lambda payment: payment.spar_state == UNRESOLVED)
        cleared = cleared.filtered(lambda payment: not payment.status)
        cleared._spar_update({"status": ["failed"] * len(cleared)})

    def _spar_check_accepting(self):
        self.check_access("write")
        groups = self._spar_accepting_groups
        if not self.env.su and not any(map(self.env.user.has_group, groups)):
            raise AccessError(self.env._("Your role does not allow to accept addresses."))

    def _spar_was_handed_over(self):
        """Whether it may have been paid. A batch that has started tells so of payments from before
        anybody took notes of it, not of those that were stopped there."""
        if self.status == "failed":
            return False
        has_started = not self.spar_state and getattr(self.batch_id, "batch_has_started", False)
        return bool(self.spar_handed_over_at or has_started)

    # === HOOKS === #

    def _spar_is_open(self):
        """Whether the payment may still be sent. To be extended by glue whose payment manager keeps
        a record of what it has sent elsewhere."""
        return self.state == "issued" and self.status != "paid"


def _masked(result):
    return FinancialAddress(
        result["fa"],
        fa_type=result["fa_type"],
        provider_code=result["provider_code"],
        number=result["number"],
    ).masked


def _sealed(result):
    snapshot = {name: result[name] for name in ("id", "fa", "number")}
    try:
        return seal(json.dumps(snapshot).encode(), SEAL_PURPOSE)
    except SecretKeyMissing as error:
        raise UserError(str(error)) from None


def _moment(text):
    """A UTC time as Odoo stores it."""
    return datetime.fromisoformat(text).replace(tzinfo=None) if text else None
