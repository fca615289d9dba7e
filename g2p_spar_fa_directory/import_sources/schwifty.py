# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Banks of IBAN countries: the wheel of the PyPI package ``schwifty``.

Its folder ``bank_registry`` has JSON files by country, whose entries are national bank codes: a
Danish bank has a hundred of them, one for each branch. Account numbers of these countries are
IBANs, which hold the national code, so what an address needs besides is the institution. That is
what the BIC says, and since a BIC holds its country no two countries share one: the **provider
code is the BIC** (ISO 9362), without the "XXX" of a head office, and all entries of a BIC are one
provider. Where there is no BIC, or one of another country, it is country and national code:
``UA-300119``. Neither form can be taken for the other, nor for another country's.
"""

import re
from collections import Counter

from .archive import zip_members
from .base import BadRow, ProviderRow, Source, SourceError, parse_json

_MEMBER = re.compile(r"schwifty/bank_registry/(?:generated|manual)_([a-z]{2})(?:\.v2)?\.json")


class SchwiftySource(Source):
    list_name = "schwifty"
    strategy = 101
    account_rule = "g2p_fa_account_rule_101"

    def rows(self, content, countries):
        files = zip_members(content, lambda name: _country(name) in countries)
        missing = countries - {_country(name) for name in files}
        if missing:
            raise SourceError(
                "This is not the wheel of schwifty, or it has no banks of: "
                + ", ".join(sorted(missing))
            )
        for country in sorted(countries):
            groups = {}
            for name in sorted(name for name in files if _country(name) == country):
                yield from _collect(_entries(files[name], name), country, groups)
            yield from (_provider(code, country, group) for code, group in groups.items())

    def scope(self, countries):
        return countries


def _country(name):
    match = _MEMBER.fullmatch(name)
    return match and match.group(1).upper()


def _entries(content, name):
    """Yield place and entry. In files of version 2 an entry stands for several national codes."""
    data = parse_json(content, name)
    source = target = ""
    if isinstance(data, dict):
        source, target = (data.get(key, "") for key in ("expand_from", "expand_into"))
        data = data.get("entries")
    if not (isinstance(data, list) and isinstance(source, str) and isinstance(target, str)):
        raise SourceError(f"{name} does not have the form of schwifty's bank registry.")
    for number, entry in enumerate(data, start=1):
        place = f"{name.rpartition('/')[2]} #{number}"
        codes = entry.get(source) if target and isinstance(entry, dict) else None
        if isinstance(codes, list):
            yield from ((place, {**entry, target: code}) for code in codes)
        else:
            yield place, entry


def _collect(entries, country, groups):
    """Put entries into ``groups`` by provider code; yield those that cannot be used."""
    for place, entry in entries:
        code = _code(entry, country) if isinstance(entry, dict) else ""
        if problem := _problem(entry, code, country):
            yield BadRow(place, problem, code, country=country)
        else:
            groups.setdefault(code, []).append((place, entry))


def _problem(entry, code, country):
    if not isinstance(entry, dict):
        return "must be a JSON object"
    for field in ("name", "short_name", "bic", "bank_code"):
        if not isinstance(entry.get(field), str | None):
            return f"{field}: must be text"
    if entry.get("country_code") != country:
        return f"country_code: must be {country} in this file"
    if not code:
        return "bank_code: has neither a BIC nor a national bank code"
    return None


def _code(entry, country):
    """Return the code of the provider, "" if the entry has neither BIC nor national code."""
    bic, national = _bic(entry), _stripped(entry, "bank_code")
    if bic and (bic[4:6] == country or not national):
        return bic.removesuffix("XXX") if len(bic) == 11 else bic
    return f"{country}-{national}" if national else ""


def _bic(entry):
    return _stripped(entry, "bic").upper() or None


def _stripped(entry, field):
    value = entry.get(field)
    return value.strip() if isinstance(value, str) else ""


def _provider(code, country, group):
    place, first = group[0]
    entries = [entry for _place, entry in group]
    name = _name([entry for entry in entries if entry.get("primary")] or entries)
    short_name = first.get("short_name")
    return ProviderRow(
        place,
        code,
        name,
        country,
        fa_type="bank",
        mnemonic=short_name if short_name != name and len(group) == 1 else None,
        bic=_bic(first),
    )


def _name(entries):
    """The most frequent name; of several the first."""
    names = Counter(entry["name"] for entry in entries if entry.get("name"))
    return max(names, key=names.get, default=None)
