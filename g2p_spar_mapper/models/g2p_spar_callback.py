# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
import uuid

from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, UserError

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.gateway import parse_url
from odoo.addons.g2p_spar_connector.safe_log import describe
from odoo.addons.g2p_spar_connector.transaction import read_committed

from .. import lane
from ..callback_outcome import TOTAL_SECONDS, Outcome, deliver
from .g2p_spar_callback_receiver import HOST, NOW

_logger = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 60
MAX_DELAY_SECONDS = 86_400
# With the delays above: the last of them four days and a half after the first.
MAX_TRIES = 15
PURGE_BATCH = 1000


SCHEDULE = f"""
WITH message AS (
    SELECT id, participant_id, callback_url, profile, message_id FROM g2p_spar_message
    WHERE id = %s AND callback_url IS NOT NULL
), receiver AS (
    INSERT INTO g2p_spar_callback_receiver (participant_id, host)
    SELECT participant_id, {HOST.format("callback_url")} FROM message
    ON CONFLICT (participant_id, host) DO NOTHING
)
INSERT INTO g2p_spar_callback
    (message_id, participant_id, url, callback_message_id, state, try_count, next_try_at)
SELECT id, participant_id, callback_url,
    -- OpenG2P's clients find their message by its own id
    CASE WHEN profile = 'strict' THEN %s ELSE message_id END, 'waiting', 0, {NOW}
FROM message ON CONFLICT (message_id) DO NOTHING"""

# Receivers take turns: a slow one holds up nobody else. The next try is due, whatever becomes of
# this one, even if nobody lives to tell.
CLAIM = f"""
WITH turn AS (
    SELECT receiver.id, receiver.participant_id, receiver.host
    FROM g2p_spar_callback_receiver AS receiver, LATERAL (
        -- with a limit, the planner looks into the index for each receiver and joins nothing
        SELECT FROM g2p_spar_callback AS callback
        WHERE callback.participant_id = receiver.participant_id
            AND {HOST.format("callback.url")} = receiver.host
            AND callback.state = 'waiting' AND callback.next_try_at <= {NOW}
        ORDER BY callback.next_try_at LIMIT 1) AS due
    WHERE silent_until IS NULL OR silent_until <= {NOW}
    ORDER BY next_turn_at NULLS FIRST, receiver.id LIMIT 1 FOR UPDATE OF receiver SKIP LOCKED
), due AS (
    SELECT oldest.id FROM turn, LATERAL (
        SELECT callback.id FROM g2p_spar_callback AS callback
        WHERE callback.participant_id = turn.participant_id
            AND {HOST.format("callback.url")} = turn.host
            AND callback.state = 'waiting' AND callback.next_try_at <= {NOW}
        ORDER BY callback.next_try_at, callback.id LIMIT 1 FOR UPDATE SKIP LOCKED) AS oldest
), claimed AS (
    UPDATE g2p_spar_callback AS callback SET try_count = try_count + 1,
        next_try_at = {NOW} + least(%s * power(2, least(try_count, 30)), %s) * interval '1 second'
    FROM due WHERE callback.id = due.id RETURNING callback.id
), taken AS (
    -- until it is known how long it takes
    UPDATE g2p_spar_callback_receiver AS receiver
    SET next_turn_at = {NOW} + %s * interval '1 second'
    FROM turn WHERE receiver.id = turn.id
), attempt AS (
    INSERT INTO g2p_spar_callback_try (callback_id, started_at) SELECT id, {NOW} FROM claimed
    RETURNING callback_id, id
)
SELECT callback_id, attempt.id, turn.id FROM attempt CROSS JOIN turn"""

# As soon as a receiver is back, it gets what it could not be reached for.
CATCH_UP = f"""
UPDATE g2p_spar_callback SET unreachable = FALSE, next_try_at = {NOW}
WHERE participant_id = %s AND {HOST.format("url")} = %s AND state = 'waiting' AND unreachable"""

# What they told is purged by then. The oldest come first, so few rows are looked at in vain.
PURGE = """
DELETE FROM g2p_spar_callback WHERE id IN (
    SELECT callback.id FROM g2p_spar_callback AS callback
    JOIN g2p_spar_message AS message ON message.id = callback.message_id
    WHERE callback.state != 'waiting'
        AND message.received_at < now() AT TIME ZONE 'UTC' - %s * interval '1 day'
    ORDER BY callback.id LIMIT %s)"""


class G2pSparCallback(models.Model):
    """The results of one asynchronous message on their way to who sent it.

    Sent until the receiver has taken it, with the same message_id each time; then, or after
    ``g2p_spar.callback_max_tries``, parked until somebody sends it again.
    """

    _name = "g2p.spar.callback"
    _inherit = "g2p.spar.large.table"
    _description = "Callback"
    _order = "id desc"
    _log_access = False
    _allow_sudo_commands = False
    _rec_name = "callback_message_id"
    _searchable_fields = frozenset({"id", "message_id", "participant_id", "state"})

    message_id = fields.Many2one("g2p.spar.message", required=True, index=True, ondelete="cascade")
    participant_id = fields.Many2one("g2p.spar.participant", required=True, ondelete="restrict")
    url = fields.Char("Address", required=True, groups="g2p_spar_fa_directory.group_manager")
    callback_message_id = fields.Char("Message ID", required=True)
    state = fields.Selection(
        [("waiting", "Waiting"), ("delivered", "Delivered"), ("parked", "Parked")], required=True
    )
    try_count = fields.Integer("Tries", help="Since it was last sent again by hand.")
    try_ids = fields.One2many("g2p.spar.callback.try", "callback_id", "Every Try")
    next_try_at = fields.Datetime("Next Try")
    unreachable = fields.Boolean(help="The receiver could not be reached.")
    problem = fields.Char("Last Problem")
    delivered_at = fields.Datetime("Delivered On")

    _message_unique = models.UniqueIndex("(message_id)")
    _due_idx = models.Index(
        f"(participant_id, ({HOST.format('url')}), next_try_at, id) WHERE state = 'waiting'"
    )
    _unreachable_idx = models.Index("(participant_id) WHERE state = 'waiting' AND unreachable")
    _waiting_idx = models.Index("(next_try_at, id) WHERE state = 'waiting'")
    _participant_idx = models.Index("(participant_id, id)")
    _parked_idx = models.Index("(id) WHERE state = 'parked'")

    # === ACTIONS === #

    def action_send_again(self):
        """Send these callbacks, whatever became of them before; but none that tells somebody what
        it may not know any more."""
        if not self.env.user.has_group("g2p_spar_fa_directory.group_manager"):
            raise AccessError(self.env._("Only managers send callbacks again."))
        self.check_access("read")
        for callback in self:
            if problem := callback._withdrawn():
                raise UserError(
                    self.env._(
                        "Callback %(name)s cannot be sent: %(problem)s.",
                        name=callback.callback_message_id,
                        problem=problem,
                    )
                )
        self.env.cr.execute(
            f"""UPDATE g2p_spar_callback SET state = 'waiting', try_count = 0, next_try_at = {NOW},
                unreachable = FALSE WHERE id = ANY(%s)""",
            [self.ids],
        )
        self.invalidate_recordset()
        self.env["g2p.spar.callback.receiver"].expect(self)
        lane.wake(self.env, self._name)

    # === BUSINESS METHODS === #

    @api.private
    def schedule(self, message_id):
        """Have the results of a finished message sent, where it has a callback address.

        :param int message_id: database id.
        """
        self.env.cr.execute(SCHEDULE, (message_id, str(uuid.uuid4())))
        if self.env.cr.rowcount:
            lane.wake(self.env, self._name)

    @api.model
    def _cron_deliver(self):
        """Deliver what is due, for some seconds or until nothing is."""
        lane.run(self.env, self._deliver_next)

    def _deliver_next(self, _memory):
        """Try to deliver one callback. What is being tried is committed before, and what became of
        it after.

        :return: whether one was due.
        :rtype: bool
        """
        cr, (first_delay, max_delay, max_tries) = self.env.cr, self._settings()
        read_committed(cr)
        cr.execute(CLAIM, (first_delay, max_delay, TOTAL_SECONDS))
        row = cr.fetchone()
        if row is None:
            return False
        lane.commit(self.env)
        callback, attempt = self.browse(row[0]), self.env["g2p.spar.callback.try"].browse(row[1])
        outcome = callback._deliver()
        read_committed(cr)
        attempt._note(outcome)
        callback._note(outcome, max_tries)
        self.env["g2p.spar.callback.receiver"].browse(row[2])._note(outcome, first_delay)
        lane.commit(self.env)
        return True

    def _deliver(self):
        """:rtype: Outcome"""
        try:
            if problem := self._withdrawn():
                return Outcome(False, 0, problem, False, 0, final=True)
            body = self.env["g2p.spar.exchange"].callback_body(self)
            if body is None:
                return Outcome(False, 0, "its results are no longer kept", False, 0, final=True)
            raw, headers = body
            url, hosts = self.url, self._hosts()
            lane.commit(self.env)  # no transaction stays open while the receiver thinks
            return deliver(url, raw, headers, hosts)
        except SparHttpError as error:  # it cannot be signed
            return Outcome(False, 0, error.message.rstrip("."), False, 0)
        except Exception as error:  # noqa: BLE001 - whatever it is, the lane goes on with others
            _logger.error("Callback %s: %s", self.id, describe(error))
            self.env.cr.rollback()
            return Outcome(False, 0, f"unexpected: {type(error).__name__}", False, 0)

    def _withdrawn(self):
        """Why the participant may not be told these results today; None where it may."""
        participant = self.env["g2p.spar.participant"].get_profile(self.participant_id.id)
        operation = self.message_id.operation
        if participant.secret_version is None:
            return "the participant is archived"
        if operation not in participant.authority.operations:
            return f"the participant may not call {operation} any more"
        return None

    def _hosts(self):
        """The hosts that the participant's record allows today."""
        return self.env["g2p.spar.participant"].get_profile(self.participant_id.id).callbacks.hosts

    def _note(self, outcome, max_tries):
        state = "waiting"
        if outcome.delivered:
            state = "delivered"
        elif outcome.final or self.try_count >= max_tries:
            state = "parked"
        self.env.cr.execute(
            f"""UPDATE g2p_spar_callback SET state = %s, problem = %s, unreachable = %s,
                delivered_at = CASE WHEN %s THEN {NOW} END WHERE id = %s""",
            (state, outcome.problem, outcome.unreachable, outcome.delivered, self.id),
        )

    @api.private
    def catch_up(self, participant_id, host):
        """A receiver is back: what it could not be reached for is due.

        :param str host: with its port, as in the address.
        """
        self.env.cr.execute(CATCH_UP, (participant_id, host))

    @tools.ormcache()
    def _settings(self):
        """Seconds after the first try, the longest wait, and the number of tries."""
        parameters = self.env["ir.config_parameter"].sudo()
        return tuple(
            int(parameters.get_param(f"g2p_spar.callback_{name}", default))
            for name, default in (
                ("first_delay", FIRST_DELAY_SECONDS),
                ("max_delay", MAX_DELAY_SECONDS),
                ("max_tries", MAX_TRIES),
            )
        )

    @api.autovacuum
    def _gc_told(self):
        """Purge callbacks and their tries with what they told, a batch per call."""
        days = self.env["g2p.spar.message"]._retention_days()
        self.env.cr.execute(PURGE, (days, PURGE_BATCH))
        return self.env.cr.rowcount, self.env.cr.rowcount == PURGE_BATCH

    # === PROBE === #

    @api.private
    def send_probe(self, participant):
        """Send a status message about nothing to a participant's callback address.

        :param participant: record.
        :rtype: Outcome
        """
        if not participant.callback_url:
            return Outcome(False, 0, "there is no callback address to try", False, 0)
        url = f"{participant.callback_url.rstrip('/')}/txn/on-status"
        raw, headers = self.env["g2p.spar.exchange"].probe_body(participant)
        return deliver(url, raw, headers, [parse_url(url).origin])
