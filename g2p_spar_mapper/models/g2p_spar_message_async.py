# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import uuid
import zlib
from datetime import UTC

import orjson

from odoo import api, fields, models
from odoo.fields import NO_ACCESS

from .. import reference_hashes
from ..array_literal import bytea_array
from ..asynchronous import Receipt, Work
from ..stored_chunk import Chunk, split_digests
from .g2p_spar_message_status import pack_references

ENQUEUE = """
WITH message AS (
    INSERT INTO g2p_spar_message
        (participant_id, mode, state, operation, profile, message_id, transaction_id, receiver_id,
         correlation_id, callback_url, replay_checked, digest, item_count, done_count,
         succeeded_count, rejected_count, failure_count, received_at, payload, reference_hashes,
         open_references, signed_by)
    VALUES (%s, 'async', 'queued', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, 0, 0, 0, %s, %s, %s,
         %s, %s)
    ON CONFLICT (participant_id, message_id) WHERE replay_checked DO NOTHING
    RETURNING id
), queue AS (
    INSERT INTO g2p_spar_message_queue (participant_id)
    SELECT given.id FROM (VALUES (%s)) AS given(id)
    WHERE NOT EXISTS (SELECT FROM g2p_spar_message_queue AS q WHERE q.participant_id = given.id)
    ON CONFLICT (participant_id) DO NOTHING
)
SELECT id FROM message"""

FINISH_CHUNK = """
WITH chunk AS (
    INSERT INTO g2p_spar_message_chunk (message_id, position, item_count, results, id_digests)
    VALUES (%s, %s, %s, %s, %s)
)
UPDATE g2p_spar_message SET
    done_count = done_count + %s, succeeded_count = succeeded_count + %s,
    rejected_count = rejected_count + %s, failure_count = 0, retry_at = NULL,
    state = CASE WHEN done_count + %s < item_count THEN 'running' ELSE 'done' END,
    finished_at = CASE WHEN done_count + %s >= item_count
        THEN clock_timestamp() AT TIME ZONE 'UTC' END,
    open_references = CASE WHEN done_count + %s < item_count THEN open_references END
WHERE id = %s RETURNING state"""

FAIL = """
UPDATE g2p_spar_message SET state = 'failed', rejected_count = item_count - succeeded_count,
    finished_at = clock_timestamp() AT TIME ZONE 'UTC', open_references = NULL
WHERE id = %s"""

# Of finished messages; what is unfinished must still be carried out and told.
CHUNKS_ABOUT = """
SELECT chunk.id, chunk.message_id, chunk.item_count, chunk.results, chunk.id_digests
FROM g2p_spar_message_chunk AS chunk JOIN g2p_spar_message AS message
    ON message.id = chunk.message_id
WHERE message.state NOT IN ('queued', 'running') AND {scope} AND EXISTS (
    SELECT FROM unnest(%s::bytea[]) AS person(digest)
    WHERE position(person.digest IN chunk.id_digests) > 0)
ORDER BY chunk.id FOR UPDATE OF chunk"""

REPLACE_CHUNKS = """
WITH chunk AS (
    UPDATE g2p_spar_message_chunk AS chunk
    SET results = given.results, id_digests = given.id_digests
    FROM unnest(%s::integer[], %s::bytea[], %s::bytea[]) AS given(id, results, id_digests)
    WHERE chunk.id = given.id
)
UPDATE g2p_spar_message SET payload = NULL, reference_hashes = NULL WHERE id = ANY(%s)"""

REMEMBER_ERASURE = """
UPDATE g2p_spar_message SET erased_digests = coalesce(erased_digests, '') || %s
WHERE state IN ('queued', 'running')"""

PURGE_BATCH = 1000


class G2pSparMessage(models.Model):
    """Asynchronous messages: accepted now, carried out by a lane, chunk by chunk."""

    _inherit = "g2p.spar.message"

    erased_digests = fields.Binary(
        attachment=False,
        groups=NO_ACCESS,
        help="Digests of IDs that were erased before this message was finished.",
    )

    _erased_idx = models.Index("(id) WHERE erased_digests IS NOT NULL")

    # === BUSINESS METHODS === #

    @api.private
    def enqueue(self, participant_id, arrival):
        """Put a message on record for the lanes, in one statement.

        :param Arrival arrival:
        :return: None when the sender used the message_id before.
        :rtype: Receipt | None
        """
        correlation_id = str(uuid.uuid4())
        self.env.cr.execute(
            ENQUEUE,
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
                arrival.item_count,
                arrival.received_at.astimezone(UTC).replace(tzinfo=None),
                zlib.compress(arrival.raw, 1),
                reference_hashes.pack(arrival.reference_ids),
                pack_references(arrival.reference_ids),
                arrival.signed_by,
                participant_id,
            ),
            log_exceptions=False,
        )
        if not self.env.cr.fetchone():
            return None
        return Receipt(correlation_id, arrival.received_at, arrival.callback_url)

    @api.private
    def first_receipt(self, participant_id, message_id, digest):
        """What the sender of a retried asynchronous message was told the first time.

        :return: None when that message was another one.
        :rtype: Receipt | None
        """
        self.env.cr.execute(
            """SELECT correlation_id, received_at, callback_url FROM g2p_spar_message
            WHERE participant_id = %s AND message_id = %s AND replay_checked AND digest = %s
                AND mode = 'async'""",
            (participant_id, message_id, digest),
            log_exceptions=False,
        )
        row = self.env.cr.fetchone()
        return row and Receipt(row[0], row[1].replace(tzinfo=UTC), row[2])

    @api.private
    def next_work(self, participant_id):
        """The oldest unfinished message of a participant.

        :rtype: Work | None
        """
        self.env.cr.execute(
            f"""SELECT {", ".join(Work._fields)} FROM g2p_spar_message
            WHERE participant_id = %s AND state IN ('queued', 'running') ORDER BY id LIMIT 1""",
            (participant_id,),
        )
        row = self.env.cr.fetchone()
        return row and Work._make(row)

    @api.private
    def payload_of(self, record_id):
        """What a message says, as it came; None when it is purged.

        :rtype: bytes | None
        """
        self.env.cr.execute("SELECT payload FROM g2p_spar_message WHERE id = %s", (record_id,))
        [payload] = self.env.cr.fetchone()
        return payload and zlib.decompress(payload)

    @api.private
    def begin(self, record_id):
        """The first items of a message are being carried out."""
        self.env.cr.execute(
            "UPDATE g2p_spar_message SET started_at = now() AT TIME ZONE 'UTC' WHERE id = %s",
            (record_id,),
        )

    @api.private
    def finish_chunk(self, work, rendered, succeeded_count, id_digests):
        """Keep the results of the next items of a message, and count them.

        :param list rendered: the results as they go on the wire.
        :return: whether the message is done.
        :rtype: bool
        """
        count = len(rendered)
        self.env.cr.execute(
            FINISH_CHUNK,
            (
                *(work.id, work.done_count, count),
                zlib.compress(orjson.dumps(rendered)[1:-1], 1),
                id_digests,
                *(count, succeeded_count, count - succeeded_count, count, count, count, work.id),
            ),
            log_exceptions=False,
        )
        return self.env.cr.fetchone() == ("done",)

    @api.private
    def note_failure(self, work, delay):
        """The next chunk of a message is about to be tried, or failed for an unexpected reason.
        Nothing is noted where another lane has carried it out since.

        :param Work work:
        :param int delay: seconds until it may be tried again.
        """
        self.env.cr.execute(
            """UPDATE g2p_spar_message SET failure_count = failure_count + 1,
                retry_at = clock_timestamp() AT TIME ZONE 'UTC' + %s * interval '1 second'
            WHERE id = %s AND done_count = %s AND state IN ('queued', 'running')""",
            (delay, work.id, work.done_count),
        )

    @api.private
    def give_up(self, record_id):
        """What a message says cannot be read any more: its last items will not be done."""
        self.env.cr.execute(FAIL, (record_id,))

    @api.private
    def results_of(self, record_id):
        """The finished items of an asynchronous message, as they go on the wire, in their order.

        :return: None when they are purged.
        :rtype: list[dict] | None
        """
        self.env.cr.execute(
            "SELECT results FROM g2p_spar_message_chunk WHERE message_id = %s ORDER BY position",
            (record_id,),
        )
        parts = [results and zlib.decompress(results) for (results,) in self.env.cr.fetchall()]
        return None if None in parts else orjson.loads(b"[" + b",".join(parts) + b"]")

    @api.private
    def forget(self, id_digests):
        """Blank what asynchronous messages say of these IDs; of unfinished ones, once they are
        finished. What became of their other items is still told."""
        self._forget("TRUE", (), id_digests)
        self.env.cr.execute(REMEMBER_ERASURE, (b"".join(id_digests),), log_exceptions=False)

    def _forget(self, scope, parameters, id_digests):
        self.env.cr.execute(
            CHUNKS_ABOUT.format(scope=scope),
            (*parameters, bytea_array(id_digests)),
            log_exceptions=False,
        )
        chunks = [Chunk._make(row) for row in self.env.cr.fetchall()]
        if chunks:
            erased = set(id_digests)
            kept = [chunk.without(erased) for chunk in chunks]
            self.env.cr.execute(
                REPLACE_CHUNKS,
                (
                    [chunk.id for chunk in kept],
                    bytea_array([chunk.results for chunk in kept]),
                    bytea_array([chunk.id_digests for chunk in kept]),
                    [chunk.message_id for chunk in kept],
                ),
                log_exceptions=False,
            )

    @api.autovacuum
    def _gc_erased(self):
        """Blank what was to be erased while its message was unfinished."""
        self.env.cr.execute(
            """UPDATE g2p_spar_message AS message SET erased_digests = NULL FROM (
                SELECT id, erased_digests FROM g2p_spar_message
                WHERE erased_digests IS NOT NULL AND state NOT IN ('queued', 'running')
                FOR UPDATE SKIP LOCKED
            ) AS finished WHERE message.id = finished.id
            RETURNING message.id, finished.erased_digests"""
        )
        for record_id, digests in self.env.cr.fetchall():
            self._forget("message.id = %s", (record_id,), split_digests(digests))

    @api.autovacuum
    def _gc_chunks(self):
        """Purge results whose message's body is gone already, for instance by an erasure."""
        self.env.cr.execute(
            f"""UPDATE g2p_spar_message_chunk SET results = NULL, id_digests = NULL WHERE id IN (
                SELECT chunk.id FROM g2p_spar_message_chunk AS chunk
                JOIN g2p_spar_message AS message ON message.id = chunk.message_id
                WHERE chunk.results IS NOT NULL AND message.payload IS NULL
                AND {self._is_over_sql()} LIMIT %s)""",
            (self._retention_days(), PURGE_BATCH),
        )
        return self.env.cr.rowcount, self.env.cr.rowcount == PURGE_BATCH

    def _purge_chunks(self, record_ids):
        self.env.cr.execute(
            """UPDATE g2p_spar_message_chunk SET results = NULL, id_digests = NULL
            WHERE message_id = ANY(%s)""",
            (record_ids,),
        )
