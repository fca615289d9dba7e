# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What is kept of some consecutive items of an asynchronous message, and what is left of it when a
person in it is erased."""

import zlib
from collections.abc import Collection
from typing import NamedTuple

import orjson

DIGEST_BYTES = 32
NOBODY = bytes(DIGEST_BYTES)
# How an item ended, without whose it was.
LEFT_OF_ITEM = ("reference_id", "timestamp", "status", "status_reason_code", "locale")


class Chunk(NamedTuple):
    """A row of ``g2p.spar.message.chunk``."""

    id: int
    message_id: int
    item_count: int
    results: bytes | None
    id_digests: bytes | None

    def without(self, erased: Collection[bytes]) -> "Chunk":
        """This chunk without anything about the people with these digests.

        Where it is not known which item is whose (an earlier release kept no place for items
        without an ID), nothing of it is left.
        """
        digests = split_digests(self.id_digests)
        if self.results is None or len(digests) != self.item_count:
            return self._replace(results=None, id_digests=None)
        items = orjson.loads(b"[" + zlib.decompress(self.results) + b"]")
        for place, digest in enumerate(digests):
            if digest in erased:
                item = items[place]
                items[place] = {name: item[name] for name in LEFT_OF_ITEM if name in item}
                digests[place] = NOBODY
        return self._replace(
            results=zlib.compress(orjson.dumps(items)[1:-1], 1), id_digests=b"".join(digests)
        )


def split_digests(digests: bytes) -> list[bytes]:
    """Digests that are stored one behind the other."""
    starts = range(0, len(digests), DIGEST_BYTES)
    return [bytes(digests[at : at + DIGEST_BYTES]) for at in starts]
