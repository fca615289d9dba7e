# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Values that accompany an asynchronous message from its receipt to its callback."""

from datetime import datetime
from typing import NamedTuple


class Arrival(NamedTuple):
    """An asynchronous message whose envelope was checked.

    :param received_at: with time zone.
    :param callback_url: where its results go; None = nowhere.
    :param signed_by: name (kid) of the key that it is signed with; None = not signed.
    :param reference_ids: of its items, in their order; None for one without.
    """

    operation: str
    profile: str
    message_id: str
    transaction_id: str
    receiver_id: str | None
    callback_url: str | None
    digest: bytes
    item_count: int
    raw: bytes
    received_at: datetime
    replay_checked: bool
    signed_by: str | None
    reference_ids: list[str | None] = ()


class Receipt(NamedTuple):
    """What the sender of an asynchronous message is told, the first time and each time again."""

    correlation_id: str
    received_at: datetime
    callback_url: str | None


class Work(NamedTuple):
    """An unfinished message, but for what it says."""

    id: int
    participant_id: int
    operation: str
    profile: str
    transaction_id: str
    correlation_id: str
    callback_url: str | None
    item_count: int
    done_count: int
    failure_count: int
