# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The directory calls of OpenG2P SPAR 2.x: `/dfsp/fetch-banks`, `fetch-branches` and
`fetch-wallet-service-providers`, in the envelope of `envelope_v2`, a page at a time
(`G2PPaginationRequest` and `G2PPaginationResponse` of openg2p-fastapi-common)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from .envelope_v2 import read_envelope, render_body, render_header
from .errors import EnvelopeError, HeaderRejected
from .members import IDENTIFIER_MAX_LENGTH, Malformed, text_member
from .values import Header

# Rows of an answer, also of one to a request that asks for no page or for a larger one.
PAGE_MAX_SIZE = 10_000

# Members of a row, which also are what pages can be sorted and filtered by.
LISTINGS = {
    "banks": ("id", "bank_mnemonic", "bank_name", "bank_code"),
    "branches": ("id", "branch_mnemonic", "branch_name", "branch_code", "bank_id"),
    "wallet_service_providers": ("id", "sp_mnemonic", "sp_name", "sp_code", "wallet_type"),
}


class Page(NamedTuple):
    """Which rows are wanted. `sort_by` empty: the listing's own order. `filter_by`: members that
    must have exactly this value."""

    current_page: int = 1
    page_size: int = PAGE_MAX_SIZE
    sort_by: str = ""
    descending: bool = False
    filter_by: dict[str, str | int] = {}
    search_text: str = ""

    @property
    def offset(self) -> int:
        return (self.current_page - 1) * self.page_size


def parse_request(
    payload: object, listing: str, profile: str, *, now: datetime, ts_window: timedelta
) -> tuple[Header, Page]:
    """Read a request; the `bank_id` of its payload counts as a filter.

    Raises `EnvelopeError` and `HeaderRejected`, and nothing else whatever the payload.
    """
    header, body = read_envelope(payload, profile, now=now, ts_window=ts_window)
    try:
        page = _read_page(body.get("pagination_request"), listing)
        bank_id = _read_bank_id(body.get("request_payload"), listing)
    except Malformed as error:
        raise EnvelopeError(str(error), header) from None
    if bank_id is not None:
        page = page._replace(filter_by=page.filter_by | {"bank_id": bank_id})
    return header, page


def _read_page(raw: object, listing: str) -> Page:
    if raw is None:
        return Page()
    if not isinstance(raw, dict):
        raise Malformed("pagination_request: must be an object")
    place = "pagination_request"
    sort_by = text_member(raw, "sort_by", True, place=place)
    name = sort_by.removeprefix("-")
    if name and name not in LISTINGS[listing]:
        raise Malformed(f"{place}.sort_by: must be one of {', '.join(LISTINGS[listing])}")
    return Page(
        _positive(raw, "current_page"),
        min(_positive(raw, "page_size"), PAGE_MAX_SIZE),
        name,
        sort_by.startswith("-"),
        _read_filter(raw.get("filter_by"), listing),
        text_member(raw, "search_text", True, place=place).strip(),
    )


def _positive(raw: dict, name: str) -> int:
    value = raw.get(name)
    if type(value) is not int or value < 1:  # a boolean is no number
        raise Malformed(f"pagination_request.{name}: must be an integer from 1 on")
    return value


def _read_filter(raw: object, listing: str) -> dict[str, str | int]:
    place = "pagination_request.filter_by"
    if raw is None or raw == "":
        return {}
    if not isinstance(raw, dict) or not raw.keys() <= set(LISTINGS[listing]):
        names = ", ".join(LISTINGS[listing])
        raise Malformed(f"{place}: must be an object with some of {names}")
    return {name: _filter_value(raw, name, place) for name in raw}


def _filter_value(raw: dict, name: str, place: str) -> str | int:
    if name not in ("id", "bank_id"):
        return text_member(raw, name, True, place=place, max_length=IDENTIFIER_MAX_LENGTH)
    if type(raw[name]) is not int:
        raise Malformed(f"{place}.{name}: must be an integer")
    return raw[name]


def _read_bank_id(raw: object, listing: str) -> int | None:
    """0 is a number like any other, of no bank."""
    if raw is not None and not isinstance(raw, dict):
        raise Malformed("request_payload: must be an object")
    bank_id = (raw or {}).get("bank_id") if listing == "branches" else None
    if bank_id is not None and type(bank_id) is not int:
        raise Malformed("request_payload.bank_id: must be an integer")
    return bank_id


def render_answer(
    header: Header,
    listing: str,
    page: Page,
    rows: Sequence[Sequence],
    total: int,
    *,
    now: datetime,
) -> dict:
    """A page of `rows`, each with the values of the listing's members, out of `total`."""
    names = LISTINGS[listing]
    payload = {listing: [dict(zip(names, row, strict=True)) for row in rows]}
    pagination = {"number_of_items": total, "number_of_pages": -(-total // page.page_size)}
    return {
        "response_header": render_header(header, now),
        "response_body": render_body(payload, pagination),
    }


def render_rejection(error: HeaderRejected, listing: str, *, now: datetime) -> dict:
    """HTTP 200: the header tells why there are no rows."""
    return {
        "response_header": render_header(error.header_echo, now, error.code, error.message),
        "response_body": render_body({listing: []}),
    }
