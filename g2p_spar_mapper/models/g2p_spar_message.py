# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import time
import uuid
import zlib

from odoo import api, fields, models
from odoo.fields import NO_ACCESS

from odoo.addons.g2p_spar_connector.g2p_connect.errors import StillRunning
from odoo.addons.g2p_spar_connector.secret import digester
from odoo.addons.g2p_spar_fa_directory.ids import id_key

from .. import reference_hashes

RETENTION_DAYS = 90
PURGE_BATCH = 1000

TWIN_WAIT_SECONDS = 3
TWIN_POLL_SECONDS = 0.1
# The lock is held for as long as the message is being carried out. Without it the index alone
# would make a twin wait, for however long that takes.
RECEIVE = """
INSERT INTO g2p_spar_message
    (participant_id, operation, message_id, transaction_id, correlation_id, replay_checked, digest,
     id_digests, reference_hashes, item_count, signed_by, mode, state, received_at, payload)
SELECT %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'sync', 'received', now() AT TIME ZONE 'UTC', %s
WHERE %s OR pg_try_advisory_xact_lock(hashtextextended(%s, %s))
ON CONFLICT (participant_id, message_id) WHERE replay_checked DO NOTHING
RETURNING id"""
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, %s))"


class G2pSparMessage(models.Model):
    """One mutating or asynchronous message: what came, what was answered, how it went.

    An asynchronous one waits (``queued``) for a lane of ``g2p.spar.message.queue``, which carries
    it out in chunks (``running``); its results are those of its chunks, ``answer`` stays empty.

    Payload and answer are zlib-compressed JSON bytes as they stood on the wire. They hold IDs and
    addresses, so nobody reads them over RPC, and they are purged after
    ``g2p_spar.message_retention_days`` (90); counts and times stay.
    """

    _name = "g2p.spar.message"
    _inherit = "g2p.spar.large.table"
    _description = "G2P-Connect Message"
    _order = "id desc"
    _log_access = False
    _allow_sudo_commands = False
    _rec_name = "message_id"
    _searchable_fields = frozenset(
        {
            "id",
            "message_id",
            "transaction_id",
            "correlation_id",
            "participant_id",
            "received_at",
            "mode",
            "state",
        }
    )

    participant_id = fields.Many2one("g2p.spar.participant", required=True, ondelete="restrict")
    operation = fields.Selection(
        [
            ("link", "Link"),
            ("update", "Update"),
            ("unlink", "Unlink"),
            ("resolve", "Resolve"),
            ("status", "Status"),
        ],
        required=True,
    )
    mode = fields.Selection(
        [("sync", "Synchronous"), ("async", "Asynchronous")],
        help="Empty: synchronous, from before there were others.",
    )
    message_id = fields.Char("Message ID", required=True)
    transaction_id = fields.Char("Transaction ID")
    correlation_id = fields.Char("Correlation ID", required=True)
    replay_checked = fields.Boolean(
        help="The sender's message ids are unique: a second message with the same id is either a "
        "retry, which gets the first answer, or refused."
    )
    signed_by = fields.Char(
        "Signed with Key", readonly=True, help="Name (kid) of the sender's key; empty: not signed."
    )
    digest = fields.Binary(attachment=False, groups=NO_ACCESS)
    id_digests = fields.Binary(
        attachment=False,
        groups=NO_ACCESS,
        help="HMAC-SHA256 digests (32 bytes each) of the IDs within, to find what is to be erased.",
    )
    item_count = fields.Integer("Items")
    succeeded_count = fields.Integer("Succeeded")
    rejected_count = fields.Integer("Rejected")
    done_count = fields.Integer("Finished Items", help="Of an asynchronous message.")
    state = fields.Selection(
        [
            ("received", "Received"),
            ("queued", "Queued"),
            ("running", "Running"),
            ("done", "Done"),
            ("failed", "Failed"),
        ],
        required=True,
        help="Failed: what it says could not be read any more; its last items were not done.",
    )
    received_at = fields.Datetime(required=True)
    started_at = fields.Datetime()
    finished_at = fields.Datetime()
    payload = fields.Binary(attachment=False, groups=NO_ACCESS)
    answer = fields.Binary(attachment=False, groups=NO_ACCESS)

    # of asynchronous messages
    profile = fields.Char(readonly=True, help="The participant's when the message came.")
    receiver_id = fields.Char("Receiver ID", readonly=True)
    callback_url = fields.Char(
        "Callback Address",
        readonly=True,
        groups="g2p_spar_fa_directory.group_manager",
        help="Empty: none is sent.",
    )
    failure_count = fields.Integer(
        "Failures", help="How often the next chunk has failed for an unexpected reason."
    )
    retry_at = fields.Datetime("Tried Again", help="After an unexpected failure.")
    callback_ids = fields.One2many("g2p.spar.callback", "message_id")

    _replay_unique = models.UniqueIndex(
        "(participant_id, message_id) WHERE replay_checked", "This message id was used before."
    )
    _message_id_idx = models.Index("(message_id)")
    _transaction_id_idx = models.Index("(transaction_id)")
    _correlation_id_idx = models.Index("(correlation_id)")
    _participant_idx = models.Index("(participant_id, id)")
    _received_at_idx = models.Index("USING brin (received_at)")
    _payload_idx = models.Index("(id) WHERE payload IS NOT NULL")
    _async_idx = models.Index("(id) WHERE mode = 'async'")
    _not_done_idx = models.Index("(id) WHERE state != 'done'")
    _unfinished_idx = models.Index("(participant_id, id) WHERE state IN ('queued', 'running')")

    # === BUSINESS METHODS === #

    @api.private
    def receive(self, participant_id, request, digest, raw, replay_checked, signed_by=None):
        """Put a message on record before anything is done about it.

        A twin that comes while the first is being carried out waits for a moment.

        :param bytes digest: of action and message, to tell a retry from a new message.
        :param bytes raw: the body as received.
        :param signed_by: name (kid) of the key that it is signed with.
        :return: (database id, correlation_id), or None when the sender used the message_id before.
        :rtype: tuple[int, str] | None
        :raise StillRunning: the message of that message_id is not finished yet.
        """
        correlation_id, message_id = str(uuid.uuid4()), request.header.message_id
        values = (
            participant_id,
            request.operation,
            message_id,
            request.transaction_id,
            correlation_id,
            replay_checked,
            digest,
            b"".join(digester("id")(id_key(item.id)) for item in request.items if item.id),
            reference_hashes.pack(item.reference_id for item in request.items),
            len(request.items),
            signed_by,
            zlib.compress(raw, 1),
            not replay_checked,
            message_id,
            participant_id,
        )
        deadline = time.monotonic() + TWIN_WAIT_SECONDS
        while True:
            self.env.cr.execute(RECEIVE, values, log_exceptions=False)
            if row := self.env.cr.fetchone():
                return row[0], correlation_id
            if not self._wait_for_twin(participant_id, message_id, deadline):
                return None

    def _wait_for_twin(self, participant_id, message_id, deadline):
        """Wait for the message of this message_id, without sending what came over and over.

        :return: whether it came to nothing, so that this one may be put on record.
        :rtype: bool
        :raise StillRunning:
        """
        while not self._is_known(participant_id, message_id):
            if time.monotonic() > deadline:
                raise StillRunning
            time.sleep(TWIN_POLL_SECONDS)
            self.env.cr.execute(TRY_LOCK, (message_id, participant_id), log_exceptions=False)
            if self.env.cr.fetchone()[0]:
                return True
        return False

    def _is_known(self, participant_id, message_id):
        """Whether there is a finished message of this message_id: none other can be seen."""
        self.env.cr.execute(
            """SELECT FROM g2p_spar_message
            WHERE participant_id = %s AND message_id = %s AND replay_checked""",
            (participant_id, message_id),
            log_exceptions=False,
        )
        return bool(self.env.cr.rowcount)

    @api.private
    def first_answer(self, participant_id, message_id, digest):
        """The answer that a retried message got the first time.

        :return: whether that message was the same one, and its answer as JSON bytes (None when
            it was another message, or when the answer is purged).
        :rtype: tuple[bool, bytes | None]
        """
        self.env.cr.execute(
            """SELECT answer FROM g2p_spar_message
            WHERE participant_id = %s AND message_id = %s AND replay_checked AND digest = %s""",
            (participant_id, message_id, digest),
            log_exceptions=False,
        )
        row = self.env.cr.fetchone()
        return bool(row), zlib.decompress(row[0]) if row and row[0] else None

    @api.private
    def finish(self, record_id, results, answer):
        """Keep the answer (JSON bytes) of a message and count its items."""
        succeeded = sum(result.succeeded for result in results)
        self.env.cr.execute(
            """UPDATE g2p_spar_message SET state = 'done', succeeded_count = %s,
                rejected_count = %s, finished_at = clock_timestamp() AT TIME ZONE 'UTC', answer = %s
            WHERE id = %s""",
            (succeeded, len(results) - succeeded, zlib.compress(answer, 1), record_id),
            log_exceptions=False,
        )

    @api.autovacuum
    def _gc_payloads(self):
        """Purge bodies and answers past their retention, a batch per call."""
        self.env.cr.execute(
            f"""UPDATE g2p_spar_message SET payload = NULL, answer = NULL, id_digests = NULL,
                reference_hashes = NULL
            WHERE id IN (
                SELECT id FROM g2p_spar_message AS message
                WHERE payload IS NOT NULL AND {self._is_over_sql()}
                ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING id""",
            (self._retention_days(), PURGE_BATCH),
        )
        purged = self.env.cr.fetchall()
        self._purge_chunks([row[0] for row in purged])
        return len(purged), len(purged) == PURGE_BATCH

    def _retention_days(self):
        parameters = self.env["ir.config_parameter"].sudo()
        return int(parameters.get_param("g2p_spar.message_retention_days", RETENTION_DAYS))

    def _is_over_sql(self):
        """Condition on ``message``, with the days as its parameter: it was carried out, told, and
        is old enough."""
        return """message.received_at < now() AT TIME ZONE 'UTC' - %s * interval '1 day'
            AND message.state NOT IN ('queued', 'running')
            AND NOT EXISTS (SELECT FROM g2p_spar_callback AS callback
                WHERE callback.message_id = message.id AND callback.state = 'waiting')"""
