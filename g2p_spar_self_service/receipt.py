# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Receipt numbers: short, random, and told over the phone without mistakes.

Ten characters of Crockford's Base32 (no I, L, O or U), written as ``7KQ4M-2XPRT``. The last one is
a check character (ISO/IEC 7064, hybrid system, modulus 32 and 33): one wrong character, and nearly
every pair that changed places, is noticed. Nine random characters are 45 bits; a number opens
nothing by itself.
"""

import secrets

from stdnum.iso7064 import mod_37_36

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 10
_ALIKE = str.maketrans("ILO", "110", "- ")


def new_number() -> str:
    """A new number, such as ``7KQ4M-2XPRT``. The caller sees to it that it is not in use."""
    random = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 1))
    return _written(random + mod_37_36.calc_check_digit(random, ALPHABET))


def read_number(text: str) -> str | None:
    """The number that somebody has typed, as `new_number` writes it; None if it cannot be one.

    Blanks, the hyphen and capitals do not matter; I and L count as 1, O as 0.
    """
    compact = text.strip().upper().translate(_ALIKE)
    if len(compact) != LENGTH or set(compact) - set(ALPHABET):
        return None
    return _written(compact) if mod_37_36.checksum(compact, ALPHABET) == 1 else None


def _written(compact: str) -> str:
    return f"{compact[:5]}-{compact[5:]}"
