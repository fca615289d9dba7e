# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The asynchronous operations of another mapper: a message out, its results later, by callback or
by asking. The caller keeps what is under way; results are read as those of `client`."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from . import envelope
from .ack import parse_ack
from .client import Client, NoAnswer, without_answer
from .errors import EnvelopeError
from .values import Item, Operation, Result

# Below the mapper's base address.
ASYNC_PATHS = {"strict": "/mapper/{}", "openg2p_1": "/async/{}"}
DUPLICATE = "rjct.message_id.duplicate"


class Ticket(NamedTuple):
    """What a message is known by. Made once, and the same when it is sent again.

    `created_at` (ISO 8601 with a time zone) is the timestamp of items that have none: a mapper
    that compares messages must find the same one each time.
    """

    message_id: str
    transaction_id: str
    created_at: str


class Callback(NamedTuple):
    """A callback as far as it tells which message it is about. `results` of a callback that says
    "not done yet" is None."""

    transaction_id: str
    correlation_id: str | None
    results: list[Result] | None


class AsyncClient(Client):
    def submit(
        self,
        ticket: Ticket,
        operation: Operation,
        items: Sequence[Item],
        callback_url: str | None,
        *,
        is_repeated: bool,
    ) -> str | None:
        """Hand a message over, in one try.

        :param callback_url: base address of our callback paths; None: as the mapper has it on
            record
        :param is_repeated: it may have got there before: then a mapper that knows its message_id
            has accepted it
        :return: its correlation_id, where the mapper gives one
        :raise NoAnswer: it is not known to be accepted
        """
        dated = [item._replace(timestamp=item.timestamp or ticket.created_at) for item in items]
        request = self._request(operation, dated, ticket.transaction_id)
        header = request.header._replace(
            message_id=ticket.message_id, sender_uri=self._sender_uri(operation, callback_url)
        )
        body = envelope.render_request(request._replace(header=header), self._terms.profile)
        path = ASYNC_PATHS[self._terms.profile].format(operation)
        deadline = time.monotonic() + self._terms.call_seconds
        payload = self._exchange(path, body, 0, deadline)
        ack = parse_ack(payload)
        if ack is None:
            raise NoAnswer("It answers with no acknowledgement", passing=False, maybe_done=True)
        if ack.status == "ERR" and is_repeated and _is_duplicate(payload):
            return None
        # In the standard NACK says that no callback will follow: the results are asked for then.
        # OpenG2P says with it that it refuses the message.
        if ack.status == "ERR" or (ack.status == "NACK" and self._terms.profile != "strict"):
            why = f"It does not accept the message ({ack.status} {ack.error_code or ''})"
            raise NoAnswer(why, passing=False, maybe_done=False)
        return ack.correlation_id

    def ask(
        self, operation: Operation, items: Sequence[Item], transaction_id: str
    ) -> list[Result] | None:
        """The results of a message by the standard's `txn/status`; None while it is not finished.

        :raise NoAnswer: nothing is known of it
        """
        deadline = time.monotonic() + self._terms.call_seconds
        found = self._status(operation, transaction_id, len(items), deadline)
        if found is None:
            raise NoAnswer("It has no such message on record", passing=False, maybe_done=False)
        if found.status in ("rcvd", "pdng"):
            return None
        return self._paired(operation, items, transaction_id, found.results)

    def results(
        self,
        operation: Operation,
        items: Sequence[Item],
        transaction_id: str,
        told: Sequence[Result],
    ) -> list[Result]:
        """One result for each item, in their order, of what a callback has told."""
        return self._paired(operation, items, transaction_id, told)

    def _sender_uri(self, operation: Operation, callback_url: str | None) -> str | None:
        """OpenG2P 1.x appends `/on-<op>` by itself."""
        if not callback_url or self._terms.profile != "strict":
            return callback_url
        return f"{callback_url.rstrip('/')}/on-{operation}"


def _is_duplicate(err: dict) -> bool:
    """The standard has no error code of acknowledgements for it: the one of headers stands in
    the code or in the text."""
    error = err["message"].get("error")
    return isinstance(error, dict) and DUPLICATE in f"{error.get('code')} {error.get('message')}"


def given_up(operation: Operation, items: Sequence[Item], trouble: NoAnswer) -> list[Result]:
    """The results of a message that nothing more is expected of."""
    return [without_answer(operation, item, trouble) for item in items]


def read_callback(payload: object, operation: Operation, profile: str) -> Callback:
    """Read a callback of `on-<op>`. Raises `EnvelopeError` when it is none."""
    answer = envelope.parse_answer(payload, operation, profile)
    if not answer.transaction_id:
        raise EnvelopeError("message.transaction_id: missing")
    is_done = answer.results or answer.header.status not in ("rcvd", "pdng")
    return Callback(
        answer.transaction_id, answer.correlation_id, answer.results if is_done else None
    )
