# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""JSON Schemas of the envelope of OpenG2P 2.x, of its FA objects, and of its directory calls, in
the profile `openg2p_2`. Made like those in `schemas`."""

from odoo.addons.g2p_spar_fa_directory.financial_address import FA_MAX_LENGTH

from ..g2p_connect.codes import HEADER_CODES, ITEM_CODES
from ..g2p_connect.directory_v2 import LISTINGS, PAGE_MAX_SIZE
from ..g2p_connect.envelope import URI_MAX_LENGTH
from ..g2p_connect.envelope_v2 import REQUEST_INVALID, STILL_RUNNING
from ..g2p_connect.fa_object import ALIASES, SHAPES
from ..g2p_connect.items import MESSAGE_MAX_LENGTH, REQUIRED
from ..g2p_connect.members import IDENTIFIER_MAX_LENGTH
from . import schemas

PROFILE = "openg2p_2"
ERROR_CODES = HEADER_CODES | {REQUEST_INVALID, STILL_RUNNING}
# Members of the directory's rows that are database ids; all others are texts.
NUMBERS = ("id", "bank_id")

_TEXT = {"type": "string", "pattern": schemas.STORABLE}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_INTEGER = {"type": "integer"}


# --- requests ---


def request(operation: str, max_items: int) -> dict:
    """The whole body of a request of the mapper."""
    payload = {
        "type": "object",
        "required": ["transaction_id", f"{operation}_request"],
        "properties": {
            "transaction_id": {
                **_TEXT,
                "maxLength": IDENTIFIER_MAX_LENGTH,
                "description": "The sender's own; it is repeated in the answer.",
            },
            f"{operation}_request": {
                "type": "array",
                "minItems": 1,
                "maxItems": max_items,
                "items": request_item(operation),
                "description": "A participant may have a lower limit than this one.",
            },
        },
    }
    return _envelope(payload, {"description": "Not looked at."}, ["request_payload"])


def _envelope(payload, pagination, required):
    return {
        "type": "object",
        "required": ["request_header", "request_body"],
        "properties": {
            "request_header": _request_header(),
            "request_body": {
                "type": "object",
                "required": required,
                "properties": {"pagination_request": pagination, "request_payload": payload},
            },
        },
    }


def _request_header():
    text_or_null = {**_TEXT_OR_NULL, "pattern": schemas.STORABLE}
    return {
        "type": "object",
        "required": ["request_id"],
        "properties": {
            "request_id": {
                **_TEXT,
                "maxLength": IDENTIFIER_MAX_LENGTH,
                "description": "Repeated in the answer; need not be unique.",
            },
            "request_timestamp": {"description": "Anything; not looked at."},
            "sender_app_mnemonic": {
                **text_or_null,
                "maxLength": IDENTIFIER_MAX_LENGTH,
                "description": "The participant that the token was given to; may be empty.",
            },
            "sender_app_url": {
                **text_or_null,
                "maxLength": URI_MAX_LENGTH,
                "description": "Not used by synchronous operations.",
            },
            "instance_id": {"description": "Not looked at."},
        },
    }


def request_item(operation: str) -> dict:
    """One item. An item that breaks its schema is refused alone, and harms no other."""
    item = schemas.request_item(operation, PROFILE)
    string = item["properties"]["fa"]
    if "fa" in REQUIRED[operation]:
        item["properties"]["fa"] = fa_object()
    else:
        item["properties"]["fa"] = {
            "oneOf": [string, fa_object(), {"type": "object", "maxProperties": 0}],
            "description": "A string or an object; empty, it counts as absent.",
        }
    if operation == "resolve":
        given = {"type": ["string", "object"], "minLength": 1, "minProperties": 1}
        item["anyOf"] = [{"required": [name], "properties": {name: given}} for name in ("id", "fa")]
    return item


def fa_object() -> dict:
    """The object of a financial address, told apart by `fa_type`."""
    return {
        "oneOf": [_fa_shape(token, *shape) for token, shape in SHAPES.items()],
        "description": "Financial address. The strategy of that number makes the string that is "
        f"kept, at most {FA_MAX_LENGTH} characters; to be linked, the codes must be in the "
        "directory and the number must follow its provider's rule.",
    }


def _fa_shape(token, fa_type, required, optional):
    properties = {
        "strategy_id": {**_INTEGER, "description": "Number of an FA strategy."},
        "fa_type": {"const": token},
        **{name: {**_TEXT, "minLength": 1} for name in required},
        **{name: {**_TEXT_OR_NULL, "pattern": schemas.STORABLE} for name in optional},
    }
    if fa_type in ALIASES:
        properties[ALIASES[fa_type]] = {"description": "Passed over; answers have it."}
    return {
        "title": token,
        "type": "object",
        "required": ["strategy_id", "fa_type", *required],
        "properties": properties,
        "additionalProperties": False,
    }


def listing_request(listing: str) -> dict:
    """The body of a directory call."""
    names = LISTINGS[listing]
    page = {
        "type": ["object", "null"],
        "required": ["current_page", "page_size"],
        "properties": {
            "current_page": {**_INTEGER, "minimum": 1},
            "page_size": {
                **_INTEGER,
                "minimum": 1,
                "description": f"At most {PAGE_MAX_SIZE} are given.",
            },
            "sort_by": {"enum": [*names, *(f"-{name}" for name in names), "", None]},
            "filter_by": _filter(names),
            "search_text": {
                **_TEXT_OR_NULL,
                "maxLength": IDENTIFIER_MAX_LENGTH,
                "pattern": schemas.NO_CONTROL,
                "description": "Part of a name or code.",
            },
        },
        "description": f"Without it, the first {PAGE_MAX_SIZE} rows.",
    }
    payload = {"type": ["object", "null"], "properties": {}}
    if listing == "branches":
        payload["properties"]["bank_id"] = {"type": ["integer", "null"]}
    return _envelope(payload, page, [])


def _filter(names):
    text = {
        **_TEXT_OR_NULL,
        "maxLength": IDENTIFIER_MAX_LENGTH,
        "pattern": schemas.NO_CONTROL,
    }
    return {
        "type": ["object", "string", "null"],
        "maxLength": 0,
        "properties": {name: _INTEGER if name in NUMBERS else text for name in names},
        "additionalProperties": False,
        "description": "Members that must have exactly this value.",
    }


# --- answers ---


def carried_out(operation: str) -> dict:
    items = {
        "type": "array",
        "items": answer_item(operation),
        "description": "One for each item, in their order.",
    }
    return _answer("SUCCESS", _payload(operation, items), {"type": "null"})


def rejected(operation: str) -> dict:
    return _answer("ERROR", _payload(operation, {"type": "array", "maxItems": 0}), {"type": "null"})


def _payload(operation, items):
    return {
        "type": "object",
        "required": ["transaction_id", "correlation_id", f"{operation}_response"],
        "properties": {
            "transaction_id": _TEXT_OR_NULL,
            "correlation_id": _TEXT_OR_NULL,
            f"{operation}_response": items,
        },
    }


def envelope_error() -> dict:
    """HTTP 400: the message could not be read."""
    return {
        "type": "object",
        "required": ["response_header"],
        "properties": {"response_header": _response_header("ERROR", [REQUEST_INVALID])},
    }


def not_listed(listing: str) -> dict:
    rows = {"type": "array", "maxItems": 0}
    payload = {"type": "object", "required": [listing], "properties": {listing: rows}}
    return _answer("ERROR", payload, {"type": "null"})


def listed(listing: str) -> dict:
    row = {name: _INTEGER if name in NUMBERS else {"type": "string"} for name in LISTINGS[listing]}
    rows = {
        "type": "array",
        "items": {"type": "object", "required": list(row), "properties": row},
    }
    pagination = {
        "type": "object",
        "required": ["number_of_items", "number_of_pages"],
        "properties": {"number_of_items": _INTEGER, "number_of_pages": _INTEGER},
    }
    payload = {"type": "object", "required": [listing], "properties": {listing: rows}}
    return _answer("SUCCESS", payload, pagination)


def _answer(status, payload, pagination):
    return {
        "title": status,
        "type": "object",
        "required": ["response_header", "response_body"],
        "properties": {
            "response_header": _response_header(status, sorted(ERROR_CODES)),
            "response_body": {
                "type": "object",
                "required": ["pagination_response", "response_payload"],
                "properties": {"pagination_response": pagination, "response_payload": payload},
            },
        },
    }


def _response_header(status, codes):
    failed = status == "ERROR"
    return {
        "type": "object",
        "required": [
            "request_id",
            "response_status",
            "response_error_code",
            "response_error_message",
            "response_timestamp",
        ],
        "properties": {
            "request_id": {"type": "string", "description": "The request's."},
            "response_status": {"const": status},
            "response_error_code": {"enum": codes} if failed else {"type": "null"},
            "response_error_message": {"type": "string" if failed else "null"},
            "response_timestamp": {"type": "string", "format": "date-time"},
        },
    }


def answer_item(operation: str) -> dict:
    """What became of one item; members without a value are null."""
    members = {
        "reference_id": {"type": "string", "description": "The item's."},
        "timestamp": {"type": "string", "format": "date-time"},
        "id": {**_TEXT_OR_NULL, "description": "The item's, as it came."},
        "status": {"enum": ["succ", "rjct"]},
        "status_reason_code": {"enum": [*sorted(ITEM_CODES[operation]), None]},
        "status_reason_message": {**_TEXT_OR_NULL, "maxLength": MESSAGE_MAX_LENGTH},
        "additional_info": {"type": ["array", "null"]},
        "locale": {"type": "string"},
    }
    if operation == "link":
        members["fa"] = {**_TEXT_OR_NULL, "description": "The string that was kept."}
    elif operation == "resolve":
        members["fa"] = {
            "type": ["object", "string", "null"],
            "description": "The address, with scope details, in the participant's format.",
        }
        members["account_provider_info"] = {"type": ["object", "null"]}
    return {"type": "object", "required": list(members), "properties": members}
