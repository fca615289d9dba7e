# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Scheduled actions that work a queue off, and what wakes them.

Whoever fills a queue wakes its lanes, at most once a second in each process, since a wake-up costs
a connection to the database. What comes within that second is seen by a lane that lingers for
longer than that after its last work. Should all else fail, the scheduled action runs every minute.
"""

import logging
import time

from psycopg2 import Error as PsycopgError

from odoo import fields

from odoo.addons.g2p_spar_connector.safe_log import describe

_logger = logging.getLogger(__name__)

WAKE_SECONDS = 1
LINGER_SECONDS = 2.5
POLL_SECONDS = 0.05
# Then the other scheduled actions have their turn; Odoo ends a worker that is silent for longer.
RUN_SECONDS = 8

# Connection, rollback (deadlocks), resources, locks, operators, system: by the first two characters
# of PostgreSQL's error code.
_PASSING_CLASSES = frozenset(("08", "40", "53", "55", "57", "58"))

_woken = {}


def wake(env, model_name):
    """Run the scheduled actions of a model as soon as this transaction is committed."""
    key = env.cr.dbname, model_name
    if time.monotonic() - _woken.get(key, -WAKE_SECONDS) < WAKE_SECONDS:
        return
    trigger(env["ir.cron"].sudo().search([("model_id.model", "=", model_name)]))
    env.cr.postcommit.add(lambda: _woken.__setitem__(key, time.monotonic()))


def trigger(crons):
    """Like `_trigger` of each of them, with one wake-up for all."""
    now = fields.Datetime.now()
    crons.env["ir.cron.trigger"].sudo().create(
        [{"cron_id": cron.id, "call_at": now} for cron in crons]
    )
    crons.env.cr.postcommit.add(lambda: _notify(crons))


def _notify(crons):
    """What was committed is safe; without this the scheduled actions run within a minute."""
    try:
        crons._notifydb()
    except Exception as error:  # noqa: BLE001 - the request has been answered for
        _logger.warning("The scheduled actions could not be woken: %s", describe(error))


def is_passing(error):
    """Whether the same work may well succeed a moment later."""
    if isinstance(error, PsycopgError):
        return error.pgcode is None or error.pgcode[:2] in _PASSING_CLASSES
    return isinstance(error, OSError)


def commit(env):
    """End what a lane has served. Its transactions are its own: nobody waits for them."""
    env.cr.commit()


def run(env, serve, linger=True):
    """Serve until nothing is left, or until it is time for others; then this action goes on as
    soon as they have had their turn.

    :param serve: called with a dictionary that lives for this run; commits what it does; returns
        whether there was anything to do.
    :param linger: wait a moment for more work. One lane of a queue must.
    """
    try:
        if not _serve_for_a_while(env, serve, LINGER_SECONDS if linger else 0):
            trigger(env["ir.cron"].browse(env.context.get("cron_id", [])))
            commit(env)
    except Exception as error:  # noqa: BLE001 - Odoo would log its text
        _logger.error("A lane ended: %s", describe(error))
        env.cr.rollback()


def _serve_for_a_while(env, serve, linger_seconds):
    """:return: False when time was up before the queue had been empty for long enough."""
    memory = {}
    last_work = began = time.monotonic()
    while (now := time.monotonic()) - began < RUN_SECONDS:
        if env.registry.check_signaling() is not env.registry:
            return False  # an addon was changed: begin anew
        if serve(memory):
            last_work = now
        elif now - last_work >= linger_seconds:
            return True
        else:
            time.sleep(POLL_SECONDS)
    return False
