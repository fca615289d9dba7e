# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import UTC, datetime, timedelta

import orjson

from odoo import api, models

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.g2p_connect import envelope, jsonio
from odoo.addons.g2p_spar_connector.g2p_connect.errors import EnvelopeError, HeaderRejected
from odoo.addons.g2p_spar_connector.g2p_connect.values import Actor
from odoo.addons.g2p_spar_connector.secret import digester

TS_WINDOW_SECONDS = 3600


class G2pSparExchange(models.AbstractModel):
    """One G2P-Connect message of an authenticated participant in, its answer out.

    Callable without an HTTP request; the statuses and errors are those of the HTTP API.
    """

    _name = "g2p.spar.exchange"
    _description = "G2P-Connect Exchange"

    @api.private
    def answer(self, participant, operation, raw):
        """Answer a synchronous message.

        :param ParticipantProfile participant: who sent it, by its token.
        :param str operation: the path's, as a bare word.
        :param bytes raw: the body as received.
        :return: HTTP status and JSON bytes: 400 with a header alone for an envelope that cannot
            be read, 200 for everything else, also where the header rejects the message.
        :rtype: tuple[int, bytes]
        :raise SparHttpError: 403, the message names another sender.
        """
        now = datetime.now(UTC)
        profile = participant.profile
        try:
            payload = _loads(raw)
            request = envelope.parse_request(
                payload,
                operation,
                profile,
                max_items=participant.max_items,
                now=now,
                ts_window=self._ts_window(),
            )
            self._check_sender(participant, request.header.sender_id)
            if operation == "resolve":
                return 200, self._resolve(participant, request, now)
            return 200, self._mutate(participant, request, raw, payload, now)
        except EnvelopeError as error:
            answer = envelope.render_envelope_error(error, operation, profile, now=now)
            return 400, jsonio.dumps(answer)
        except HeaderRejected as error:
            answer = envelope.render_header_rejection(error, operation, profile, now=now)
            return 200, jsonio.dumps(answer)

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
                403, "err.sender_id.invalid", "header.sender_id is not the token's participant."
            )

    def _resolve(self, participant, request, now):
        actor = self._actor(participant, request)
        results = self.env["g2p.spar.mapper"].resolve_items(actor, request.items)
        return jsonio.dumps(envelope.render_answer(request, results, participant.profile, now=now))

    def _mutate(self, participant, request, raw, payload, now):
        """Keep the message, carry it out, keep the answer: all in one transaction."""
        messages = self.env["g2p.spar.message"]
        digest = _digest(request.header.action, payload["message"])
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
            envelope.render_answer(
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
            raise HeaderRejected("rjct.message_id.duplicate", text, request.header)
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
