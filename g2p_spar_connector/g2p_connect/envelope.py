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

from .errors import EnvelopeError, HeaderRejected
from .items import ItemParser, ResultParser, ResultRenderer, render_item
from .text import has_control, has_unstorable, is_unstorable, parse_timestamp
from .values import OPERATIONS, Answer, AnswerHeader, Header, Request, Result

VERSION = "1.0.0"
IDENTIFIER_MAX_LENGTH = 255
TRANSACTION_ID_MAX_LENGTH = 99
URI_MAX_LENGTH = 2048

_VERSION_1 = re.compile(r"1(\.[0-9]{1,9}){0,2}")
_KNOWN_ACTIONS = frozenset(
    [
        *OPERATIONS,
        *(f"on-{operation}" for operation in OPERATIONS),
        "txn-status",
        "txn-on-status",
    ]
)
_STATUSES = ("rcvd", "pdng", "succ", "rjct")


class _Malformed(Exception):
    """A member that cannot be read; the text names it."""


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
    strict = profile == "strict"
    try:
        header = _read_header(payload, strict)
    except _Malformed as error:
        raise EnvelopeError(str(error), _echo(payload)) from None
    if header.is_msg_encrypted:
        raise EnvelopeError(
            "header.is_msg_encrypted: encrypted messages are not supported",
            header,
            "err.encryption.invalid",
        )
    _check_version(header)
    _check_action(header, operation, strict)
    if strict:
        _check_message_ts(header, now, ts_window)
    try:
        transaction_id, raw_items = _read_message(payload, operation, strict)
    except _Malformed as error:
        raise EnvelopeError(str(error), header) from None
    _check_counts(header, len(raw_items), max_items, strict)
    parser = ItemParser(operation, profile)
    return Request(header, operation, transaction_id, [parser.parse(raw) for raw in raw_items])


def _read_header(payload: object, strict: bool) -> Header:
    if not isinstance(payload, dict):
        raise _Malformed("body: must be a JSON object")
    raw = payload.get("header")
    if not isinstance(raw, dict):
        raise _Malformed("header: must be an object")
    return Header(
        version=VERSION if raw.get("version") is None else _text(raw, "version", strict),
        message_id=_text(raw, "message_id", strict, required=strict, present=True),
        message_ts=_read_message_ts(raw, strict),
        action=_text(raw, "action", strict, required=True),
        sender_id=_text(raw, "sender_id", strict, required=strict),
        sender_uri=_text(raw, "sender_uri", strict, max_length=URI_MAX_LENGTH) or None,
        receiver_id=_text(raw, "receiver_id", strict) or None,
        total_count=_read_total_count(raw, strict),
        is_msg_encrypted=_read_is_encrypted(raw, strict),
        meta=_read_meta(raw, strict),
    )


def _text(
    raw: dict,
    name: str,
    strict: bool,
    *,
    required: bool = False,
    present: bool = False,
    max_length: int = IDENTIFIER_MAX_LENGTH,
    place: str = "header",
) -> str:
    """A string member; an absent or null one is an empty string.

    Unless it must be `present` (the envelope is incomplete without it, in every profile) or is
    `required` (nor may it be empty).
    """
    value = raw.get(name)
    if value is None or value == "":
        if required or (present and value is None):
            raise _Malformed(f"{place}.{name}: missing")
        return ""
    if not isinstance(value, str):
        raise _Malformed(f"{place}.{name}: must be a string")
    if len(value) > max_length:
        raise _Malformed(f"{place}.{name}: must have at most {max_length} characters")
    if has_control(value) if strict else is_unstorable(value):
        raise _Malformed(f"{place}.{name}: has characters that are not allowed")
    return value


def _read_message_ts(raw: dict, strict: bool) -> str:
    if strict:
        return _text(raw, "message_ts", strict, required=True)
    value = raw.get("message_ts")
    return value if isinstance(value, str) and not is_unstorable(value) else ""


def _read_total_count(raw: dict, strict: bool) -> int:
    value = raw.get("total_count")
    if type(value) is int:  # a boolean is no count
        return value
    if strict:
        problem = "missing" if value is None else "must be an integer"
        raise _Malformed(f"header.total_count: {problem}")
    return 0


def _read_is_encrypted(raw: dict, strict: bool) -> bool:
    value = raw.get("is_msg_encrypted")
    if value is None and not strict:
        value = raw.get("is_encrypted")  # the name in OpenG2P's first versions
    if value is None:
        return False
    if not isinstance(value, bool):
        raise _Malformed("header.is_msg_encrypted: must be true or false")
    return value


def _read_meta(raw: dict, strict: bool) -> object:
    value = raw.get("meta")
    if value is None or (not strict and has_unstorable(value)):
        return None
    if strict and not isinstance(value, dict):
        raise _Malformed("header.meta: must be an object")
    if has_unstorable(value):
        raise _Malformed("header.meta: has characters that are not allowed")
    return value


def _echo(payload: object) -> Header:
    """What can be read of a header that cannot be read as a whole."""
    raw = payload.get("header") if isinstance(payload, dict) else None
    if not isinstance(raw, dict):
        return Header()
    values = {}
    for name in ("message_id", "action", "sender_id", "receiver_id"):
        try:
            values[name] = _text(raw, name, strict=True)
        except _Malformed:
            values[name] = ""
    return Header(**values)


def _check_version(header: Header) -> None:
    if not _VERSION_1.fullmatch(header.version):
        raise HeaderRejected("rjct.version.invalid", "version: must be 1.x", header)


def _check_action(header: Header, operation: str, strict: bool) -> None:
    if header.action == operation:
        return
    if strict and header.action not in _KNOWN_ACTIONS:
        raise HeaderRejected("rjct.action.invalid", "action: unknown", header)
    raise HeaderRejected(
        "rjct.action.not_supported", f"action: must be {operation} on this path", header
    )


def _check_message_ts(header: Header, now: datetime, ts_window: timedelta) -> None:
    moment = parse_timestamp(header.message_ts)
    if moment is None:
        raise HeaderRejected(
            "rjct.message_ts.invalid",
            "message_ts: must be RFC 3339 with a time zone",
            header,
        )
    if abs(now - moment) > ts_window:
        raise HeaderRejected(
            "rjct.message_ts.invalid",
            f"message_ts: must lie within {int(ts_window.total_seconds())} s of now",
            header,
        )


def _read_message(payload: dict, operation: str, strict: bool) -> tuple[str, list]:
    message = payload.get("message")
    if not isinstance(message, dict):
        raise _Malformed("message: must be an object")
    transaction_id = _text(
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
        raise _Malformed(f"message.{operation}_request: must be a list")
    return transaction_id, items


def _check_counts(header: Header, count: int, max_items: int, strict: bool) -> None:
    if not count:
        raise HeaderRejected("rjct.total_count.invalid", "The message has no items", header)
    if count > max_items:
        raise HeaderRejected(
            "rjct.total_count.limit_exceeded",
            f"The message has {count} items; {max_items} are allowed",
            header,
        )
    if strict and header.total_count != count:
        raise HeaderRejected(
            "rjct.total_count.invalid",
            f"total_count: the message has {count} items",
            header,
        )


def render_request(request: Request, profile: str) -> dict:
    """A request as it is sent. All profiles send the standard's own form, without nulls."""
    header = {
        name: value
        for name, value in request.header._asdict().items()
        if value is not None and value != ""
    }
    # OpenG2P demands these members even when they are empty.
    for name in ("message_id", "message_ts", "action", "sender_id"):
        header.setdefault(name, "")
    return {
        "header": header,
        "message": {
            "transaction_id": request.transaction_id,
            f"{request.operation}_request": [
                render_item(item, request.header.message_ts) for item in request.items
            ],
        },
    }


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
    header = _render_header(request.header, request.operation, profile, now)
    header.update(status="succ", total_count=len(request.items), completed_count=len(results))
    renderer = ResultRenderer(request.operation, profile, header["message_ts"])
    message = {"transaction_id": request.transaction_id}
    if correlation_id is not None:
        message["correlation_id"] = correlation_id
    message[f"{request.operation}_response"] = [
        renderer.render(item, result) for item, result in zip(request.items, results, strict=True)
    ]
    return {"header": header, "message": message}


def render_header_rejection(
    error: HeaderRejected, operation: str, profile: str, *, now: datetime
) -> dict:
    """HTTP 200: the header's reason code tells why nothing was processed."""
    header = _render_header(error.header_echo, operation, profile, now)
    header.update(status="rjct", status_reason_code=error.code, status_reason_message=error.message)
    answer = {"header": header}
    if profile != "strict":
        answer["message"] = {}
    return answer


def render_envelope_error(
    error: EnvelopeError, operation: str, profile: str, *, now: datetime
) -> dict:
    """HTTP 400. The header has no code for it, so the text begins with one of `ERROR_CODES`."""
    header = _render_header(error.header_echo, operation, profile, now)
    header.update(status="rjct", status_reason_message=f"{error.code}: {error.message}")
    return {"header": header}


def _render_header(header: Header, operation: str, profile: str, now: datetime) -> dict:
    strict = profile == "strict"
    # In the standard the sender of an answer is who answers; OpenG2P hands both back as they came.
    sender_id, receiver_id = header.sender_id, header.receiver_id
    if strict:
        sender_id, receiver_id = receiver_id, sender_id
    raw = {
        "version": VERSION,
        "message_id": header.message_id,
        "message_ts": now.isoformat(timespec="milliseconds"),
        "action": f"on-{operation}" if strict else operation,
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


def parse_answer(payload: object, operation: str, profile: str) -> Answer:
    """Read an answer. Raises `EnvelopeError` when it is none."""
    try:
        header = _read_answer_header(payload)
        message = payload.get("message")
        message = message if isinstance(message, dict) else {}
        items = message.get(f"{operation}_response")
        if not isinstance(items, list):
            if header.status != "rjct":
                raise _Malformed(f"message.{operation}_response: must be a list")
            items = []
        parser = ResultParser(operation, profile)
        return Answer(
            header,
            operation,
            _text(message, "transaction_id", False, place="message"),
            _text(message, "correlation_id", False, place="message") or None,
            [parser.parse(raw) for raw in items],
        )
    except _Malformed as error:
        raise EnvelopeError(str(error)) from None


def _read_answer_header(payload: object) -> AnswerHeader:
    if not isinstance(payload, dict):
        raise _Malformed("body: must be a JSON object")
    raw = payload.get("header")
    if not isinstance(raw, dict):
        raise _Malformed("header: must be an object")
    status = raw.get("status")
    if status not in _STATUSES:
        raise _Malformed("header.status: unknown")
    return AnswerHeader(
        version=_text(raw, "version", False) or VERSION,
        message_id=_text(raw, "message_id", False),
        message_ts=_text(raw, "message_ts", False),
        action=_text(raw, "action", False),
        status=status,
        status_reason_code=_text(raw, "status_reason_code", False) or None,
        status_reason_message=_text(raw, "status_reason_message", False, max_length=4096) or None,
        total_count=_count(raw, "total_count"),
        completed_count=_count(raw, "completed_count"),
        sender_id=_text(raw, "sender_id", False) or None,
        receiver_id=_text(raw, "receiver_id", False) or None,
        is_msg_encrypted=_read_is_encrypted(raw, strict=False),
        meta=raw.get("meta"),
    )


def _count(raw: dict, name: str) -> int | None:
    value = raw.get(name)
    return value if type(value) is int else None
