# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The synchronous operations of another mapper, as its client calls them.

Items in, one result for each of them out, whatever the other side answers. Where an item has no
proper result, its outcome is

- `Outcome.RETRY`: nothing was answered to it. The mapper is away, refused the whole message, or
  left the item out; the text tells these apart and names no address of any kind.
- `Outcome.OTHER`: what was answered cannot be believed, since it does not fit the question.

Neither looks like "not linked". Items travel with reference ids of our own, which nobody can guess
and no two have in common: an answer fits its question and no other.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Literal, NamedTuple

from . import txn_status
from .codes import HEADER_CODES
from .envelope import STATUS_ACTION, parse_answer, render_request
from .errors import EnvelopeError
from .items import MESSAGE_MAX_LENGTH
from .text import CONTROL, is_too_large, is_unstorable
from .values import (
    AccountProvider,
    Answer,
    AnswerHeader,
    Header,
    Item,
    Operation,
    Outcome,
    Request,
    ResolveItem,
    Result,
)

# Below the mapper's base address: the standard's `/{namespace}/v1.0.0`, OpenG2P's `/api/mapper`.
SYNC_PATHS = {"strict": "/mapper/sync/{}", "openg2p_1": "/sync/{}"}
# The standard's own; OpenG2P 1.x has none.
STATUS_PATH = "/registry/sync/txn/status"

AWAY = "The mapper is away; try again later"
UNCERTAIN = "The mapper went away; whether this was done is not known"
REFUSED = "The mapper refused the message; see the connector"
UNANSWERED = "The mapper did not answer this item"
CONTRADICTORY = "The mapper's answer does not fit the question"

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0  # seconds between tries
# Room in an answer: an item's `additional_info` alone may have 16 KiB.
HEADER_BYTES, ITEM_BYTES, MAX_BYTES = 100_000, 20_000, 50_000_000

_HINTS = {
    "rjct.version.invalid": "is the protocol the right one?",
    "rjct.action.not_supported": "is the base address the right one?",
    "rjct.message_ts.invalid": "do the clocks of both sides agree?",
    "rjct.total_count.limit_exceeded": "lower the items per message",
}

_BY_ID = frozenset({Outcome.ID_ACTIVE, Outcome.ID_INACTIVE, Outcome.ID_NOT_FOUND})
_BY_FA = frozenset({Outcome.FA_ACTIVE, Outcome.FA_INACTIVE, Outcome.FA_NOT_FOUND})
_BY_BOTH = _BY_ID | {Outcome.FA_NOT_LINKED_TO_ID}


class NoAnswer(Exception):
    """A message without an answer that counts. The text is for administrators and logs: it names
    the host, and nothing of the message.

    :ivar passing: a later try may succeed
    :ivar maybe_done: the mapper may have carried the message out
    :ivar wait: seconds for which the mapper asks before the next try
    :ivar code: one of `codes.HEADER_CODES`, where the mapper has said it
    """

    def __init__(
        self,
        why: str,
        *,
        passing: bool,
        maybe_done: bool,
        wait: float | None = None,
        code: str | None = None,
    ):
        super().__init__(why)
        self.passing = passing
        self.maybe_done = maybe_done
        self.wait = wait
        self.code = code


class Terms(NamedTuple):
    """How a mapper wants to be talked to, and for how long we do.

    `call_seconds` bounds each exchange with all that belongs to it, `total_seconds` all of them
    together. `tries` counts the first one too.
    """

    profile: Literal["strict", "openg2p_1"]
    sender_id: str
    receiver_id: str | None = None
    max_items: int = 1000
    tries: int = 3
    call_seconds: float = 30
    total_seconds: float = 60


# Sends a message to a path below the base address, within so many seconds, for an answer of at
# most so many bytes. Returns its JSON value; raises `NoAnswer`.
Send = Callable[[str, dict, float, int], object]


class Client:
    """Calls one mapper.

    What is safe is tried again while there is time: a look-up always; a change in the standard's
    profile with the same message_id, since that gets the first answer; else only what has not
    reached the mapper or was turned away unread.

    :param note: called with the text of the `NoAnswer` that ended a call
    :param clock, sleep: seconds that never go back, and waiting for some
    """

    def __init__(
        self,
        terms: Terms,
        send: Send,
        note: Callable[[str], None] = lambda why: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self._terms = terms
        self._send = send
        self._note = note
        self._clock = clock
        self._sleep = sleep

    def call(self, operation: Operation, items: Sequence[Item]) -> list[Result]:
        """Carry an operation out. One result for each item, in their order; raises nothing of
        what the other side does.

        Several messages, one after the other, where the items are too many for one. Once one has
        no answer the rest is not sent: it would overtake what may still be under way.
        """
        deadline = self._clock() + self._terms.total_seconds
        results = []
        for chunk in chunks(operation, items, self._terms.max_items):
            request = self._request(operation, chunk, uuid.uuid4().hex)
            try:
                answer = self._answer_to(request, deadline)
            except NoAnswer as trouble:
                self._note(str(trouble))
                results += [without_answer(operation, item, trouble) for item in chunk]
                not_sent = AWAY if trouble.passing else REFUSED
                results += [_without(item, not_sent) for item in items[len(results) :]]
                break
            results += self._paired(operation, chunk, request.transaction_id, answer.results)
        return results

    # --- messages ---

    def _request(self, operation: Operation, items: Sequence[Item], transaction_id: str) -> Request:
        sent = [
            self._as_sent(item)._replace(reference_id=reference_id)
            for item, reference_id in zip(items, _reference_ids(transaction_id), strict=False)
        ]
        return Request(self._header(operation, len(items)), operation, transaction_id, sent)

    def _header(self, action: str, total_count: int) -> Header:
        return Header(
            message_id=uuid.uuid4().hex,
            message_ts=datetime.now(UTC).isoformat(timespec="milliseconds"),
            action=action,
            sender_id=self._terms.sender_id,
            receiver_id=self._terms.receiver_id,
            total_count=total_count,
        )

    def _as_sent(self, item: Item) -> Item:
        """OpenG2P 1.x looks at the ID alone: whether an address belongs to it is told here, by the
        one that is linked."""
        if isinstance(item, ResolveItem) and self._compares(item):
            return item._replace(fa="", scope="details")
        return item

    def _compares(self, item: ResolveItem) -> bool:
        return bool(self._terms.profile == "openg2p_1" and item.id and item.fa)

    def _answer_to(self, request: Request, deadline: float) -> Answer:
        body = render_request(request, self._terms.profile)
        repeatable = request.operation == "resolve" or self._terms.profile == "strict"
        maybe_done = False
        for number in range(self._terms.tries):
            try:
                return self._try(request, body, deadline)
            except NoAnswer as trouble:
                if maybe_done and trouble.code == "rjct.message_id.duplicate":
                    return self._first_answer(request, deadline)
                maybe_done = trouble.maybe_done = maybe_done or trouble.maybe_done
                pause = min(FIRST_PAUSE * 2**number, LONGEST_PAUSE)
                pause = pause if trouble.wait is None else max(pause, trouble.wait)
                is_last = number + 1 == self._terms.tries or self._clock() + pause >= deadline
                if is_last or not trouble.passing or (maybe_done and not repeatable):
                    raise
                self._sleep(pause)
        raise AssertionError("at least one try")

    def _try(self, request: Request, body: dict, deadline: float) -> Answer:
        path = SYNC_PATHS[self._terms.profile].format(request.operation)
        payload = self._exchange(path, body, len(request.items), deadline)
        try:
            answer = parse_answer(payload, request.operation, self._terms.profile)
        except EnvelopeError as error:
            raise _unreadable(error) from None
        if not answer.results:
            _check_processed(answer.header)
        if answer.transaction_id not in ("", request.transaction_id):
            raise NoAnswer("Its answer belongs to another message", passing=False, maybe_done=True)
        return answer

    def _first_answer(self, request: Request, deadline: float) -> Answer:
        """What became of a message that was processed, but whose answer is not given again: by
        the standard's `txn/status`."""
        try:
            found = self._status(
                request.operation, request.transaction_id, len(request.items), deadline
            )
        except NoAnswer as trouble:
            trouble.maybe_done = True
            raise
        if found is None:
            raise NoAnswer(
                "It says that it has the message, and not what became of it",
                passing=False,
                maybe_done=True,
            )
        header = AnswerHeader(status="succ")
        return Answer(header, request.operation, request.transaction_id, None, found.results)

    def _status(
        self, operation: Operation, transaction_id: str, item_count: int, deadline: float
    ) -> txn_status.TransactionStatus | None:
        """What the mapper says of a message; None where it has none such on record."""
        question = txn_status.StatusRequest(
            self._header(STATUS_ACTION, 1),
            uuid.uuid4().hex,
            uuid.uuid4().hex,
            operation,
            "transaction_id",
            transaction_id,
        )
        body = txn_status.render_request(question)
        payload = self._exchange(STATUS_PATH, body, item_count, deadline)
        try:
            found = txn_status.parse_answer(payload, self._terms.profile).found
        except EnvelopeError as error:
            raise _unreadable(error) from None
        return found if found and found.txn_type == operation else None

    def _exchange(self, path: str, body: dict, item_count: int, deadline: float) -> object:
        seconds = min(self._terms.call_seconds, deadline - self._clock())
        if seconds <= 0:
            raise NoAnswer("There was no time left", passing=True, maybe_done=False)
        max_bytes = min(HEADER_BYTES + ITEM_BYTES * item_count, MAX_BYTES)
        return self._send(path, body, seconds, max_bytes)

    # --- results ---

    def _paired(
        self,
        operation: Operation,
        items: Sequence[Item],
        transaction_id: str,
        results: Sequence[Result],
    ) -> list[Result]:
        told, twice = {}, set()
        for result in results:
            if result.reference_id in told:
                twice.add(result.reference_id)
            told[result.reference_id] = result
        return [
            _without(item, CONTRADICTORY, Outcome.OTHER)
            if reference_id in twice
            else self._result(operation, item, told.get(reference_id))
            for item, reference_id in zip(items, _reference_ids(transaction_id), strict=False)
        ]

    def _result(self, operation: Operation, item: Item, told: Result | None) -> Result:
        """As the mapper of this database would have said it."""
        if told is None:
            return _without(item, UNANSWERED)
        if told.id and item.id and not _same(told.id, item.id):
            return _without(item, CONTRADICTORY, Outcome.OTHER)
        if not told.succeeded:
            return _without(item, _clean(told.message), told.outcome)
        if operation != "resolve":
            return _without(item, None, Outcome.DONE)
        return self._resolved(item, told)

    def _resolved(self, item: ResolveItem, told: Result) -> Result:
        outcome = self._resolve_outcome(item, told)
        if outcome is None:
            return _without(item, CONTRADICTORY, Outcome.OTHER)
        result = Result(item.reference_id, outcome, None, id=item.id or None, locale=item.locale)
        if item.scope != "details":
            return result
        if outcome is Outcome.FA_ACTIVE:
            return result._replace(fa=item.fa)
        if outcome is not Outcome.ID_ACTIVE:
            return result
        info = None if is_too_large(told.additional_info) else told.additional_info
        return result._replace(fa=told.fa, provider=_provider(told.provider), additional_info=info)

    def _resolve_outcome(self, item: ResolveItem, told: Result) -> Outcome | None:
        """None where it does not fit the question."""
        outcome = told.outcome
        if outcome is Outcome.FA_NOT_LINKED_TO_ID and self._terms.profile == "openg2p_1":
            # of an ID alone, OpenG2P says with this code that it is not linked
            outcome = outcome if item.fa and not self._compares(item) else Outcome.ID_NOT_FOUND
        fitting = _BY_FA if not item.id else _BY_BOTH if item.fa else _BY_ID
        if outcome not in fitting:
            return None
        shows_fa = item.scope == "details" or self._compares(item)
        if outcome is not Outcome.ID_ACTIVE or not shows_fa:
            return outcome
        if not told.fa:
            return None
        if item.fa and not _same(told.fa, item.fa):
            return Outcome.FA_NOT_LINKED_TO_ID
        return outcome


def chunks(operation: Operation, items: Sequence[Item], most: int) -> Iterator[Sequence[Item]]:
    """The items in messages of at most so many. An ID is changed once in each: OpenG2P 1.1 fails
    as a whole over an ID that is linked twice."""
    start, ids = 0, set()
    for place, item in enumerate(items):
        key = item.id.lower()
        if place - start == most or (operation != "resolve" and key in ids):
            yield items[start:place]
            start, ids = place, set()
        ids.add(key)
    if items:
        yield items[start:]


def _reference_ids(transaction_id: str) -> Iterator[str]:
    return (f"{transaction_id}-{number}" for number in count(1))


def _check_processed(header: AnswerHeader) -> None:
    """Raise where a header says that nothing was done, or not yet."""
    if header.status in ("rcvd", "pdng"):
        raise NoAnswer("It is still at work on the message", passing=True, maybe_done=True)
    if header.status == "rjct":
        code = header.status_reason_code
        code = code if code in HEADER_CODES else None
        why = f"It rejects the message ({code or 'for a reason of its own'})"
        if code in _HINTS:
            why += f": {_HINTS[code]}"
        raise NoAnswer(why, passing=False, maybe_done=False, code=code)


def _unreadable(error: EnvelopeError) -> NoAnswer:
    why = f"Its answer cannot be read ({error.message})"
    return NoAnswer(why, passing=False, maybe_done=True)


def without_answer(operation: Operation, item: Item, trouble: NoAnswer) -> Result:
    """The result of an item whose message has no answer."""
    if trouble.maybe_done and operation != "resolve":
        return _without(item, UNCERTAIN)
    return _without(item, AWAY if trouble.passing else REFUSED)


def _without(item: Item, message: str | None, outcome: Outcome = Outcome.RETRY) -> Result:
    """A result that tells nothing but the outcome."""
    return Result(
        item.reference_id,
        outcome,
        message,
        id=item.id or None,
        fa=item.fa or None,
        locale=item.locale,
    )


def _same(value: str, other: str) -> bool:
    """IDs and FAs are compared without the case of ASCII letters."""
    return value.encode().lower() == other.encode().lower()


def _clean(message: str | None) -> str | None:
    return message and CONTROL.sub(" ", message)[:MESSAGE_MAX_LENGTH]


def _provider(provider: AccountProvider | None) -> AccountProvider | None:
    texts = (provider.name, provider.code) if provider else ()
    return None if any(map(is_unstorable, texts)) else provider
