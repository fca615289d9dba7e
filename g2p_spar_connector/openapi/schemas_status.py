# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""JSON Schemas of `txn/status`, in the manner of `schemas`."""

from ..g2p_connect.envelope import STATUS_ACTION, TRANSACTION_ID_MAX_LENGTH
from ..g2p_connect.items import REFERENCE_ID_MAX_LENGTH
from ..g2p_connect.members import IDENTIFIER_MAX_LENGTH
from ..g2p_connect.txn_status import ATTRIBUTE_TYPES
from ..g2p_connect.values import OPERATIONS
from .schemas import (
    answer_header,
    answer_item,
    envelope_error,
    or_null,
    rejected,
    request_header,
    text,
)


def request(profile: str, max_items: int) -> dict:
    """The whole body of a question."""
    strict = profile == "strict"
    header = request_header(STATUS_ACTION, strict)
    header["properties"]["message_id"]["description"] = "Repeated in the answer."
    if strict:
        header["properties"]["total_count"] = {"const": 1, "description": "One question."}
    transaction_id = text(
        strict,
        TRANSACTION_ID_MAX_LENGTH if strict else IDENTIFIER_MAX_LENGTH,
        "The question's own, repeated in the answer. Reference ids are looked for in the messages "
        "of this transaction first.",
        minLength=int(strict),
    )
    return {
        "type": "object",
        "required": ["header", "message"],
        "properties": {
            "header": header,
            "message": {
                "type": "object",
                "required": ["transaction_id", "txnstatus_request"],
                "properties": {
                    "transaction_id": transaction_id,
                    "txnstatus_request": _in_list_too(_question(strict, max_items), strict),
                },
            },
        },
    }


def _in_list_too(schema, strict, listed=None):
    """OpenG2P's models have a list with one entry.

    :param listed: schema of the entry, where it differs
    """
    if strict:
        return schema
    one = {"type": "array", "minItems": 1, "maxItems": 1, "items": listed or schema}
    return {"anyOf": [schema, one]}


def _question(strict, max_items):
    named = text(strict, IDENTIFIER_MAX_LENGTH, "The question's own.", minLength=int(strict))
    locale = or_null(text(strict, IDENTIFIER_MAX_LENGTH, "Not looked at."))
    by_list = {"properties": {"attribute_type": {"const": "reference_id_list"}}}
    required = ["reference_id", "txn_type", "attribute_type", "attribute_value"]
    return {
        "type": "object",
        "required": required if strict else required[1:],
        "properties": {
            "reference_id": named if strict else or_null(named),
            "txn_type": {"enum": list(OPERATIONS), "description": "What the messages asked for."},
            "attribute_type": {"enum": list(ATTRIBUTE_TYPES)},
            "attribute_value": {
                "description": "A transaction_id or correlation_id, or a list of reference ids."
            },
            "locale": locale,
        },
        "if": by_list,
        "then": {"properties": {"attribute_value": _references(strict, max_items)}},
        "else": {"properties": {"attribute_value": _identifier(strict)}},
    }


def _identifier(strict):
    max_length = TRANSACTION_ID_MAX_LENGTH if strict else IDENTIFIER_MAX_LENGTH
    return text(strict, max_length, "Of the messages, as they had it.", minLength=1)


def _references(strict, max_items):
    one = text(strict, REFERENCE_ID_MAX_LENGTH, "Of an item, as it had it.", minLength=1)
    several = {"type": "array", "minItems": 1, "maxItems": max_items, "items": one}
    return several if strict else {"anyOf": [several, one]}


def told(profile: str) -> dict:
    """What was found; in a list where the question came in one."""
    found, found_listed = (
        {"oneOf": [_found(operation, profile, prefix) for operation in OPERATIONS]}
        for prefix in ("on-", "")
    )
    header = answer_header(STATUS_ACTION, profile, "succ", "total_count", "completed_count")
    header["properties"] |= {
        "status": {
            "enum": ["pdng", "succ", "rjct"],
            "description": "pdng: some of the items are not finished. rjct: some never will be.",
        },
        "total_count": {"type": "integer", "description": "The number of items asked for."},
        "completed_count": {"type": "integer", "description": "The number of finished items."},
    }
    return {
        "title": "On record",
        "type": "object",
        "required": ["header", "message"],
        "properties": {
            "header": header,
            "message": {
                "type": "object",
                "required": ["transaction_id", "correlation_id", "txnstatus_response"],
                "properties": {
                    "transaction_id": {"type": "string", "description": "The question's."},
                    "correlation_id": {
                        "type": "string",
                        "maxLength": TRANSACTION_ID_MAX_LENGTH,
                        "description": "In a callback that of its acknowledgement, else as below.",
                    },
                    "txnstatus_response": _in_list_too(found, profile == "strict", found_listed),
                },
            },
        },
    }


def _found(operation, profile, prefix):
    item = answer_item(operation, profile)
    item["properties"]["status"] = {
        "enum": ["succ", "rjct", "pdng"],
        "description": "pdng: not finished; only of items asked for by their reference_id.",
    }
    empty = "empty where the items are of several messages that differ in it."
    return {
        "type": "object",
        "required": ["txn_type", "txn_status"],
        "properties": {
            "txn_type": {"const": f"{prefix}{operation}"},
            "txn_status": {
                "type": "object",
                "required": ["transaction_id", "correlation_id", f"{operation}_response"],
                "properties": {
                    "transaction_id": {
                        "type": "string",
                        "description": f"The messages' own; {empty}",
                    },
                    "correlation_id": {
                        "type": "string",
                        "description": f"The messages' own; {empty}",
                    },
                    f"{operation}_response": {
                        "type": "array",
                        "items": item,
                        "description": "The finished items, as they were answered.",
                    },
                },
            },
        },
    }


def refused(profile: str) -> dict:
    """The header rejects the question, or nothing is on record."""
    schema = rejected(STATUS_ACTION, profile)
    schema["title"] = "Rejected as a whole, or not on record"
    schema["properties"]["header"]["required"].remove("status_reason_code")
    schema["properties"]["message"] = {"type": "object", "maxProperties": 0}
    return schema


def unreadable(profile: str) -> dict:
    """HTTP 400: the question could not be read."""
    return envelope_error(STATUS_ACTION, profile)
