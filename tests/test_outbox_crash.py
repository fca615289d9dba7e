# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The outbox of contacts while workers are killed."""

import contextlib
import os
import random
import signal
import time

from lanes import await_true, wake
from log_search import Logs
from mapper_client import BackOffice, new_id, new_phone
from registry_state import RegistryState

MODELS = ("g2p.spar.outbox",)
CONTACTS = 2_000
KILLS = 4
WAITING = "SELECT count(*) FROM g2p_spar_outbox WHERE state = 'waiting'"
DONE_AND_WAITING = f"""
SELECT (SELECT count(*) FROM g2p_spar_mapping WHERE id_key = ANY(%s)), ({WAITING})"""
CLAIMED = "SELECT count(*) FROM g2p_spar_outbox WHERE state = 'waiting' AND try_count > 0"


class Outbox:
    """Fills the outbox of a running server and looks at it.

    :param server: `RunningServer` with the demonstration, its connector leading to the mapper there
    """

    def __init__(self, server):
        self.server, self.office = server, BackOffice(server)
        self.state = RegistryState(server)
        must, reference = self.office.must, self.office.reference
        [self.wallet] = must(
            "g2p.fa.provider",
            "create",
            [
                {
                    "name": "Wallet of the Outbox",
                    "code": "OUTW",
                    "fa_type": "mobile_wallet",
                    "strategy_id": reference("g2p_spar_fa_directory.g2p_fa_strategy_102"),
                }
            ],
        )
        rules = self.office.find("g2p.spar.id.rule")
        must("g2p.spar.id.rule", "write", rules, {"active": False})
        rule = {
            "name": "Reference",
            "field_name": "ref",
            "company_id": False,
            "strategy_id": reference("g2p_spar_fa_directory.g2p_fa_strategy_1"),
        }
        must("g2p.spar.id.rule", "create", [rule])

    def put(self, ids):
        """Link contacts with these IDs from their phones, many at once."""
        values = [
            {
                "name": "Somebody",
                "ref": id_.partition(":")[2].partition("@")[0],
                "phone": new_phone(),
            }
            for id_ in ids
        ]
        partners = self.office.must("res.partner", "create", values)
        dialog = {
            "partner_ids": [[6, 0, partners]],
            "use_accounts": False,
            "use_phones": True,
            "wallet_provider_id": self.wallet,
            "reason": "from the registry",
        }
        dialogs = self.office.must("g2p.spar.partner.bulk.link", "create", [dialog])
        self.office.must("g2p.spar.partner.bulk.link", "action_link", dialogs)

    def count(self, statement):
        return self.state.query(statement)[0][0]

    def work_now(self):
        """Have what waits looked at now, as it is by itself after a minute."""
        with self.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "UPDATE g2p_spar_outbox SET next_try_at = now() AT TIME ZONE 'UTC' WHERE id IN"
                # what the lane has locked it works on anyway
                " (SELECT id FROM g2p_spar_outbox WHERE state = 'waiting' FOR UPDATE SKIP LOCKED)"
            )
        connection.close()
        wake(self.server, MODELS)

    def kill_lane(self):
        for pid in self.server.worker_pids("Cron"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_a_killed_lane_links_each_person_once(own_server):
    outbox = Outbox(own_server)
    ids = [new_id() for _contact in range(CONTACTS)]
    outbox.put(ids)
    dice = random.Random(11)
    interrupted = 0
    for _kill in range(KILLS):
        await_true(lambda: own_server.worker_pids("Cron"))
        outbox.work_now()
        await_true(
            lambda: outbox.count(CLAIMED) or not outbox.count(WAITING),
            pause=0.002,
            server=own_server,
            models=MODELS,
        )
        time.sleep(dice.uniform(0, 0.1))
        outbox.kill_lane()
        time.sleep(0.5)  # what it had sent to the database ends there
        interrupted += bool(outbox.count(CLAIMED))
        # at one moment: the next worker may be at it already
        [(linked, waiting)] = outbox.state.query(DONE_AND_WAITING, [id_.lower() for id_ in ids])
        assert linked + waiting == CONTACTS, "what is done is said to be done, and only that"
    assert interrupted
    await_true(lambda: own_server.worker_pids("Cron"))

    def is_done():
        if outbox.count(WAITING):
            outbox.work_now()
        return not outbox.count(WAITING)

    await_true(is_done, pause=1)
    assert outbox.state.query("SELECT DISTINCT state, problem FROM g2p_spar_outbox") == [
        ("done", None)
    ]
    assert outbox.state.event_counts(ids) == dict.fromkeys(ids, (1, 1))
    Logs(own_server).check_clean()
