# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""When each code is told, and what its receiver does about it: for the API's document."""

from typing import NamedTuple


class Meaning(NamedTuple):
    when: str
    what_to_do: str


_UNUSED = "Not told by this server."
_NOTHING = "Nothing."

HEADER = {
    "rjct.version.invalid": Meaning("version is not 1.x.", "Send 1.0.0, or leave it out."),
    "rjct.message_id.duplicate": Meaning(
        "link, update, unlink in the strict profile, or by signature alone: this message_id was "
        "used for another message, or its answer is no longer kept.",
        "Make a new message_id for each new message; use it again only to repeat that message.",
    ),
    "rjct.message_ts.invalid": Meaning(
        "message_ts has no time zone, or is too far from now.",
        "Send the present time with its zone; check the clock.",
    ),
    "rjct.action.invalid": Meaning("action is none that the standard has.", "Send the path's."),
    "rjct.action.not_supported": Meaning("action is not that of the path.", "Send the path's."),
    "rjct.total_count.invalid": Meaning(
        "The message has no items, or total_count is not their number.", "Count the items."
    ),
    "rjct.total_count.limit_exceeded": Meaning(
        "More items than the participant may send in a message.", "Send smaller messages."
    ),
    "rjct.errors.too_many": Meaning(
        "In a callback: the items that have no result could not be read any more and were not "
        "done.",
        "Send these items again.",
    ),
    "rjct.request.validation": Meaning(
        "OpenG2P 2.x: the request cannot be read, or has no items.",
        "Correct it; response_error_message names the member at fault.",
    ),
    "pdng": Meaning(
        "OpenG2P 2.x: this very message is being carried out at this moment.",
        "Send it again, as it is, for its answer.",
    ),
}

ITEM = {
    "rjct.reference_id.invalid": Meaning(
        "reference_id is missing, too long or has control characters. Resolve in the OpenG2P "
        "profiles: neither ID nor FA.",
        "Give each item a reference_id of its own; name an ID or an FA.",
    ),
    "rjct.reference_id.duplicate": Meaning(
        "reference_id was used before in this message. Link in the OpenG2P profiles: the ID is "
        "linked already.",
        "Give each item its own. A linked ID: resolve it; update it where it should change.",
    ),
    "rjct.timestamp.invalid": Meaning(
        "timestamp is missing or has no time zone.", "Send RFC 3339 with a zone."
    ),
    "rjct.id.invalid": Meaning(
        "The ID is missing or malformed; update, unlink: it is not linked, is linked to another FA "
        "than the one named, or is not this participant's to change.",
        "Read status_reason_message; correct the ID, link it first, or leave it to its owner.",
    ),
    "rjct.fa.invalid": Meaning(
        "The FA is missing or malformed, not at a provider of the directory where the participant "
        "must keep to those, its branch is unknown, its number breaks the provider's rule, or it "
        "is not at the participant's own institution.",
        "Correct the FA as status_reason_message says.",
    ),
    "rjct.name.invalid": Meaning("link: name is no string or too long.", "Correct or omit it."),
    "rjct.mobile_number.invalid": Meaning(
        "link: phone_number is not E.164.", "Correct or omit it."
    ),
    "rjct.unknown.retry": Meaning(
        "With a callback, link: an unexpected failure; it was not done.",
        "Send the item again in a new message.",
    ),
    "rjct.other.error": Meaning(
        "link: the ID is linked already, is not this participant's to link, or additional_info or "
        "locale is malformed.",
        "Read status_reason_message. A linked ID: resolve it; update it where it should change.",
    ),
    "rjct.beneficiary_name.invalid": Meaning(
        "update: name or phone_number is malformed.", "Correct or omit it."
    ),
    "rjct.resolve_type.not_supported": Meaning(
        "resolve: scope is unknown, or details are not granted to the participant.",
        "Ask for yes_no, or have details granted.",
    ),
    "succ.fa.active": Meaning("resolve by FA: it is linked.", _NOTHING),
    "succ.fa.inactive": Meaning(
        "resolve by FA: it is linked to suspended IDs only.", "Do not pay to it."
    ),
    "succ.fa.not_found": Meaning("resolve by FA: it is not linked.", "Do not pay to it."),
    "succ.fa.not_linked_to_id": Meaning(
        "resolve by ID and FA: they do not belong together. In the OpenG2P profiles: the ID is not "
        "linked.",
        "Do not pay to this FA; ask the person to link one.",
    ),
    "succ.id.active": Meaning("resolve by ID: it is linked.", "Pay to fa (scope details)."),
    "succ.id.inactive": Meaning(
        "resolve by ID: it is suspended, and no address is told.", "Do not pay; try again later."
    ),
    "succ.id.not_found": Meaning(
        "resolve by ID: it is not linked.", "Ask the person to link an address."
    ),
}

ERROR = {
    "err.request.bad": Meaning(
        "400: the envelope cannot be read; 405, 413, 415: wrong method, body too large, wrong "
        "content type or any Content-Encoding.",
        "Correct the request; the message names the member at fault.",
    ),
    "err.request.unauthorized": Meaning(
        "401: no token, or none that holds; or the participant signs in otherwise.",
        "Fetch a new token; read how the participant is to sign in.",
    ),
    "err.request.forbidden": Meaning(
        "403: the token does not grant this operation.",
        "Ask for its scope; have the operation granted to the participant.",
    ),
    "err.request.not_found": Meaning(
        "404: there is nothing at this path. In the header of a status: no such message of yours "
        "is on record.",
        "Check the path; check the ids.",
    ),
    "err.request.timeout": Meaning("408: the request took too long to come.", "Send it again."),
    "err.version.not_supported": Meaning(_UNUSED, _NOTHING),
    "err.request.too_many_requests": Meaning(
        "429: the participant has used up what it may look up or write for now, or from its "
        "address came too many messages without a token that were refused; nothing was done.",
        "Wait as long as Retry-After says, then send the same message again.",
    ),
    "err.sender_id.invalid": Meaning(
        "403: the header names another sender than the one who has signed in.",
        "Send the participant's own sender_id.",
    ),
    "err.sender_uri.invalid": Meaning(
        "400, with a callback: sender_uri is no https address on a host that the participant's "
        "record allows.",
        "Leave it out, or have its host put on record.",
    ),
    "err.receiver_id.invalid": Meaning(
        "403, with a callback 400: a participant that signs in by signature alone wants to change "
        "a mapping, and the header names another receiver than this registry, or none; or it wants "
        "to see addresses, and the header names another one.",
        "Send the registry's receiver ID.",
    ),
    "err.signature.missing": Meaning(
        "401: the participant's messages must be signed, and this one is not.",
        "Sign it in the dialect agreed.",
    ),
    "err.signature.invalid": Meaning(
        "401: the signature is not the participant's, not of this message, or too old.",
        "Read the message; compare key, clock and the bytes that were signed.",
    ),
    "err.encryption.invalid": Meaning(
        "400: is_msg_encrypted is true.", "Send plain messages; TLS encrypts them."
    ),
    "err.service.unavailable": Meaning(
        "500, 503: a fault of the server, or it is busy. A link, update or unlink may or may not "
        "have been done.",
        "Wait and send the same message again with its message_id (strict profile), or resolve.",
    ),
}

# RFC 6749, 5.2; temporarily_unavailable is of 4.1.2.1
OAUTH = {
    "invalid_request": Meaning("A field is missing, comes twice or has a NUL.", "Correct it."),
    "invalid_client": Meaning(
        "Client id or secret is wrong, or the participant is archived.",
        "Check both; have a new secret made.",
    ),
    "unsupported_grant_type": Meaning(
        "grant_type is not client_credentials.", "Send client_credentials."
    ),
    "invalid_scope": Meaning(
        "None of the scopes asked for is granted.", "Leave scope out, or have operations granted."
    ),
    "temporarily_unavailable": Meaning(
        "429: too many requests from this address, refused ones above all, or too many tokens for "
        "this client.",
        "Wait as long as Retry-After says; use a token until it expires.",
    ),
}
