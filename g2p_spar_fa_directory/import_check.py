# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Check the rows of an import by the rules of the models, without a statement for each.

What the models check with ``@api.constrains`` is checked here for values that come from a file;
what needs the records on record is checked by :mod:`.import_stage`.
"""

from typing import NamedTuple

from stdnum import bic

from .financial_address import FA_TYPES
from .ids import code_problem
from .import_sources.base import BadRow, ProviderRow

TEXT_MAX_LENGTH = 255
_FA_TYPES = frozenset(key for key, _name in FA_TYPES)
_TEXTS = ("name", "mnemonic", "street", "city", "zip")


class Lookups(NamedTuple):
    """What codes in a file stand for.

    ``countries`` by alpha-2 code; ``states`` by (country id, lower-case code or name);
    ``strategies`` (active ones) and ``account_rules`` by code: (id, kind of account).
    """

    countries: dict[str, int]
    states: dict[tuple[int, str], int]
    strategies: dict[str, tuple[int, str]]
    account_rules: dict[str, tuple[int, str]]


class CheckedProvider(NamedTuple):
    """A row of the staging table of providers.

    :ivar int | None country_id: 0 for none; None if the country of a rejected row is not known,
        so it may be any
    """

    n: int
    place: str
    reason: str | None
    country_id: int | None = None
    code: str | None = None
    code_key: str | None = None
    fa_type: str | None = None
    name: str | None = None
    mnemonic: str | None = None
    bic: str | None = None
    strategy_id: int | None = None
    account_rule_id: int | None = None


class CheckedBranch(NamedTuple):
    """A row of the staging table of branches; ``country_id`` as of a provider."""

    n: int
    place: str
    reason: str | None
    country_id: int | None = None
    provider_key: str | None = None
    code: str | None = None
    code_key: str | None = None
    name: str | None = None
    mnemonic: str | None = None
    street: str | None = None
    city: str | None = None
    zip: str | None = None
    state_id: int | None = None


class _Problem(Exception):
    """Why a row is rejected: "<field>: <reason>"."""


class RowChecker:
    """Turn the rows of a source into rows of the staging tables, rejected ones with a reason.

    A rejected row keeps its code, so that its record on record is not taken for gone.

    :param Lookups lookups: what codes stand for
    :param int country_id: country of rows that name none, 0 for none
    """

    def __init__(self, lookups, country_id):
        self._lookups = lookups
        self._country_id = country_id
        self._places = {}

    def check(self, rows):
        """Yield a :class:`CheckedProvider` or :class:`CheckedBranch` for each row."""
        for n, row in enumerate(rows, start=1):
            if len(row.place) > TEXT_MAX_LENGTH or not row.place.isprintable():
                row = row._replace(place=_clip(row.place))
            if isinstance(row, BadRow):
                yield self._bad(n, row)
            elif isinstance(row, ProviderRow):
                yield self._provider(n, row)
            else:
                yield self._branch(n, row)

    def _bad(self, n, row):
        values = {"country_id": self._country_id_of(row), **_code_values(row.code)}
        if row.provider_code is None:
            return CheckedProvider(n, row.place, _clip(row.reason), **values)
        values["provider_key"] = _clip(row.provider_code).lower()
        return CheckedBranch(n, row.place, _clip(row.reason), **values)

    def _provider(self, n, row):
        values = _code_values(row.code)
        try:
            values["country_id"] = country_id = self._country(row)
            self._check_code("code", row.code)
            self._check_new(row, (country_id, values["code_key"]))
            values |= _texts(row) | self._provider_values(row)
        except _Problem as problem:
            return CheckedProvider(n, row.place, str(problem), **values)
        return CheckedProvider(n, row.place, None, **values)

    def _provider_values(self, row):
        fa_type = row.fa_type and row.fa_type.lower()
        if fa_type and fa_type not in _FA_TYPES:
            raise _Problem("fa_type: must be bank, mobile_wallet or email_wallet")
        if row.bic and not bic.is_valid(row.bic):
            raise _Problem("bic: must have 8 or 11 characters, such as HDFCINBB")
        of_type = fa_type or "bank"
        return {
            "fa_type": fa_type,
            "bic": bic.compact(row.bic) if row.bic else None,
            "strategy_id": _ref(self._lookups.strategies, "strategy", row.strategy, of_type),
            "account_rule_id": _ref(
                self._lookups.account_rules, "account_rule", row.account_rule, of_type
            ),
        }

    def _branch(self, n, row):
        values = {"provider_key": _clip(row.provider_code).lower(), **_code_values(row.code)}
        try:
            values["country_id"] = country_id = self._country(row)
            self._check_code("provider_code", row.provider_code)
            self._check_code("branch_code", row.code)
            self._check_new(row, (country_id, values["provider_key"], values["code_key"]))
            values |= _texts(row)
            values["state_id"] = self._state(row, country_id)
        except _Problem as problem:
            return CheckedBranch(n, row.place, str(problem), **values)
        return CheckedBranch(n, row.place, None, **values)

    def _country_id_of(self, row):
        """Return 0 for none, None if the row names one that is not known."""
        if row.country is None:
            return self._country_id
        return self._lookups.countries.get(row.country)

    def _country(self, row):
        country_id = self._country_id_of(row)
        if country_id is None:
            raise _Problem("country: must be a two-letter code, such as IN")
        return country_id

    def _state(self, row, country_id):
        if not row.state:
            return None
        if state_id := self._lookups.states.get((country_id, row.state.lower())):
            return state_id
        raise _Problem("state: is no state of this country, neither its code nor its name")

    def _check_code(self, field, code):
        if problem := code_problem(code):
            raise _Problem(f"{field}: {problem}")

    def _check_new(self, row, key):
        if key in self._places:
            raise _Problem(f"code: is in the file already ({self._places[key]})")
        self._places[key] = row.place


def _code_values(code):
    code = _clip(code)
    return {"code": code, "code_key": code.lower()}


def _texts(row):
    """Return the texts of a row with single blanks; nothing for texts that are not there."""
    texts = {}
    for field in _TEXTS:
        if value := getattr(row, field, None):
            text = " ".join(value.split()) if isinstance(value, str) else ""
            if not (text.isprintable() and 0 < len(text) <= TEXT_MAX_LENGTH):
                raise _Problem(
                    f"{field}: must be printable and not longer than {TEXT_MAX_LENGTH} characters"
                )
            texts[field] = text
    return texts


def _ref(known, field, code, fa_type):
    if not code:
        return None
    if code not in known:
        raise _Problem(f"{field}: is not on record, or archived")
    record_id, record_type = known[code]
    if record_type != fa_type:
        raise _Problem(f"{field}: is for another kind of account")
    return record_id


def _clip(text):
    """Make a text, however odd, fit to be stored with the reason why it is rejected."""
    text = text if isinstance(text, str) else str(text)
    text = text[:TEXT_MAX_LENGTH].replace("\0", "\ufffd")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
