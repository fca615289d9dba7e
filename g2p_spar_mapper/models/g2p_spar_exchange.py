# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import UTC, datetime, timedelta

import orjson

from odoo import api, models, tools

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.g2p_connect import (
    directory_v2,
    envelope,
    envelope_v2,
    fa_format,
    jsonio,
)
from odoo.addons.g2p_spar_connector.g2p_connect.errors import EnvelopeError, HeaderRejected
from odoo.addons.g2p_spar_connector.g2p_connect.fa_object import FaObject
from odoo.addons.g2p_spar_connector.g2p_connect.values import Actor, Outcome, Problem
from odoo.addons.g2p_spar_connector.secret import digester
from odoo.addons.g2p_spar_fa_directory.financial_address import FaError

TS_WINDOW_SECONDS = 3600
CODECS = {"g2p_connect": envelope, "openg2p_2": envelope_v2}


class G2pSparExchange(models.AbstractModel):
    """One message of an authenticated participant in, its answer out: G2P-Connect or OpenG2P 2.x.

    Callable without an HTTP request; the statuses and errors are those of the HTTP API.
    """

    _name = "g2p.spar.exchange"
    _description = "G2P-Connect Exchange"

    @api.private
    def answer(self, participant, operation, raw, form="g2p_connect"):
        """Answer a synchronous message.

        :param ParticipantProfile participant: who sent it, by its token.
        :param str operation: the path's, as a bare word.
        :param bytes raw: the body as received.
        :param str form: the path's envelope, a key of ``CODECS``.
        :return: HTTP status and JSON bytes: 400 with a header alone for an envelope that cannot
            be read, 200 for everything else, also where the header rejects the message.
        :rtype: tuple[int, bytes]
        :raise SparHttpError: 403, the message names another sender.
        """
        now = datetime.now(UTC)
        profile, codec = participant.profile, CODECS[form]
        try:
            payload = _loads(raw)
            request = codec.parse_request(
                payload,
                operation,
                profile,
                max_items=participant.max_items,
                now=now,
                ts_window=self._ts_window(),
            )
            self._check_sender(participant, request.header.sender_id)
            if codec is envelope_v2:
                request = self._with_fa_strings(request)
            if operation == "resolve":
                return 200, self._resolve(participant, request, codec, now)
            digest = _digest(request.header.action, codec.message_of(payload))
            return 200, self._mutate(participant, request, codec, raw, digest, now)
        except EnvelopeError as error:
            answer = codec.render_envelope_error(error, operation, profile, now=now)
            return 400, jsonio.dumps(answer)
        except HeaderRejected as error:
            answer = codec.render_header_rejection(error, operation, profile, now=now)
            return 200, jsonio.dumps(answer)

    @api.private
    def list_directory(self, participant, listing, raw):
        """Answer a directory call of OpenG2P 2.x.

        :param str listing: a key of ``directory_v2.LISTINGS``.
        :return: like ``answer``, with the same error.
        :rtype: tuple[int, bytes]
        """
        now = datetime.now(UTC)
        try:
            header, page = directory_v2.parse_request(
                _loads(raw), listing, participant.profile, now=now, ts_window=self._ts_window()
            )
            self._check_sender(participant, header.sender_id)
            rows, total = self.env["g2p.spar.directory"].page(listing, page)
            answer = directory_v2.render_answer(header, listing, page, rows, total, now=now)
            return 200, jsonio.dumps(answer)
        except EnvelopeError as error:
            answer = envelope_v2.render_envelope_error(error, listing, participant.profile, now=now)
            return 400, jsonio.dumps(answer)
        except HeaderRejected as error:
            return 200, jsonio.dumps(directory_v2.render_rejection(error, listing, now=now))

    @tools.ormcache()
    def _ts_window(self):
        parameters = self.env["ir.config_parameter"].sudo()
        seconds = parameters.get_param("g2p_spar.message_ts_window", TS_WINDOW_SECONDS)
        return timedelta(seconds=int(seconds))

    def _check_sender(self, participant, sender_id):
        """A message may name none but its token's participant; outside strict it may name none."""
        if not sender_id and participant.profile != "strict":
            return
        if (sender_id or "").lower() != participant.sender_id.lower():
            raise SparHttpError(
                403, "err.sender_id.invalid", "The header's sender is not the token's participant."
            )

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
        results = fa_format.tell(results, participant.fa_format)
        return jsonio.dumps(codec.render_answer(request, results, participant.profile, now=now))

    def _mutate(self, participant, request, codec, raw, digest, now):
        """Keep the message, carry it out, keep the answer: all in one transaction."""
        messages = self.env["g2p.spar.message"]
        # OpenG2P's clients repeat their message ids
        replay_checked = participant.profile == "strict"
        received = messages.receive(participant.id, request, digest, raw, replay_checked)
        if received is None:
            return self._first_answer(participant, request, digest)
        record_id, correlation_id = received
        actor = self._actor(participant, request, record_id)
        handle = getattr(self.env["g2p.spar.mapper"], f"{request.operation}_items")
        results = handle(actor, request.items)
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


def _loads(raw):
    try:
        return jsonio.loads(raw)
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
