# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The API's document (OpenAPI 3.1). Plain Python without the ORM."""

from odoo.addons.g2p_spar_connector.controllers import callback, jwks
from odoo.addons.g2p_spar_connector.controllers.dispatcher import MIMETYPES
from odoo.addons.g2p_spar_connector.g2p_connect.codes import ITEM_CODES
from odoo.addons.g2p_spar_connector.g2p_connect.errors import ERROR_CODES, http_error_body
from odoo.addons.g2p_spar_connector.g2p_connect.signature import HTTP_HEADER
from odoo.addons.g2p_spar_connector.g2p_connect.values import OPERATIONS
from odoo.addons.g2p_spar_connector.openapi import meanings, schemas, schemas_status, schemas_v2
from odoo.addons.g2p_spar_connector.openapi.examples import (
    ORDER,
    SENDERS,
    async_examples,
    async_status_examples,
    examples,
    listing_examples,
    status_examples,
)

from . import api

JSON, FORM = MIMETYPES["json"], MIMETYPES["form"]
# Base path, profile whose messages are shown there, beginning of names, tag.
SYNCHRONOUS = (
    (api.STANDARD, "strict", "", "G2P-Connect 1.0.0"),
    (api.OPENG2P_1, "openg2p_1", "OpenG2P1", "OpenG2P 1.x"),
    (api.OPENG2P_2, "openg2p_2", "OpenG2P2", "OpenG2P 2.x"),
)
ASYNCHRONOUS = (
    (api.STANDARD_ASYNC, "strict", "", "G2P-Connect 1.0.0, asynchronous"),
    (api.OPENG2P_1_ASYNC, "openg2p_1", "OpenG2P1", "OpenG2P 1.x, asynchronous"),
)
_DIRECTORY = "Directory of OpenG2P 2.x"
_CALLBACKS = "Callbacks of other mappers"
_SUMMARIES = {
    "link": "Link IDs to financial addresses",
    "update": "Give linked IDs another address",
    "unlink": "Remove the addresses of IDs",
    "resolve": "Look up the addresses of IDs",
}
_STATUS_SUMMARY = "Ask what became of messages"
_STATUS_SCOPE = f"{api.SCOPE_PREFIX}{api.STATUS_SCOPE}"
_STATUS_DESCRIPTION = (
    f"Needs the scope `{_STATUS_SCOPE}`, or that of the operation asked for. Of messages of one's "
    "own, by their transaction or correlation id, or of items by their reference ids. Those of "
    "others are not on record. Reference ids are looked for in the messages of the transaction "
    "that the question names, then in the newest 1000 messages of the participant."
)
_DESCRIPTION = f"""\
SPAR (Social Payments Account Registry) maps the ID of a beneficiary to one financial address (FA).
This is the G2P-Connect mapper API 1.0.0, synchronous and asynchronous, the same under the names of
OpenG2P SPAR 1.x, and the synchronous part in the envelope of OpenG2P SPAR 2.x with its directory
calls.

An asynchronous path answers with an acknowledgement: the message is on record then, and will be
carried out even if the server is restarted. Messages of one participant are carried out in the
order in which they came. The results follow in a callback: an answer as of the synchronous path, to
`/on-link`, `/on-update`, `/on-unlink` or `/on-resolve` below the participant's callback address,
with the correlation_id of the acknowledgement. It comes at least once, with the same message_id
each time, until it is answered with a status of 2xx and without ERR.

The path chooses the envelope; the *profile* of the participant that calls chooses
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
            *({"name": row[3]} for row in (*SYNCHRONOUS, *ASYNCHRONOUS)),
            {"name": _DIRECTORY},
            {"name": _CALLBACKS},
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
                f"{base}/{operation}": {"post": _asynchronous(operation, profile, prefix, tag)}
                for base, profile, prefix, tag in ASYNCHRONOUS
                for operation in ORDER
            },
            **{
                path: {"post": _status(path, *row[1:])}
                for path, row in zip(api.STATUS, (SYNCHRONOUS[0], *SYNCHRONOUS[:2]), strict=True)
            },
            **{
                path: {"post": _async_status(*row[1:])}
                for path, row in zip(api.STATUS_ASYNC, ASYNCHRONOUS, strict=True)
            },
            **{
                f"{api.OPENG2P_2_DIRECTORY}/{name}": {"post": _listing(name, listing)}
                for name, listing in api.LISTINGS.items()
            },
            **{
                f"{callback.BASE}/on-{operation}": {"post": _callback(f"on-{operation}")}
                for operation in ORDER
            },
            callback.ON_STATUS: {"post": _callback("on-status")},
            api.HEALTH: {
                "get": _public("health", "Whether a worker and its database answer", JSON)
            },
            api.METRICS: {"get": _metrics()},
            jwks.PATH: {
                "get": _public("jwks", "The public keys that this registry signs with (JWKS)", JSON)
            },
            api.DOCUMENT: {"get": _public("openapi", "This document", JSON)},
            api.PAGE: {"get": _public("docs", "This document, for people", "text/html")},
        },
        "components": {
            "schemas": _schemas(),
            "responses": _responses(),
            "securitySchemes": _security_schemes(),
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
        "security": _security(f"{api.SCOPE_PREFIX}{operation}"),
        **_exchange(examples(operation, profile), name),
    }


def _status(path, profile, prefix, tag):
    place = "_registry" if "/registry/" in path else ""
    return {
        "operationId": f"{prefix}_status{place}".lstrip("_"),
        "tags": [tag],
        "summary": _STATUS_SUMMARY,
        "description": f"{_STATUS_DESCRIPTION} Look-ups on the synchronous path are not on record.",
        "security": _security(_STATUS_SCOPE),
        **_exchange(status_examples(profile), f"{prefix}Status"),
    }


def _async_status(profile, prefix, tag):
    shown = async_status_examples(profile)
    return {
        "operationId": f"{prefix}_status_async".lstrip("_"),
        "tags": [tag],
        "summary": f"{_STATUS_SUMMARY}, with a callback",
        "description": f"{_STATUS_DESCRIPTION} The callback, to `/txn/on-status`, tells what is on "
        "record when it is sent, also while the messages that it is about still wait.",
        "security": _security(_STATUS_SCOPE),
        "requestBody": _request_body(shown, f"{prefix}StatusRequest"),
        "responses": _acknowledgements(shown),
    }


def _asynchronous(operation, profile, prefix, tag):
    shown = async_examples(operation, profile)
    return {
        "operationId": f"{prefix}_{operation}_async".lstrip("_"),
        "tags": [tag],
        "summary": f"{_SUMMARIES[operation]}, with a callback",
        "description": f"Needs the scope `{api.SCOPE_PREFIX}{operation}`. The participant "
        f"`{SENDERS[profile]}` of the demonstration has the profile `{profile}`.",
        "security": _security(f"{api.SCOPE_PREFIX}{operation}"),
        "requestBody": _request_body(shown, f"{prefix}{operation.capitalize()}Request"),
        "responses": _acknowledgements(shown),
    }


def _acknowledgements(shown):
    answers = {
        200: "Accepted (ACK, NACK), or rejected as a whole (ERR)",
        400: "The message, or its signature, cannot be accepted (ERR)",
    }
    return {
        **{
            str(status): _answer(text, _ref("Acknowledgement"), _answers(shown, status))
            for status, text in answers.items()
        },
        "429": _too_many("The participant has used up its limit", "Acknowledgement"),
        **{status: {"$ref": f"#/components/responses/{status}"} for status in _ERRORS},
    }


def _callback(name):
    """What another mapper tells of a message that a connector of this database has sent it."""
    about = "the results of an operation" if name != "on-status" else "a status"
    body = {"type": "object", "description": "A callback of G2P-Connect 1.0.0 or OpenG2P 1.x."}
    return {
        "operationId": name.replace("-", "_"),
        "tags": [_CALLBACKS],
        "summary": f"Tell {about}",
        "description": "For mappers that this database calls as a client. A callback is believed "
        "by the transaction_id of the message that it is about and, where that was agreed, by its "
        "signature. A repetition changes nothing.",
        "security": [],
        "requestBody": {"required": True, "content": {JSON: {"schema": body, "examples": {}}}},
        "responses": {
            "200": _answer("Taken (ACK)", _ref("Acknowledgement")),
            "400": _answer("Not taken (ERR)", _ref("Acknowledgement")),
            **{status: {"$ref": f"#/components/responses/{status}"} for status in _ERRORS},
        },
    }


def _listing(name, listing):
    return {
        "operationId": f"OpenG2P2_{listing}",
        "tags": [_DIRECTORY],
        "summary": f"List the active {listing.replace('_', ' ')} of the directory",
        "description": "Needs a token of any participant. Reads only.",
        "security": _security(),
        **_exchange(listing_examples(listing), f"OpenG2P2_{listing}"),
    }


def _exchange(shown, name):
    """Body and answers of an operation that takes and gives messages."""
    answers = {
        200: ("Carried out, or rejected as a whole: the header's status tells", f"{name}Answer"),
        400: ("The message cannot be read", f"{name}Unreadable"),
    }
    return {
        "requestBody": _request_body(shown, f"{name}Request"),
        "responses": {
            **{
                str(status): _answer(text, _ref(schema), _answers(shown, status))
                for status, (text, schema) in answers.items()
            },
            "429": _too_many("The participant has used up its limit", f"{name}Unreadable"),
            **{status: {"$ref": f"#/components/responses/{status}"} for status in _ERRORS},
        },
    }


def _request_body(shown, schema):
    requests = {
        example.name: {"summary": example.summary, "value": example.request} for example in shown
    }
    return {
        "required": True,
        "content": {JSON: {"schema": _ref(schema), "examples": requests}},
    }


def _answers(shown, status):
    return {
        example.name: {"value": example.answer} for example in shown if example.status == status
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
            "429": _too_many("Too many requests from this address or client", "TokenError"),
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


def _metrics():
    content = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "operationId": "metrics",
        "tags": ["Operation"],
        "summary": "Gauges for Prometheus",
        "description": "For programs on the server itself, or with the token that its operator has "
        "configured for it.",
        "security": [],
        "responses": {
            "200": {"description": "Text format 0.0.4", "content": content},
            "401": _answer("Neither", _ref("HttpErrorResponse")),
        },
    }


def _too_many(when, schema):
    """429: nothing was done."""
    wait = {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}
    return {**_answer(f"{when}; nothing was done", _ref(schema)), "headers": {"Retry-After": wait}}


def _answer(description, schema, shown=None):
    content = {"schema": schema, **({"examples": shown} if shown else {})}
    return {"description": description, "content": {JSON: content}}


def _ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


# --- components ---

# HTTP status -> when, code, message of the example (None: it has none)
_ERRORS = {
    "401": (
        "No token or signature, or none that holds",
        "err.request.unauthorized",
        "A valid bearer token is needed.",
    ),
    "403": (
        "The operation is not granted, or the header names another sender or receiver",
        "err.sender_id.invalid",
        "The header's sender is not who has signed in.",
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


def _security(*scopes):
    """One of them, as the participant's record says. Its network address is nothing to send."""
    return [{"token": list(scopes)}, {"issuer": list(scopes)}, {"signature": []}]


def _security_schemes():
    return {
        "token": {
            "type": "oauth2",
            "description": "Authorization: Bearer and the token.",
            "flows": {
                "clientCredentials": {
                    "tokenUrl": api.TOKEN,
                    "scopes": {
                        **{f"{api.SCOPE_PREFIX}{name}": _SUMMARIES[name] for name in OPERATIONS},
                        _STATUS_SCOPE: _STATUS_SUMMARY,
                    },
                }
            },
        },
        "issuer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A token of another issuer, with the same scopes.",
        },
        "signature": {
            "type": "apiKey",
            "in": "header",
            "name": HTTP_HEADER,
            "description": "A JWS of the body without its payload, as OpenG2P has it; in "
            "G2P-Connect's own way the body's member signature instead.",
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
        "Acknowledgement": schemas.acknowledgement(),
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
    for _base, profile, prefix, _tag in SYNCHRONOUS[:2]:
        parts = {
            "Request": schemas_status.request(profile, api.MAX_ITEMS),
            "CarriedOut": schemas_status.told(profile),
            "Rejected": schemas_status.refused(profile),
            "Unreadable": schemas_status.unreadable(profile),
        }
        components |= _named(f"{prefix}Status", parts)
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
    """The schemas under their full names, and the answer that is one of several."""
    told = [part for part in ("CarriedOut", "StillRunning", "Rejected") if part in parts]
    either = [_ref(f"{name}{part}") for part in told]
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
        **_still_running(operation, profile),
        "Rejected": schemas.rejected(operation, profile),
        "Unreadable": schemas.envelope_error(operation, profile),
    }


def _still_running(operation, profile):
    mutating = operation in api.MUTATIONS
    return {"StillRunning": schemas.still_running(operation, profile)} if mutating else {}


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
