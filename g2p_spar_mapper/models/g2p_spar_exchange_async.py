# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
import uuid
import zlib
from datetime import UTC, datetime

import orjson

from odoo import api, models

from odoo.addons.g2p_spar_connector.g2p_connect import ack, envelope, fa_format
from odoo.addons.g2p_spar_connector.g2p_connect.errors import EnvelopeError, HeaderRejected
from odoo.addons.g2p_spar_connector.g2p_connect.members import Malformed
from odoo.addons.g2p_spar_connector.g2p_connect.values import Header, Outcome, Result
from odoo.addons.g2p_spar_connector.safe_log import describe
from odoo.addons.g2p_spar_connector.secret import digester
from odoo.addons.g2p_spar_fa_directory.ids import id_key

from .. import lane
from ..asynchronous import Arrival
from ..callback_address import CallbackAddressRefused
from ..stored_chunk import NOBODY
from .g2p_spar_exchange import Body, _digest, _payload

_logger = logging.getLogger(__name__)

CHUNK_ITEMS = 1000
# The members of a look-up's item that only scope details tells.
DETAILS = frozenset({"fa", "account_provider_info", "additional_info"})


class G2pSparExchange(models.AbstractModel):
    """Asynchronous messages: acknowledged now, carried out in chunks, told by a callback."""

    _inherit = "g2p.spar.exchange"

    # === RECEIPT === #

    @api.private
    def receive(self, participant, operation, body):
        """Acknowledge an asynchronous message of G2P-Connect and put it on record for the lanes.

        What is acknowledged is on record once the transaction is committed; a retry of the message
        gets the same acknowledgement.

        :param ParticipantProfile participant: who sent it; the authenticator has seen to that.
        :param str operation: the path's, as a bare word.
        :param body: like that of ``answer``.
        :return: ACK; NACK where the results can be told by no callback; ERR with 400 for an
            envelope that cannot be read, with 200 where its header rejects the message.
        :rtype: Reply
        :raise SparHttpError: 403, the message names another sender; 429.
        """

        def put_on_record(now):
            return self._put_on_record(participant, operation, body, now)

        body = Body(body) if isinstance(body, bytes) else body
        self.env["g2p.spar.rate.limit"].check(participant, operation)
        return self._acknowledge(participant, put_on_record)

    def _acknowledge(self, participant, put_on_record):
        """:param put_on_record: called with the time; returns the ``Receipt``."""
        now = datetime.now(UTC)
        try:
            receipt = put_on_record(now)
        except EnvelopeError as error:
            return self._reply_err(participant, 400, error.code, error.message, now)
        except HeaderRejected as error:
            text = f"{error.code}: {error.message}"
            return self._reply_err(participant, 200, "err.request.bad", text, now)
        # OpenG2P's clients take NACK for a refusal
        told = "ACK" if receipt.callback_url or participant.profile != "strict" else "NACK"
        answer = ack.render_ack(told, receipt.correlation_id, receipt.received_at)
        return self._reply(participant, 200, answer)

    def _put_on_record(self, participant, operation, body, now):
        payload = _payload(body)
        header, transaction_id, raw_items = envelope.check_request(
            payload,
            operation,
            participant.profile,
            max_items=participant.max_items,
            now=now,
            ts_window=self._ts_window(),
        )
        self._check_header(participant, operation, header, now, scopes=map(_scope, raw_items))
        arrival = Arrival(
            operation=operation,
            profile=participant.profile,
            message_id=header.message_id,
            transaction_id=transaction_id,
            receiver_id=header.receiver_id,
            callback_url=self._callback_address(participant, operation, header),
            # never taken for a retry of the same message on a synchronous path
            digest=_digest(f"asynchronous {header.action}", envelope.message_of(payload)),
            item_count=len(raw_items),
            raw=body.raw,
            received_at=now,
            replay_checked=self._is_replay_checked(participant),
            signed_by=participant.signed_by,
            reference_ids=[_reference_id(item) for item in raw_items],
        )
        messages = self.env["g2p.spar.message"]
        receipt = messages.enqueue(participant.id, arrival)
        if receipt is None:
            return self._first_receipt(participant, arrival, header)
        self.env["g2p.spar.message.queue"].wake()
        self.env["g2p.spar.rate.limit"].charge_receipt(participant, operation, arrival.item_count)
        return receipt

    def _callback_address(self, participant, operation, header):
        try:
            return participant.callbacks.address(operation, header.sender_uri, participant.profile)
        except CallbackAddressRefused as error:
            text = f"header.sender_uri: {error}"
            raise EnvelopeError(text, header, "err.sender_uri.invalid") from None

    def _first_receipt(self, participant, arrival, header):
        receipt = self.env["g2p.spar.message"].first_receipt(
            participant.id, arrival.message_id, arrival.digest
        )
        if receipt is None:
            text = "message_id: was used before, for another message"
            raise HeaderRejected("rjct.message_id.duplicate", text, header)
        return receipt

    def _reply_err(self, participant, status, code, text, now):
        answer = ack.render_error(code, text, str(uuid.uuid4()), now)
        return self._reply(participant, status, answer)

    # === LANES === #

    @api.private
    def read_accepted(self, work):
        """Read what a message says, whose envelope was checked when it came.

        :param Work work:
        :return: None when it cannot be read any more.
        :rtype: Request | None
        """
        try:
            raw = self.env["g2p.spar.message"].payload_of(work.id) or b""
            return envelope.parse_accepted(orjson.loads(raw), work.operation, work.profile)
        except (zlib.error, ValueError, KeyError, TypeError, AttributeError, Malformed) as error:
            _logger.error("Message %s cannot be read: %s", work.id, describe(error))
            return None

    @api.private
    def carry_out_chunk(self, work, request, mode):
        """Carry out the next items of a message, and keep their results in the same transaction.

        Where that was the last of them, the callback is scheduled in it too.

        :param Work work:
        :param Request request: what the message says.
        :param str mode: ``together``; ``singly`` where one of them may be unlike the others;
            ``give up`` where even that failed: they are answered without being done.
        :return: whether these were the last of them.
        :rtype: bool
        """
        chunk = request._replace(items=request.items[work.done_count :][:CHUNK_ITEMS])
        participant = self.env["g2p.spar.participant"].get_profile(work.participant_id)
        if mode == "give up":
            results = [_not_done(item, Outcome.RETRY) for item in chunk.items]
        elif mode == "singly":
            results = self._carry_out_singly(participant, work, chunk)
        else:
            results = self._carry_out(participant, work, chunk)
        self.env["g2p.spar.rate.limit"].charge(
            participant, work.operation, results, prepaid=len(results)
        )
        if not work.done_count:
            self.env["g2p.spar.message"].begin(work.id)
        return self._keep(work, chunk, results)

    def _carry_out_singly(self, participant, work, chunk):
        results = []
        for item in chunk.items:
            try:
                with self.env.cr.savepoint():
                    results += self._carry_out(participant, work, chunk._replace(items=[item]))
            except Exception as error:  # noqa: BLE001 - whatever it is, the others are done
                if lane.is_passing(error):
                    raise
                _logger.error("Message %s: an item failed: %s", work.id, describe(error))
                results.append(_not_done(item, Outcome.RETRY))
        return results

    def _carry_out(self, participant, work, chunk):
        """:rtype: list[Result]"""
        if participant.secret_version is None or (
            work.operation not in participant.authority.operations
        ):  # archived, or not allowed to any more
            return [_not_done(item, Outcome.ID_NOT_ALLOWED) for item in chunk.items]
        actor = self._actor(participant, chunk, work.id)
        mapper = self.env["g2p.spar.mapper"]
        if work.operation != "resolve":
            return getattr(mapper, f"{work.operation}_items")(actor, chunk.items)
        parts = participant.fa_format != "string"
        results = mapper.resolve_items(actor, chunk.items, parts=parts)
        return fa_format.tell(results, participant.fa_format)

    def _keep(self, work, chunk, results):
        answer = envelope.render_answer(chunk, results, work.profile, now=datetime.now(UTC))
        digest = digester("id")
        done = self.env["g2p.spar.message"].finish_chunk(
            work,
            answer["message"][f"{work.operation}_response"],
            sum(result.succeeded for result in results),
            b"".join(digest(id_key(item.id)) if item.id else NOBODY for item in chunk.items),
        )
        if done:
            self.env["g2p.spar.callback"].schedule(work.id)
        return done

    # === CALLBACKS === #

    @api.private
    def callback_body(self, callback):
        """What a callback says: the same each time, but for the time.

        :param callback: record.
        :return: bytes to send as they are and HTTP headers; None when the results are purged.
        :rtype: tuple[bytes, dict[str, str]] | None
        """
        message = callback.message_id
        results = self.env["g2p.spar.message"].results_of(message.id)
        if results is None:
            return None
        participant = self.env["g2p.spar.participant"].get_profile(message.participant_id.id)
        results = self._without_withdrawn(participant, message.operation, results)
        header = self._callback_header(callback, participant)
        told = {
            "transaction_id": message.transaction_id or "",
            "correlation_id": message.correlation_id,
            f"{message.operation}_response": results,
        }
        body = envelope.render_callback(
            header,
            message.operation,
            message.profile,
            told,
            total_count=message.item_count,
            now=datetime.now(UTC),
        )
        return self._reply(participant, 200, body)[1:]

    def _without_withdrawn(self, participant, operation, results):
        """What is told today of stored items: no address to who may not see any more."""
        if operation != "resolve" or participant.authority.details:
            return results
        return [
            {name: value for name, value in item.items() if name not in DETAILS} for item in results
        ]

    def _callback_header(self, callback, participant):
        """Of the message that is answered, but for its id."""
        return Header(
            message_id=callback.callback_message_id,
            sender_id=participant.sender_id,
            receiver_id=callback.message_id.receiver_id or None,
        )

    @api.private
    def probe_body(self, participant):
        """A message for a callback address that asks for nothing and tells nothing.

        :param participant: record.
        :rtype: tuple[bytes, dict[str, str]]
        """
        profile = self.env["g2p.spar.participant"].get_profile(participant.id)
        header = Header(message_id=str(uuid.uuid4()), sender_id=participant.sender_id)
        told = {"transaction_id": "test", "link_response": []}
        body = envelope.render_callback(
            header, "link", profile.profile, told, total_count=0, now=datetime.now(UTC)
        )
        body["header"]["action"] = "txn-on-status"
        body["message"] = {
            "transaction_id": "test",
            "correlation_id": header.message_id,
            "txnstatus_response": {"txn_type": "on-link", "txn_status": body["message"]},
        }
        return self._reply(profile, 200, body)[1:]


def _reference_id(raw_item):
    value = raw_item.get("reference_id") if isinstance(raw_item, dict) else None
    return value if isinstance(value, str) else None


def _scope(raw_item):
    return (raw_item.get("scope") or "yes_no") if isinstance(raw_item, dict) else None


def _not_done(item, outcome):
    return Result(item.reference_id, outcome, id=item.id or None, fa=item.fa or None)
