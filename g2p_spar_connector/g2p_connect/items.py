# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Parsing and rendering the items of a message.

An item that is wrong never harms the others: it carries a `Problem`.
"""

import re
from collections.abc import Callable
from typing import Any

from . import jsonio
from .codes import outcome_of, reasons
from .text import (
    has_control,
    has_inexact,
    has_unstorable,
    is_phone_number,
    is_too_large,
    is_unstorable,
    parse_timestamp,
)
from .values import (
    ITEM_TYPES,
    NAME_MAX_LENGTH,
    PHONE_MAX_LENGTH,
    AccountProvider,
    Item,
    LinkItem,
    Outcome,
    Problem,
    ResolveItem,
    Result,
    UnlinkItem,
    UpdateItem,
)

REFERENCE_ID_MAX_LENGTH = 255
MESSAGE_MAX_LENGTH = 999

_LOCALE = re.compile(r"[a-z]{2,3}")
_SCOPES = ("yes_no", "details")
_UNSTORABLE = "has a NUL character or half a surrogate pair"

# Members in the order of their checks. Of the optional ones only those that are there are checked.
_REQUIRED = {
    "link": ("reference_id", "timestamp", "id", "fa"),
    "update": ("reference_id", "timestamp", "id", "fa"),
    "unlink": ("reference_id", "timestamp", "id"),
    "resolve": ("reference_id", "timestamp"),
}
_OPTIONAL = {
    "link": ("name", "phone_number", "additional_info", "locale"),
    "update": ("name", "phone_number", "additional_info", "locale"),
    "unlink": ("fa", "additional_info", "locale"),
    "resolve": ("id", "fa", "name", "scope", "additional_info", "locale"),
}


class ItemParser:
    """Parses the items of one message, in their order.

    Checked here: types, lengths of what has no other guardian, and what the profile demands.
    What an ID or FA may look like is the mapper's own business.
    """

    def __init__(self, operation: str, profile: str):
        self._strict = profile == "strict"
        self._type = ITEM_TYPES[operation]
        self._build = _BUILDERS[operation]
        self._required = self._checks(_REQUIRED[operation])
        self._optional = self._checks(_OPTIONAL[operation])
        self._needs_id_or_fa = operation == "resolve"
        self._fa_is_required = "fa" in _REQUIRED[operation]
        self._seen = set()
        # The same few timestamps and locales come again and again.
        self._good_timestamps = set()
        self._good_locales = set()

    def _checks(self, names: tuple[str, ...]) -> list[tuple[str, Callable]]:
        return [(name, getattr(self, f"_check_{name}")) for name in names]

    def parse(self, raw: object) -> Item:
        if not isinstance(raw, dict):
            return self._refused(
                {}, Problem(Outcome.REFERENCE_ID_INVALID, "item: must be an object")
            )
        for name, check in self._required:
            if problem := check(raw.get(name)):
                return self._refused(raw, problem)
        for name, check in self._optional:
            value = raw.get(name)
            if value is not None and (problem := check(value)):
                return self._refused(raw, problem)
        item = self._build(raw)
        if not self._strict and is_too_large(item.additional_info):
            item = item._replace(additional_info=None)
        if self._needs_id_or_fa and not (item.id or item.fa):
            return self._refused(raw, Problem(Outcome.ID_OR_FA_REQUIRED))
        return item

    def _refused(self, raw: dict, problem: Problem) -> Item:
        """As much of the item as its answer repeats."""
        return self._type(
            _string(raw, "reference_id"), _string(raw, "id"), _string(raw, "fa"), problem=problem
        )

    # Each check returns the problem, or None.

    def _check_reference_id(self, value: Any) -> Problem | None:
        if not isinstance(value, str) or not value:
            return Problem(Outcome.REFERENCE_ID_INVALID, "reference_id: must be a string")
        if len(value) > REFERENCE_ID_MAX_LENGTH or has_control(value):
            return Problem(
                Outcome.REFERENCE_ID_INVALID,
                f"reference_id: must have at most {REFERENCE_ID_MAX_LENGTH} characters and no "
                "control characters",
            )
        if self._strict:
            if value in self._seen:
                return Problem(Outcome.REFERENCE_ID_DUPLICATE)
            self._seen.add(value)
        return None

    def _check_timestamp(self, value: Any) -> Problem | None:
        if not self._strict:
            return None
        if not isinstance(value, str):
            return Problem(Outcome.TIMESTAMP_INVALID)
        if value not in self._good_timestamps:
            if not parse_timestamp(value):
                return Problem(Outcome.TIMESTAMP_INVALID)
            self._good_timestamps.add(value)
        return None

    def _check_id(self, value: Any) -> Problem | None:
        if value is None or value == "":
            # Where neither ID nor FA is given is a matter of both.
            return None if self._needs_id_or_fa else Problem(Outcome.ID_EMPTY)
        if not isinstance(value, str):
            return Problem(Outcome.ID_INVALID, "id: must be a string")
        if is_unstorable(value):
            return Problem(Outcome.ID_INVALID, f"id: {_UNSTORABLE}")
        if self._strict and "@" not in value:
            return Problem(Outcome.ID_INVALID, "id: must have an @ before its namespace")
        return None

    def _check_fa(self, value: Any) -> Problem | None:
        if value is None or value == "":
            return Problem(Outcome.FA_EMPTY) if self._fa_is_required else None
        if not isinstance(value, str):
            return Problem(Outcome.FA_INVALID, "fa: must be a string")
        if is_unstorable(value):
            return Problem(Outcome.FA_INVALID, f"fa: {_UNSTORABLE}")
        return None

    def _check_name(self, value: Any) -> Problem | None:
        if not isinstance(value, str):
            return Problem(Outcome.NAME_INVALID, "name: must be a string")
        if len(value) > NAME_MAX_LENGTH:
            return Problem(
                Outcome.NAME_INVALID, f"name: must have at most {NAME_MAX_LENGTH} characters"
            )
        if is_unstorable(value):
            return Problem(Outcome.NAME_INVALID, f"name: {_UNSTORABLE}")
        return None

    def _check_phone_number(self, value: Any) -> Problem | None:
        if self._strict and not (isinstance(value, str) and (not value or is_phone_number(value))):
            return Problem(
                Outcome.PHONE_INVALID,
                "phone_number: must be E.164: + and 2 to 15 digits (tel: before and ;ext= after "
                "it are allowed)",
            )
        return None

    def _check_additional_info(self, value: Any) -> Problem | None:
        outcome = Outcome.ADDITIONAL_INFO_INVALID
        if not self._strict:
            return None
        if has_unstorable(value):
            return Problem(outcome, f"additional_info: {_UNSTORABLE}")
        if not isinstance(value, list) or not all(map(_is_attribute, value)):
            return Problem(
                outcome,
                "additional_info: must be a list of objects with name (a string) and value (a "
                "string, number, boolean or object)",
            )
        if has_inexact(value):
            return Problem(outcome, "additional_info: a number from 2^63 on cannot be kept exactly")
        return None

    def _check_locale(self, value: Any) -> Problem | None:
        if not isinstance(value, str):
            return self._strictly(Outcome.LOCALE_INVALID, "locale: must be a string")
        if value not in self._good_locales:
            if not _LOCALE.fullmatch(value):
                return self._strictly(
                    Outcome.LOCALE_INVALID, "locale: must be two or three lower-case letters"
                )
            self._good_locales.add(value)
        return None

    def _check_scope(self, value: Any) -> Problem | None:
        if isinstance(value, str) and value in _SCOPES:
            return None
        return Problem(Outcome.SCOPE_NOT_SUPPORTED)

    def _strictly(self, outcome: Outcome, message: str) -> Problem | None:
        return Problem(outcome, message) if self._strict else None


def _string(raw: dict, name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""


def _optional(raw: dict, name: str) -> str | None:
    """The string, or None for what is absent, empty, or ignored by a tolerant profile."""
    value = raw.get(name)
    if not value or not isinstance(value, str) or is_unstorable(value):
        return None
    return value


def _phone_number(raw: dict) -> str | None:
    value = _optional(raw, "phone_number")
    return value if value is None or len(value) <= PHONE_MAX_LENGTH else None


def _is_attribute(entry: object) -> bool:
    """AttributeNameValue of the standard's errata."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("name"), str)
        and isinstance(entry.get("value"), (str, int, float, bool, dict))
    )


def _build_link(raw: dict) -> LinkItem:
    return LinkItem(*_link_values(raw))


def _build_update(raw: dict) -> UpdateItem:
    return UpdateItem(*_link_values(raw))


def _link_values(raw: dict) -> tuple:
    return (
        raw["reference_id"],
        raw["id"],
        raw["fa"],
        _optional(raw, "name"),
        _phone_number(raw),
        raw.get("additional_info"),
        _optional(raw, "locale"),
        _optional(raw, "timestamp"),
    )


def _build_unlink(raw: dict) -> UnlinkItem:
    return UnlinkItem(
        raw["reference_id"],
        raw["id"],
        raw.get("fa") or "",
        raw.get("additional_info"),
        _optional(raw, "locale"),
        _optional(raw, "timestamp"),
    )


def _build_resolve(raw: dict) -> ResolveItem:
    return ResolveItem(
        raw["reference_id"],
        raw.get("id") or "",
        raw.get("fa") or "",
        _optional(raw, "name"),
        raw.get("scope") or "yes_no",
        raw.get("additional_info"),
        _optional(raw, "locale"),
        _optional(raw, "timestamp"),
    )


_BUILDERS: dict[str, Callable[[dict], Item]] = {
    "link": _build_link,
    "update": _build_update,
    "unlink": _build_unlink,
    "resolve": _build_resolve,
}


def render_item(item: Item, message_ts: str) -> dict:
    """An item as the standard's request has it; a missing timestamp becomes the message's."""
    raw = {
        name: value
        for name, value in item._asdict().items()
        if value is not None and name != "problem"
    }
    for name in ("id", "fa"):
        if not raw[name]:
            del raw[name]
    raw.setdefault("timestamp", message_ts)
    return raw


class ResultRenderer:
    """Renders the items of one answer. No member is ever null."""

    def __init__(self, operation: str, profile: str, timestamp: str):
        self._strict = profile == "strict"
        self._operation = operation
        self._reasons = reasons(profile, operation)
        self._timestamp = timestamp

    def render(self, item: Item, result: Result) -> dict:
        status, code, text = self._reasons[result.outcome]
        raw = {"reference_id": result.reference_id, "timestamp": self._timestamp}
        fa = self._fa(item, result)
        if fa:
            raw["fa"] = fa
        identifier = result.id or item.id
        if identifier:
            raw["id"] = identifier
        if result.provider:
            raw["account_provider_info"] = self._provider(result.provider)
        raw["status"] = status
        if code:
            raw["status_reason_code"] = code
        message = result.message or text
        if message:
            raw["status_reason_message"] = message[:MESSAGE_MAX_LENGTH]
        if result.additional_info is not None:
            raw["additional_info"] = self._additional_info(result.additional_info)
        locale = result.locale or item.locale
        if locale and (not self._strict or _LOCALE.fullmatch(locale)):
            raw["locale"] = locale
        return raw

    def _fa(self, item: Item, result: Result) -> str | None:
        if self._operation == "resolve":
            # The request's own FA is no answer.
            return result.fa
        return None if self._operation == "unlink" else result.fa or item.fa

    def _provider(self, provider: AccountProvider) -> dict:
        raw = {"name": provider.name, "code": provider.code}
        if provider.subcode or not self._strict:
            raw["subcode"] = provider.subcode or ""  # OpenG2P's clients demand it
        return raw

    def _additional_info(self, value: Any) -> list:
        entries = value if isinstance(value, list) else [value]
        if not self._strict or all(map(_is_attribute, entries)):
            return entries
        return [attribute for entry in entries for attribute in _attributes(entry)]


def _attributes(entry: object) -> list[dict]:
    """What a tolerant profile has stored, in the form of the standard."""
    if _is_attribute(entry):
        return [entry]
    members = entry if isinstance(entry, dict) else {"value": entry}
    return [
        {"name": name, "value": jsonio.dumps(value).decode() if type(value) is list else value}
        for name, value in members.items()
        if value is not None
    ]


class ResultParser:
    """Parses the items of an answer, of another mapper for instance."""

    def __init__(self, operation: str, profile: str):
        self._operation = operation
        self._profile = profile
        self._reasons = reasons(profile, operation)

    def parse(self, raw: object) -> Result:
        if not isinstance(raw, dict):
            return Result("", Outcome.OTHER, "item: must be an object")
        reference_id = _string(raw, "reference_id")
        for name in ("id", "fa"):
            value = raw.get(name)
            if value is not None and (not isinstance(value, str) or is_unstorable(value)):
                return Result(reference_id, Outcome.OTHER, f"{name}: is not a proper string")
        text = _optional(raw, "status_reason_message")
        outcome = outcome_of(
            self._operation,
            _optional(raw, "status"),
            _optional(raw, "status_reason_code"),
            text,
            self._profile,
        )
        return Result(
            reference_id,
            outcome,
            None if text == self._reasons[outcome].text else text,
            id=raw.get("id") or None,
            fa=raw.get("fa") or None,
            provider=_read_provider(raw.get("account_provider_info")),
            additional_info=raw.get("additional_info"),
            locale=_optional(raw, "locale"),
        )


def _read_provider(raw: object) -> AccountProvider | None:
    if not isinstance(raw, dict) or not raw.get("name") or not raw.get("code"):
        return None
    return AccountProvider(_string(raw, "name"), _string(raw, "code"), _optional(raw, "subcode"))
