# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Limits and metrics of a prefork server: its workers share one account, and may die."""

import os
import re
import signal
import time

from mapper_client import DIRECTORY, BackOffice, Client, exchange, new_id, together

TIMEOUT = 60
METRICS = "/spar/metrics"


def gauges(server):
    """Numbers by name and labels, as a program on this machine reads them."""
    reply = exchange(server.url, "GET", METRICS)
    assert reply.status == 200, reply.body
    lines = [line for line in reply.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(number) for name, number in (line.rsplit(" ", 1) for line in lines)}


def wait_for_workers(server, gone):
    """Until as many workers as before serve, without those that are gone."""
    deadline = time.monotonic() + TIMEOUT
    while len(set(server.worker_pids()) - gone) < len(gone):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_workers_share_one_account_and_one_that_dies_takes_nothing_along(own_server):
    """Asked for by twenty at once, five tokens in a minute are five, however many workers there
    are and whatever becomes of them."""
    office = BackOffice(own_server)
    client = Client(own_server)
    office.must("ir.config_parameter", "set_param", "g2p_spar.tokens_per_client", "5")
    began = time.monotonic()
    statuses = [reply.status for reply in together([client.ask_token] * 20)]
    flowed_in = int((time.monotonic() - began) * 5 / 60) + 1
    assert set(statuses) == {200, 429}
    assert 5 <= statuses.count(200) <= 5 + flowed_in
    gone = set(own_server.worker_pids())
    for pid in gone:
        os.kill(pid, signal.SIGKILL)
    wait_for_workers(own_server, gone)
    replies = together([client.ask_token] * 10)
    refused = [reply for reply in replies if reply.status == 429]
    assert len(refused) >= 10 - int((time.monotonic() - began) * 5 / 60) - 1
    for reply in refused:
        assert reply.json == {"error": "temporarily_unavailable"}
        assert 1 <= int(reply.headers["retry-after"]) <= 12


def test_a_participant_waits_as_long_as_it_is_told(server):
    office, client = BackOffice(server), Client(server)
    participants = office.find("g2p.spar.participant", ["sender_id", "=", "demo-strict"])
    ids = [new_id() for _ in range(10)]
    limits = {"resolve_rate": 600, "burst": 1}
    office.must("g2p.spar.participant", "write", participants, limits)
    try:
        assert client.resolve(ids).status == 200  # 30 of 1, and 10 flow in a second
        reply = client.resolve(ids)
        assert reply.status == 429
        assert reply.json["header"]["status"] == "rjct"
        assert reply.json["header"]["receiver_id"] == "demo-strict"
        wait = int(reply.headers["retry-after"])
        assert wait <= 3
        time.sleep(wait)
        assert client.resolve(ids).status == 200
    finally:
        office.must("g2p.spar.participant", "write", participants, dict.fromkeys(limits, 0))
    assert client.resolve(ids).status == 200


def spool_grows(server, client):
    """Whether a look-up does. The job that loads the spool may come by in between, once."""
    for _number in range(3):
        before = gauges(server)["spar_access_spool_bytes"]
        client.resolve([new_id()])
        if gauges(server)["spar_access_spool_bytes"] > before:
            return True
    return False


def test_metrics(server):
    told = gauges(server)
    assert told['spar_participants{state="active"}'] >= len(server.participants)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("ANALYZE g2p_spar_mapping")
        cursor.execute("SELECT count(*) FROM g2p_spar_mapping")
        assert gauges(server)['spar_rows_estimate{table="mapping"}'] == cursor.fetchone()[0]
    client = Client(server)
    assert spool_grows(server, client)
    assert gauges(server)["spar_access_tokens"] >= 1
    text = exchange(server.url, "GET", METRICS).body.decode()
    for known in server.participants:
        assert not re.search(rf"\b{re.escape(known['sender_id'])}\b", text)


def test_metrics_are_not_for_others(server):
    for headers in (
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Host": "spar.example.org"},
        Client(server).headers,
    ):
        reply = exchange(server.url, "GET", METRICS, headers=headers)
        assert reply.status == 401, headers
        assert reply.json["errors"]


def test_calls_of_the_directory_are_limited_too(server):
    client, office = Client(server, "demo-openg2p-2"), BackOffice(server)
    participants = office.find("g2p.spar.participant", ["sender_id", "=", "demo-openg2p-2"])
    limits = {"resolve_rate": 1, "burst": 1}
    office.must("g2p.spar.participant", "write", participants, limits)
    try:
        replies = [
            client.post("fetch-banks", client.envelope_2({}), DIRECTORY) for _number in range(2)
        ]
    finally:
        office.must("g2p.spar.participant", "write", participants, dict.fromkeys(limits, 0))
    assert [reply.status for reply in replies] == [200, 429]
    assert replies[1].json["response_header"]["response_status"] == "ERROR"
