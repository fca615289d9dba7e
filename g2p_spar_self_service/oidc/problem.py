# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from typing import Literal

# What a person is told; the text of a problem is for administrators.
Kind = Literal["declined", "unavailable", "refused", "level", "person"]


class OidcProblem(Exception):
    """A sign-in that did not succeed.

    `kind` is "declined" (the person or the provider broke it off), "unavailable" (no answer; later
    it may work), "level" (not signed in in a way, or as recently, as is required), "person"
    (somebody else than expected) or "refused" (the answer is not acceptable). The text says what is
    wrong and repeats nothing of a person or of a token.
    """

    def __init__(self, message: str, kind: Kind = "refused"):
        super().__init__(message)
        self.kind = kind


class UnknownKey(OidcProblem):
    """A token is signed with a key that is not in the provider's key set, as far as it is known."""
