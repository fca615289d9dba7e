# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

import orjson

from odoo import api, models, tools

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.g2p_connect import (
    directory_v2,
    envelope,
    envelope_v2,
    fa_format,
    jsonio,
    signature,
)
from odoo.addons.g2p_spar_connector.g2p_connect.errors import (
    EnvelopeError,
    HeaderRejected,
    StillRunning,
)
from odoo.addons.g2p_spar_connector.g2p_connect.fa_object import FaObject
from odoo.addons.g2p_spar_connector.g2p_connect.values import Actor, Outcome, Problem
from odoo.addons.g2p_spar_connector.models.g2p_spar_signing_key import SigningKeyMissing
from odoo.addons.g2p_spar_connector.secret import digester
from odoo.addons.g2p_spar_fa_directory.financial_address import FaError

from ..api import MUTATIONS
from .g2p_spar_rate_limit import TooManyRequests

TS_WINDOW_SECONDS = 3600
# Our name in signatures, until a receiver ID is set.
UNNAMED = "spar"
CODECS = {"g2p_connect": envelope, "openg2p_2": envelope_v2}


class Body:
    """A body for callers without an HTTP request, whose dispatcher has the same two members."""

    def __init__(self, raw: bytes):
        self.raw = raw

    @cached_property
    def payload(self) -> object:
        """The JSON value, parsed once; raises ``MalformedJSON``."""
        return jsonio.loads(self.raw)


class Reply(NamedTuple):
    """HTTP status, JSON bytes as they must be sent, and headers that belong to them."""

    status: int
    body: bytes
    headers: dict[str, str]


class G2pSparExchange(models.AbstractModel):
    """One message of an authenticated participant in, its answer out: G2P-Connect or OpenG2P 2.x.

    Callable without an HTTP request; the statuses and errors are those of the HTTP API.
    """

    _name = "g2p.spar.exchange"
    _description = "G2P-Connect Exchange"

    @api.private
    def answer(self, participant, operation, body, form="g2p_connect"):
        """Answer a synchronous message.

        :param ParticipantProfile participant: who sent it; the authenticator has seen to that.
        :param str operation: the path's, as a bare word.
        :param body: the bytes as received, or an object with them as ``raw`` and their JSON value
            as ``payload``, like the dispatcher.
        :param str form: the path's envelope, a key of ``CODECS``.
        :return: 400 with a header alone for an envelope that cannot be read, the same with 429
            beyond the participant's limit, 200 for everything else, also where the header rejects
            the message.
        :rtype: Reply
        :raise SparHttpError: 403, the message names another sender.
        """
        now = datetime.now(UTC)
        profile, codec = participant.profile, CODECS[form]
        body = Body(body) if isinstance(body, bytes) else body
        try:
            self.env["g2p.spar.rate.limit"].check(participant, operation)
            payload = _payload(body)
            request = codec.parse_request(
                payload,
                operation,
                profile,
                max_items=participant.max_items,
                now=now,
                ts_window=self._ts_window(),
            )
            scopes = (item.scope for item in request.items)
            self._check_header(participant, operation, request.header, now, form, scopes)
            if codec is envelope_v2:
                request = self._with_fa_strings(request)
            if operation == "resolve":
                answer = self._resolve(participant, request, codec, now)
            else:
                digest = _digest(request.header.action, codec.message_of(payload))
                answer = self._mutate(participant, request, codec, body.raw, digest, now)
            return self._reply(participant, 200, answer)
        except EnvelopeError as error:
            answer = codec.render_envelope_error(error, operation, profile, now=now)
            return self._reply(participant, 400, answer)
        except HeaderRejected as error:
            answer = codec.render_header_rejection(error, operation, profile, now=now)
            return self._reply(participant, 200, answer)
        except TooManyRequests as error:
            return self._too_many(participant, operation, codec, body, error, now)
        except StillRunning as error:
            answer = codec.render_still_running(error, request, profile, now=now)
            return self._reply(participant, 200, answer)

    @api.private
    def list_directory(self, participant, listing, body):
        """Answer a directory call of OpenG2P 2.x.

        :param str listing: a key of ``directory_v2.LISTINGS``.
        :return: like ``answer``, with the same error.
        :rtype: Reply
        """
        now = datetime.now(UTC)
        body = Body(body) if isinstance(body, bytes) else body
        try:
            self.env["g2p.spar.rate.limit"].check(participant, "resolve")
            header, page = directory_v2.parse_request(
                _payload(body), listing, participant.profile, now=now, ts_window=self._ts_window()
            )
            self._check_sender(participant, header.sender_id)
            rows, total = self.env["g2p.spar.directory"].page(listing, page)
            answer = directory_v2.render_answer(header, listing, page, rows, total, now=now)
            return self._reply(participant, 200, answer)
        except EnvelopeError as error:
            answer = envelope_v2.render_envelope_error(error, listing, participant.profile, now=now)
            return self._reply(participant, 400, answer)
        except HeaderRejected as error:
            answer = directory_v2.render_rejection(error, listing, now=now)
            return self._reply(participant, 200, answer)
        except TooManyRequests as error:
            return self._too_many(participant, listing, envelope_v2, body, error, now)

    def _too_many(self, participant, operation, codec, body, error, now):
        """429 with a header alone, which tells of the message's own what can be read."""
        try:
            echo = codec.header_echo(body.payload)
        except jsonio.MalformedJSON:
            echo = None
        told = EnvelopeError(error.message, echo, error.code)
        answer = codec.render_envelope_error(told, operation, participant.profile, now=now)
        reply = self._reply(participant, error.status, answer)
        return reply._replace(headers={**reply.headers, **error.headers})

    def _reply(self, participant, status, answer):
        """:param answer: a JSON object, or the bytes of one."""
        if participant.sign_answers:
            value = jsonio.loads(answer) if isinstance(answer, bytes) else answer
            return Reply(status, *self._sign(participant, value))
        body = answer if isinstance(answer, bytes) else jsonio.dumps(answer)
        return Reply(status, body, {})

    def _sign(self, participant, body):
        """Sign what is told to a participant, in its dialect.

        :param dict body: a JSON object; its header gets our own name as sender where that is part
            of what is signed.
        :return: the bytes to send as they are, and HTTP headers to send with them.
        :rtype: tuple[bytes, dict[str, str]]
        """
        dialect, own_id = participant.signature_dialect, self._own_id() or UNNAMED
        if dialect == "g2p_connect" and "header" in body:
            body = body | {"header": body["header"] | {"sender_id": own_id}}
        try:
            key = self.env["g2p.spar.signing.key"].current(dialect)
        except SigningKeyMissing:
            raise SparHttpError(
                503, "err.service.unavailable", "Answers cannot be signed yet; try again later."
            ) from None
        return tuple(signature.sign(dialect, body, key, own_id, datetime.now(UTC)))

    @tools.ormcache()
    def _ts_window(self):
        parameters = self.env["ir.config_parameter"].sudo()
        seconds = parameters.get_param("g2p_spar.message_ts_window", TS_WINDOW_SECONDS)
        return timedelta(seconds=int(seconds))

    def _check_sender(self, participant, sender_id):
        """A message may name none but who has signed in; outside strict it may name nobody."""
        if not sender_id and participant.profile != "strict":
            return
        if (sender_id or "").lower() != participant.sender_id.lower():
            raise SparHttpError(
                403, "err.sender_id.invalid", "The header's sender is not who has signed in."
            )

    def _check_header(
        self, participant, operation, header, now, form="g2p_connect", scopes=("details",)
    ):
        """What the header must say of the sender; and of time and receiver, where nothing but the
        signature says that a change or an address is wanted: it might have been made long ago, or
        for another registry.

        :param scopes: of the items of a look-up.
        """
        self._check_sender(participant, header.sender_id)
        if participant.authentication != "signature":
            return
        # this dialect has signed a time of its own, which has been checked
        timeless = participant.signature_dialect != "g2p_connect"
        if operation not in MUTATIONS:
            if timeless and any(scope != "yes_no" for scope in scopes):
                self._check_message_ts(header, now, form)
                if header.receiver_id and self._own_id():
                    self._check_receiver(header.receiver_id)
            return
        if not header.message_id:
            raise EnvelopeError("header.message_id: missing", header)
        if timeless:
            self._check_message_ts(header, now, form)
        if form == "g2p_connect":  # the envelope of OpenG2P 2.x has no place for it
            self._check_receiver(header.receiver_id or "")

    def _check_message_ts(self, header, now, form):
        name = "message_ts" if form == "g2p_connect" else "request_timestamp"
        envelope.check_message_ts(header, now, self._ts_window(), name)

    def _check_receiver(self, receiver_id):
        own_id = self._own_id()
        if not own_id or receiver_id.lower() != own_id.lower():
            known = "is not this registry's" if own_id else "this registry has none yet: settings"
            raise SparHttpError(403, "err.receiver_id.invalid", f"header.receiver_id: {known}.")

    @tools.ormcache()
    def _own_id(self):
        """What this registry is called as receiver and as sender; "" where that is not set."""
        parameters = self.env["ir.config_parameter"].sudo()
        return parameters.get_param("g2p_spar.receiver_id") or ""

    def _is_replay_checked(self, participant):
        """OpenG2P's clients repeat their message ids; who has only a signed message to show may
        not."""
        return participant.profile == "strict" or participant.authentication == "signature"

    def _with_fa_strings(self, request):
        """The request with a string for each FA object. One that there is no string for, or that
        is to be linked and not in the directory, is the problem of its item."""
        objects = [item.fa for item in request.items if isinstance(item.fa, FaObject)]
        if not objects:
            return request
        listed = request.operation in ("link", "update")
        strings = iter(self.env["g2p.fa.directory"].construct_fas(objects, listed=listed))
        items = [
            _with_fa_string(item, next(strings)) if isinstance(item.fa, FaObject) else item
            for item in request.items
        ]
        return request._replace(items=items)

    def _resolve(self, participant, request, codec, now):
        actor = self._actor(participant, request)
        parts = codec is envelope_v2 or participant.fa_format != "string"
        results = self.env["g2p.spar.mapper"].resolve_items(actor, request.items, parts=parts)
        self.env["g2p.spar.rate.limit"].charge(participant, "resolve", results)
        results = fa_format.tell(results, participant.fa_format)
        return codec.render_answer(request, results, participant.profile, now=now)

    def _mutate(self, participant, request, codec, raw, digest, now):
        """Keep the message, carry it out, keep the answer: all in one transaction."""
        messages = self.env["g2p.spar.message"]
        replay_checked = self._is_replay_checked(participant)
        received = messages.receive(
            participant.id, request, digest, raw, replay_checked, participant.signed_by
        )
        if received is None:
            return self._first_answer(participant, request, digest)
        record_id, correlation_id = received
        actor = self._actor(participant, request, record_id)
        handle = getattr(self.env["g2p.spar.mapper"], f"{request.operation}_items")
        results = handle(actor, request.items)
        self.env["g2p.spar.rate.limit"].charge(participant, request.operation, results)
        answer = jsonio.dumps(
            codec.render_answer(
                request, results, participant.profile, now=now, correlation_id=correlation_id
            )
        )
        messages.finish(record_id, results, answer)
        return answer

    def _first_answer(self, participant, request, digest):
        same, answer = self.env["g2p.spar.message"].first_answer(
            participant.id, request.header.message_id, digest
        )
        if answer is None:
            text = (
                "message_id: this message was processed; its answer is no longer kept"
                if same
                else "message_id: was used before, for another message"
            )
            raise HeaderRejected(
                "rjct.message_id.duplicate", text, request.header, request.transaction_id
            )
        return answer

    def _actor(self, participant, request, record_id=None):
        return Actor(
            kind="participant",
            channel="api",
            name=participant.name,
            participant_id=participant.id,
            reason=f"transaction {request.transaction_id}",
            message_id=record_id,
        )


def _payload(body):
    try:
        return body.payload
    except jsonio.MalformedJSON as error:
        raise EnvelopeError(f"body: {error}") from None


def _digest(action, message):
    """Tells a retry from a new message, whatever the white space and the order of members."""
    canonical = orjson.dumps([action, message], option=orjson.OPT_SORT_KEYS)
    return digester("message")(canonical.decode())


def _with_fa_string(item, string):
    if not isinstance(string, FaError):
        return item._replace(fa=string)
    place = "" if string.field == "fa" else "fa."
    return item._replace(fa="", problem=Problem(Outcome.FA_INVALID, f"{place}{string.message}"))
