# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Workers that are killed, and a disk that is full."""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import psutil
import psycopg2
import pytest
from conftest import RunningServer, fresh_database
from log_search import Logs
from mapper_client import (
    STANDARD,
    TIMEOUT,
    BackOffice,
    Client,
    Connection,
    new_fa,
    new_id,
    new_phone,
    together,
)
from registry_state import RegistryState

BATCH = 10_000
KILLS = 4
SPOOL = Path(__file__).resolve().parents[1] / "g2p_spar_mapper" / "access_spool.py"


@pytest.fixture(scope="module")
def victim():
    """A server to harm; its logs, which go with it, are searched before."""
    running = RunningServer(fresh_database("spar_victim"))
    try:
        yield running
        Logs(running).check_clean()
    finally:
        running.stop()


def await_workers(server, killed):
    """Wait until two workers serve, none of them a killed one."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        workers = server.worker_pids()
        if len(workers) == 2 and not killed & set(workers):
            return
        time.sleep(0.1)
    raise AssertionError("killed workers were not replaced")


def worker_of(server, port):
    """Id of the worker that serves the connection from that port of ours; None before it does."""
    for pid in server.worker_pids():
        try:
            connections = psutil.Process(pid).net_connections("tcp")
        except psutil.NoSuchProcess:
            continue
        if any(known.raddr and known.raddr.port == port for known in connections):
            return pid
    return None


def kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def call_and_kill(server, client, message, delay):
    """Send a message and kill the worker that has it.

    :param float delay: seconds after sending
    :return: the reply, or None when there was none; whether a worker was killed
    """
    connection = Connection(server.url)
    body = json.dumps(message)
    connection.send("POST", f"{STANDARD}/link", body, client.headers)
    port = connection.port
    time.sleep(delay)
    pid = worker_of(server, port)
    if pid:
        kill(pid)
        await_workers(server, {pid})
    try:
        return connection.receive(), bool(pid)
    except (OSError, http.client.HTTPException):
        return None, bool(pid)


def test_a_killed_worker_does_all_of_a_message_or_nothing(victim):
    """Sent again with its message_id, a message has one result, whatever became of the first."""
    client, state = Client(victim), RegistryState(victim)
    for _batch in range(2):  # the first one warms a worker up
        whole = client.link([(new_id(), new_fa()) for _item in range(BATCH)])
        assert all(whole.succeeded)
    dice = random.Random(19)
    interrupted = 0
    for round_ in range(5 * KILLS):
        if round_ >= KILLS and interrupted >= 2:
            break  # more only where the machine was quicker or slower than it was before
        ids = [new_id() for _item in range(BATCH)]
        message = client.message("link", [{"id": id_, "fa": new_fa()} for id_ in ids])
        # The last one comes close to the commit.
        share = 0.95 if round_ == KILLS - 1 else dice.uniform(0.1, 0.8)
        reply, killed = call_and_kill(victim, client, message, share * whole.seconds)
        interrupted += killed and reply is None
        await_idle(state)
        done = set(state.mappings(ids))
        assert done in (set(), set(ids))
        expected = {id_: (1, 1) for id_ in done}
        assert state.event_counts(ids) == expected
        messages = state.messages(message["header"]["message_id"])
        assert messages == ([("done", BATCH, BATCH)] if done else [])
        if reply:
            assert reply.status == 200 and all(reply.succeeded) and done
        again = client.post("link", message)
        assert again.status == 200 and len(again.succeeded) == BATCH and all(again.succeeded)
        if reply:
            assert again.body == reply.body
        assert state.event_counts(ids) == {id_: (1, 1) for id_ in ids}
        state.check_history(ids)
    assert interrupted >= 2


def await_idle(state):
    """Wait until the database has noticed that its client is gone."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        if not state.query(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND state IN ('active', 'idle in transaction') "
            "AND xact_start IS NOT NULL AND query LIKE '%%g2p_spar_m%%'"
        ):
            return
        time.sleep(0.05)
    raise AssertionError("a transaction goes on")


def test_killed_workers_lose_no_disclosure(victim):
    """Each answered resolve is in the access log once, though workers and the loader died."""
    client, office = Client(victim), BackOffice(victim)
    ids = [new_id() for _item in range(100)]
    assert all(client.link([(id_, new_fa()) for id_ in ids]).succeeded)
    assert client.token
    cron = office.reference("g2p_spar_mapper.cron_load_access_spool")
    load = partial(office.call, "ir.cron", "method_direct_trigger", [cron])
    answered, sent = [], []
    over = threading.Event()

    def resolve_on_and_on():
        while not over.is_set():
            message = client.message("resolve", [{"id": id_, "scope": "details"} for id_ in ids])
            transaction_id = message["message"]["transaction_id"]
            sent.append(transaction_id)
            try:
                reply = client.post("resolve", message)
            except (OSError, http.client.HTTPException):
                continue
            assert reply.status == 200, reply.body
            assert all("fa" in item for item in reply.items)
            answered.append(transaction_id)

    def load_and_kill():
        dice = random.Random(23)
        try:
            for _kill in range(KILLS):
                loading = threading.Thread(target=attempt, args=(load,))
                loading.start()
                time.sleep(dice.uniform(0.01, 0.15))
                pids = victim.worker_pids()
                for pid in pids:
                    kill(pid)
                await_workers(victim, set(pids))
                loading.join()
        finally:
            over.set()

    assert together([resolve_on_and_on, resolve_on_and_on, load_and_kill]) == [None] * 3
    office.run_job("g2p_spar_mapper.cron_load_access_spool")
    rows = RegistryState(victim).query(
        "SELECT purpose, count(*), max(shown_count), max(mapping_ids) "
        "FROM g2p_spar_access_log WHERE kind = 'resolve' GROUP BY purpose"
    )
    logged = {purpose.removeprefix("transaction "): counts for purpose, *counts in rows}
    assert len(answered) > KILLS
    assert set(answered) <= set(logged) <= set(sent)
    [(messages, shown, mapping_ids)] = {tuple(counts) for counts in logged.values()}
    assert (messages, shown, len(mapping_ids.split())) == (1, len(ids), len(ids))


def attempt(call):
    """Call, though the worker that answers may be killed."""
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        call()


@contextlib.contextmanager
def job_held(server, name):
    """A scheduled action of the mapper does not run meanwhile; one that runs is waited for."""
    with contextlib.closing(psycopg2.connect(**server.dsn)) as connection:
        connection.cursor().execute(
            """SELECT FROM ir_cron AS cron JOIN ir_model_data AS data ON data.res_id = cron.id
            WHERE data.model = 'ir.cron' AND data.module = 'g2p_spar_mapper' AND data.name = %s
            FOR NO KEY UPDATE OF cron""",
            [name],
        )
        yield


@contextlib.contextmanager
def spool_in_trouble(spool, trouble):
    aside = spool.with_name("aside")
    if spool.exists():
        spool.rename(aside)
    if trouble == "full":
        spool.symlink_to("/dev/full")  # each write ends with "no space left on device"
    else:
        spool.mkdir()
    try:
        yield
    finally:
        spool.unlink() if trouble == "full" else spool.rmdir()
        if aside.exists():
            aside.rename(spool)


@pytest.mark.parametrize("trouble", ["full", "unwritable"])
def test_a_resolve_that_cannot_be_recorded_discloses_nothing(server, trouble):
    client, state, logs = Client(server), RegistryState(server), Logs(server)
    id_, fa = new_id(), new_fa()
    assert client.link([(id_, fa)]).succeeded == [True]
    assert client.resolve([id_]).items[0]["fa"] == fa
    folder = server.log_path.parent / "spool" / server.database
    spool = folder / f"{socket.gethostname()}.ndjson"
    with job_held(server, "cron_load_access_spool"), spool_in_trouble(spool, trouble):
        reply = client.resolve([id_])
        assert reply.status == 500
        assert reply.json == {
            "errors": [{"code": "err.service.unavailable", "message": "Internal error"}]
        }
        assert reply.headers["content-type"] == "application/json"
        # Changes need no spool.
        assert client.update([(id_, new_fa())]).succeeded == [True]
    assert client.resolve([id_]).items[0]["fa"] == state.mappings([id_])[id_]
    logs.check_clean()


WRITE_UNTIL_FULL = """
import importlib.util, json, resource, sys
specification = importlib.util.spec_from_file_location("access_spool", sys.argv[1])
access_spool = importlib.util.module_from_spec(specification)
specification.loader.exec_module(access_spool)
spool = access_spool.AccessSpool(sys.argv[2])
spool.append({"n": 1})
size = spool.path.stat().st_size
# The disk has room for half a record; then there is room again.
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 4, unlimited[1]))
try:
    spool.append({"n": 2, "text": "long enough to be cut"})
    refused = False
except OSError:
    refused = True
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
spool.append({"n": 3})
records = [record for path in spool.take() for record in spool.records(path)]
print(json.dumps([refused, records]))
"""


def test_a_record_cut_short_by_a_full_disk_harms_no_other(tmp_path):
    """What was refused is not loaded, and the records after it are."""
    done = subprocess.run(
        [sys.executable, "-c", WRITE_UNTIL_FULL, SPOOL, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    refused, records = json.loads(done.stdout)
    assert refused
    assert [record["n"] for record in records] == [1, 3]


CHECK = "ALTER TABLE g2p_spar_mapping ADD CONSTRAINT forbidden CHECK (name <> 'forbidden')"
TRIGGER = """
CREATE FUNCTION tell() RETURNS trigger AS $$
BEGIN
    RAISE EXCEPTION 'told' USING DETAIL = NEW.id_value || ' ' || NEW.fa, HINT = NEW.phone;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER tell BEFORE UPDATE ON g2p_spar_mapping FOR EACH ROW EXECUTE FUNCTION tell();
"""
# No JSON: the exception of its reader has the whole text as an attribute.
SPOIL = "UPDATE g2p_spar_mapping SET additional_info = 'spoilt ' || fa WHERE id_key = %s"


def test_errors_that_carry_values_tell_no_log(victim):
    """Neither the database's errors, nor Python's, take an ID or an address into a log."""
    client, logs = Client(victim), Logs(victim)
    id_ = new_id()
    item = {"id": id_, "fa": new_fa(), "phone_number": new_phone()}
    assert client.call("link", [item]).succeeded == [True]
    with victim.connect() as connection, connection.cursor() as cursor:
        cursor.execute(SPOIL, [id_.lower()])
        cursor.execute(CHECK)
        cursor.execute(TRIGGER)
    failing = {
        "check": partial(
            client.call, "link", [{"id": new_id(), "fa": new_fa(), "name": "forbidden"}]
        ),
        "trigger": partial(client.update, [(id_, new_fa())]),
        "python": partial(client.resolve, [id_]),
    }
    for name, call in failing.items():
        reply = call()
        assert reply.status == 500, name
        assert reply.json == {
            "errors": [{"code": "err.service.unavailable", "message": "Internal error"}]
        }
    # All three left a trace, by class and place.
    assert logs.lines_with("checkviolation")
    assert logs.lines_with("raiseexception")
    assert logs.lines_with("jsondecodeerror")
