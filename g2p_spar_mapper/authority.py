# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What a writer or reader may do. Plain Python, made once per participant and cached."""

from typing import NamedTuple

from .callback_address import CallbackPolicy
from .rate_limit import Limit


class Authority(NamedTuple):
    """Limits of one actor.

    :param frozenset operations: bare words (``link``, ``resolve`` ...) it may call.
    :param bool opaque_fas: may write addresses that are not in the directory.
    :param institution_id: writes only addresses at this provider; None = at any.
    :param namespaces: lower-case ID namespaces it may write; None = any.
    :param id_pattern: RE2, compiled, which an ID that it writes must match as a whole; None = any.
    :param bool consent: its links must carry a consent reference.
    :param bool overrides: may change or remove a mapping that somebody else wrote.
    :param bool details: may resolve with scope ``details``.
    """

    operations: frozenset = frozenset()
    opaque_fas: bool = False
    institution_id: int | None = None
    namespaces: frozenset | None = None
    id_pattern: object | None = None
    consent: bool = False
    overrides: bool = False
    details: bool = True


class ParticipantProfile(NamedTuple):
    """What the API needs to know of a participant for each message.

    :param secret_version: tokens of another version have ended; None = all have (archived).
    :param authentication: how it proves who it is: ``token``, ``issuer``, ``signature``,
        ``network``; and never otherwise.
    :param signature_dialect: in which its messages must be signed; None = not at all.
    :param signed_by: name (kid) of the key that the message at hand is signed with; the
        authenticator sets it, as the only thing that is not the same for all messages.
    :param sign_answers: whether it wants answers and callbacks signed, in the same dialect.
    :param resolve_limit: how many items it may look up; None = any number.
    :param write_limit: how many it may link, update and unlink; None = any number.
    :param callbacks: where the results of its asynchronous messages may go.
    """

    id: int
    secret_version: int | None
    name: str
    sender_id: str
    profile: str
    max_items: int
    fa_format: str
    authority: Authority
    authentication: str = "token"
    signature_dialect: str | None = None
    sign_answers: bool = False
    public_keys: tuple = ()
    resolve_limit: Limit | None = None
    write_limit: Limit | None = None
    callbacks: CallbackPolicy = CallbackPolicy()
    signed_by: str | None = None
