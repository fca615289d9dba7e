# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The scheduled actions behind asynchronous messages, and waiting for what they do."""

import time

import psycopg2

TIMEOUT = 60
MODELS = ("g2p.spar.message.queue", "g2p.spar.callback")
TRIGGER = """
INSERT INTO ir_cron_trigger (cron_id, call_at)
SELECT cron.id, now() AT TIME ZONE 'UTC' FROM ir_cron AS cron
JOIN ir_act_server AS action ON action.id = cron.ir_actions_server_id
JOIN ir_model AS model ON model.id = action.model_id WHERE model.model = ANY(%s)"""


def wake(server, models=MODELS):
    """Have the scheduled actions of these models look now for what is due, as they do by themselves
    each minute."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(TRIGGER, [list(models)])
    connection.close()
    with psycopg2.connect(**{**server.dsn, "dbname": "postgres"}) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('cron_trigger', %s)", [server.database])
    connection.close()


def await_true(condition, timeout=TIMEOUT, pause=0.1, server=None, models=MODELS):
    """Wait until it holds.

    :param server: whose lanes are woken each second meanwhile. Once is not enough where workers
        are killed: one that has just begun does not hear it, and looks after a minute only
    :param models: of these lanes
    """
    began = woken = time.monotonic()
    while not condition():
        now = time.monotonic()
        assert now < began + timeout, f"not so after {timeout} s"
        if server and now > woken + 1:
            wake(server, models)
            woken = now
        time.sleep(pause)
