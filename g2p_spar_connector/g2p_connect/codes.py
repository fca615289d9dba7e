# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Reason codes of the standard, and which outcome is told with which of them.

Sources: G2P-Connect mapper API 1.0.0 (`LinkStatusReasonCode` and its sisters); OpenG2P SPAR 1.1
for the profiles `openg2p_1` and `openg2p_2`, whose clients look at codes and texts.
"""

from typing import NamedTuple

from .values import OPERATIONS, PROFILES, Outcome

# MsgHeaderStatusReasonCode
HEADER_CODES = frozenset(
    {
        "rjct.version.invalid",
        "rjct.message_id.duplicate",
        "rjct.message_ts.invalid",
        "rjct.action.invalid",
        "rjct.action.not_supported",
        "rjct.total_count.invalid",
        "rjct.total_count.limit_exceeded",
        "rjct.errors.too_many",
    }
)

_COMMON = frozenset(
    {
        "rjct.reference_id.invalid",
        "rjct.reference_id.duplicate",
        "rjct.timestamp.invalid",
        "rjct.id.invalid",
        "rjct.fa.invalid",
    }
)
# The standard's lists for update and unlink lack the codes for ID and FA; its errata and
# OpenG2P's library add them.
ITEM_CODES = {
    "link": _COMMON
    | {
        "rjct.name.invalid",
        "rjct.mobile_number.invalid",
        "rjct.unknown.retry",
        "rjct.other.error",
    },
    "update": _COMMON | {"rjct.beneficiary_name.invalid"},
    "unlink": _COMMON | {"rjct.beneficiary_name.invalid"},
    "resolve": _COMMON
    | {
        "rjct.resolve_type.not_supported",
        "succ.fa.active",
        "succ.fa.inactive",
        "succ.fa.not_found",
        "succ.fa.not_linked_to_id",
        "succ.id.active",
        "succ.id.inactive",
        "succ.id.not_found",
    },
}


class Reason(NamedTuple):
    """`status`, `status_reason_code` and `status_reason_message` of an item."""

    status: str
    code: str | None
    text: str | None


# Outcome -> (code in link, code elsewhere, text). A code that the operation's own list lacks is
# left out: the text alone tells then.
_NAME = "rjct.beneficiary_name.invalid"
_STRICT = {
    Outcome.DONE: (None, None, None),
    Outcome.UNCHANGED: (None, None, None),
    Outcome.ID_ACTIVE: (None, "succ.id.active", None),
    Outcome.ID_INACTIVE: (None, "succ.id.inactive", "The ID is suspended"),
    Outcome.ID_NOT_FOUND: (None, "succ.id.not_found", "The ID is not linked"),
    Outcome.FA_ACTIVE: (None, "succ.fa.active", None),
    Outcome.FA_INACTIVE: (None, "succ.fa.inactive", "The FA is linked to a suspended ID"),
    Outcome.FA_NOT_FOUND: (None, "succ.fa.not_found", "The FA is not linked"),
    Outcome.FA_NOT_LINKED_TO_ID: (
        None,
        "succ.fa.not_linked_to_id",
        "The FA is not linked to this ID",
    ),
    Outcome.REFERENCE_ID_INVALID: (
        "rjct.reference_id.invalid",
        "rjct.reference_id.invalid",
        "reference_id: missing or invalid",
    ),
    Outcome.REFERENCE_ID_DUPLICATE: (
        "rjct.reference_id.duplicate",
        "rjct.reference_id.duplicate",
        "reference_id: used before in this message",
    ),
    Outcome.TIMESTAMP_INVALID: (
        "rjct.timestamp.invalid",
        "rjct.timestamp.invalid",
        "timestamp: must be RFC 3339 with a time zone",
    ),
    Outcome.ID_EMPTY: ("rjct.id.invalid", "rjct.id.invalid", "id: missing"),
    Outcome.ID_INVALID: ("rjct.id.invalid", "rjct.id.invalid", "id: invalid"),
    Outcome.FA_EMPTY: ("rjct.fa.invalid", "rjct.fa.invalid", "fa: missing"),
    Outcome.FA_INVALID: ("rjct.fa.invalid", "rjct.fa.invalid", "fa: invalid"),
    Outcome.NAME_INVALID: ("rjct.name.invalid", _NAME, "name: invalid"),
    # update has no code for a phone number; that of the name is the nearest of its list.
    Outcome.PHONE_INVALID: ("rjct.mobile_number.invalid", _NAME, "phone_number: invalid"),
    Outcome.ADDITIONAL_INFO_INVALID: ("rjct.other.error", None, "additional_info: invalid"),
    Outcome.LOCALE_INVALID: ("rjct.other.error", None, "locale: invalid"),
    Outcome.ID_OR_FA_REQUIRED: (
        "rjct.id.invalid",
        "rjct.id.invalid",
        "id: an ID or an FA is required",
    ),
    Outcome.SCOPE_NOT_SUPPORTED: (
        None,
        "rjct.resolve_type.not_supported",
        "scope: must be yes_no or details",
    ),
    Outcome.ALREADY_LINKED: (
        "rjct.other.error",
        "rjct.id.invalid",
        "The ID is linked already; use update",
    ),
    Outcome.NOT_LINKED: ("rjct.id.invalid", "rjct.id.invalid", "The ID is not linked; use link"),
    Outcome.FA_MISMATCH: ("rjct.id.invalid", "rjct.id.invalid", "The ID is linked to another FA"),
    # Fixed texts: they must not tell why.
    Outcome.ID_NOT_ALLOWED: (
        "rjct.other.error",
        "rjct.id.invalid",
        "id: this participant may not change it",
    ),
    Outcome.FA_NOT_ALLOWED: (
        "rjct.fa.invalid",
        "rjct.fa.invalid",
        "fa: this participant may not link it",
    ),
    Outcome.RETRY: ("rjct.unknown.retry", None, "Not done; try again"),
    Outcome.OTHER: ("rjct.other.error", None, "Not done"),
}

# What OpenG2P's clients expect instead, by operation.
_OPENG2P = {
    ("link", Outcome.ALREADY_LINKED): Reason(
        "rjct", "rjct.reference_id.duplicate", "ID and FA are already mapped"
    ),
    ("update", Outcome.NOT_LINKED): Reason(
        "rjct", "rjct.id.invalid", "ID doesnt exist please link first"
    ),
    ("unlink", Outcome.NOT_LINKED): Reason(
        "rjct", "rjct.id.invalid", "ID doesnt exist please link first"
    ),
    ("resolve", Outcome.ID_NOT_FOUND): Reason(
        "succ", "succ.fa.not_linked_to_id", "ID doesn't exist, please link first"
    ),
    ("resolve", Outcome.ID_OR_FA_REQUIRED): Reason(
        "rjct", "rjct.reference_id.invalid", "ID is required"
    ),
    **{
        (operation, Outcome.ID_EMPTY): Reason("rjct", "rjct.id.invalid", "ID is null")
        for operation in ("link", "update", "unlink")
    },
    **{
        (operation, Outcome.FA_EMPTY): Reason("rjct", "rjct.fa.invalid", "FA is null")
        for operation in ("link", "update")
    },
}


def _strict_reason(operation: str, outcome: Outcome) -> Reason:
    in_link, elsewhere, text = _STRICT[outcome]
    code = in_link if operation == "link" else elsewhere
    if code not in ITEM_CODES[operation]:
        code = None
    return Reason("succ" if outcome.succeeded else "rjct", code, text)


def _reason(profile: str, operation: str, outcome: Outcome) -> Reason:
    strict = _strict_reason(operation, outcome)
    return strict if profile == "strict" else _OPENG2P.get((operation, outcome), strict)


_REASONS = {
    (profile, operation): {outcome: _reason(profile, operation, outcome) for outcome in Outcome}
    for profile in PROFILES
    for operation in OPERATIONS
}


def reasons(profile: str, operation: str) -> dict[Outcome, Reason]:
    """`reason` for every outcome, to be looked up thousands of times."""
    return _REASONS[profile, operation]


def reason(profile: str, operation: str, outcome: Outcome) -> Reason:
    """How an outcome is told to a participant of that profile."""
    return _REASONS[profile, operation][outcome]


# --- the way back, for clients ---

# One code stands for several outcomes: the one to assume when the text is not a known one.
_OUTCOMES = {
    "rjct.reference_id.invalid": Outcome.REFERENCE_ID_INVALID,
    "rjct.reference_id.duplicate": Outcome.REFERENCE_ID_DUPLICATE,
    "rjct.timestamp.invalid": Outcome.TIMESTAMP_INVALID,
    "rjct.id.invalid": Outcome.ID_INVALID,
    "rjct.fa.invalid": Outcome.FA_INVALID,
    "rjct.name.invalid": Outcome.NAME_INVALID,
    "rjct.beneficiary_name.invalid": Outcome.NAME_INVALID,
    "rjct.mobile_number.invalid": Outcome.PHONE_INVALID,
    "rjct.unknown.retry": Outcome.RETRY,
    "rjct.resolve_type.not_supported": Outcome.SCOPE_NOT_SUPPORTED,
    "succ.fa.active": Outcome.FA_ACTIVE,
    "succ.fa.inactive": Outcome.FA_INACTIVE,
    "succ.fa.not_found": Outcome.FA_NOT_FOUND,
    "succ.fa.not_linked_to_id": Outcome.FA_NOT_LINKED_TO_ID,
    "succ.id.active": Outcome.ID_ACTIVE,
    "succ.id.inactive": Outcome.ID_INACTIVE,
    "succ.id.not_found": Outcome.ID_NOT_FOUND,
}
_BY_TEXT = {
    key: {reason.text: outcome for outcome, reason in table.items() if reason.text}
    for key, table in _REASONS.items()
}


def outcome_of(
    operation: str,
    status: str | None,
    code: str | None,
    text: str | None = None,
    profile: str = "strict",
) -> Outcome:
    """The outcome that an answer tells.

    Several outcomes share a code; a text that the profile fixes decides between them. A status
    `rcvd` or `pdng` says that the item is not finished: `RETRY`.
    """
    if status in ("rcvd", "pdng"):
        return Outcome.RETRY
    succeeded = status == "succ"
    outcome = _BY_TEXT[profile, operation].get(text)
    if outcome and outcome.succeeded == succeeded:
        return outcome
    if succeeded and not code:
        # OpenG2P 1.1 leaves the code of a found ID out.
        return Outcome.ID_ACTIVE if operation == "resolve" else Outcome.DONE
    if profile != "strict" and (operation, code) == ("link", "rjct.reference_id.duplicate"):
        return Outcome.ALREADY_LINKED
    outcome = _OUTCOMES.get(code, Outcome.OTHER)
    return outcome if outcome.succeeded == succeeded else Outcome.OTHER
