# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What became of messages: `TxnStatusRequest` and `TxnStatusResponse` of the G2P-Connect mapper
API 1.0.0, read and written for servers and for clients.

OpenG2P's models (mapper library 1.1.0 and 2.0.0) have a list where the standard has an object, in
questions and answers, and no `on-` in an answer's `txn_type`. Outside the strict profile a list of
one question is taken too, and answered in kind.

The standard's schema of `attribute_value` matches no string (its `oneOf` has the same one twice);
here, as in its errata, it is a string for a transaction or correlation id, and a list of strings
for reference ids. The envelope is the one of `envelope`, with the actions `txn-status` and
`txn-on-status`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from .envelope import (
    STATUS_ACTION,
    TRANSACTION_ID_MAX_LENGTH,
    check_limit,
    parse_header,
    read_answer_header,
    render_header,
    render_request_header,
)
from .errors import EnvelopeError, HeaderRejected
from .items import REFERENCE_ID_MAX_LENGTH, ResultParser
from .members import IDENTIFIER_MAX_LENGTH, Malformed, text_member
from .text import has_control, is_unstorable
from .values import OPERATIONS, AnswerHeader, Header, Operation, Result

ATTRIBUTE_TYPES = ("transaction_id", "reference_id_list", "correlation_id")
NOT_FOUND = "err.request.not_found: No such transaction of yours is on record"

_PLACE = "message.txnstatus_request"


class StatusRequest(NamedTuple):
    """`attribute_value` is a tuple for `reference_id_list`, else a string.

    `reference_id` names the question itself. `listed`: it came in a list, as OpenG2P has it.
    """

    header: Header
    transaction_id: str
    reference_id: str
    txn_type: Operation
    attribute_type: Literal["transaction_id", "reference_id_list", "correlation_id"]
    attribute_value: str | tuple[str, ...]
    locale: str | None = None
    listed: bool = False


class TransactionStatus(NamedTuple):
    """What became of the items that were asked for.

    `status` is `pdng` as long as some are not finished, and `rjct` where some never will be.
    `results` are those so far: items as the answer to their own message has them (`dict`) where
    this is written, and `Result` where it was read. `completed_count` counts refused items too.
    `transaction_id` and `correlation_id` are empty where the items come from several messages that
    have different ones.
    """

    txn_type: Operation
    transaction_id: str
    correlation_id: str
    status: Literal["rcvd", "pdng", "succ", "rjct"]
    total_count: int
    completed_count: int
    results: Sequence[dict] | list[Result]
    note: str | None = None


class StatusAnswer(NamedTuple):
    """`found` is None when the question was rejected, or nothing is on record: the header tells."""

    header: AnswerHeader
    transaction_id: str
    correlation_id: str
    found: TransactionStatus | None


# --- requests ---


def parse_request(
    payload: object,
    profile: str,
    *,
    max_items: int,
    now: datetime,
    ts_window: timedelta,
) -> StatusRequest:
    """Read a question.

    Raises `EnvelopeError` when it cannot be read and `HeaderRejected` when its header is refused,
    and nothing else whatever the payload.
    """
    strict = profile == "strict"
    header = parse_header(payload, STATUS_ACTION, profile, now=now, ts_window=ts_window)
    try:
        request = _read_message(payload, header, strict)
    except Malformed as error:
        raise EnvelopeError(str(error), header) from None
    if strict and header.total_count != 1:
        raise HeaderRejected("rjct.total_count.invalid", "total_count: must be 1", header)
    if isinstance(request.attribute_value, tuple):
        check_limit(header, len(request.attribute_value), max_items)
    return request


def parse_accepted(payload: dict, header: Header, profile: str) -> StatusRequest:
    """Read a question that passed `parse_request` in the same profile when it came.

    :param header: to be answered with
    """
    return _read_message(payload, header, profile == "strict")


def _read_message(payload: dict, header: Header, strict: bool) -> StatusRequest:
    message = payload.get("message")
    if not isinstance(message, dict):
        raise Malformed("message: must be an object")
    max_length = TRANSACTION_ID_MAX_LENGTH if strict else IDENTIFIER_MAX_LENGTH
    transaction_id = text_member(
        message,
        "transaction_id",
        strict,
        required=strict,
        present=True,
        max_length=max_length,
        place="message",
    )
    raw = message.get("txnstatus_request")
    listed = isinstance(raw, list) and not strict
    if listed:
        raw = _only(raw, _PLACE)
    if not isinstance(raw, dict):
        raise Malformed(f"{_PLACE}: must be an object")
    attribute_type = _read_choice(raw, "attribute_type", ATTRIBUTE_TYPES)
    if attribute_type == "reference_id_list":
        value = _read_references(raw.get("attribute_value"), strict)
    else:
        value = text_member(
            raw, "attribute_value", strict, required=True, max_length=max_length, place=_PLACE
        )
    return StatusRequest(
        header,
        transaction_id,
        text_member(raw, "reference_id", strict, required=strict, place=_PLACE),
        _read_choice(raw, "txn_type", OPERATIONS),
        attribute_type,
        value,
        text_member(raw, "locale", strict, place=_PLACE) or None,
        listed,
    )


def _only(entries: list, place: str) -> object:
    if len(entries) != 1:
        raise Malformed(f"{place}: must have one entry")
    return entries[0]


def _read_choice(raw: dict, name: str, choices: Sequence[str]) -> str:
    value = raw.get(name)
    if value is None:
        raise Malformed(f"{_PLACE}.{name}: missing")
    if not isinstance(value, str) or value not in choices:
        raise Malformed(f"{_PLACE}.{name}: must be one of {', '.join(choices)}")
    return value


def _read_references(value: object, strict: bool) -> tuple[str, ...]:
    if isinstance(value, str) and not strict:
        value = [value]
    if not isinstance(value, list) or not value:
        raise Malformed(f"{_PLACE}.attribute_value: must be a list of reference ids")
    for reference_id in value:
        if not isinstance(reference_id, str) or not reference_id:
            raise Malformed(f"{_PLACE}.attribute_value: a reference id must be a string")
        if len(reference_id) > REFERENCE_ID_MAX_LENGTH or _is_odd(reference_id, strict):
            raise Malformed(f"{_PLACE}.attribute_value: no item can have such a reference id")
    return tuple(dict.fromkeys(value))


def _is_odd(text: str, strict: bool) -> bool:
    return has_control(text) if strict else is_unstorable(text)


def render_request(request: StatusRequest) -> dict:
    """A question as it is sent: the standard's own form, without nulls."""
    value = request.attribute_value
    question = {
        "reference_id": request.reference_id,
        "txn_type": request.txn_type,
        "attribute_type": request.attribute_type,
        "attribute_value": list(value) if isinstance(value, tuple) else value,
    }
    if request.locale:
        question["locale"] = request.locale
    return {
        "header": render_request_header(request.header),
        "message": {
            "transaction_id": request.transaction_id,
            "txnstatus_request": question,
        },
    }


# --- answers ---


def render_answer(
    request: StatusRequest,
    found: TransactionStatus,
    profile: str,
    *,
    now: datetime,
    correlation_id: str | None = None,
) -> dict:
    """What was found.

    :param correlation_id: of the acknowledged question, where this is its callback
    """
    header = render_header(request.header, STATUS_ACTION, profile, now)
    header.update(
        status=found.status,
        total_count=found.total_count,
        completed_count=found.completed_count,
    )
    if found.note:
        header["status_reason_message"] = found.note
    told = {
        "txn_type": found.txn_type if request.listed else f"on-{found.txn_type}",
        "txn_status": {
            "transaction_id": found.transaction_id,
            "correlation_id": found.correlation_id,
            f"{found.txn_type}_response": list(found.results),
        },
    }
    return {
        "header": header,
        "message": {
            "transaction_id": request.transaction_id,
            # The standard demands it; a synchronous question has none of its own.
            "correlation_id": found.correlation_id if correlation_id is None else correlation_id,
            "txnstatus_response": [told] if request.listed else told,
        },
    }


def render_not_found(request: StatusRequest, profile: str, *, now: datetime) -> dict:
    """One answer for what never was, what is no longer on record, and what is somebody else's.

    The standard has no header code for it: the text begins with one of `errors.ERROR_CODES`.
    """
    header = render_header(request.header, STATUS_ACTION, profile, now)
    header.update(status="rjct", status_reason_message=NOT_FOUND)
    answer = {"header": header}
    if profile != "strict":
        answer["message"] = {}
    return answer


def parse_answer(payload: object, profile: str) -> StatusAnswer:
    """Read an answer. Raises `EnvelopeError` when it is none."""
    try:
        header = read_answer_header(payload)
        message = payload.get("message")
        message = message if isinstance(message, dict) else {}
        if header.status == "rjct" and message.get("txnstatus_response") is None:
            found = None
        else:
            found = _read_found(message, header, profile)
        return StatusAnswer(
            header,
            text_member(message, "transaction_id", False, place="message"),
            text_member(message, "correlation_id", False, place="message"),
            found,
        )
    except Malformed as error:
        raise EnvelopeError(str(error)) from None


def _read_found(message: dict, header: AnswerHeader, profile: str) -> TransactionStatus:
    place = "message.txnstatus_response"
    raw = message.get("txnstatus_response")
    if isinstance(raw, list):
        raw = _only(raw, place)
    if not isinstance(raw, dict):
        raise Malformed(f"{place}: must be an object")
    txn_type = raw.get("txn_type")
    operation = txn_type.removeprefix("on-") if isinstance(txn_type, str) else None
    if operation not in OPERATIONS:
        raise Malformed(f"{place}.txn_type: unknown")
    told = raw.get("txn_status")
    if not isinstance(told, dict):
        raise Malformed(f"{place}.txn_status: must be an object")
    items = told.get(f"{operation}_response")
    if not isinstance(items, list):
        raise Malformed(f"{place}.txn_status.{operation}_response: must be a list")
    parser = ResultParser(operation, profile)
    return TransactionStatus(
        operation,
        text_member(told, "transaction_id", False, place=place),
        text_member(told, "correlation_id", False, place=place),
        header.status,
        _count(header.total_count, items),
        _count(header.completed_count, items),
        [parser.parse(item) for item in items],
        header.status_reason_message,
    )


def _count(told: int | None, items: list) -> int:
    return len(items) if told is None else told
