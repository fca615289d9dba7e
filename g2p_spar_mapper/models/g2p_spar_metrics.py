# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import datetime

from odoo import api, fields, models

from ..prometheus import gauge

# Counted, not estimated: what waits, which an index holds and nothing else.
_WAITING_MESSAGES = """
SELECT operation, state, count(*), sum(item_count - coalesce(done_count, 0)),
    extract(epoch FROM clock_timestamp() AT TIME ZONE 'UTC' - min(received_at))
FROM g2p_spar_message WHERE state IN ('queued', 'running') GROUP BY operation, state
ORDER BY operation, state"""
# An index each.
_CALLBACKS = """
SELECT 'waiting', count(*),
    greatest(extract(epoch FROM clock_timestamp() AT TIME ZONE 'UTC' - min(next_try_at)), 0)
FROM g2p_spar_callback WHERE state = 'waiting'
UNION ALL SELECT 'parked', count(*), 0 FROM g2p_spar_callback WHERE state = 'parked'"""
_ESTIMATED = {
    "g2p_spar_mapping": "mapping",
    "g2p_spar_mapping_event": "history",
    "g2p_spar_message": "message",
    "g2p_spar_access_log": "access_log",
}


class G2pSparMetrics(models.AbstractModel):
    """What an operator watches, as Prometheus' text: how much waits and how large things are.

    Read from the database with a fixed number of statements, each over an index that holds what is
    counted or over the catalogue's estimates; the access spool is that of this host's disk. Nothing
    of a person, and no participant, is named.
    """

    _name = "g2p.spar.metrics"
    _description = "SPAR Metrics"

    @api.private
    def text(self):
        """All gauges.

        :rtype: str
        """
        return "".join(
            [
                *self._messages(),
                *self._callbacks(),
                *self._access_spool(),
                *self._sign_in(),
                self._estimates(),
            ]
        )

    def _messages(self):
        self.env.cr.execute(_WAITING_MESSAGES)
        rows = self.env.cr.fetchall()
        states = [({"operation": row[0], "state": row[1]}, row[2]) for row in rows]
        items = [({"operation": row[0], "state": row[1]}, row[3]) for row in rows]
        return (
            gauge(
                "spar_messages_waiting",
                "Asynchronous messages that were acknowledged and are not carried out yet.",
                states,
            ),
            gauge("spar_items_waiting", "Items of these messages that are not done yet.", items),
            gauge(
                "spar_message_oldest_waiting_seconds",
                "How long ago the oldest of these messages came; 0 when none waits.",
                max((row[4] for row in rows), default=0),
            ),
        )

    def _callbacks(self):
        self.env.cr.execute(_CALLBACKS)
        rows = self.env.cr.fetchall()
        return (
            gauge(
                "spar_callbacks",
                "Callbacks that are not delivered: waiting, or parked after the last try.",
                [({"state": state}, count) for state, count, _overdue in rows],
            ),
            gauge(
                "spar_callback_overdue_seconds",
                "For how long the next try of a waiting callback has been due; 0 when none is.",
                max(overdue or 0 for _state, _count, overdue in rows),
            ),
        )

    def _access_spool(self):
        size, oldest = self.env["g2p.spar.access.log"]._spool().backlog()
        age = 0
        if oldest:
            age = (fields.Datetime.now() - datetime.fromisoformat(oldest)).total_seconds()
        return (
            gauge(
                "spar_access_spool_bytes",
                "Size of the records of look-ups that wait for the access log.",
                size,
            ),
            gauge(
                "spar_access_spool_oldest_seconds",
                "How long ago the oldest of these records was made; 0 when none waits.",
                max(age, 0),
            ),
        )

    def _sign_in(self):
        self.env.cr.execute(
            """SELECT count(*) FILTER (WHERE active), count(*) FILTER (WHERE NOT active)
            FROM g2p_spar_participant"""
        )
        active, archived = self.env.cr.fetchone()
        self.env.cr.execute(
            "SELECT count(*) FROM g2p_spar_access_token WHERE expires_at > now() AT TIME ZONE 'UTC'"
        )
        [tokens] = self.env.cr.fetchone()
        participants = [({"state": "active"}, active), ({"state": "archived"}, archived)]
        return (
            gauge("spar_participants", "Participants.", participants),
            gauge("spar_access_tokens", "Bearer tokens that have not expired.", tokens),
        )

    def _estimates(self):
        """Rows of the large tables as of their last VACUUM or ANALYZE."""
        self.env.cr.execute(
            """SELECT relname, greatest(reltuples, 0) FROM pg_class
            WHERE oid = ANY (%s::regclass[]) ORDER BY relname""",
            [list(_ESTIMATED)],
        )
        rows = [({"table": _ESTIMATED[name]}, count) for name, count in self.env.cr.fetchall()]
        return gauge("spar_rows_estimate", "Rows of the large tables, as estimated.", rows)
