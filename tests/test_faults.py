# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Processes that are killed while asynchronous messages are received, carried out and told:
what was acknowledged is done once, and told."""

import contextlib
import http.client
import itertools
import os
import random
import signal
import threading
import time

import callback_receiver
import participants
import psutil
import pytest
from callback_receiver import CallbackReceiver
from conftest import RunningServer, fresh_database
from lanes import await_true
from log_search import Logs
from mapper_client import (
    STANDARD,
    STANDARD_ASYNC,
    BackOffice,
    Client,
    exchange,
    new_fa,
    new_id,
    together,
)
from own_cluster import OwnCluster
from registry_state import RegistryState

MESSAGES = 20
RECEIVER_ID = "registry.example"
NO_ANSWER = (OSError, http.client.HTTPException)


@pytest.fixture(scope="module")
def cluster():
    cluster = OwnCluster()
    yield cluster
    cluster.remove()


@pytest.fixture
def victim(cluster):
    """A server to harm, on a database server to harm; its logs are searched before they go."""
    running = cluster.run("spar_faults")
    try:
        yield running
        Logs(running).check_clean()
    finally:
        running.stop()


@pytest.fixture
def receiver():
    receiver = CallbackReceiver()
    yield receiver
    receiver.down()


def serves(server):
    """Whether the registry and its database answer; a registry that has ended is started again,
    as its supervisor would: Odoo's first process ends when it misses its database."""
    if not server.lives():
        server.restart()
    try:
        return exchange(server.url, "GET", "/spar/health").status == 200
    except NO_ANSWER:
        return False


# === A killed PostgreSQL, and synchronous calls === #


def test_a_killed_database_keeps_what_was_answered(victim, cluster):
    client = Client(victim)
    pairs = [(new_id(), new_fa()) for _item in range(100)]
    assert all(client.link(pairs).succeeded)
    cluster.kill()
    with contextlib.suppress(*NO_ANSWER):
        assert client.resolve([pairs[0][0]]).status != 200
    cluster.start()
    await_true(lambda: serves(victim))
    await_true(lambda: client.resolve([pairs[0][0]]).status == 200)
    items = client.resolve([id_ for id_, _fa in pairs]).items
    assert [(item["id"], item["fa"]) for item in items] == pairs
    assert client.link([(new_id(), new_fa())]).succeeded == [True]


# === Everything killed, and asynchronous calls === #


class Sender:
    """Sends messages of its own until each is acknowledged, as a client should.

    :ivar list told: (message, correlation_id) of what was acknowledged
    :ivar int unanswered: how many times there was no answer to go by
    """

    def __init__(self, client, batches, seconds):
        self.client = client
        self.messages = [
            client.message("link", batch, receiver_id=RECEIVER_ID) for batch in batches
        ]
        self.pause = seconds / len(self.messages)
        self.told = []
        self.unanswered = 0

    def run(self):
        for message in self.messages:
            self.told.append((message, self.send(message)))
            time.sleep(self.pause)

    def send(self, message):
        """Its correlation_id."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            reply = None
            with contextlib.suppress(*NO_ANSWER, AssertionError):  # no token either
                reply = self.client.post("link", message, STANDARD_ASYNC)
            if reply and reply.status == 200:
                told = reply.json["message"]
                assert told["ack_status"] == "ACK", told
                return told["correlation_id"]
            self.unanswered += 1
            time.sleep(0.2)
        raise AssertionError("never acknowledged")


class Resolver:
    """Resolves on and on, now and then asynchronously.

    :ivar set answered: transaction ids of what was answered or acknowledged
    """

    def __init__(self, client, ids):
        self.client = client
        self.ids = ids
        self.answered = set()
        self.sent = set()
        self.over = threading.Event()

    def run(self):
        for base in itertools.cycle([STANDARD] * 9 + [STANDARD_ASYNC]):
            if self.over.is_set():
                return
            message = self.client.message(
                "resolve", [{"id": id_, "scope": "details"} for id_ in self.ids]
            )
            transaction_id = message["message"]["transaction_id"]
            self.sent.add(transaction_id)
            reply = None
            with contextlib.suppress(*NO_ANSWER, AssertionError):  # no token either
                reply = self.client.post("resolve", message, base)
            if reply and reply.status == 200:
                # NACK: acknowledged, and no callback, for which there is no address
                assert base == STANDARD or reply.json["message"]["ack_status"] == "NACK"
                assert all("fa" in item for item in reply.items)
                self.answered.add(transaction_id)
            time.sleep(0.05)


class Chaos:
    """Kills web workers, cron workers and PostgreSQL in turns; the receiver is down at first.

    :ivar dict kills: how many of each
    """

    def __init__(self, server, cluster, receiver, seconds):
        self.server, self.cluster, self.receiver = server, cluster, receiver
        self.dice = random.Random(4)
        self.pause = seconds / 8
        self.kills = {"HTTP": 0, "Cron": 0, "PostgreSQL": 0}

    def run(self):
        for turn, kind in enumerate(("Cron", "HTTP", "PostgreSQL", "Cron", "HTTP", "Cron")):
            time.sleep(self.pause * self.dice.uniform(0.5, 1.5))
            if kind == "PostgreSQL":
                self.cluster.kill()
                time.sleep(self.dice.uniform(0, 1))
                self.cluster.start()
                self.kills[kind] += 1
            else:
                self.kills[kind] += self.kill_workers(kind)
            await_true(lambda: serves(self.server))
            if turn == 3:
                self.receiver.up()

    def kill_workers(self, kind):
        """All of a kind: what one of them was amid is not known from outside."""
        pids = self.server.worker_pids(kind)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(pids)


def batches(total):
    """Items of messages: most are new; some IDs stand in two messages; some are no IDs."""
    size = total // MESSAGES
    contested = [new_id() for _item in range(total // 20)]
    twice = contested * 2
    random.Random(7).shuffle(twice)
    made = []
    for number in range(MESSAGES):
        share = twice[number * len(twice) // MESSAGES : (number + 1) * len(twice) // MESSAGES]
        wrong = ["no ID", *(new_id() + " blank" for _item in range(size // 20))]
        new = [new_id() for _item in range(size - len(share) - len(wrong))]
        items = [{"id": id_, "fa": new_fa()} for id_ in (*share, *wrong, *new)]
        random.Random(number).shuffle(items)
        made.append(items)
    return made, set(contested)


def senders(server, receiver, total, seconds):
    """Two participants: one with a token, one that signs its messages and has its callbacks
    signed; each has half of the messages."""
    url = f"{receiver.url}/callback"
    plain, _id = participants.register(server, callback_url=url)
    signer, _id = participants.register(
        server,
        callback_url=url,
        authentication="signature",
        signature_dialect="g2p_connect",
        sign_answers=True,
        key=participants.signing_key("g2p_connect"),
    )
    made, contested = batches(total)
    half = MESSAGES // 2
    return (
        Sender(plain, made[:half], seconds),
        Sender(signer, made[half:], seconds),
    ), contested


@pytest.mark.parametrize(
    ("total", "seconds"),
    [
        (2_000, 12),
        pytest.param(50_000, 60, marks=pytest.mark.long),
    ],
)
def test_nothing_acknowledged_is_lost(victim, cluster, receiver, total, seconds):
    state = RegistryState(victim)
    participants.set_parameters(
        victim, callback_first_delay=1, callback_max_tries=10_000, receiver_id=RECEIVER_ID
    )
    client = Client(victim)
    shown = [new_id() for _item in range(20)]
    assert all(client.link([(id_, new_fa()) for id_ in shown]).succeeded)
    receiver.down()
    (plain, signer), contested = senders(victim, receiver, total, seconds)
    resolver, chaos = Resolver(client, shown), Chaos(victim, cluster, receiver, seconds)

    def disturb():
        try:
            chaos.run()
        finally:
            resolver.over.set()

    assert together([plain.run, signer.run, resolver.run, disturb]) == [None] * 4
    assert all(chaos.kills.values())
    assert plain.unanswered + signer.unanswered

    told = plain.told + signer.told
    assert len(told) == MESSAGES
    correlation_ids = [correlation_id for _message, correlation_id in told]
    await_true(
        lambda: all(map(receiver.of, correlation_ids)), timeout=60 + total / 500, server=victim
    )
    check_callbacks(receiver, told)
    check_registry(state, receiver, told, contested)
    check_messages(victim, state, correlation_ids, total)
    for message, correlation_id in plain.told[:3]:
        assert plain.send(message) == correlation_id
    check_disclosures(victim, state, resolver)


def check_callbacks(receiver, told):
    """Each tells of each item once; what came more than once is the same each time."""
    for message, correlation_id in told:
        deliveries = receiver.of(correlation_id)
        assert len({one.message_id for one in deliveries}) == 1
        first = deliveries[0]
        assert all(one.items == first.items for one in deliveries)
        asked = [item["reference_id"] for item in message["message"]["link_request"]]
        assert [item["reference_id"] for item in first.items] == asked
        assert first.json["header"]["completed_count"] == len(asked)


def check_registry(state, receiver, told, contested):
    """What is told to be linked is linked, once, with that address; nothing else is."""
    linked, asked = {}, set()
    for message, correlation_id in told:
        items = message["message"]["link_request"]
        asked.update(item["id"] for item in items)
        answers = receiver.of(correlation_id)[0].items
        for item, answer in zip(items, answers, strict=True):
            assert answer["status"] in ("succ", "rjct")
            if answer["status"] == "succ":
                assert item["id"] not in linked
                linked[item["id"]] = item["fa"]
    valid = {id_ for id_ in asked if " " not in id_}
    assert contested <= valid == set(linked)
    assert state.mappings(list(asked)) == linked
    assert state.event_counts(list(valid)) == dict.fromkeys(valid, (1, 1))
    state.check_history(list(valid))


def check_messages(server, state, correlation_ids, total):
    """The records of the messages and callbacks say the same."""
    rows = state.query(
        "SELECT state, item_count, done_count, succeeded_count + rejected_count "
        "FROM g2p_spar_message WHERE correlation_id = ANY(%s)",
        correlation_ids,
    )
    assert len(rows) == MESSAGES
    assert {row[0] for row in rows} == {"done"}
    assert all(items == done == counted for _state, items, done, counted in rows)
    assert sum(row[1] for row in rows) == total
    delivered = (
        "SELECT count(*), bool_and(state = 'delivered') FROM g2p_spar_callback WHERE message_id IN"
        " (SELECT id FROM g2p_spar_message WHERE correlation_id = ANY(%s))"
    )
    await_true(lambda: state.query(delivered, correlation_ids) == [(MESSAGES, True)], server=server)
    [(chunked,)] = state.query(
        "SELECT sum(item_count) FROM g2p_spar_message_chunk WHERE message_id IN"
        " (SELECT id FROM g2p_spar_message WHERE correlation_id = ANY(%s))",
        correlation_ids,
    )
    assert chunked == total


def check_disclosures(server, state, resolver):
    """Each look-up that was answered or acknowledged is in the access log."""
    await_true(lambda: not backlog(state), server=server)
    BackOffice(server).run_job("g2p_spar_mapper.cron_load_access_spool")
    rows = state.query("SELECT purpose FROM g2p_spar_access_log WHERE kind = 'resolve'")
    logged = {purpose.removeprefix("transaction ") for (purpose,) in rows}
    assert resolver.answered and resolver.answered <= logged <= resolver.sent


# === A backlog of one, and the traffic of another === #


@pytest.fixture
def busy():
    """A server whose queue is left full."""
    running = RunningServer(fresh_database("spar_busy"))
    yield running
    running.stop()


@pytest.mark.parametrize(
    ("messages", "items"),
    [(20, 5_000), pytest.param(100, 10_000, marks=pytest.mark.long)],
)
def test_a_backlog_starves_nobody(busy, receiver, messages, items):
    """While one participant's messages wait, another's is done after a chunk or two, and
    synchronous calls are answered as ever."""
    url = f"{receiver.url}/callback"
    heavy, _id = participants.register(busy, callback_url=url)
    light, _id = participants.register(busy, callback_url=url)
    office = Client(busy)
    ids = [new_id() for _item in range(10)]
    assert all(office.link([(id_, new_fa()) for id_ in ids]).succeeded)
    for _message in range(messages):
        pairs = ({"id": new_id(), "fa": new_fa()} for _item in range(items))
        reply = heavy.call("link", list(pairs), STANDARD_ASYNC)
        assert reply.json["message"]["ack_status"] == "ACK"
    state = RegistryState(busy)
    waited, answered = [], []
    for _time in range(5):
        began = time.monotonic()
        reply = light.call("link", [{"id": new_id(), "fa": new_fa()}], STANDARD_ASYNC)
        receiver.await_callback(reply.json["message"]["correlation_id"], timeout=30)
        waited.append(time.monotonic() - began)
        answered += [office.resolve(ids).seconds for _call in range(10)]
        assert backlog(state), "there was no backlog any more"
    print("callback after", waited, "resolve after", sorted(answered))
    assert sorted(waited)[2] < 10
    assert sorted(answered)[len(answered) // 2] < 0.5
    assert psutil.Process(busy.pid).is_running()


def test_a_slow_receiver_holds_up_nobody(busy, receiver):
    """One that takes its time with each of many callbacks delays another's by one or two."""
    url = f"{receiver.url}/callback"
    slow = CallbackReceiver()
    slow.answer = callback_receiver.slow(4)
    try:
        heavy, _id = participants.register(busy, callback_url=f"{slow.url}/callback")
        light, _id = participants.register(busy, callback_url=url)
        for _message in range(12):
            heavy.call("link", [{"id": new_id(), "fa": new_fa()}], STANDARD_ASYNC)
        await_true(lambda: slow.deliveries)
        began = time.monotonic()
        reply = light.call("link", [{"id": new_id(), "fa": new_fa()}], STANDARD_ASYNC)
        receiver.await_callback(reply.json["message"]["correlation_id"])
        assert time.monotonic() - began < 16
    finally:
        slow.down()


def backlog(state):
    """Items that are not done yet."""
    [(items,)] = state.query(
        "SELECT coalesce(sum(item_count - done_count), 0) FROM g2p_spar_message "
        "WHERE state IN ('queued', 'running')"
    )
    return items
