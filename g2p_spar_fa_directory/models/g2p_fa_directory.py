# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from collections import defaultdict
from typing import NamedTuple

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
        provider, branch = provider.sudo(), branch and branch.sudo()
        if not provider.strategy_id:
            return FaError("provider: has no strategy to construct addresses with")
        if branch and branch.provider_id != provider:
            return FaError("branch_code: is not a branch of this provider")
        try:
            string = provider.strategy_id.construct(self._parts(provider, number, branch))
        except PatternError as error:
            return FaError(str(error))
        address = self.parse_fas([string])[0]
        if isinstance(address, FinancialAddress) and (
            (address.provider_id, address.number) != (provider.id, number)
        ):
            return FaError(
                "provider: its addresses cannot be told from those of another provider "
                f"({address.problem or 'another strategy reads them first'})"
            )
        return address

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

    def _parts(self, provider, number, branch):
        return {
            NUMBER_FIELD[provider.fa_type]: number,
            PROVIDER_CODE_FIELD[provider.fa_type]: provider.code,
            PROVIDER_NAME_FIELD[provider.fa_type]: provider.name,
            "branch_code": branch.code if branch else "",
            "branch_name": branch.name if branch else "",
            "fa_type": FA_TYPE_TOKEN[provider.fa_type],
        }

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
