# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What a writer or reader may do. Plain Python, made once per participant and cached."""

from typing import NamedTuple


class Authority(NamedTuple):
    """Limits of one actor.

    :param frozenset operations: bare words (``link``, ``resolve`` ...) it may call.
    :param bool opaque_fas: may write addresses that are not in the directory.
    :param institution_id: writes only addresses at this provider; None = at any.
    :param namespaces: lower-case ID namespaces it may write; None = any.
    :param bool overrides: may change or remove a mapping that somebody else wrote.
    :param bool details: may resolve with scope ``details``.
    """

    operations: frozenset = frozenset()
    opaque_fas: bool = False
    institution_id: int | None = None
    namespaces: frozenset | None = None
    overrides: bool = False
    details: bool = True


class ParticipantProfile(NamedTuple):
    """What the API needs to know of a participant for each message.

    :param secret_version: tokens of another version have ended; None = all have (archived).
    """

    id: int
    secret_version: int | None
    name: str
    sender_id: str
    profile: str
    max_items: int
    fa_format: str
    authority: Authority
