# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Parsing and rendering the items of a message.

An item that is wrong never harms the others: it carries a `Problem`.
"""

import re
from collections.abc import Sequence
from itertools import repeat
from typing import Any

from . import columns, jsonio
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
    Outcome,
    Problem,
    Result,
)

REFERENCE_ID_MAX_LENGTH = 255
MESSAGE_MAX_LENGTH = 999

ENOUGH_FOR_COLUMNS = 4  # fewer items are parsed sooner one by one

LOCALE = re.compile(r"[a-z]{2,3}")
SCOPES = ("yes_no", "details")
_UNSTORABLE = "has a NUL character or half a surrogate pair"

# Members in the order of their checks. Of the optional ones only those that are there are checked.
REQUIRED = {
    "link": ("reference_id", "timestamp", "id", "fa"),
    "update": ("reference_id", "timestamp", "id", "fa"),
    "unlink": ("reference_id", "timestamp", "id"),
    "resolve": ("reference_id", "timestamp"),
}
OPTIONAL = {
    "link": ("name", "phone_number", "additional_info", "locale"),
    "update": ("name", "phone_number", "additional_info", "locale"),
    "unlink": ("fa", "additional_info", "locale"),
    "resolve": ("id", "fa", "name", "scope", "additional_info", "locale"),
}


class ItemParser:
    """Parses the items of one message, in their order.

    Checked here: types, lengths of what has no other guardian, and what the profile demands.
    What an ID or FA may look like is the mapper's own business.

    Sound items that have the same members, as those of most messages, are checked by columns. One
    that is not sound has all be checked item by item.
    """

    def __init__(self, operation: str, profile: str):
        self._strict = profile == "strict"
        self._type = ITEM_TYPES[operation]
        self._members = {
            name: (getattr(self, f"_check_{name}"), name in REQUIRED[operation])
            for name in (*REQUIRED[operation], *OPTIONAL[operation])
        }
        self._kept = self._type._fields[:-1]
        self._needs_id_or_fa = operation == "resolve"
        self._fa_is_required = "fa" in REQUIRED[operation]
        # texts of which each item has its own
        self._own = {"reference_id", "id", "fa"} if self._fa_is_required else {"reference_id", "id"}
        self._seen = set()

    def parse_all(self, raws: list) -> list[Item]:
        by_columns = self._parse_columns(raws) if len(raws) >= ENOUGH_FOR_COLUMNS else None
        return by_columns or [self.parse(raw) for raw in raws]

    def _parse_columns(self, raws: list) -> list[Item] | None:
        """All items, or None where one is not sound or they have not all the same members."""
        by_member = columns.by_member(raws)
        if by_member is None:
            return None
        kept = []
        for name in self._kept:
            column = by_member.get(name, (None,))
            if not (self._are_own if name in self._own else self._are_sound)(name, column):
                return None
            kept.append(column if name in self._own else columns.mapped(_KEEP[name], column))
        # no comprehension: calling from C what is written in C saves half
        return list(map(_new, repeat(self._type), zip(*kept, repeat(None), strict=False)))

    def _are_own(self, name: str, column: tuple) -> bool:
        if not columns.are_plain_texts(column):
            return False
        if name == "reference_id":
            if max(map(len, column)) > REFERENCE_ID_MAX_LENGTH:
                return False
            return not self._strict or len(set(column)) == len(column)
        return name != "id" or not self._strict or all("@" in value for value in column)

    def _are_sound(self, name: str, column: tuple) -> bool:
        check, required = self._members[name]
        return all(
            (value is None and not required)
            or (check(value) is None and (name != "additional_info" or not is_too_large(value)))
            for value in columns.distinct(column)
        )

    def parse(self, raw: object) -> Item:
        if not isinstance(raw, dict):
            return self._refused(
                {}, Problem(Outcome.REFERENCE_ID_INVALID, "item: must be an object")
            )
        for name, (check, required) in self._members.items():
            value = raw.get(name)
            if (value is not None or required) and (problem := check(value)):
                return self._refused(raw, problem)
        get = raw.get
        item = _new(self._type, [_KEEP[name](get(name)) for name in self._kept] + [None])
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
        if not isinstance(value, str) or not parse_timestamp(value):
            return Problem(Outcome.TIMESTAMP_INVALID)
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
        if not LOCALE.fullmatch(value):
            return self._strictly(
                Outcome.LOCALE_INVALID, "locale: must be two or three lower-case letters"
            )
        return None

    def _check_scope(self, value: Any) -> Problem | None:
        if isinstance(value, str) and value in SCOPES:
            return None
        return Problem(Outcome.SCOPE_NOT_SUPPORTED)

    def _strictly(self, outcome: Outcome, message: str) -> Problem | None:
        return Problem(outcome, message) if self._strict else None


def _string(raw: dict, name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""


def _optional(raw: dict, name: str) -> str | None:
    """The string, or None for what is absent or no proper string."""
    return _kept(raw.get(name))


def _kept(value: Any) -> str | None:
    """The string, or None for what is absent, empty, or ignored by a tolerant profile."""
    return value if value and value.__class__ is str and not is_unstorable(value) else None


def _kept_phone(value: Any) -> str | None:
    value = _kept(value)
    return value if value is None or len(value) <= PHONE_MAX_LENGTH else None


def _is_attribute(entry: object) -> bool:
    """AttributeNameValue of the standard's errata."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("name"), str)
        and isinstance(entry.get("value"), (str, int, float, bool, dict))
    )


def _as_it_is(value: Any) -> Any:
    return value


# What an item keeps of a member that passed its check, or is absent.
_KEEP = {
    "reference_id": _as_it_is,
    "id": lambda value: value or "",
    "fa": lambda value: "" if value is None else value,
    "name": _kept,
    "phone_number": _kept_phone,
    "scope": lambda value: value or "yes_no",
    "additional_info": _as_it_is,
    "locale": _kept,
    "timestamp": _kept,
}
# A NamedTuple's own constructor would cost twice as much.
_new = tuple.__new__


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
        self._providers = {}  # written already, by identity: many items have the same

    def render_all(self, items: Sequence[Item], results: Sequence[Result]) -> list[dict]:
        """The items of an answer, in their order, one result for each."""
        if len(items) != len(results):
            raise ValueError("There is not one result for each item.")
        return self._render_alike(items, results) or list(map(self.render, items, results))

    def _render_alike(self, items: Sequence[Item], results: Sequence[Result]) -> list[dict] | None:
        """By columns, at a third of the cost, where a resolve has found everybody and tells of each
        the same: address, ID and provider, and no text or additional info of its own."""
        if self._operation != "resolve" or not results:
            return None
        columns = zip(*results, strict=True)
        reference_ids, outcomes, messages, ids, fas, _, _, providers, infos, locales, _, _ = columns
        count, outcome, locale = len(results), outcomes[0], locales[0]
        if (
            not all(fas)
            or not all(ids)
            or not all(providers)
            or any(messages)
            or infos.count(None) < count
            or outcomes.count(outcome) < count
            or locales.count(locale) < count
            or any(item.locale != locale for item in items)
        ):
            return None
        status, code, text = self._reasons[outcome]
        same = {"status": status}
        if code:
            same["status_reason_code"] = code
        if text:
            same["status_reason_message"] = text[:MESSAGE_MAX_LENGTH]
        if locale and (not self._strict or LOCALE.fullmatch(locale)):
            same["locale"] = locale
        timestamp = self._timestamp
        return [
            {
                "reference_id": reference_id,
                "timestamp": timestamp,
                "fa": fa,
                "id": id_,
                "account_provider_info": provider,
                **same,
            }
            for reference_id, fa, id_, provider in zip(
                reference_ids, fas, ids, map(self._provider, providers), strict=True
            )
        ]

    def render(self, item: Item, result: Result) -> dict:
        # unpacked: reading them by name would cost as much as all the rest
        reference_id, outcome, message, id_, fa, _, _, provider, info, locale, _, _ = result
        status, code, text = self._reasons[outcome]
        raw = {"reference_id": reference_id, "timestamp": self._timestamp}
        if self._operation != "resolve":  # there the request's own FA is no answer
            fa = None if self._operation == "unlink" else fa or item.fa
        if fa:
            raw["fa"] = fa
        if id_ := id_ or item.id:
            raw["id"] = id_
        if provider:
            raw["account_provider_info"] = self._provider(provider)
        raw["status"] = status
        if code:
            raw["status_reason_code"] = code
        if message := message or text:
            raw["status_reason_message"] = message[:MESSAGE_MAX_LENGTH]
        if info is not None:
            raw["additional_info"] = self._additional_info(info)
        if locale := locale or item.locale:
            if not self._strict or LOCALE.fullmatch(locale):
                raw["locale"] = locale
        return raw

    def _provider(self, provider: AccountProvider) -> dict:
        raw = self._providers.get(id(provider))
        if raw is None:
            raw = self._providers[id(provider)] = self._write_provider(provider)
        return raw

    def _write_provider(self, provider: AccountProvider) -> dict:
        raw = {"name": provider.name, "code": provider.code}
        if provider.subcode or not self._strict:
            raw["subcode"] = provider.subcode or ""  # OpenG2P's clients demand it
        if provider.additional_info is not None:
            raw["additional_info"] = provider.additional_info
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
