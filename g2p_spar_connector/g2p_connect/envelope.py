# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The envelope `{header, message}` of the mapper API: reading requests, writing answers, and the
other way round for clients.

G2P-Connect mapper API 1.0.0 (`MsgHeader`, `MsgCallbackHeader`, `LinkRequest` ...), in the profile
`strict` by the letter of its errata, in the OpenG2P profiles as OpenG2P SPAR 1.1 takes and gives
it. JSON values in, JSON values out; bytes are the business of `jsonio`.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from .errors import EnvelopeError, HeaderRejected, StillRunning
from .items import ItemParser, ResultParser, ResultRenderer, render_item
from .members import IDENTIFIER_MAX_LENGTH, Malformed, text_member
from .text import has_unstorable, is_unstorable, parse_timestamp
from .values import OPERATIONS, Answer, AnswerHeader, Header, Request, Result

VERSION = "1.0.0"
TRANSACTION_ID_MAX_LENGTH = 99
URI_MAX_LENGTH = 2048

STATUS_ACTION = "txn-status"
ON_STATUS_ACTION = "txn-on-status"

VERSION_1 = re.compile(r"1(\.[0-9]{1,9}){0,2}")
_KNOWN_ACTIONS = frozenset(
    [
        *OPERATIONS,
        *(f"on-{operation}" for operation in OPERATIONS),
        STATUS_ACTION,
        ON_STATUS_ACTION,
    ]
)
_STATUSES = ("rcvd", "pdng", "succ", "rjct")


class HeaderRules(NamedTuple):
    """Members that a request's header must have, and those that must not be empty."""

    present: tuple[str, ...]
    filled: tuple[str, ...]


_ALL_REQUIRED = ("message_id", "message_ts", "action", "sender_id", "total_count")
STRICT_HEADER = HeaderRules(_ALL_REQUIRED, _ALL_REQUIRED)
OPENG2P_HEADER = HeaderRules(("message_id", "action"), ("action",))


# --- requests ---


def parse_request(
    payload: object,
    operation: str,
    profile: str,
    *,
    max_items: int,
    now: datetime,
    ts_window: timedelta,
) -> Request:
    """Read a request.

    Raises `EnvelopeError` when it cannot be read and `HeaderRejected` when its header is
    refused, and nothing else whatever the payload. Problems of items stay with the items.
    """
    header, transaction_id, raw_items = check_request(
        payload, operation, profile, max_items=max_items, now=now, ts_window=ts_window
    )
    items = ItemParser(operation, profile).parse_all(raw_items)
    return Request(header, operation, transaction_id, items)


def check_request(
    payload: object,
    operation: str,
    profile: str,
    *,
    max_items: int,
    now: datetime,
    ts_window: timedelta,
) -> tuple[Header, str, list]:
    """Read a request but for its items, which may be read later (`parse_accepted`).

    Raises like `parse_request`. Returns the header, the transaction_id and the items as they came.
    """
    strict = profile == "strict"
    header = parse_header(payload, operation, profile, now=now, ts_window=ts_window)
    try:
        transaction_id, raw_items = _read_message(payload, operation, strict)
    except Malformed as error:
        raise EnvelopeError(str(error), header) from None
    _check_counts(header, len(raw_items), max_items, strict)
    return header, transaction_id, raw_items


def parse_accepted(payload: dict, operation: str, profile: str) -> Request:
    """Read a request that passed `check_request` in the same profile when it came."""
    strict = profile == "strict"
    transaction_id, raw_items = _read_message(payload, operation, strict)
    items = ItemParser(operation, profile).parse_all(raw_items)
    return Request(_read_header(payload, strict), operation, transaction_id, items)


def parse_header(
    payload: object, action: str, profile: str, *, now: datetime, ts_window: timedelta
) -> Header:
    """Read and check a request's header, but for its count; like `parse_request`."""
    strict = profile == "strict"
    try:
        header = _read_header(payload, strict)
    except Malformed as error:
        raise EnvelopeError(str(error), header_echo(payload)) from None
    if header.is_msg_encrypted:
        raise EnvelopeError(
            "header.is_msg_encrypted: encrypted messages are not supported",
            header,
            "err.encryption.invalid",
        )
    _check_version(header)
    _check_action(header, action, strict)
    if strict:
        check_message_ts(header, now, ts_window)
    return header


def _read_header(payload: object, strict: bool) -> Header:
    if not isinstance(payload, dict):
        raise Malformed("body: must be a JSON object")
    raw = payload.get("header")
    if not isinstance(raw, dict):
        raise Malformed("header: must be an object")
    present, filled = STRICT_HEADER if strict else OPENG2P_HEADER

    def text(name, **limits):
        demands = {"required": name in filled, "present": name in present}
        return text_member(raw, name, strict, **demands, **limits)

    return Header(
        version=VERSION if raw.get("version") is None else text("version"),
        message_id=text("message_id"),
        message_ts=text("message_ts") if strict else _any_text(raw, "message_ts"),
        action=text("action"),
        sender_id=text("sender_id"),
        sender_uri=text("sender_uri", max_length=URI_MAX_LENGTH) or None,
        receiver_id=text("receiver_id") or None,
        total_count=_read_total_count(raw, strict),
        is_msg_encrypted=_read_is_encrypted(raw, strict),
        meta=_read_meta(raw, strict),
    )


def _any_text(raw: dict, name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) and not is_unstorable(value) else ""


def _read_total_count(raw: dict, strict: bool) -> int:
    value = raw.get("total_count")
    if type(value) is int:  # a boolean is no count
        return value
    if strict:
        problem = "missing" if value is None else "must be an integer"
        raise Malformed(f"header.total_count: {problem}")
    return 0


def _read_is_encrypted(raw: dict, strict: bool) -> bool:
    value = raw.get("is_msg_encrypted")
    if value is None and not strict:
        value = raw.get("is_encrypted")  # the name in OpenG2P's first versions
    if value is None:
        return False
    if not isinstance(value, bool):
        raise Malformed("header.is_msg_encrypted: must be true or false")
    return value


def _read_meta(raw: dict, strict: bool) -> object:
    value = raw.get("meta")
    if value is None or (not strict and has_unstorable(value)):
        return None
    if strict and not isinstance(value, dict):
        raise Malformed("header.meta: must be an object")
    if has_unstorable(value):
        raise Malformed("header.meta: has characters that are not allowed")
    return value


def header_echo(payload: object) -> Header:
    """What can be read of a header that cannot be read as a whole."""
    raw = payload.get("header") if isinstance(payload, dict) else None
    if not isinstance(raw, dict):
        return Header()
    values = {}
    for name in ("message_id", "action", "sender_id", "receiver_id"):
        try:
            values[name] = text_member(raw, name, strict=True)
        except Malformed:
            values[name] = ""
    return Header(**values)


def _check_version(header: Header) -> None:
    if not VERSION_1.fullmatch(header.version):
        raise HeaderRejected("rjct.version.invalid", "version: must be 1.x", header)


def _check_action(header: Header, operation: str, strict: bool) -> None:
    if header.action == operation:
        return
    if strict and header.action not in _KNOWN_ACTIONS:
        raise HeaderRejected("rjct.action.invalid", "action: unknown", header)
    raise HeaderRejected(
        "rjct.action.not_supported", f"action: must be {operation} on this path", header
    )


def check_message_ts(
    header: Header, now: datetime, ts_window: timedelta, name: str = "message_ts"
) -> None:
    """Refuse a message from too long ago, or from the future; `name` is the member's own."""
    moment = parse_timestamp(header.message_ts)
    if moment is None:
        raise HeaderRejected(
            "rjct.message_ts.invalid", f"{name}: must be RFC 3339 with a time zone", header
        )
    if abs(now - moment) > ts_window:
        raise HeaderRejected(
            "rjct.message_ts.invalid",
            f"{name}: must lie within {int(ts_window.total_seconds())} s of now",
            header,
        )


def _read_message(payload: dict, operation: str, strict: bool) -> tuple[str, list]:
    message = payload.get("message")
    if not isinstance(message, dict):
        raise Malformed("message: must be an object")
    transaction_id = text_member(
        message,
        "transaction_id",
        strict,
        required=strict,
        present=True,
        max_length=TRANSACTION_ID_MAX_LENGTH if strict else IDENTIFIER_MAX_LENGTH,
        place="message",
    )
    items = message.get(f"{operation}_request")
    if not isinstance(items, list):
        raise Malformed(f"message.{operation}_request: must be a list")
    return transaction_id, items


def _check_counts(header: Header, count: int, max_items: int, strict: bool) -> None:
    if not count:
        raise HeaderRejected("rjct.total_count.invalid", "The message has no items", header)
    check_limit(header, count, max_items)
    if strict and header.total_count != count:
        raise HeaderRejected(
            "rjct.total_count.invalid",
            f"total_count: the message has {count} items",
            header,
        )


def check_limit(
    header: Header, count: int, max_items: int, transaction_id: str | None = None
) -> None:
    """Refuse a message with more items than its sender may send."""
    if count > max_items:
        raise HeaderRejected(
            "rjct.total_count.limit_exceeded",
            f"The message has {count} items; {max_items} are allowed",
            header,
            transaction_id,
        )


def sender_of(payload: object) -> str:
    """Whom a message names as its sender, before anything else of it is read; "" for nobody."""
    header = payload.get("header") if isinstance(payload, dict) else None
    sender_id = header.get("sender_id") if isinstance(header, dict) else None
    return sender_id if isinstance(sender_id, str) else ""


def message_of(payload: dict) -> object:
    """What a message says beside its header: with the action, what tells a retry by."""
    return payload["message"]


def render_request(request: Request, profile: str) -> dict:
    """A request as it is sent. All profiles send the standard's own form, without nulls."""
    return {
        "header": render_request_header(request.header),
        "message": {
            "transaction_id": request.transaction_id,
            f"{request.operation}_request": [
                render_item(item, request.header.message_ts) for item in request.items
            ],
        },
    }


def render_request_header(header: Header) -> dict:
    raw = {
        name: value for name, value in header._asdict().items() if value is not None and value != ""
    }
    # OpenG2P demands these members even when they are empty.
    for name in ("message_id", "message_ts", "action", "sender_id"):
        raw.setdefault(name, "")
    return raw


# --- answers ---


def render_answer(
    request: Request,
    results: Sequence[Result],
    profile: str,
    *,
    now: datetime,
    correlation_id: str | None = None,
) -> dict:
    """The answer to a message that was processed, whatever became of its items.

    One result for each item, in their order. `now` needs a time zone.
    """
    header = render_header(request.header, request.operation, profile, now)
    header.update(status="succ", total_count=len(request.items), completed_count=len(results))
    renderer = ResultRenderer(request.operation, profile, header["message_ts"])
    message = {"transaction_id": request.transaction_id}
    if correlation_id is not None:
        message["correlation_id"] = correlation_id
    message[f"{request.operation}_response"] = renderer.render_all(request.items, results)
    return {"header": header, "message": message}


def render_callback(
    header: Header,
    operation: str,
    profile: str,
    message: dict,
    *,
    total_count: int,
    now: datetime,
) -> dict:
    """What `on-<op>` is sent: the answer to a message, with the results as they were rendered.

    :param header: of the request; its `message_id` is the one that the callback is to have.
    :param message: `transaction_id`, `correlation_id` and `<op>_response`. Where it has fewer
        results than the request had items, the header says that the rest was not done.
    """
    raw = render_header(header, operation, profile, now)
    completed_count = len(message[f"{operation}_response"])
    raw.update(total_count=total_count, completed_count=completed_count)
    if completed_count < total_count:
        raw.update(
            status="rjct",
            status_reason_code="rjct.errors.too_many",
            status_reason_message="The items without a result were not done; send them again",
        )
    return {"header": raw, "message": message}


def render_header_rejection(
    error: HeaderRejected, operation: str, profile: str, *, now: datetime
) -> dict:
    """HTTP 200: the header's reason code tells why nothing was processed."""
    header = render_header(error.header_echo, operation, profile, now)
    header.update(status="rjct", status_reason_code=error.code, status_reason_message=error.message)
    answer = {"header": header}
    if profile != "strict":
        answer["message"] = {}
    return answer


def render_still_running(
    error: StillRunning, request: Request, profile: str, *, now: datetime
) -> dict:
    """HTTP 200: sent again, the message gets its answer."""
    header = render_header(request.header, request.operation, profile, now)
    header.update(
        status="pdng",
        status_reason_message=str(error),
        total_count=len(request.items),
        completed_count=0,
    )
    return {"header": header} if profile == "strict" else {"header": header, "message": {}}


def render_envelope_error(
    error: EnvelopeError, operation: str, profile: str, *, now: datetime
) -> dict:
    """HTTP 400. The header has no code for it, so the text begins with one of `ERROR_CODES`."""
    header = render_header(error.header_echo, operation, profile, now)
    header.update(status="rjct", status_reason_message=f"{error.code}: {error.message}")
    return {"header": header}


def render_header(header: Header, operation: str, profile: str, now: datetime) -> dict:
    strict = profile == "strict"
    # In the standard the sender of an answer is who answers; OpenG2P hands both back as they came.
    sender_id, receiver_id = header.sender_id, header.receiver_id
    if strict:
        sender_id, receiver_id = receiver_id, sender_id
    raw = {
        "version": VERSION,
        "message_id": header.message_id,
        "message_ts": now.isoformat(timespec="milliseconds"),
        "action": answer_action(operation) if strict else operation,
        "status": "succ",
        "is_msg_encrypted": False,
    }
    if sender_id:
        raw["sender_id"] = sender_id
    if receiver_id:
        raw["receiver_id"] = receiver_id
    if not strict:
        raw["meta"] = {}
    return raw


def answer_action(action: str) -> str:
    """The action of the answer to a message of that action, in the standard's own words."""
    return ON_STATUS_ACTION if action == STATUS_ACTION else f"on-{action}"


def parse_answer(payload: object, operation: str, profile: str) -> Answer:
    """Read an answer. Raises `EnvelopeError` when it is none."""
    try:
        header = read_answer_header(payload)
        message = payload.get("message")
        message = message if isinstance(message, dict) else {}
        items = message.get(f"{operation}_response")
        if not isinstance(items, list):
            if header.status == "succ":
                raise Malformed(f"message.{operation}_response: must be a list")
            items = []
        parser = ResultParser(operation, profile)
        return Answer(
            header,
            operation,
            text_member(message, "transaction_id", False, place="message"),
            text_member(message, "correlation_id", False, place="message") or None,
            [parser.parse(raw) for raw in items],
        )
    except Malformed as error:
        raise EnvelopeError(str(error)) from None


def read_answer_header(payload: object) -> AnswerHeader:
    if not isinstance(payload, dict):
        raise Malformed("body: must be a JSON object")
    raw = payload.get("header")
    if not isinstance(raw, dict):
        raise Malformed("header: must be an object")
    status = raw.get("status")
    if status not in _STATUSES:
        raise Malformed("header.status: unknown")
    return AnswerHeader(
        version=text_member(raw, "version", False) or VERSION,
        message_id=text_member(raw, "message_id", False),
        message_ts=text_member(raw, "message_ts", False),
        action=text_member(raw, "action", False),
        status=status,
        status_reason_code=text_member(raw, "status_reason_code", False) or None,
        status_reason_message=text_member(raw, "status_reason_message", False, max_length=4096)
        or None,
        total_count=_count(raw, "total_count"),
        completed_count=_count(raw, "completed_count"),
        sender_id=text_member(raw, "sender_id", False) or None,
        receiver_id=text_member(raw, "receiver_id", False) or None,
        is_msg_encrypted=_read_is_encrypted(raw, strict=False),
        meta=raw.get("meta"),
    )


def _count(raw: dict, name: str) -> int | None:
    value = raw.get(name)
    return value if type(value) is int else None
