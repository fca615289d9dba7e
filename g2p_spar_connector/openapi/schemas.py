# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""JSON Schemas (2020-12, as OpenAPI 3.1 has them) of requests and answers.

Every limit, pattern, list of values and list of required members is the one that
`g2p_connect` and the directory check with. A request schema says what is accepted, so a member
that may be null there is one that the parser takes as absent. What JSON Schema cannot say is in
the descriptions.
"""

from odoo.addons.g2p_spar_fa_directory.financial_address import FA_MAX_LENGTH
from odoo.addons.g2p_spar_fa_directory.ids import ID_CHARACTER, ID_MAX_LENGTH

from ..g2p_connect import ack
from ..g2p_connect.codes import HEADER_CODES, ITEM_CODES
from ..g2p_connect.envelope import (
    OPENG2P_HEADER,
    STRICT_HEADER,
    TRANSACTION_ID_MAX_LENGTH,
    URI_MAX_LENGTH,
    VERSION,
    VERSION_1,
    answer_action,
)
from ..g2p_connect.errors import ERROR_CODES
from ..g2p_connect.items import (
    LOCALE,
    MESSAGE_MAX_LENGTH,
    OPTIONAL,
    REFERENCE_ID_MAX_LENGTH,
    REQUIRED,
    SCOPES,
)
from ..g2p_connect.members import IDENTIFIER_MAX_LENGTH
from ..g2p_connect.text import (
    CONTROL,
    INFO_MAX_BYTES,
    INFO_MAX_DEPTH,
    PHONE,
    TIMESTAMP,
    UNSTORABLE,
)
from ..g2p_connect.values import NAME_MAX_LENGTH


def _none_of(characters) -> str:
    """A pattern of strings without these characters, which stand in one bracket expression."""
    return f"[^{characters.pattern[1:]}*$"


NO_CONTROL = f"^{_none_of(CONTROL)}"
STORABLE = f"^{_none_of(UNSTORABLE)}"
TIMESTAMP_PATTERN = f"^(?:{TIMESTAMP.pattern})$"
_NOT_LOOKED_AT = {"description": "Anything; not looked at."}
_TIMESTAMP = {"type": "string", "format": "date-time", "pattern": TIMESTAMP_PATTERN}


# --- requests ---


def request(operation: str, profile: str, max_items: int) -> dict:
    """The whole body of a request."""
    strict = profile == "strict"
    return {
        "type": "object",
        "required": ["header", "message"],
        "properties": {
            "signature": {
                "description": "Of a participant that signs in the standard's own way; passed over "
                "otherwise."
            },
            "header": request_header(operation, strict),
            "message": {
                "type": "object",
                "required": ["transaction_id", f"{operation}_request"],
                "properties": {
                    "transaction_id": text(
                        strict,
                        TRANSACTION_ID_MAX_LENGTH if strict else IDENTIFIER_MAX_LENGTH,
                        "The sender's own; it is repeated in the answer.",
                        minLength=int(strict),
                    ),
                    f"{operation}_request": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": max_items,
                        "items": request_item(operation, profile),
                        "description": "A participant may have a lower limit than this one.",
                    },
                },
            },
        },
    }


def request_header(operation, strict):
    required = (STRICT_HEADER if strict else OPENG2P_HEADER).present
    members = _header_members(operation, strict)
    return {
        "type": "object",
        "required": list(required),
        "properties": {
            name: member if name in required else or_null(member)
            for name, member in members.items()
        },
    }


def _header_members(operation, strict):
    not_empty = {"minLength": 1} if strict else {}
    members = {
        "version": {
            **text(strict, IDENTIFIER_MAX_LENGTH, "Version of the protocol.", default=VERSION),
            "pattern": f"^(?:{VERSION_1.pattern})$",
        },
        "message_id": text(
            strict,
            IDENTIFIER_MAX_LENGTH,
            "Unique for the sender. A link, update or unlink that is sent again with the same one "
            "is done once and gets the first answer."
            if strict
            else "Repeated in the answer; need not be unique.",
            **not_empty,
        ),
        "message_ts": {
            **_TIMESTAMP,
            "maxLength": IDENTIFIER_MAX_LENGTH,
            "description": "Now, with a time zone; at most an hour off unless set otherwise.",
        },
        "action": {"const": operation, "description": "The operation of the path."},
        "sender_id": text(
            strict,
            IDENTIFIER_MAX_LENGTH,
            "The participant that the token was given to, without regard to case"
            + ("." if strict else "; may be empty."),
            **not_empty,
        ),
        "sender_uri": text(strict, URI_MAX_LENGTH, "Not used by synchronous operations."),
        "receiver_id": text(strict, IDENTIFIER_MAX_LENGTH, "Repeated in the answer."),
        "total_count": {"type": "integer", "minimum": 1, "description": "The number of items."},
        "is_msg_encrypted": {
            "const": False,
            "description": "Encrypted messages are not supported.",
        },
        "meta": {"type": "object", "description": "Passed over."},
    }
    if not strict:
        members |= dict.fromkeys(("message_ts", "total_count", "meta"), _NOT_LOOKED_AT)
    return members


def request_item(operation: str, profile: str) -> dict:
    """One item. An item that breaks its schema is refused alone, and harms no other."""
    strict = profile == "strict"
    required = [name for name in REQUIRED[operation] if strict or name != "timestamp"]
    members = {name: _item_member(name, strict) for name in REQUIRED[operation]}
    for name in OPTIONAL[operation]:
        member = _item_member(name, strict)
        if name in ("id", "fa"):
            member = _or_empty(member)
        members[name] = or_null(member)
    schema = {"type": "object", "required": required, "properties": members}
    if operation == "resolve":
        schema["anyOf"] = [
            {"required": [name], "properties": {name: {"type": "string", "minLength": 1}}}
            for name in ("id", "fa")
        ]
    return schema


def _item_member(name, strict):
    return (_STRICT_MEMBERS if strict else _TOLERANT_MEMBERS)[name]


def text(strict, max_length, description, **keywords):
    return {
        "type": "string",
        **{name: value for name, value in keywords.items() if value},
        "maxLength": max_length,
        "pattern": NO_CONTROL if strict else STORABLE,
        "description": description,
    }


def or_null(schema):
    if "const" in schema:
        return {
            **{k: v for k, v in schema.items() if k != "const"},
            "enum": [schema["const"], None],
        }
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]} if "type" in schema else schema


def _or_empty(schema):
    """An empty string counts as absent."""
    return {
        **{key: value for key, value in schema.items() if key != "minLength"},
        "pattern": f"^$|{schema['pattern']}",
    }


ATTRIBUTE = {
    "type": "object",
    "required": ["name", "value"],
    "properties": {
        "name": {"type": "string"},
        "value": {"type": ["string", "number", "boolean", "object"]},
    },
}
_ID = {"type": "string", "minLength": 1, "maxLength": ID_MAX_LENGTH}
_STRICT_MEMBERS = {
    "reference_id": text(
        True,
        REFERENCE_ID_MAX_LENGTH,
        "The sender's own, once per message; it is repeated in the answer.",
        minLength=1,
    ),
    "timestamp": {**_TIMESTAMP, "description": "When the item was made, with a time zone."},
    "id": {
        **_ID,
        "pattern": f"^{ID_CHARACTER}*@{ID_CHARACTER}*$",
        "description": "Beneficiary ID: printable ASCII without blanks; what follows the last @ is "
        "its namespace. Case does not matter unless the namespace says so.",
    },
    "fa": {
        "type": "string",
        "minLength": 1,
        "maxLength": FA_MAX_LENGTH,
        "pattern": f"^(?=.*[^ ]){_none_of(CONTROL)}",
        "description": "Financial address: printable characters and blanks, not blanks alone. "
        "Whether it must be at a provider of the directory is a matter of the participant.",
    },
    "name": {
        "type": "string",
        "maxLength": NAME_MAX_LENGTH,
        "pattern": STORABLE,
        "description": "Name of the person.",
    },
    "phone_number": {
        "type": "string",
        "pattern": f"^(?:{PHONE.pattern})?$",
        "description": "E.164: + and 2 to 15 digits; tel: before and ;ext= after it are allowed.",
    },
    "additional_info": {
        "type": "array",
        "items": ATTRIBUTE,
        "description": f"At most {INFO_MAX_BYTES} bytes of JSON and {INFO_MAX_DEPTH} levels deep; "
        "numbers from 2^63 on, and NUL characters, are refused.",
    },
    "locale": {
        "type": "string",
        "pattern": f"^(?:{LOCALE.pattern})$",
        "description": "Language, ISO 639.",
    },
    "scope": {
        "enum": list(SCOPES),
        "default": SCOPES[0],
        "description": "details: the address and its provider too, where that is granted.",
    },
}
_KEPT = {"description": "Anything; kept where it can be, never an error."}
_TOLERANT_MEMBERS = {
    **_STRICT_MEMBERS,
    "timestamp": _NOT_LOOKED_AT,
    "id": {
        **_STRICT_MEMBERS["id"],
        "pattern": f"^{ID_CHARACTER}*$",
        "description": "Beneficiary ID: printable ASCII without blanks. An @ is not demanded.",
    },
    "phone_number": _KEPT,
    "additional_info": {
        "description": f"Anything; kept up to {INFO_MAX_BYTES} bytes of JSON and {INFO_MAX_DEPTH} "
        "levels."
    },
    "locale": _KEPT,
}


# --- answers ---


def carried_out(operation: str, profile: str) -> dict:
    mutating = operation != "resolve"
    required = ["transaction_id", *["correlation_id"][:mutating], f"{operation}_response"]
    header = answer_header(operation, profile, "succ", "total_count", "completed_count")
    header["properties"] |= {
        "total_count": {"type": "integer", "description": "The number of items."},
        "completed_count": {
            "type": "integer",
            "description": "The number of finished items, refused ones included.",
        },
    }
    return {
        "title": "Carried out",
        "type": "object",
        "required": ["header", "message"],
        "properties": {
            "header": header,
            "message": {
                "type": "object",
                "required": required,
                "properties": {
                    "transaction_id": {"type": "string"},
                    "correlation_id": {"type": "string", "maxLength": TRANSACTION_ID_MAX_LENGTH},
                    f"{operation}_response": {
                        "type": "array",
                        "items": answer_item(operation, profile),
                        "description": "One for each item, in their order.",
                    },
                },
            },
        },
    }


def rejected(operation: str, profile: str) -> dict:
    header = answer_header(
        operation, profile, "rjct", "status_reason_code", "status_reason_message"
    )
    header["properties"]["status_reason_code"] = {"enum": sorted(HEADER_CODES)}
    return {
        "title": "Rejected as a whole",
        "type": "object",
        "required": ["header"],
        "properties": {"header": header},
    }


def still_running(operation: str, profile: str) -> dict:
    """The same message is being carried out at this moment."""
    header = answer_header(operation, profile, "pdng", "status_reason_message", "total_count")
    header["properties"]["total_count"] = {"type": "integer"}
    header["properties"]["completed_count"] = {"const": 0}
    return {
        "title": "Being carried out; send the message again for its answer",
        "type": "object",
        "required": ["header"],
        "properties": {"header": header},
    }


def envelope_error(operation: str, profile: str) -> dict:
    """HTTP 400: the message could not be read."""
    header = answer_header(operation, profile, "rjct", "status_reason_message")
    header["not"] = {"required": ["status_reason_code"]}
    return {"type": "object", "required": ["header"], "properties": {"header": header}}


def answer_header(operation, profile, status, *required):
    strict = profile == "strict"
    return {
        "type": "object",
        "required": ["version", "message_id", "message_ts", "action", "status", *required],
        "properties": {
            "version": {"const": VERSION},
            "message_id": {"type": "string", "description": "The request's."},
            "message_ts": _TIMESTAMP,
            "action": {"const": answer_action(operation) if strict else operation},
            "status": {"const": status},
            "status_reason_message": {"type": "string", "maxLength": MESSAGE_MAX_LENGTH},
            "sender_id": {
                "type": "string",
                "description": "The request's receiver_id." if strict else "The request's.",
            },
            "receiver_id": {
                "type": "string",
                "description": "The request's sender_id." if strict else "The request's.",
            },
            "is_msg_encrypted": {"const": False},
            "meta": {"type": "object"},
        },
    }


def answer_item(operation: str, profile: str) -> dict:
    """What became of one item."""
    strict = profile == "strict"
    members = {
        "reference_id": {"type": "string", "description": "The item's."},
        "timestamp": _TIMESTAMP,
        "id": {"type": "string", "description": "The item's, as it came."},
        "status": {"enum": ["succ", "rjct"]},
        "status_reason_code": {"enum": sorted(ITEM_CODES[operation])},
        "status_reason_message": {
            "type": "string",
            "maxLength": MESSAGE_MAX_LENGTH,
            "description": "For people; names the member at fault.",
        },
        "locale": {"type": "string", **({"pattern": f"^{LOCALE.pattern}$"} if strict else {})},
    }
    if operation in ("link", "update"):
        members["fa"] = {"type": "string", "description": "The item's, as it came."}
    if operation == "resolve":
        members |= {
            "fa": {
                "type": ["string", "object"],
                "description": "The address, with scope details; an object only for participants "
                "of that format.",
            },
            "account_provider_info": {
                "type": "object",
                "required": ["name", "code"] if strict else ["name", "code", "subcode"],
                "properties": {
                    "name": {"type": "string"},
                    "code": {"type": "string"},
                    "subcode": {"type": "string", "description": "Code of the branch."},
                },
                "description": "The provider, with scope details, if the directory knows it.",
            },
            "additional_info": {
                "type": "array",
                "items": ATTRIBUTE if strict else {},
                "description": "As it was linked, with scope details.",
            },
        }
    required = ["reference_id", "timestamp", "status"]
    return {"type": "object", "required": required, "properties": members}


def acknowledgement() -> dict:
    """`Response`: what an asynchronous path answers."""
    told = {
        "ack_status": {
            "enum": list(ack.STATUSES),
            "description": "ACK: accepted, a callback will follow. NACK: accepted, and none will. "
            "ERR: not accepted.",
        },
        "timestamp": _TIMESTAMP,
        "correlation_id": {
            "type": "string",
            "maxLength": ack.CORRELATION_ID_MAX_LENGTH,
            "description": "Of ACK and NACK: the same as in the callback and in txn/status.",
        },
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"enum": sorted(ERROR_CODES)},
                "message": {"type": "string", "maxLength": ack.MESSAGE_MAX_LENGTH},
            },
        },
    }
    message = {
        "type": "object",
        "required": ["ack_status", "timestamp", "correlation_id"],
        "properties": told,
        "if": {"properties": {"ack_status": {"const": "ERR"}}},
        "then": {"required": ["error"]},
        "else": {"not": {"required": ["error"]}},
    }
    return {"type": "object", "required": ["message"], "properties": {"message": message}}
