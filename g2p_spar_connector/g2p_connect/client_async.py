# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The asynchronous operations of another mapper: a message out, its results later, by callback or
by asking. The caller keeps what is under way; results are read as those of `client`."""

import time
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from . import envelope
from .ack import parse_ack
from .client import Client, NoAnswer, without_answer
from .errors import EnvelopeError
from .values import Item, Operation, Result

# Below the mapper's base address.
ASYNC_PATHS = {"strict": "/mapper/{}", "openg2p_1": "/async/{}"}


class Ticket(NamedTuple):
    """What a message is known by. Made once, and the same when it is sent again."""

    message_id: str
    transaction_id: str


class Callback(NamedTuple):
    """A callback as far as it tells which message it is about. `results` of a callback that says
    "not done yet" is None."""

    transaction_id: str
    correlation_id: str | None
    results: list[Result] | None


def new_ticket() -> Ticket:
    return Ticket(uuid.uuid4().hex, uuid.uuid4().hex)


class AsyncClient(Client):
    def submit(
        self,
        ticket: Ticket,
        operation: Operation,
        items: Sequence[Item],
        callback_url: str | None,
    ) -> str | None:
        """Hand a message over, in one try.

        :param callback_url: base address of our callback paths; None: as the mapper has it on
            record
        :return: its correlation_id, where the mapper gives one
        :raise NoAnswer: it is not known to be accepted
        """
        request = self._request(operation, items, ticket.transaction_id)
        header = request.header._replace(
            message_id=ticket.message_id, sender_uri=self._sender_uri(operation, callback_url)
        )
        body = envelope.render_request(request._replace(header=header), self._terms.profile)
        path = ASYNC_PATHS[self._terms.profile].format(operation)
        deadline = time.monotonic() + self._terms.call_seconds
        ack = parse_ack(self._exchange(path, body, 0, deadline))
        if ack is None:
            raise NoAnswer("It answers with no acknowledgement", passing=False, maybe_done=True)
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
