# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What may be shown of a number, an e-mail address, an ID or a financial address.

Nobody who sees a masked value may get closer to the real one than its last few characters:
at most four of them and at most a third. The mask has a fixed width, so it hides the length too.
"""

import re
from functools import lru_cache

MASK = "••••"
MASK_SHORT = "•••"
SHOWN_AT_MOST = 4
# What follows an "@" says who issued the value, unless it looks like a number itself.
_ISSUER = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}", re.ASCII)
_ISSUER_DIGITS_AT_MOST = 4
_TOP_LEVEL_DOMAIN = re.compile(r"[A-Za-z]{2,6}", re.ASCII)


def mask_number(text: str) -> str:
    """Mask all but the end of ``text``: "••••6789"."""
    shown = min(SHOWN_AT_MOST, len(text) // 3)
    return MASK + text[len(text) - shown :]


def mask_email(text: str) -> str:
    """Mask an e-mail address: "j•••@e•••.org". Anything else is masked as a number."""
    local, at, domain = text.rpartition("@")
    name, dot, top = domain.rpartition(".")
    if not (at and dot and _TOP_LEVEL_DOMAIN.fullmatch(top)):
        return mask_number(text)
    return f"{_initial(local)}{MASK_SHORT}@{_initial(name)}{MASK_SHORT}.{top}"


def mask_before_at(text: str) -> str:
    """Mask ``local@issuer`` as "••••al@issuer"; without a plain issuer mask it as one number."""
    local, at, issuer = text.rpartition("@")
    if local and at and _is_plain_issuer(issuer):
        return f"{mask_number(local)}@{issuer}"
    return mask_number(text)


def _initial(word: str) -> str:
    return word[:1] if len(word) >= 3 else ""


@lru_cache(maxsize=1000)
def _is_plain_issuer(text: str) -> bool:
    digits = sum(character.isdigit() for character in text)
    return bool(_ISSUER.fullmatch(text)) and digits <= _ISSUER_DIGITS_AT_MOST
