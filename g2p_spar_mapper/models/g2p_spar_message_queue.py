# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
import time

from odoo import api, fields, models

from odoo.addons.g2p_spar_connector.safe_log import describe
from odoo.addons.g2p_spar_connector.transaction import read_committed

from .. import lane

_logger = logging.getLogger(__name__)

# A chunk that fails is tried again as it is; then item by item; then its items are answered. A try
# that has begun counts until it has succeeded: a worker that dies of it can tell nobody.
SINGLY_AFTER_FAILURES = 4
GIVE_UP_AFTER_FAILURES = 7
# If not even that can be done, the message fails as a whole.
ABANDON_AFTER_FAILURES = 10
# Doubled with each failure, so that what is wrong for some minutes rejects nothing.
RETRY_SECONDS = 5
PAUSE_SECONDS = 1
# Of as many participants in turn; some 10 MB each at most.
REMEMBERED_MESSAGES = 8


class G2pSparMessageQueue(models.Model):
    """Whose turn it is: a row for each participant that has ever sent an asynchronous message.

    Lanes (scheduled actions, as many as there are records of them) serve who was served least
    recently: one chunk of the oldest message that it has. The lock of the row is the turn, so the
    messages of one participant run one after the other, in the order in which they came.
    """

    _name = "g2p.spar.message.queue"
    _description = "Turns of Participants"
    _log_access = False
    _allow_sudo_commands = False

    participant_id = fields.Many2one("g2p.spar.participant", required=True, ondelete="cascade")
    served_at = fields.Datetime()

    _participant_unique = models.UniqueIndex("(participant_id)")

    # === LANES === #

    @api.model
    def _cron_run_lane(self, number):
        """Carry chunks out for some seconds, or until there is nothing to do."""
        lane.run(self.env, self._serve_next, linger=number == 1)

    @api.private
    def wake(self):
        """Have the lanes look at the queue as soon as this transaction is committed."""
        lane.wake(self.env, self._name)

    def _serve_next(self, memory):
        """Carry out the next chunk of whoever's turn it is, and commit it.

        :param dict memory: of this run of the lane: messages that have been read already.
        :return: whether there was anything to do.
        :rtype: bool
        """
        cr = self.env.cr
        read_committed(cr)
        participant_id = self._take_turn()
        if participant_id is None:
            return False
        work = self.env["g2p.spar.message"].next_work(participant_id)
        if work and work.id not in memory:
            work = self._begin(work, memory)
        if work is None:  # another lane has it, or has finished it since
            return True
        try:
            self._carry_out(work, memory)
            self._end_turn(participant_id)
            lane.commit(self.env)
        except Exception as error:  # noqa: BLE001 - whatever it is, the lane goes on with others
            cr.rollback()
            _logger.error("Message %s: a chunk failed: %s", work.id, describe(error))
            self._note_failure(work, error)
        return True

    def _begin(self, work, memory):
        """Say that this worker is about to try, before it does; then the turn is taken again.

        :return: the work as it is now, or None where another lane was faster.
        :rtype: Work | None
        """
        if len(memory) >= REMEMBERED_MESSAGES:
            memory.pop(next(iter(memory)))
        memory[work.id] = None
        messages = self.env["g2p.spar.message"]
        messages.note_failure(work, 0)
        self._end_turn(work.participant_id)
        lane.commit(self.env)
        read_committed(self.env.cr)
        if self._take_turn(work.participant_id) is None:
            return None
        again = messages.next_work(work.participant_id)
        return again if again and again.id == work.id else None

    def _note_failure(self, work, error):
        if lane.is_passing(error):
            time.sleep(PAUSE_SECONDS)
        read_committed(self.env.cr)
        self._end_turn(work.participant_id)  # first: the turn is the lock of the message, too
        if not lane.is_passing(error):
            delay = RETRY_SECONDS * 2**work.failure_count
            self.env["g2p.spar.message"].note_failure(work, delay)
        lane.commit(self.env)

    def _carry_out(self, work, memory):
        exchange = self.env["g2p.spar.exchange"]
        request = memory.get(work.id) or exchange.read_accepted(work)
        if request is None or work.failure_count >= ABANDON_AFTER_FAILURES:
            self.env["g2p.spar.message"].give_up(work.id)
            self.env["g2p.spar.callback"].schedule(work.id)
            return
        memory[work.id] = request
        mode = (
            "give up"
            if work.failure_count >= GIVE_UP_AFTER_FAILURES
            else "singly"
            if work.failure_count >= SINGLY_AFTER_FAILURES
            else "together"
        )
        if exchange.carry_out_chunk(work, request, mode):
            del memory[work.id]

    def _take_turn(self, participant_id=None):
        """Lock the turn of a participant that has unfinished messages, none of which has just
        failed: of this one, or of who was served least recently.

        :return: its id, or None when nobody waits.
        """
        self.env.cr.execute(
            """SELECT participant_id FROM g2p_spar_message_queue AS queue
            WHERE participant_id = coalesce(%s, participant_id)
            AND EXISTS (SELECT FROM g2p_spar_message AS message
                WHERE message.participant_id = queue.participant_id
                AND message.state IN ('queued', 'running'))
            AND NOT EXISTS (SELECT FROM g2p_spar_message AS failed
                WHERE failed.participant_id = queue.participant_id
                AND failed.state IN ('queued', 'running')
                AND failed.retry_at > clock_timestamp() AT TIME ZONE 'UTC')
            ORDER BY served_at NULLS FIRST, id LIMIT 1 FOR UPDATE SKIP LOCKED""",
            (participant_id,),
        )
        row = self.env.cr.fetchone()
        return row and row[0]

    def _end_turn(self, participant_id):
        self.env.cr.execute(
            """UPDATE g2p_spar_message_queue SET served_at = clock_timestamp() AT TIME ZONE 'UTC'
            WHERE participant_id = %s""",
            (participant_id,),
        )
