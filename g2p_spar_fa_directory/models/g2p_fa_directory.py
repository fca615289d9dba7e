# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from collections import defaultdict
from typing import Any, NamedTuple

from odoo import api, models, tools

from ..financial_address import (
    FA_TYPE_TOKEN,
    NUMBER_FIELD,
    PROVIDER_CODE_FIELD,
    PROVIDER_NAME_FIELD,
    FaError,
    FinancialAddress,
    fa_key,
    fa_problem,
    fa_type_of,
)
from ..pattern import PatternError
from .g2p_fa_strategy import FaStrategy


class Reading(NamedTuple):
    """One way to read a string: a strategy, and the parts it takes the string into."""

    strategy: FaStrategy
    parts: dict[str, str]

    @property
    def provider_code_key(self):
        return fa_key(self.parts[PROVIDER_CODE_FIELD[self.strategy.fa_type]])


class ProviderRow(NamedTuple):
    """A provider as one statement reads it."""

    code_key: str
    id: int
    code: str
    name: str
    fa_type: str
    active: bool
    account_rule_id: int | None
    has_branches: bool


class BranchRow(NamedTuple):
    """A branch as one statement reads it."""

    provider_id: int
    code_key: str
    id: int
    code: str
    name: str
    active: bool


class Match(NamedTuple):
    """A reading together with the one provider it leads to."""

    reading: Reading
    provider: ProviderRow

    @property
    def branch_key(self):
        return self.provider.id, fa_key(self.reading.parts.get("branch_code", ""))


class Place(NamedTuple):
    """Where an account is; the branch may be None."""

    provider: Any  # g2p.fa.provider
    branch: Any  # g2p.fa.branch


_BY_RECORD = frozenset({"provider_id", "number", "branch_id"})
_BY_CODE = frozenset({"fa_type", "provider_code", "number", "branch_code"})


class G2pFaDirectory(models.AbstractModel):
    """What a financial address string means, by the providers, branches and strategies on record.

    Nothing here is for RPC, and no statement that carries input is ever logged.
    """

    _name = "g2p.fa.directory"
    _description = "Financial Address Directory"

    # === BUSINESS METHODS === #

    @api.private
    def parse_fas(self, strings):
        """Parse and validate FA strings, with a number of statements that they do not change.

        The active strategies are tried in order of their code. The first one that takes a string
        apart and leads to a provider on record decides. A well-formed string that leads to none
        comes back opaque, with ``problem`` saying why.

        :param Sequence[str] strings: as received
        :return: one result per string, in the same order
        :rtype: list[FinancialAddress | FaError]
        """
        strategies = self.env["g2p.fa.strategy"]._fa_strategies()
        readings = [self._readings(string, strategies) for string in strings]
        providers = self._providers_by_code(
            {reading.provider_code_key for item in readings for reading in item}
        )
        choices = [self._choose(item, providers) for item in readings]
        branches = self._branches_by_code(
            {choice.branch_key for choice in choices if isinstance(choice, Match)}
        )
        rules = self.env["g2p.fa.account.rule"]._number_rules()
        return [
            self._conclude(string, choice, branches, rules)
            for string, choice in zip(strings, choices, strict=True)
        ]

    @api.private
    def construct_fa(self, provider, number, branch=None):
        """Construct the FA of an account by the strategy of its provider.

        :param provider: one ``g2p.fa.provider``
        :param str number: account number, mobile number or e-mail address
        :param branch: a ``g2p.fa.branch`` of the provider, or nothing; lost if the pattern of
            the strategy has no branch
        :return: what ``parse_fas`` makes of the constructed string
        :rtype: FinancialAddress | FaError
        """
        place = Place(provider.sudo(), branch.sudo() if branch else None)
        return self._construct_at([(place, number)])[0]

    @api.private
    def construct_accounts(self, accounts):
        """Construct the FAs of accounts by the strategies of their providers, with a number of
        statements that does not depend on how many they are.

        :param Sequence[dict] accounts: ``{provider_id, number, branch_id?}`` with database ids, or
            ``{fa_type, provider_code, number, branch_code?}``
        :return: one result per account, in the same order; as ``construct_fa`` has them
        :rtype: list[FinancialAddress | FaError]
        """
        if not accounts:
            return []
        places = self._places(accounts)
        numbers = [account.get("number") for account in accounts]
        sound = [
            (place, number)
            for place, number in zip(places, numbers, strict=True)
            if isinstance(place, Place) and not _number_problem(number)
        ]
        made = iter(self._construct_at(sound))
        return [
            place if isinstance(place, FaError) else _number_problem(number) or next(made)
            for place, number in zip(places, numbers, strict=True)
        ]

    @api.private
    def construct_fas(self, given, listed=False):
        """Construct FAs by strategies that the caller names.

        :param Sequence given: (code of a strategy, fa_type, parts by field) triples
        :param bool listed: refuse what ``parse_fas`` would not read as just these parts at a
            provider and branch on record. What it refuses itself is left to those who write.
        :return: one string per triple, in the same order
        :rtype: list[str | FaError]
        """
        strategies = self.env["g2p.fa.strategy"]
        # stored addresses may have forms that take no new ones
        usable = (
            strategies._fa_strategies() if listed else strategies.fa_strategies_by_id().values()
        )
        by_code = {strategy.code: strategy for strategy in usable}
        made = [_construct(by_code.get(code), *parts) for code, *parts in given]
        if listed:
            places = [place for place, made_one in enumerate(made) if isinstance(made_one, str)]
            addresses = self.parse_fas([made[place] for place in places])
            for place, address in zip(places, addresses, strict=True):
                made[place] = _unlisted(address, *given[place]) or made[place]
        return made

    @api.private
    @tools.ormcache()
    def provider_labels(self):
        """Name and code of each provider by its id, archived ones too; from the worker's cache.

        :rtype: dict[int, tuple[str, str]]
        """
        self.env["g2p.fa.provider"].flush_model(["name", "code"])
        self.env.cr.execute("SELECT id, name, code FROM g2p_fa_provider")
        return {row_id: (name, code) for row_id, name, code in self.env.cr.fetchall()}

    # === HELPERS === #

    def _construct_at(self, accounts):
        """
        :param accounts: pairs of a place and a number
        :rtype: list[FinancialAddress | FaError]
        """
        patterns = self.env["g2p.fa.strategy"].fa_strategies_by_id()
        made = [_construct_string(place, number, patterns) for place, number in accounts]
        strings = [string for string in made if isinstance(string, str)]
        addresses = iter(self.parse_fas(strings))
        return [
            _as_meant(next(addresses), place, number) if isinstance(string, str) else string
            for string, (place, number) in zip(made, accounts, strict=True)
        ]

    def _places(self, accounts):
        """:rtype: list[Place | FaError]"""
        problems = [_account_problem(account) for account in accounts]
        sound = [a for a, problem in zip(accounts, problems, strict=True) if problem is None]
        provider_ids = self._provider_ids(sound)
        provider_fields = ["name", "code", "fa_type", "strategy_id"]
        providers = self._existing("g2p.fa.provider", provider_ids, provider_fields)
        branch_ids = self._branch_ids(sound, provider_ids)
        branches = self._existing("g2p.fa.branch", branch_ids, ["name", "code", "provider_id"])
        found = iter(zip(sound, provider_ids, branch_ids, strict=True))
        return [problem or _place(*next(found), providers, branches) for problem in problems]

    def _existing(self, model, record_ids, field_names):
        """The records of these ids that there are, archived ones too, by their id."""
        records = self.env[model].sudo().with_context(active_test=False)
        known = {record_id for record_id in record_ids if type(record_id) is int}
        found = records.search_fetch([("id", "in", list(known))], field_names)
        return {record.id: record for record in found}

    def _provider_ids(self, accounts):
        """The provider of each account: its id, or why there is none."""
        by_code = self._providers_by_code(
            {fa_key(account["provider_code"]) for account in accounts if "provider_code" in account}
        )
        return [
            _only_provider(account["fa_type"], by_code.get(fa_key(account["provider_code"]), ()))
            if "provider_code" in account
            else account["provider_id"]
            for account in accounts
        ]

    def _branch_ids(self, accounts, provider_ids):
        """The branch of each account: its id, None, or why there is none."""
        keys = [
            (provider_id, fa_key(account["branch_code"]))
            if account.get("branch_code") and isinstance(provider_id, int)
            else None
            for account, provider_id in zip(accounts, provider_ids, strict=True)
        ]
        by_code = self._branches_by_code(set(filter(None, keys)))
        unknown = FaError("branch_code: is not a branch of this provider")
        return [
            (by_code[key].id if key in by_code else unknown)
            if key
            else account.get("branch_id") or None
            for account, key in zip(accounts, keys, strict=True)
        ]

    def _readings(self, string, strategies):
        """Return every way to read a string; none if it is not even well-formed."""
        if fa_problem(string):
            return []
        readings = []
        for strategy in strategies:
            # most strategies do not fit, and a call that says so costs more than the look
            if string.startswith(strategy.pattern.literals[0]):
                parts = strategy.pattern.deconstruct(string)
                if parts is not None:
                    readings.append(Reading(strategy, parts))
        return readings

    def _providers_by_code(self, code_keys):
        """Return the providers, archived ones too, by lower-case code: dict[str, list]."""
        self.env["g2p.fa.provider"].flush_model()
        self.env["g2p.fa.branch"].flush_model()
        self.env.cr.execute(
            """
            SELECT lower(p.code), p.id, p.code, p.name, p.fa_type, p.active, p.account_rule_id,
                   EXISTS (SELECT FROM g2p_fa_branch b WHERE b.provider_id = p.id AND b.active)
              FROM g2p_fa_provider p
             WHERE lower(p.code) = ANY(%s)
            """,
            [list(code_keys)],
            log_exceptions=False,
        )
        providers = defaultdict(list)
        for row in self.env.cr.fetchall():
            provider = ProviderRow(*row)
            providers[provider.code_key].append(provider)
        return providers

    def _branches_by_code(self, wanted):
        """Return branches, archived ones too, by (provider id, lower-case code)."""
        provider_ids, code_keys = zip(*wanted, strict=True) if wanted else ((), ())
        self.env.cr.execute(
            """
            SELECT b.provider_id, lower(b.code), b.id, b.code, b.name, b.active
              FROM unnest(%s::int[], %s::text[]) AS wanted(provider_id, code)
              JOIN g2p_fa_branch b
                ON b.provider_id = wanted.provider_id AND lower(b.code) = wanted.code
            """,
            [list(provider_ids), list(code_keys)],
            log_exceptions=False,
        )
        rows = (BranchRow(*row) for row in self.env.cr.fetchall())
        return {(row.provider_id, row.code_key): row for row in rows}

    def _choose(self, readings, providers):
        """Decide for the first reading whose provider is on record.

        :return: the match, or why the string stays opaque, or why it is refused
        :rtype: Match | str | FaError
        """
        for reading in readings:
            candidates = providers.get(reading.provider_code_key)
            if not candidates:
                continue
            of_type = [p for p in candidates if p.fa_type == reading.strategy.fa_type]
            if not of_type:
                return FaError("fa_type: is not the kind of account that this provider offers")
            return Match(reading, of_type[0]) if len(of_type) == 1 else "ambiguous"
        return "unknown provider code" if readings else "no strategy fits"

    def _conclude(self, string, choice, branches, rules):
        if isinstance(choice, FaError):
            return choice
        if isinstance(choice, str):
            problem = fa_problem(string)
            if problem:
                return FaError(f"fa: {problem}")
            return FinancialAddress(string, problem=choice)
        branch = branches.get(choice.branch_key)
        error = self._provider_error(choice) or self._branch_error(choice, branch)
        if error or (error := self._number_error(choice, rules)):
            return error
        return self._address(string, choice, branch)

    def _provider_error(self, match):
        strategy, parts = match.reading
        if "fa_type" in parts and fa_type_of(parts["fa_type"]) != strategy.fa_type:
            return FaError("fa_type: is not the kind of account that this provider offers")
        if not match.provider.active:
            field = PROVIDER_CODE_FIELD[strategy.fa_type]
            return FaError(f"{field}: provider archived, it takes no new addresses")
        return None

    def _branch_error(self, match, branch):
        parts = match.reading.parts
        if branch:
            return None if branch.active else FaError("branch_code: branch archived")
        if "branch_code" not in parts or not match.provider.has_branches:
            return None
        if not parts["branch_code"]:
            return FaError("branch_code: is required, since this provider has branches on record")
        return FaError("branch_code: is not a branch of this provider")

    def _number_error(self, match, rules):
        field = NUMBER_FIELD[match.provider.fa_type]
        number = match.reading.parts[field]
        if not number.strip():
            return FaError(f"{field}: is missing")
        rule = rules.get(match.provider.account_rule_id)
        problem = rule and rule.problem(number)
        return FaError(f"{field}: {problem}") if problem else None

    def _address(self, string, match, branch):
        (strategy, parts), provider = match
        return FinancialAddress(
            string=string,
            fa_type=provider.fa_type,
            provider_id=provider.id,
            provider_code=provider.code,
            provider_name=provider.name,
            branch_id=branch.id if branch else None,
            branch_code=branch.code if branch else parts.get("branch_code") or None,
            branch_name=branch.name if branch else parts.get("branch_name") or None,
            number=parts[NUMBER_FIELD[provider.fa_type]],
            strategy_id=strategy.id,
            strategy_code=strategy.code,
            parts=parts,
        )


def _account_problem(account):
    """What is wrong with an account whatever is on record."""
    known = _BY_CODE if "provider_code" in account else _BY_RECORD
    for name in account:
        if name not in known:
            return FaError(f"{name}: is not known beside {', '.join(sorted(known - {name}))}")
    if known is _BY_RECORD:
        return _reference_problem(account)
    if account.get("fa_type") not in list(NUMBER_FIELD):
        return FaError(f"fa_type: must be one of {', '.join(NUMBER_FIELD)}")
    for name in ("provider_code", "branch_code"):
        if account.get(name) and not isinstance(account[name], str):
            return FaError(f"{name}: must be a string")
    return None if account["provider_code"] else FaError("provider_code: is missing")


def _reference_problem(account):
    for name in ("provider_id", "branch_id"):
        if account.get(name) and type(account[name]) is not int:
            return FaError(f"{name}: must be a database id")
    return None if account.get("provider_id") else FaError("provider_id: is missing")


def _number_problem(number):
    if not number:
        return FaError("number: is missing")
    return None if isinstance(number, str) else FaError("number: must be a string")


def _only_provider(fa_type, candidates):
    """The id of the one provider of that kind, or why there is none."""
    if not candidates:
        return FaError("provider_code: is not on record")
    of_type = [provider for provider in candidates if provider.fa_type == fa_type]
    if not of_type:
        return FaError("fa_type: is not the kind of account that this provider offers")
    if len(of_type) > 1:
        return FaError("provider_code: several providers have it; name one by provider_id")
    return of_type[0].id


def _place(account, provider_id, branch_id, providers, branches):
    for problem in (provider_id, branch_id):
        if isinstance(problem, FaError):
            return problem
    if provider_id not in providers:
        return FaError("provider_id: there is no such provider")
    if branch_id and branch_id not in branches:
        return FaError("branch_id: there is no such branch")
    return Place(providers[provider_id], branches[branch_id] if branch_id else None)


def _construct_string(place, number, patterns):
    """The string of an account, or why there is none."""
    provider, branch = place
    if not provider.strategy_id:
        return FaError("provider: has no strategy to construct addresses with")
    if branch and branch.provider_id != provider:
        return FaError("branch_code: is not a branch of this provider")
    pattern = patterns[provider.strategy_id.id].pattern
    parts = {
        NUMBER_FIELD[provider.fa_type]: number,
        PROVIDER_CODE_FIELD[provider.fa_type]: provider.code,
        PROVIDER_NAME_FIELD[provider.fa_type]: provider.name,
        "branch_code": branch.code if branch else "",
        "branch_name": branch.name if branch else "",
        "fa_type": FA_TYPE_TOKEN[provider.fa_type],
    }
    try:
        return pattern.construct(dict.fromkeys(pattern.fields, "") | parts)
    except PatternError as error:
        return FaError(str(error))


def _as_meant(address, place, number):
    """A constructed address, unless it is read as that of another account."""
    if isinstance(address, FaError) or (
        (address.provider_id, address.number) == (place.provider.id, number)
    ):
        return address
    return FaError(
        "provider: its addresses cannot be told from those of another provider "
        f"({address.problem or 'another strategy reads them first'})"
    )


def _construct(strategy, fa_type, parts):
    """The string of these parts, or why this strategy cannot make one without losing any."""
    if strategy is None:
        return FaError("strategy_id: no such strategy of financial addresses")
    if strategy.fa_type != fa_type:
        return FaError("fa_type: is not the kind of account of this strategy")
    pattern = strategy.pattern
    if parts.get("branch_code") and "branch_code" not in pattern.fields:
        return FaError("branch_code: has no place in addresses of this strategy")
    values = dict.fromkeys(pattern.fields, "") | {"fa_type": FA_TYPE_TOKEN[fa_type]} | parts
    try:
        string = pattern.construct(values)
    except PatternError as error:
        return FaError(str(error))
    problem = fa_problem(string)
    return FaError(f"fa: {problem}") if problem else string


def _unlisted(address, strategy_code, fa_type, parts):
    """Why a constructed address is not the one meant, at a provider and branch on record."""
    if isinstance(address, FaError):
        return None
    if address.is_opaque:
        return FaError(f"{PROVIDER_CODE_FIELD[fa_type]}: {address.problem}")
    if address.strategy_code != strategy_code:
        return FaError("strategy_id: another strategy reads such addresses first")
    if parts.get("branch_code") and not address.branch_id:
        return FaError("branch_code: is not a branch of this provider")
    return None
