# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""India: the file of the npm package ``ifsc``, as ``npm pack ifsc`` gives it.

``IFSC.json`` has the branch codes by bank code. An IFSC is the bank's four letters, a zero and six
characters for the branch; numbers lack their leading zeros there. ``banknames.json`` names the
banks. ``sublet.json`` (whole codes) and ``custom-sublets.json`` (their beginnings) name the banks
that use a code of another bank. The package knows no other names of branches.
"""

from .archive import tar_members
from .base import BadRow, BranchRow, ProviderRow, Source, SourceError, parse_json

_FOLDER = "package/src/"
_CODES = f"{_FOLDER}IFSC.json"
_NAMES = f"{_FOLDER}banknames.json"
_SUBLETS = f"{_FOLDER}sublet.json"
_SUBLET_PREFIXES = f"{_FOLDER}custom-sublets.json"
_MEMBERS = frozenset((_CODES, _NAMES, _SUBLETS, _SUBLET_PREFIXES))
COUNTRY = "IN"


class IfscSource(Source):
    # The address names bank and branch by their codes alone, so it outlives new names.
    list_name = "ifsc"
    strategy = 5
    account_rule = "g2p_fa_account_rule_3"

    def rows(self, content, countries):
        members = tar_members(content, _MEMBERS.__contains__)
        if _CODES not in members or _NAMES not in members:
            raise SourceError("This is not the package file of ifsc: it lacks IFSC.json.")
        parsed = {name: _object(content, name) for name, content in members.items()}
        names = parsed[_NAMES]
        user = _SubletNames(names, parsed.get(_SUBLETS, {}), parsed.get(_SUBLET_PREFIXES, {}))
        for bank, parts in parsed[_CODES].items():
            # Without its codes we cannot tell which branches of the bank have gone.
            if not isinstance(parts, list):
                raise SourceError(f"IFSC.json: the bank {bank!a:.40} must have a list of codes.")
            yield ProviderRow(f"IFSC.json {bank}", bank, names.get(bank), COUNTRY, "bank")
            yield from _branches(bank, parts, user)

    def scope(self, countries):
        return frozenset((COUNTRY,))


def _object(content, member):
    value = parse_json(content, member)
    if not isinstance(value, dict):
        raise SourceError(f"{member} must be a JSON object.")
    return value


def _branches(bank, parts, user):
    for number, part in enumerate(parts, start=1):
        place = f"IFSC.json {bank} #{number}"
        if isinstance(part, bool) or not isinstance(part, int | str):
            yield BadRow(place, "branch_code: is neither number nor text", "", bank, COUNTRY)
        else:
            code = f"{bank}0{part:06d}" if isinstance(part, int) else f"{bank}0{part}"
            yield BranchRow(place, bank, code, user.of(code), COUNTRY)


class _SubletNames:
    """Names of the banks that use codes of others."""

    def __init__(self, names, sublets, prefixes):
        self._names = names
        self._sublets = sublets
        self._prefixes = prefixes
        self._lengths = sorted({len(prefix) for prefix in prefixes}, reverse=True)

    def of(self, code):
        bank = self._sublets.get(code)
        for length in self._lengths if bank is None else ():
            bank = self._prefixes.get(code[:length], bank)
            if bank is not None:
                break
        return self._names.get(bank) if isinstance(bank, str) else None
