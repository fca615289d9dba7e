# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Codes of languages, as Odoo and as the web have them. Plain Python without the ORM."""

import re
from collections.abc import Collection, Iterable, Mapping

_SCRIPTS = {"latin": "Latn", "Cyrl": "Cyrl"}
# Two codes of one language: browsers and phones say "fil", Odoo says "tl" (CLDR's alias, too).
_SAME = {"fil": "tl"}


def tag(code: str) -> str:
    """The BCP 47 tag of a language of Odoo: "fr_FR" -> "fr-FR", "sr@latin" -> "sr-Latn"."""
    language, _, script = code.partition("@")
    language = language.replace("_", "-")
    return f"{language}-{_SCRIPTS.get(script, script)}" if script else language


def tags(code: str) -> list[str]:
    """As `tag`, and what is more general, for a provider that does not know the country's way.

    Tagalog is "fil" to many: both are told.
    """
    exact = tag(code)
    general = exact.partition("-")[0]
    others = [other for other, known in _SAME.items() if known == general]
    return list(dict.fromkeys([exact, general, *others]))


def best(wanted: Iterable[str], offered: Collection[str]) -> str | None:
    """The language to speak.

    :param wanted: BCP 47 tags, the dearest first
    :param offered: codes of Odoo
    :return: the code of the first one that is offered, if need be of another country
    """
    known = {_comparable(code): code for code in offered}
    for each in map(_comparable, wanted):
        language = each.partition("-")[0]
        similar = (code for key, code in known.items() if key.partition("-")[0] == language)
        found = known.get(each) or next(similar, None)
        if found:
            return found
    return None


def own_names(names: Mapping[str, str]) -> dict[str, str]:
    """What speakers call their languages.

    :param names: by code, as Odoo has them: "French / Français", "French (CA) / Français (CA)"
    :return: by code; without the country, except where two would be called the same
    """
    own = {code: name.rpartition(" / ")[2] for code, name in names.items()}
    short = {code: re.sub(r"\s*\([^)]*\)$", "", name) for code, name in own.items()}
    called = list(short.values())
    return {code: own[code] if called.count(name) > 1 else name for code, name in short.items()}


def _comparable(code: str) -> str:
    language, hyphen, rest = tag(code).lower().partition("-")
    return f"{_SAME.get(language, language)}{hyphen}{rest}"
