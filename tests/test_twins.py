# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""A message that comes again while it is still being carried out."""

import threading
import time
from contextlib import contextmanager
from functools import partial

import pytest
from log_search import Logs
from mapper_client import Client, new_fa, new_id
from registry_state import RegistryState

# What a twin waits for its answer, see the registry's documentation.
WAIT_SECONDS = 3


@pytest.fixture
def client(server):
    client = Client(server)
    assert client.token
    return client


@pytest.fixture
def state(server):
    return RegistryState(server)


@pytest.fixture
def linked(client):
    """An ID that is linked."""
    id_ = new_id()
    assert client.link([(id_, new_fa())]).succeeded == [True]
    return id_


@contextmanager
def held(server, id_):
    """Whoever wants to change that ID waits until the end."""
    connection = server.connect()
    connection.autocommit = False
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT FROM g2p_spar_mapping WHERE id_key = %s FOR UPDATE", [id_.lower()]
            )
        yield
    finally:
        connection.rollback()
        connection.close()


def begin(call):
    """Call in a thread; returns a function that waits for the result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()

    def end():
        thread.join(60)
        return results[0]

    return end


def wait_for_lock(state):
    """Until somebody in this database waits for a lock."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if state.query(
            "SELECT 1 FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ):
            return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


def test_a_twin_is_told_to_come_again(server, client, state, linked):
    """It does not wait for as long as the first one takes, and a worker with it."""
    message = client.message("update", [{"id": linked, "fa": new_fa()}])
    send = partial(client.post, "update", message)
    with held(server, linked):
        first = begin(send)
        wait_for_lock(state)
        twin = send()
        assert WAIT_SECONDS <= twin.seconds < 3 * WAIT_SECONDS
        assert twin.status == 200
        header = twin.json["header"]
        assert (header["status"], header["message_id"]) == (
            "pdng",
            message["header"]["message_id"],
        )
        assert "message" not in twin.json
    answer = first()
    assert answer.succeeded == [True]
    assert send().body == answer.body
    assert state.event_counts([linked]) == {linked: (2, 1)}
    Logs(server).check_no_contention()


def test_a_twin_that_waits_a_moment_gets_the_answer(server, client, state, linked):
    message = client.message("update", [{"id": linked, "fa": new_fa()}])
    send = partial(client.post, "update", message)
    with held(server, linked):
        first = begin(send)
        wait_for_lock(state)
        twin = begin(send)
        time.sleep(0.5)
    assert first().succeeded == [True]
    assert twin().body == first().body
    assert state.event_counts([linked]) == {linked: (2, 1)}


def test_a_twin_of_one_that_fails_takes_its_place(server, client, state, linked):
    """The first one's worker loses its connection: nothing of it has happened."""
    message = client.message("update", [{"id": linked, "fa": new_fa()}])
    send = partial(client.post, "update", message)
    with held(server, linked):
        first = begin(send)
        wait_for_lock(state)
        twin = begin(send)
        time.sleep(0.5)
        state.query(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        assert first().status == 503
        time.sleep(0.5)
    assert twin().succeeded == [True]
    assert state.event_counts([linked]) == {linked: (2, 1)}


def test_another_message_of_that_id_is_refused_afterwards(server, client, state, linked):
    message = client.message("update", [{"id": linked, "fa": new_fa()}])
    other = client.message("update", [{"id": new_id(), "fa": new_fa()}])
    other["header"]["message_id"] = message["header"]["message_id"]
    with held(server, linked):
        first = begin(partial(client.post, "update", message))
        wait_for_lock(state)
        second = begin(partial(client.post, "update", other))
        time.sleep(0.5)
    assert first().succeeded == [True]
    header = second().json["header"]
    assert header["status_reason_code"] == "rjct.message_id.duplicate"
