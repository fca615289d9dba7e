# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import uuid
import zlib
from datetime import UTC
from typing import NamedTuple

import orjson

from odoo import api, fields, models
from odoo.fields import NO_ACCESS

from ..api import MAX_ITEMS
from ..asynchronous import Receipt
from ..reference_hashes import hash_of, may_hold

# Where reference ids are looked for: in the newest messages of a sender and of the transaction
# that it names.
WINDOW_MESSAGES = 1000
WINDOW_ITEMS = 1_000_000
# How much of what was answered is read at a time.
BATCH_ITEMS = 20_000

_COLUMNS = """id, transaction_id, correlation_id, state, item_count,
    CASE WHEN state = 'done' THEN item_count ELSE coalesce(done_count, 0) END AS done_count"""

# None is told of a message that has not been committed: a synchronous one that still runs.
_NEWEST = f"""
SELECT * FROM (
    SELECT {_COLUMNS}, sum(item_count) OVER (ORDER BY id DESC) - item_count AS newer
    FROM (
        SELECT * FROM g2p_spar_message WHERE participant_id = %s AND operation = %s"""
_FIRST = """ ORDER BY id DESC LIMIT %s
    ) AS newest
) AS message WHERE newer < %s ORDER BY id DESC"""
BY_TRANSACTION = f"{_NEWEST} AND transaction_id = %s {_FIRST}"
BY_CORRELATION = f"{_NEWEST} AND correlation_id = %s {_FIRST}"

BY_REFERENCES = f"""
WITH candidate AS (
    (SELECT id FROM g2p_spar_message
        WHERE participant_id = %(participant_id)s AND transaction_id = %(transaction_id)s
            AND operation = %(operation)s
        ORDER BY id DESC LIMIT %(messages)s)
    UNION
    (SELECT id FROM g2p_spar_message
        WHERE participant_id = %(participant_id)s AND operation != 'status'
        ORDER BY id DESC LIMIT %(messages)s)
), held AS (
    SELECT {_COLUMNS}, reference_hashes, transaction_id = %(transaction_id)s AS named,
        sum(item_count) OVER (ORDER BY (transaction_id = %(transaction_id)s) DESC, id DESC)
            - item_count AS newer
    FROM g2p_spar_message JOIN candidate USING (id)
    WHERE operation = %(operation)s AND payload IS NOT NULL
)
SELECT * FROM held WHERE newer < %(items)s ORDER BY named DESC, id DESC"""

# A question needs no lane: what it is told is looked up when the callback is sent.
QUESTION = """
INSERT INTO g2p_spar_message
    (participant_id, mode, state, operation, profile, message_id, transaction_id, receiver_id,
     correlation_id, callback_url, replay_checked, digest, item_count, done_count, succeeded_count,
     rejected_count, failure_count, received_at, finished_at, payload, signed_by)
VALUES (%s, 'async', 'done', %s, %s, %s, %s, %s, %s, %s, %s, %s, 1, 1, 1, 0, 0, %s, %s, %s, %s)
ON CONFLICT (participant_id, message_id) WHERE replay_checked DO NOTHING
RETURNING id"""

ANSWERED = """
SELECT id, mode = 'async', CASE WHEN mode = 'async' THEN NULL ELSE answer END, open_references
FROM g2p_spar_message WHERE id = ANY(%s)"""

CHUNKS = """
SELECT message_id, results FROM g2p_spar_message_chunk
WHERE message_id = ANY(%s) ORDER BY message_id, position"""


class Record(NamedTuple):
    """A message whose status was asked for, but for what was answered."""

    id: int
    transaction_id: str
    correlation_id: str
    state: str
    item_count: int
    done_count: int


class Told(NamedTuple):
    """What has been answered of a message.

    :param results: the finished items, as they went on the wire; None when they are purged.
    :param unfinished: reference ids of the items that are not finished.
    """

    results: list[dict] | None
    unfinished: list[str]


class G2pSparMessage(models.Model):
    """What became of messages, for those who sent them."""

    _inherit = "g2p.spar.message"

    reference_hashes = fields.Binary(
        attachment=False, groups=NO_ACCESS, help="See reference_hashes.py; in order of the items."
    )
    open_references = fields.Binary(
        attachment=False,
        groups=NO_ACCESS,
        help="Reference ids of all items of an unfinished message: see `pack_references`. What it "
        "says is large, and is read for nothing but to carry it out.",
    )

    # === BUSINESS METHODS === #

    @api.private
    def keep_question(self, participant_id, arrival):
        """Put an asynchronous question for the status of messages on record, with its callback.

        :param Arrival arrival:
        :return: like ``enqueue``.
        :rtype: Receipt | None
        """
        correlation_id = str(uuid.uuid4())
        received_at = arrival.received_at.astimezone(UTC).replace(tzinfo=None)
        self.env.cr.execute(
            QUESTION,
            (
                participant_id,
                arrival.operation,
                arrival.profile,
                arrival.message_id,
                arrival.transaction_id,
                arrival.receiver_id,
                correlation_id,
                arrival.callback_url,
                arrival.replay_checked,
                arrival.digest,
                received_at,
                received_at,
                zlib.compress(arrival.raw, 1),
                arrival.signed_by,
            ),
            log_exceptions=False,
        )
        row = self.env.cr.fetchone()
        if row is None:
            return None
        self.env["g2p.spar.callback"].schedule(row[0])
        return Receipt(correlation_id, arrival.received_at, arrival.callback_url)

    @api.private
    def find(self, participant_id, operation, *, transaction_id=None, correlation_id=None):
        """A participant's own messages by their transaction id, or else by their correlation id.

        :return: the newest, newest first, as many as have ``MAX_ITEMS`` items together.
        :rtype: list[Record]
        """
        by_transaction = transaction_id is not None
        self.env.cr.execute(
            BY_TRANSACTION if by_transaction else BY_CORRELATION,
            (
                participant_id,
                operation,
                transaction_id if by_transaction else correlation_id,
                WINDOW_MESSAGES,
                MAX_ITEMS,
            ),
            log_exceptions=False,
        )
        return [Record._make(row[: len(Record._fields)]) for row in self.env.cr.fetchall()]

    @api.private
    def find_references(self, participant_id, operation, reference_ids, transaction_id):
        """A participant's own items by their reference ids: for each its newest message.

        They are looked for in the messages of the named transaction, then in the newest ones.

        :return: by reference id (those that are found) its message, and its items as they were
            answered: none while it is not finished.
        :rtype: dict[str, tuple[Record, list[dict]]]
        """
        wanted = dict.fromkeys(reference_ids)
        found = {}
        for batch in _batches(self._held(participant_id, operation, transaction_id), wanted):
            told = self.told_of(batch)
            for record in batch:
                items = _items_by_reference(told[record.id], wanted)
                found |= {reference_id: (record, items[reference_id]) for reference_id in items}
                for reference_id in items:
                    del wanted[reference_id]
            if not wanted:
                break
        return found

    @api.private
    def told_of(self, records):
        """What has been answered of these messages, in two statements.

        :rtype: dict[int, Told]
        """
        ids = [record.id for record in records]
        self.env.cr.execute(ANSWERED, (ids,))
        rows = self.env.cr.fetchall()
        self.env.cr.execute(CHUNKS, ([row[0] for row in rows if row[1]],))
        chunks = {}
        for message_id, results in self.env.cr.fetchall():
            chunks.setdefault(message_id, []).append(results and zlib.decompress(results))
        told = {}
        for message_id, is_async, answer, references in rows:
            results = _joined(chunks.get(message_id, [])) if is_async else _results_in(answer)
            done = len(results or ())
            told[message_id] = Told(results, _unpack_references(references)[done:])
        return told

    def _held(self, participant_id, operation, transaction_id):
        """Messages in which reference ids are looked for, with their hashes."""
        self.env.cr.execute(
            BY_REFERENCES,
            {
                "participant_id": participant_id,
                "operation": operation,
                "transaction_id": transaction_id,
                "messages": WINDOW_MESSAGES,
                "items": WINDOW_ITEMS,
            },
            log_exceptions=False,
        )
        size = len(Record._fields)
        return [(Record._make(row[:size]), row[size]) for row in self.env.cr.fetchall()]


def _batches(held, wanted):
    """The messages that may have what is still wanted when their turn comes, some at a time."""
    batch, count = [], 0
    hashes = {hash_of(reference_id) for reference_id in wanted}
    for record, packed in held:
        if not may_hold(packed, hashes):
            continue
        batch.append(record)
        count += record.item_count
        if count >= BATCH_ITEMS:
            yield batch
            batch, count = [], 0
            hashes = {hash_of(reference_id) for reference_id in wanted}
    if batch:
        yield batch


def _items_by_reference(told, wanted):
    """Of what is wanted, the items of one message; an item that is not finished has none."""
    found = {}
    for item in told.results or ():
        if item["reference_id"] in wanted:
            found.setdefault(item["reference_id"], []).append(item)
    for reference_id in told.unfinished:
        if reference_id in wanted:
            found.setdefault(reference_id, [])
    return found


def _joined(parts):
    return None if None in parts else orjson.loads(b"[" + b",".join(parts) + b"]")


def _results_in(answer):
    """The items of a synchronous answer, whichever envelope it had."""
    if answer is None:
        return None
    value = orjson.loads(zlib.decompress(answer))
    message = value.get("message") or value["response_body"]["response_payload"]
    [results] = (member for name, member in message.items() if name.endswith("_response"))
    return results


def pack_references(reference_ids):
    """Reference ids, None for an item without, as compressed JSON.

    :rtype: bytes
    """
    return zlib.compress(orjson.dumps(reference_ids), 1)


def _unpack_references(packed):
    return orjson.loads(zlib.decompress(packed)) if packed else []
