# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import UTC, datetime

from odoo import api, fields, models

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.g2p_connect import envelope, jsonio, txn_status
from odoo.addons.g2p_spar_connector.g2p_connect.codes import outcome_of
from odoo.addons.g2p_spar_connector.g2p_connect.envelope import STATUS_ACTION
from odoo.addons.g2p_spar_connector.g2p_connect.errors import EnvelopeError, HeaderRejected
from odoo.addons.g2p_spar_connector.g2p_connect.txn_status import TransactionStatus
from odoo.addons.g2p_spar_connector.g2p_connect.values import Outcome

from ..api import STATUS_SCOPE
from ..asynchronous import Arrival
from .g2p_spar_exchange import Body, _digest, _payload
from .g2p_spar_rate_limit import TooManyRequests


class G2pSparExchange(models.AbstractModel):
    """What became of messages, asked by those who sent them.

    What is not on record and what another participant sent is told in the same way. Synchronous
    look-ups are never on record.
    """

    _inherit = "g2p.spar.exchange"

    @api.private
    def answer_status(self, participant, operations, body):
        """Answer a synchronous question for the status of messages.

        :param ParticipantProfile participant: who asks; the authenticator has seen to that.
        :param frozenset operations: what this request may call.
        :param body: like that of ``answer``.
        :return: like ``answer``.
        :rtype: Reply
        :raise SparHttpError: 403, the message names another sender, or asks for what it may not.
        """
        now, profile = datetime.now(UTC), participant.profile
        body = Body(body) if isinstance(body, bytes) else body
        try:
            self.env["g2p.spar.rate.limit"].check(participant, "resolve")
            question = self._read_question(participant, operations, _payload(body), now)
            found = self._find_status(participant, question, now)
            self._charge_status(participant, question, found)
            return self._reply(participant, 200, self._tell_status(participant, question, found))
        except EnvelopeError as error:
            answer = envelope.render_envelope_error(error, STATUS_ACTION, profile, now=now)
            return self._reply(participant, 400, answer)
        except HeaderRejected as error:
            answer = envelope.render_header_rejection(error, STATUS_ACTION, profile, now=now)
            return self._reply(participant, 200, answer)
        except TooManyRequests as error:
            return self._too_many(participant, STATUS_ACTION, envelope, body, error, now)

    @api.private
    def receive_status(self, participant, operations, body):
        """Acknowledge an asynchronous question for the status of messages.

        :param ParticipantProfile participant: who asks; the authenticator has seen to that.
        :param frozenset operations: what this request may call.
        :param body: like that of ``answer``.
        :return: like ``receive``.
        :rtype: Reply
        :raise SparHttpError: 403, the message names another sender, or asks for what it may not;
            429.
        """

        def put_on_record(now):
            return self._keep_question(participant, operations, body, now)

        body = Body(body) if isinstance(body, bytes) else body
        self.env["g2p.spar.rate.limit"].check(participant, "resolve")
        return self._acknowledge(participant, put_on_record)

    def _keep_question(self, participant, operations, body, now):
        """:rtype: Receipt"""
        payload = _payload(body)
        question = self._read_question(participant, operations, payload, now)
        header = question.header
        arrival = Arrival(
            operation="status",
            profile=participant.profile,
            message_id=header.message_id,
            transaction_id=question.transaction_id,
            receiver_id=header.receiver_id,
            callback_url=self._callback_address(participant, "status", header),
            digest=_digest(f"asynchronous {header.action}", envelope.message_of(payload)),
            item_count=1,
            raw=body.raw,
            received_at=now,
            replay_checked=self._is_replay_checked(participant),
            signed_by=participant.signed_by,
        )
        receipt = self.env["g2p.spar.message"].keep_question(participant.id, arrival)
        if receipt is None:
            return self._first_receipt(participant, arrival, header)
        asked = _asked_count(question)
        self.env["g2p.spar.rate.limit"].charge_receipt(participant, "resolve", asked)
        return receipt

    @api.private
    def callback_body(self, callback):
        if callback.message_id.operation != "status":
            return super().callback_body(callback)
        message = callback.message_id
        payload = self.env["g2p.spar.message"].payload_of(message.id)
        if payload is None:
            return None
        participant = self.env["g2p.spar.participant"].get_profile(message.participant_id.id)
        header = self._callback_header(callback, participant)
        question = txn_status.parse_accepted(jsonio.loads(payload), header, message.profile)
        profile = participant._replace(profile=message.profile)
        found = self._find_status(profile, question, datetime.now(UTC))
        if callback.try_count <= 1:  # the others are the same question
            self._charge_status(profile, question, found, prepaid=_asked_count(question))
        told = self._tell_status(profile, question, found, message.correlation_id)
        return self._reply(participant, 200, told)[1:]

    def _read_question(self, participant, operations, payload, now):
        """:rtype: StatusRequest"""
        question = txn_status.parse_request(
            payload,
            participant.profile,
            max_items=participant.max_items,
            now=now,
            ts_window=self._ts_window(),
        )
        self._check_header(participant, "resolve", question.header, now)
        operation = question.txn_type
        if operation not in participant.authority.operations or operations.isdisjoint(
            (operation, STATUS_SCOPE)
        ):
            raise SparHttpError(
                403, "err.request.forbidden", f"The status of mapper.{operation} is not granted."
            )
        return question

    def _find_status(self, participant, question, now):
        """:rtype: TransactionStatus | None"""
        if question.txn_type not in participant.authority.operations:  # not any more
            return None
        if question.attribute_type == "reference_id_list":
            found = self._status_of_references(participant, question, now)
        else:
            found = self._status_of_messages(participant, question)
        if found is None:
            return None
        results = self._without_withdrawn(participant, found.txn_type, found.results)
        return found._replace(results=results)

    def _charge_status(self, participant, question, found, prepaid=1):
        told = found.results if found else ()
        missing_count = int(found is None)
        if question.attribute_type == "reference_id_list":
            missing_count = len(
                set(question.attribute_value).difference(item["reference_id"] for item in told)
            )
        self.env["g2p.spar.rate.limit"].charge_status(
            participant, len(told), missing_count, prepaid
        )

    def _tell_status(self, participant, question, found, correlation_id=None):
        """:param correlation_id: of the acknowledged question, where it was asynchronous."""
        now = datetime.now(UTC)
        if found is None:
            return txn_status.render_not_found(question, participant.profile, now=now)
        if found.txn_type == "resolve" and found.results:
            self._audit_status(participant, question, found.results)
        if participant.profile == "strict":  # of an envelope that has nulls
            results = [_without_nulls(item) for item in found.results]
            found = found._replace(results=results)
        return txn_status.render_answer(
            question, found, participant.profile, now=now, correlation_id=correlation_id
        )

    def _audit_status(self, participant, question, items):
        """Spool that what was looked up is told once more."""
        self.env["g2p.spar.access.log"].append(
            {
                "kind": "resolve",
                "participant_id": participant.id,
                "actor_name": participant.name,
                "purpose": f"status of {question.attribute_type}, "
                f"transaction {question.transaction_id}",
                "item_count": len(items),
                "found_count": sum(_is_found(item, participant.profile) for item in items),
                "shown_count": sum(bool(item.get("fa")) for item in items),
                "happened_at": fields.Datetime.to_string(fields.Datetime.now()),
            }
        )

    def _status_of_messages(self, participant, question):
        messages = self.env["g2p.spar.message"]
        attribute = {question.attribute_type: question.attribute_value}
        newest = messages.find(participant.id, question.txn_type, **attribute)
        if not newest:
            return None
        records = newest[::-1]
        told = messages.told_of(records)
        results = [told[record.id].results for record in records]
        total = sum(record.item_count for record in records)
        # of what is told, which a lane may have added to since
        completed = sum(
            record.done_count if items is None else len(items)
            for record, items in zip(records, results, strict=True)
        )
        status = _status(records, completed, total)
        return TransactionStatus(
            txn_type=question.txn_type,
            transaction_id=_common(record.transaction_id for record in records),
            correlation_id=_common(record.correlation_id for record in records),
            status=status,
            total_count=total,
            completed_count=completed,
            results=[item for items in results for item in items or ()],
            note=_note(status, results),
        )

    def _status_of_references(self, participant, question, now):
        found = self.env["g2p.spar.message"].find_references(
            participant.id,
            question.txn_type,
            question.attribute_value,
            question.transaction_id,
        )
        if not found:
            return None
        results, unfinished = [], 0
        for reference_id in question.attribute_value:
            if reference_id in found:
                _record, items = found[reference_id]
                unfinished += not items
                results += items or [_unfinished_item(reference_id, now)]
        records = {record.id: record for record, _items in found.values()}.values()
        missing = len(question.attribute_value) - len(found)
        return TransactionStatus(
            txn_type=question.txn_type,
            transaction_id=_common(record.transaction_id for record in records),
            correlation_id=_common(record.correlation_id for record in records),
            status="pdng" if unfinished else "succ",
            total_count=len(results),
            completed_count=len(results) - unfinished,
            results=results,
            note=f"{missing} of the reference ids are not on record" if missing else None,
        )


def _asked_count(question):
    """How much is looked for."""
    references = question.attribute_type == "reference_id_list"
    return len(question.attribute_value) if references else 1


def _is_found(item, profile):
    told = (item["status"], item.get("status_reason_code"), item.get("status_reason_message"))
    outcome = outcome_of("resolve", *told, profile)
    return outcome in (Outcome.ID_ACTIVE, Outcome.FA_ACTIVE)


def _status(records, completed, total):
    if completed >= total:
        return "succ"
    waiting = any(record.state in ("queued", "running") for record in records)
    return "pdng" if waiting else "rjct"


def _note(status, results):
    if None in results:
        return "Results are no longer kept"
    if status == "rjct":
        return "The items without a result were not done; send them again"
    return None


def _common(values):
    """The value that all of them have, else an empty one."""
    different = set(values)
    return different.pop() or "" if len(different) == 1 else ""


def _unfinished_item(reference_id, now):
    timestamp = now.isoformat(timespec="milliseconds")
    return {"reference_id": reference_id, "timestamp": timestamp, "status": "pdng"}


def _without_nulls(item):
    return {name: value for name, value in item.items() if value is not None}
