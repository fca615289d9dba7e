# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The API's document (OpenAPI 3.1). Plain Python without the ORM."""

from odoo.addons.g2p_spar_connector.controllers.dispatcher import MIMETYPES
from odoo.addons.g2p_spar_connector.g2p_connect.codes import ITEM_CODES
from odoo.addons.g2p_spar_connector.g2p_connect.errors import ERROR_CODES, http_error_body
from odoo.addons.g2p_spar_connector.g2p_connect.values import OPERATIONS
from odoo.addons.g2p_spar_connector.openapi import meanings, schemas, schemas_v2
from odoo.addons.g2p_spar_connector.openapi.examples import (
    ORDER,
    SENDERS,
    examples,
    listing_examples,
)

from . import api

JSON, FORM = MIMETYPES["json"], MIMETYPES["form"]
# Base path, profile whose messages are shown there, beginning of names, tag.
SYNCHRONOUS = (
    (api.STANDARD, "strict", "", "G2P-Connect 1.0.0"),
    (api.OPENG2P_1, "openg2p_1", "OpenG2P1", "OpenG2P 1.x"),
    (api.OPENG2P_2, "openg2p_2", "OpenG2P2", "OpenG2P 2.x"),
)
_DIRECTORY = "Directory of OpenG2P 2.x"
_SUMMARIES = {
    "link": "Link IDs to financial addresses",
    "update": "Give linked IDs another address",
    "unlink": "Remove the addresses of IDs",
    "resolve": "Look up the addresses of IDs",
}
_DESCRIPTION = f"""\
SPAR (Social Payments Account Registry) maps the ID of a beneficiary to one financial address (FA).
This is the synchronous part of the G2P-Connect mapper API 1.0.0, the same under the names of
OpenG2P SPAR 1.x, and the same in the envelope of OpenG2P SPAR 2.x with its directory calls.

The path chooses the envelope; the *profile* of the participant, which its token stands for, chooses
how strictly messages are read and with which codes they are answered, on every path. Below, the
standard's paths are shown in the profile `strict`, those of OpenG2P 1.x in `openg2p_1`, those of
2.x in `openg2p_2`. In which form resolved addresses are told, a string or an object, is a setting
of the participant too.

Bodies are JSON in UTF-8 (RFC 8259) without Content-Encoding, at most {api.MAX_BODY_BYTES} bytes,
without duplicate members. Members that are not named here are passed over. A wrong item is refused
alone and harms no other; answers keep the order of items. What is answered has been committed.

The examples work, in their order, on a registry with demonstration data; only `message_ts` has to
be the present time.
"""


def document() -> dict:
    """The whole document; a JSON value."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SPAR mapper API",
            "version": "1.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "LGPL-3", "identifier": "LGPL-3.0-only"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "Sign-in"},
            *({"name": row[3]} for row in SYNCHRONOUS),
            {"name": _DIRECTORY},
            {"name": "Operation"},
        ],
        "paths": {
            api.TOKEN: {"post": _token()},
            **{
                f"{base}/{operation}": {"post": _synchronous(operation, profile, prefix, tag)}
                for base, profile, prefix, tag in SYNCHRONOUS
                for operation in ORDER
            },
            **{
                f"{api.OPENG2P_2_DIRECTORY}/{name}": {"post": _listing(name, listing)}
                for name, listing in api.LISTINGS.items()
            },
            api.HEALTH: {
                "get": _public("health", "Whether a worker and its database answer", JSON)
            },
            api.DOCUMENT: {"get": _public("openapi", "This document", JSON)},
            api.PAGE: {"get": _public("docs", "This document, for people", "text/html")},
        },
        "components": {
            "schemas": _schemas(),
            "responses": _responses(),
            "securitySchemes": {"token": _security_scheme()},
        },
        "x-codes": _codes(),
    }


# --- operations ---


def _synchronous(operation, profile, prefix, tag):
    name = f"{prefix}{operation.capitalize()}"
    return {
        "operationId": f"{prefix}_{operation}".lstrip("_"),
        "tags": [tag],
        "summary": _SUMMARIES[operation],
        "description": f"Needs the scope `{api.SCOPE_PREFIX}{operation}`. The participant "
        f"`{SENDERS[profile]}` of the demonstration has the profile `{profile}`.",
        "security": [{"token": [f"{api.SCOPE_PREFIX}{operation}"]}],
        **_exchange(examples(operation, profile), name),
    }


def _listing(name, listing):
    return {
        "operationId": f"OpenG2P2_{listing}",
        "tags": [_DIRECTORY],
        "summary": f"List the active {listing.replace('_', ' ')} of the directory",
        "description": "Needs a token of any participant. Reads only.",
        "security": [{"token": []}],
        **_exchange(listing_examples(listing), f"OpenG2P2_{listing}"),
    }


def _exchange(shown, name):
    """Body and answers of an operation that takes and gives messages."""
    answers = {
        200: ("Carried out, or rejected as a whole: the header's status tells", f"{name}Answer"),
        400: ("The message cannot be read", f"{name}Unreadable"),
    }
    requests = {
        example.name: {"summary": example.summary, "value": example.request} for example in shown
    }
    return {
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": _ref(f"{name}Request"), "examples": requests}},
        },
        "responses": {
            **{
                str(status): _answer(
                    text,
                    _ref(schema),
                    {
                        example.name: {"value": example.answer}
                        for example in shown
                        if example.status == status
                    },
                )
                for status, (text, schema) in answers.items()
            },
            **{status: {"$ref": f"#/components/responses/{status}"} for status in _ERRORS},
        },
    }


def _token():
    form = {
        "grant_type": {"const": "client_credentials"},
        "client_id": {"type": "string", "description": "Or by HTTP Basic, with the secret."},
        "client_secret": {"type": "string", "format": "password"},
        "scope": {
            "type": "string",
            "description": "Blank-separated; without it, all that the participant may do.",
        },
    }
    token = {
        "type": "object",
        "required": ["access_token", "token_type", "expires_in", "scope"],
        "properties": {
            "access_token": {"type": "string"},
            "token_type": {"const": "Bearer"},
            "expires_in": {"type": "integer", "description": "Seconds; 3600 unless set otherwise."},
            "scope": {"type": "string", "description": "Those granted."},
        },
    }
    credentials = {"client_id": "0123456789abcdef", "client_secret": "the-secret"}
    request = {"grant_type": "client_credentials", **credentials, "scope": "mapper.resolve"}
    answer = {
        "access_token": "43-characters-of-base64url",
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "mapper.resolve",
    }
    return {
        "operationId": "token",
        "tags": ["Sign-in"],
        "summary": "Fetch a bearer token",
        "description": "OAuth 2.0 client credentials (RFC 6749, 4.4). A new secret, or archiving "
        "the participant, ends its tokens at once.",
        "security": [],
        "requestBody": {
            "required": True,
            "content": {
                FORM: {
                    "schema": {"type": "object", "required": ["grant_type"], "properties": form},
                    "examples": {"token": {"summary": "For one scope", "value": request}},
                }
            },
        },
        "responses": {
            "200": _answer("The token", token, {"token": {"value": answer}}),
            "400": _answer("The request is wrong", _ref("TokenError")),
            "401": _answer("Client id or secret is wrong", _ref("TokenError")),
            **{s: {"$ref": f"#/components/responses/{s}"} for s in ("413", "415", "500", "503")},
        },
    }


def _public(operation_id, summary, mimetype):
    """An operation for everybody that takes nothing."""
    content = {mimetype: {"schema": {"type": "string" if mimetype == "text/html" else "object"}}}
    if operation_id == "health":
        content[mimetype] = {
            "schema": {
                "type": "object",
                "required": ["status"],
                "properties": {"status": {"const": "up"}},
            },
            "examples": {"up": {"value": {"status": "up"}}},
        }
    return {
        "operationId": operation_id,
        "tags": ["Operation"],
        "summary": summary,
        "security": [],
        "responses": {"200": {"description": summary, "content": content}},
    }


def _answer(description, schema, shown=None):
    content = {"schema": schema, **({"examples": shown} if shown else {})}
    return {"description": description, "content": {JSON: content}}


def _ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


# --- components ---

# HTTP status -> when, code, message of the example (None: it has none)
_ERRORS = {
    "401": (
        "No token, or none that holds",
        "err.request.unauthorized",
        "A valid bearer token is needed.",
    ),
    "403": (
        "The token does not grant the operation, or the header names another sender",
        "err.sender_id.invalid",
        "The header's sender is not the token's participant.",
    ),
    "413": ("The body is too long", "err.request.bad", None),
    "415": (
        "Another content type than the one named, or a Content-Encoding",
        "err.request.bad",
        None,
    ),
    "500": (
        "A fault of the server; it may or may not have been done",
        "err.service.unavailable",
        None,
    ),
    "503": ("Busy; it may or may not have been done", "err.service.unavailable", None),
}


def _responses():
    return {
        status: _answer(
            when,
            _ref("HttpErrorResponse"),
            {"error": {"value": http_error_body(code, message)}} if message else None,
        )
        for status, (when, code, message) in _ERRORS.items()
    }


def _security_scheme():
    return {
        "type": "oauth2",
        "description": "Authorization: Bearer and the token.",
        "flows": {
            "clientCredentials": {
                "tokenUrl": api.TOKEN,
                "scopes": {f"{api.SCOPE_PREFIX}{name}": _SUMMARIES[name] for name in OPERATIONS},
            }
        },
    }


def _schemas():
    error = {
        "type": "object",
        "required": ["code", "message"],
        "properties": {"code": {"enum": sorted(ERROR_CODES)}, "message": {"type": "string"}},
    }
    components = {
        "HttpErrorResponse": {
            "type": "object",
            "required": ["errors"],
            "properties": {"errors": {"type": "array", "minItems": 1, "items": error}},
        },
        "TokenError": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": {"enum": list(api.OAUTH_ERRORS)}},
        },
    }
    for _base, profile, prefix, _tag in SYNCHRONOUS:
        for operation in ORDER:
            name = f"{prefix}{operation.capitalize()}"
            make = _messages_2 if profile == schemas_v2.PROFILE else _messages
            components |= _named(name, make(operation, profile, name))
    for listing in api.LISTINGS.values():
        parts = {
            "Request": schemas_v2.listing_request(listing),
            "CarriedOut": schemas_v2.listed(listing),
            "Rejected": schemas_v2.not_listed(listing),
            "Unreadable": schemas_v2.envelope_error(),
        }
        components |= _named(f"OpenG2P2_{listing}", parts)
    return components


def _named(name, parts):
    """The schemas under their full names, and the answer that is one of two."""
    either = [_ref(f"{name}CarriedOut"), _ref(f"{name}Rejected")]
    return {
        **{f"{name}{part}": schema for part, schema in parts.items()},
        f"{name}Answer": {"oneOf": either},
    }


def _messages(operation, profile, name):
    request = schemas.request(operation, profile, api.MAX_ITEMS)
    carried_out = schemas.carried_out(operation, profile)
    return {
        "Item": _lift(request["properties"]["message"], f"{operation}_request", f"{name}Item"),
        "Result": _lift(
            carried_out["properties"]["message"], f"{operation}_response", f"{name}Result"
        ),
        "Request": request,
        "CarriedOut": carried_out,
        "Rejected": schemas.rejected(operation, profile),
        "Unreadable": schemas.envelope_error(operation, profile),
    }


def _messages_2(operation, _profile, name):
    request = schemas_v2.request(operation, api.MAX_ITEMS)
    carried_out = schemas_v2.carried_out(operation)
    asked = request["properties"]["request_body"]["properties"]["request_payload"]
    answered = carried_out["properties"]["response_body"]["properties"]["response_payload"]
    return {
        "Item": _lift(asked, f"{operation}_request", f"{name}Item"),
        "Result": _lift(answered, f"{operation}_response", f"{name}Result"),
        "Request": request,
        "CarriedOut": carried_out,
        "Rejected": schemas_v2.rejected(operation),
        "Unreadable": schemas_v2.envelope_error(),
    }


def _lift(message, member, name):
    """Put a reference in the place of the list's items; return what stood there."""
    items = message["properties"][member]
    lifted, items["items"] = items["items"], _ref(name)
    return lifted


def _codes():
    """What each code means; an extension of the document."""
    return {
        "header": _explained(schemas_v2.ERROR_CODES, meanings.HEADER),
        "item": {
            code: {
                **explained,
                "operations": [name for name in ORDER if code in ITEM_CODES[name]],
            }
            for code, explained in _explained(
                set().union(*ITEM_CODES.values()), meanings.ITEM
            ).items()
        },
        "error": _explained(ERROR_CODES, meanings.ERROR),
        "token": _explained(api.OAUTH_ERRORS, meanings.OAUTH),
    }


def _explained(codes, table):
    return {code: table[code]._asdict() for code in sorted(codes)}
