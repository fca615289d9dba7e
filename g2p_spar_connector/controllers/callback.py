# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import uuid
from datetime import UTC, datetime

from odoo import SUPERUSER_ID
from odoo.http import Controller, request, route

from ..g2p_connect import ack, client_async, txn_status
from ..g2p_connect.client import HEADER_BYTES, ITEM_BYTES
from ..g2p_connect.errors import EnvelopeError
from ..g2p_connect.jsonio import MalformedJSON
from ..g2p_connect.signature import HTTP_HEADER, SignatureProblem
from ..g2p_connect.values import OPERATIONS
from ..transaction import read_committed
from .dispatcher import SparHttpError

BASE = "/spar/v1.0.0/mapper"
ON_STATUS = f"{BASE}/txn/on-status"
# 10 000 results of some 1.5 kB each.
MAX_BODY_BYTES = 16 * 1024 * 1024


class Callback(Controller):
    """Results from other mappers (G2P-Connect mapper API 1.0.0, `on-<op>`).

    A callback is believed by the transaction id of its message, which nobody but that mapper was
    told, and where its connector says so by its signature.
    """

    def _most_bytes(self):
        """No body is read where nothing is expected, and none that is larger than it could be."""
        read_committed(request.env.cr)
        request.update_env(user=SUPERUSER_ID)
        most = request.env["g2p.spar.remote.message"].most_items_expected()
        if not most:
            raise _not_found()
        return min(HEADER_BYTES + ITEM_BYTES * most, MAX_BODY_BYTES)

    @route(
        [f"{BASE}/on-{operation}" for operation in OPERATIONS],
        type="spar",
        auth="none",
        methods=["POST"],
        readonly=False,
        max_content_length=_most_bytes,  # asked by Odoo before the body is read
    )
    def on_operation(self):
        """Take the results of a message that a connector has handed over."""
        operation = request.httprequest.path.rstrip("/").rpartition("/on-")[2]
        message, callback = _find(operation, _payload())
        message.receive(callback)
        return ack.render_ack("ACK", message.correlation_id or _new_id(), datetime.now(UTC))

    @route(ON_STATUS, type="spar", auth="none", methods=["POST"], readonly=True)
    def on_status(self):
        """Acknowledge what nobody here has asked for: connectors ask for statuses synchronously.
        Other mappers test with it whether they can call us back."""
        try:
            txn_status.parse_answer(_payload(), "strict")
        except EnvelopeError as error:
            raise _error("err.request.bad", error.message) from None
        return ack.render_ack("ACK", _new_id(), datetime.now(UTC))


def _payload():
    try:
        return request.dispatcher.payload
    except MalformedJSON as error:
        raise _error("err.request.bad", f"body: {error}") from None


def _find(operation, payload):
    """The message that a callback is about, locked, and what it tells."""
    messages = request.env["g2p.spar.remote.message"]
    message = messages.of_transaction(_transaction_id(payload), operation)
    if not message:
        raise _not_found()
    try:
        message.check_callback(
            request.dispatcher.raw, payload, request.httprequest.headers.get(HTTP_HEADER)
        )
        profile = message.connector_id.remote_profile
        callback = client_async.read_callback(payload, operation, profile)
    except SignatureProblem as problem:
        raise _error(problem.code, problem.message) from None
    except EnvelopeError as error:
        raise _error("err.request.bad", error.message) from None
    if message.correlation_id and callback.correlation_id not in (None, message.correlation_id):
        raise _error("err.request.bad", "message.correlation_id: is another message's")
    return message, callback


def _transaction_id(payload):
    message = payload.get("message") if isinstance(payload, dict) else None
    value = message.get("transaction_id") if isinstance(message, dict) else None
    if not isinstance(value, str) or "\x00" in value or not value.isprintable():
        raise _error("err.request.bad", "message.transaction_id: missing")
    return value


def _not_found():
    return _error("err.request.not_found", "There is no such message of ours.")


def _error(code, text):
    """ERR, which is told with 400 here since there is nothing to be done about it later."""
    body = ack.render_error(code, text, _new_id(), datetime.now(UTC))
    return SparHttpError(400, code, text, body=body)


def _new_id():
    return str(uuid.uuid4())
