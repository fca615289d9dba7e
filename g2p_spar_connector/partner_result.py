# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What the recordset API of the connector answers about a contact: a plain dictionary.

It has the same members whatever came out, and nothing that JSON has not, so that it survives a job
queue. Plain Python without the ORM.
"""

from datetime import UTC, datetime

from .g2p_connect import codes
from .g2p_connect.fa_format import fa_object
from .g2p_connect.values import Address, Outcome, Result

# Outcomes beside those of the mapper (`values.Outcome`).
ID_MISSING = "id_missing"  # no rule gives this contact an ID
NO_CONNECTOR = "no_connector"
UNAVAILABLE = "unavailable"  # the mapper gave no answer: it may be linked or not
NO_PAYEE = "no_payee"  # nobody to be paid for this contact
QUEUED = "queued"  # waits in the outbox
PARTNER_OUTCOMES = (ID_MISSING, NO_CONNECTOR, UNAVAILABLE, NO_PAYEE, QUEUED)

_MEMBERS = (
    "partner_id",
    "payee_partner_id",
    "id",
    "outcome",
    "status",
    "reason_code",
    "message",
    "fa",
    "fa_type",
    "fa_parts",
    "number",
    "provider_code",
    "provider_name",
    "branch_code",
    "branch_name",
    "name",
    "since",
    "resolved_at",
    "never_linked",
)
_EMPTY = dict.fromkeys(_MEMBERS)
_CODES = {ID_MISSING: "rjct.id.invalid", NO_PAYEE: "rjct.id.invalid"}
_LINKED = frozenset({Outcome.ID_ACTIVE, Outcome.ID_INACTIVE})


def is_payable(result: dict) -> bool:
    """Whether money can be sent: the ID is linked and active."""
    return result["outcome"] == Outcome.ID_ACTIVE


def of_contact(partner_id: int | None, outcome: str, message: str) -> dict:
    """The answer where no mapper was asked; `outcome` is one of `PARTNER_OUTCOMES`."""
    return _EMPTY | {
        "partner_id": partner_id,
        "payee_partner_id": partner_id,
        "outcome": outcome,
        "status": "pdng" if outcome == QUEUED else "rjct",
        "reason_code": _CODES.get(outcome),
        "message": message,
    }


def for_contact(answer: dict, partner_id: int) -> dict:
    """An answer that several contacts share, as that of one of them."""
    return answer | {"partner_id": partner_id, "payee_partner_id": partner_id}


def of_mapper(operation: str, id_: str, result: Result, message: str) -> dict:
    """What contacts with this ID share of the mapper's answer.

    :param message: readable, in the user's language
    """
    outcome = UNAVAILABLE if result.outcome is Outcome.RETRY else str(result.outcome)
    reason = codes.reason("strict", operation, result.outcome)
    shared = _EMPTY | {
        "id": id_,
        "outcome": outcome,
        "status": reason.status,
        "reason_code": reason.code,
        "message": message,
    }
    if operation == "resolve":
        shared["resolved_at"] = datetime.now(UTC).isoformat(timespec="seconds")
        shared["never_linked"] = False if result.outcome in _LINKED else None
    if result.outcome is Outcome.ID_ACTIVE:
        shared |= _payable_members(result)
    return shared


def _payable_members(result: Result) -> dict:
    members = {
        "fa": result.fa,
        "name": result.name,
        "since": result.since and result.since.replace(tzinfo=UTC).isoformat(),
    }
    if result.address:
        return members | _address_members(result.address)
    if result.provider:  # an address that nobody here can read
        members |= {
            "provider_code": result.provider.code,
            "provider_name": result.provider.name,
            "branch_code": result.provider.subcode,
        }
    return members


def _address_members(address: Address) -> dict:
    return {
        "fa_type": address.fa_type,
        "fa_parts": fa_object(address),
        "number": address.number,
        "provider_code": address.provider_code,
        "provider_name": address.provider_name,
        "branch_code": address.branch_code,
        "branch_name": address.branch_name,
    }
