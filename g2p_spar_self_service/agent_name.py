# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""How people are told which agent has helped them. Plain Python, without ORM."""

import re
import unicodedata

_MAX_LENGTH = 60
# Of names in whichever script: letters with their marks, and blanks. All the rest could make
# an address or a telephone number, to which a message would seem to ask its reader.
_KEPT_CATEGORIES = "LMZ"
_KEPT = "-'\u2019."


def told_name(name: str) -> str:
    """A name that an agent can edit, as it stands in messages; maybe nothing is left of it."""
    kept = "".join(
        char
        for char in unicodedata.normalize("NFKC", name)
        if unicodedata.category(char)[0] in _KEPT_CATEGORIES or char in _KEPT
    )
    words = re.sub(r"\.(?=\S)", ". ", kept).split()  # no host name either
    return " ".join(words)[:_MAX_LENGTH].strip()
