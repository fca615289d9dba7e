# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The envelope `{request_header, request_body}` of OpenG2P SPAR 2.x, with the same functions as
`envelope`: reading requests, writing answers.

The members are those of openg2p-fastapi-common (`G2PRequest`, `G2PResponse`). Other than in
G2P-Connect, members without a value are null in answers, and an FA that is linked is an object
(`fa_object`), which stays one in the parsed items: the mapper's strategies make the string.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from . import fa_object
from .codes import reasons
from .envelope import TRANSACTION_ID_MAX_LENGTH, URI_MAX_LENGTH, check_limit, check_message_ts
from .errors import EnvelopeError, HeaderRejected, StillRunning
from .items import MESSAGE_MAX_LENGTH, ItemParser
from .members import IDENTIFIER_MAX_LENGTH, Malformed, text_member
from .text import is_unstorable
from .values import AccountProvider, Header, Item, Outcome, Problem, Request, Result

# OpenG2P's code for whatever is wrong with a request as a whole.
REQUEST_INVALID = "rjct.request.validation"
STILL_RUNNING = "pdng"
DEFAULT_LOCALE = "en"

_HEADER = "request_header"


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
    """Read a request of the mapper's; `fa` of its items is a string or an `FaObject`.

    Raises `EnvelopeError` and `HeaderRejected` like the function of the same name in `envelope`.
    """
    strict = profile == "strict"
    header, body = read_envelope(payload, profile, now=now, ts_window=ts_window)
    message = body.get("request_payload")
    if message is None:
        text = "Missing request_payload in request.request_body"
        raise HeaderRejected(REQUEST_INVALID, text, header)
    try:
        transaction_id, raw_items = _read_message(message, operation, strict)
    except Malformed as error:
        raise EnvelopeError(str(error), header) from None
    if not raw_items:
        text = f"Empty {operation}_request list in request.request_body.request_payload"
        raise HeaderRejected(REQUEST_INVALID, text, header, transaction_id)
    check_limit(header, len(raw_items), max_items, transaction_id)
    header = header._replace(action=operation, total_count=len(raw_items))
    parser = _ItemParser(operation, profile)
    return Request(header, operation, transaction_id, parser.parse_all(raw_items))


def read_envelope(
    payload: object, profile: str, *, now: datetime, ts_window: timedelta
) -> tuple[Header, dict]:
    """The header, in the names of G2P-Connect, and the `request_body` of any 2.x request."""
    strict = profile == "strict"
    try:
        header = _read_header(payload, strict)
        body = payload.get("request_body")
        if not isinstance(body, dict):
            raise Malformed("request_body: must be an object")
    except Malformed as error:
        raise EnvelopeError(str(error), header_echo(payload)) from None
    if strict:
        check_message_ts(header, now, ts_window, "request_timestamp")
    return header, body


def sender_of(payload: object) -> str:
    """Whom a message names as its sender, before anything else of it is read; "" for nobody."""
    header = payload.get(_HEADER) if isinstance(payload, dict) else None
    sender_id = header.get("sender_app_mnemonic") if isinstance(header, dict) else None
    return sender_id if isinstance(sender_id, str) else ""


def message_of(payload: dict) -> object:
    """What a message says beside its header: with the action, what tells a retry by."""
    return payload["request_body"]


def _read_header(payload: object, strict: bool) -> Header:
    if not isinstance(payload, dict):
        raise Malformed("body: must be a JSON object")
    raw = payload.get(_HEADER)
    if not isinstance(raw, dict):
        raise Malformed(f"{_HEADER}: must be an object")

    def text(name, **demands):
        return text_member(raw, name, strict, place=_HEADER, **demands)

    timestamp = raw.get("request_timestamp")
    if strict:
        timestamp = text("request_timestamp", required=True)
    elif not isinstance(timestamp, str) or is_unstorable(timestamp):
        timestamp = ""
    return Header(
        message_id=text("request_id", required=strict, present=True),
        message_ts=timestamp,
        sender_id=text("sender_app_mnemonic", required=strict),
        sender_uri=text("sender_app_url", max_length=URI_MAX_LENGTH) or None,
    )


def header_echo(payload: object) -> Header:
    """The request_id, where the header cannot be read as a whole."""
    raw = payload.get(_HEADER) if isinstance(payload, dict) else None
    try:
        return Header(message_id=text_member(raw or {}, "request_id", True))
    except (Malformed, AttributeError):
        return Header()


def _read_message(message: object, operation: str, strict: bool) -> tuple[str, list]:
    place = "request_payload"
    if not isinstance(message, dict):
        raise Malformed(f"{place}: must be an object")
    transaction_id = text_member(
        message,
        "transaction_id",
        strict,
        required=strict,
        present=True,
        max_length=TRANSACTION_ID_MAX_LENGTH if strict else IDENTIFIER_MAX_LENGTH,
        place=place,
    )
    items = message.get(f"{operation}_request")
    if not isinstance(items, list):
        raise Malformed(f"{place}.{operation}_request: must be a list")
    return transaction_id, items


class _ItemParser(ItemParser):
    """An FA may be an object; one that is to be linked must be."""

    def _parse_columns(self, raws: list) -> list[Item] | None:
        with_fa = any(isinstance(raw, dict) and raw.get("fa") for raw in raws)
        return None if with_fa else super()._parse_columns(raws)

    def parse(self, raw: object) -> Item:
        item = super().parse(raw)
        if not isinstance(item.fa, dict):
            return item
        if not item.fa and not self._fa_is_required:
            return item._replace(fa="")
        try:
            return item._replace(fa=fa_object.parse(item.fa))
        except fa_object.FaObjectError as error:
            return self._refused(raw, Problem(Outcome.FA_INVALID, str(error)))

    def _check_fa(self, value: Any) -> Problem | None:
        if isinstance(value, dict):
            return None
        if self._fa_is_required and value not in (None, ""):
            return Problem(Outcome.FA_INVALID, "fa: must be an object")
        return super()._check_fa(value)


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

    One result for each item, in their order, the items with strings as FAs.
    """
    header = render_header(request.header, now)
    renderer = _ResultRenderer(request.operation, profile, header["response_timestamp"])
    items = [
        renderer.render(item, result) for item, result in zip(request.items, results, strict=True)
    ]
    payload = _payload(request.operation, request.transaction_id, items, correlation_id)
    return {"response_header": header, "response_body": render_body(payload)}


def render_header_rejection(
    error: HeaderRejected, operation: str, profile: str, *, now: datetime
) -> dict:
    """HTTP 200: nothing was processed, and the header tells why."""
    payload = _payload(operation, error.transaction_id, [])
    return {
        "response_header": render_header(error.header_echo, now, error.code, error.message),
        "response_body": render_body(payload),
    }


def render_still_running(
    error: StillRunning, request: Request, profile: str, *, now: datetime
) -> dict:
    """HTTP 200. OpenG2P 2.x has no status for it: an error, whose text says to send it again."""
    payload = _payload(request.operation, request.transaction_id, [])
    return {
        "response_header": render_header(request.header, now, STILL_RUNNING, str(error)),
        "response_body": render_body(payload),
    }


def render_envelope_error(
    error: EnvelopeError, operation: str, profile: str, *, now: datetime
) -> dict:
    """HTTP 400: a header alone."""
    return {"response_header": render_header(error.header_echo, now, REQUEST_INVALID, str(error))}


def render_header(
    header: Header, now: datetime, code: str | None = None, message: str | None = None
) -> dict:
    return {
        "request_id": header.message_id,
        "response_status": "ERROR" if code else "SUCCESS",
        "response_error_code": code,
        "response_error_message": message,
        "response_timestamp": now.isoformat(timespec="milliseconds"),
    }


def render_body(payload: object, pagination: dict | None = None) -> dict:
    return {"pagination_response": pagination, "response_payload": payload}


def _payload(operation, transaction_id, items, correlation_id=None):
    return {
        "transaction_id": transaction_id,
        "correlation_id": correlation_id,
        f"{operation}_response": items,
    }


class _ResultRenderer:
    """Renders the items of one answer, with OpenG2P's nulls."""

    def __init__(self, operation: str, profile: str, timestamp: str):
        self._operation = operation
        self._reasons = reasons(profile, operation)
        self._timestamp = timestamp

    def render(self, item: Item, result: Result) -> dict:
        status, code, text = self._reasons[result.outcome]
        message = result.message or text
        raw = {
            "reference_id": result.reference_id,
            "timestamp": self._timestamp,
            "id": result.id or item.id or None,
            "status": status,
            "status_reason_code": code,
            "status_reason_message": message[:MESSAGE_MAX_LENGTH] if message else None,
            "additional_info": _additional_info(result),
            "locale": result.locale or item.locale or DEFAULT_LOCALE,
        }
        if self._operation == "link":
            raw["fa"] = result.fa or item.fa or None
        elif self._operation == "resolve":
            raw["fa"] = result.fa
            raw["account_provider_info"] = _provider(result.provider)
        return raw


def _provider(provider: AccountProvider | None) -> dict | None:
    return provider and provider._asdict() | {"subcode": provider.subcode or ""}


def _additional_info(result: Result) -> list | None:
    """What is stored, its first entry with the true `strategy_id`, whatever the writer said."""
    info = result.additional_info
    entries = info if isinstance(info, list) else [] if info is None else [info]
    if result.address is None:
        return entries or None
    told = {"strategy_id": result.address.strategy_code}
    if entries and isinstance(entries[0], dict) and "strategy_id" in entries[0]:
        return [entries[0] | told, *entries[1:]]
    return [told, *entries]
