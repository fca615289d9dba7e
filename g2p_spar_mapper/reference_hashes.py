# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Which reference ids a message has, in four bytes each: what to look into when one is asked for.

Who finds a reference id by its hash has to make sure: two may have the same one.
"""

from array import array
from collections.abc import Iterable, Set
from zlib import crc32

_TYPE = "I"


def hash_of(reference_id: str) -> int:
    return crc32(reference_id.encode())


def pack(reference_ids: Iterable[object]) -> bytes:
    """The hashes of those that are strings."""
    return array(_TYPE, [hash_of(value) for value in reference_ids if type(value) is str]).tobytes()


def may_hold(packed: bytes | None, hashes: Set[int]) -> bool:
    """Whether a message may have one of these.

    :param packed: None for messages from before there were hashes, which may have any.
    """
    return packed is None or not hashes.isdisjoint(array(_TYPE, bytes(packed)))
