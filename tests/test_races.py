# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Several clients at once, against two worker processes."""

import threading
import time
from functools import partial

import pytest
from log_search import Logs
from mapper_client import (
    MARK,
    BackOffice,
    Client,
    Reply,
    bank_fa,
    new_fa,
    new_id,
    new_number,
    together,
)
from registry_state import RegistryState

BATCH = 1_000
ROUNDS = 2
# A stall is seconds where the work itself takes a fraction of one; machines differ.
PATIENCE_FACTOR = 5
PATIENCE_SECONDS = 2


@pytest.fixture
def client(server):
    client = Client(server)
    assert client.token
    return client


@pytest.fixture(scope="module")
def office(server):
    return BackOffice(server)


@pytest.fixture
def state(server):
    return RegistryState(server)


@pytest.fixture
def logs(server):
    return Logs(server)


def answered(replies):
    """They are all answers with HTTP status 200."""
    for reply in replies:
        assert isinstance(reply, Reply), repr(reply)
        assert reply.status == 200, reply.body
    return replies


def test_one_of_many_simultaneous_links_wins(client, state, logs):
    for _round in range(6):
        id_ = new_id()
        fas = [new_fa() for _client in range(8)]
        replies = answered(together([partial(client.link, [(id_, fa)]) for fa in fas]))
        won = [fa for fa, reply in zip(fas, replies, strict=True) if reply.succeeded == [True]]
        assert len(won) == 1
        lost = [reply.codes for reply in replies if reply.succeeded == [False]]
        assert lost == [["rjct.other.error"]] * 7
        assert state.mappings([id_]) == {id_: won[0]}
        assert state.event_counts([id_]) == {id_: (1, 1)}
    logs.check_no_contention()


def race(calls, logs):
    """Run them one after the other, then at once on fresh data: nothing waits for long.

    :param calls: function that makes the calls for one of the two runs
    :return: the replies of the race
    """
    began = time.monotonic()
    for call in calls():
        answered([call()])
    in_turn = time.monotonic() - began
    for _round in range(ROUNDS):
        replies = answered(together(calls()))
        slowest = max(reply.seconds for reply in replies)
        assert slowest < PATIENCE_FACTOR * in_turn + PATIENCE_SECONDS
    logs.check_no_contention()
    return replies


def test_links_of_the_same_ids_in_opposite_order(client, state, logs):
    def calls():
        nonlocal batches
        ids = [new_id() for _item in range(BATCH)]
        batches = [[(id_, new_fa()) for id_ in order] for order in (ids, ids[::-1])]
        return [partial(client.link, batch) for batch in batches]

    batches = None
    replies = race(calls, logs)
    won = {}
    for batch, reply in zip(batches, replies, strict=True):
        for (id_, fa), succeeded in zip(batch, reply.succeeded, strict=True):
            if succeeded:
                assert id_ not in won
                won[id_] = fa
    assert len(won) == BATCH
    assert state.mappings(won) == won
    assert set(state.event_counts(won).values()) == {(1, 1)}
    state.check_history(won)


def test_updates_of_the_same_ids_in_opposite_order(client, state, logs):
    def calls():
        nonlocal ids
        ids = [new_id() for _item in range(BATCH)]
        answered([client.link([(id_, new_fa()) for id_ in ids])])
        orders = (ids, ids[::-1], ids[::2] + ids[1::2])
        return [partial(client.update, [(id_, new_fa()) for id_ in order]) for order in orders]

    ids = None
    for reply in race(calls, logs):
        assert all(reply.succeeded)
    assert set(state.event_counts(ids).values()) == {(4, 1)}
    state.check_history(ids)


def test_updates_and_unlinks_in_opposite_order(client, state, logs):
    def calls():
        nonlocal ids
        ids = [new_id() for _item in range(BATCH)]
        answered([client.link([(id_, new_fa()) for id_ in ids])])
        updates = [(id_, new_fa()) for id_ in ids]
        return [partial(client.update, updates), partial(client.remove, ids[::-1])]

    ids = None
    updated, unlinked = race(calls, logs)
    assert all(unlinked.succeeded)
    assert state.mappings(ids) == {}
    updates = sum(updated.succeeded)
    events = sum(events for events, _links in state.event_counts(ids).values())
    assert events == 2 * BATCH + updates
    state.check_history(ids)


def test_links_and_unlinks_in_opposite_order(client, state, logs):
    def calls():
        nonlocal ids
        ids = [new_id() for _item in range(BATCH)]
        answered([client.link([(id_, new_fa()) for id_ in ids[::2]])])
        links = [(id_, new_fa()) for id_ in ids]
        return [partial(client.link, links), partial(client.remove, ids[::-1])]

    ids = None
    linked, unlinked = race(calls, logs)
    counts = state.event_counts(ids)
    links = sum(links for _events, links in counts.values())
    events = sum(events for events, _links in counts.values())
    assert links == BATCH // 2 + sum(linked.succeeded)
    assert events == links + sum(unlinked.succeeded)
    assert len(state.mappings(ids)) == links - sum(unlinked.succeeded)
    state.check_history(ids)


def test_a_link_and_an_update_of_one_id(client, state, logs):
    for _round in range(10):
        id_, first, second = new_id(), new_fa(), new_fa()
        linked, updated = answered(
            together(
                [partial(client.link, [(id_, first)]), partial(client.update, [(id_, second)])]
            )
        )
        assert linked.succeeded == [True]
        expected = second if updated.succeeded == [True] else first
        assert updated.codes in ([None], ["rjct.id.invalid"])
        assert state.mappings([id_]) == {id_: expected}
        state.check_history([id_])
    logs.check_no_contention()


@pytest.mark.parametrize("size", [1, BATCH])
def test_a_message_sent_several_times_at_once_is_done_once(client, state, logs, size):
    ids = [new_id() for _item in range(size)]
    message = client.message("link", [{"id": id_, "fa": new_fa()} for id_ in ids])
    replies = answered(together([partial(client.post, "link", message)] * 4))
    assert all(replies[0].succeeded)
    assert len({reply.body for reply in replies}) == 1
    assert state.messages(message["header"]["message_id"]) == [("done", size, size)]
    assert set(state.event_counts(ids).values()) == {(1, 1)}
    logs.check_no_contention()


def test_two_messages_with_one_message_id_at_once(client, state, logs):
    for _round in range(4):
        ids = [new_id(), new_id()]
        messages = [client.message("link", [{"id": id_, "fa": new_fa()}]) for id_ in ids]
        messages[1]["header"]["message_id"] = messages[0]["header"]["message_id"]
        replies = answered(
            together([partial(client.post, "link", message) for message in messages])
        )
        statuses = sorted(reply.json["header"]["status"] for reply in replies)
        assert statuses == ["rjct", "succ"]
        refused = next(reply.json for reply in replies if reply.json["header"]["status"] == "rjct")
        assert refused["header"]["status_reason_code"] == "rjct.message_id.duplicate"
        assert len(state.mappings(ids)) == 1
    logs.check_no_contention()


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
    raise AssertionError("nobody waits for a lock")


def test_history_tells_the_order_of_what_happened(server, client, state):
    """A batch that starts first and waits is not dated before a change that it then finds done."""
    held, other = sorted([new_id(), new_id()], key=str.lower)
    helper = new_id()
    assert client.link([(helper, new_fa()), (other, new_fa())]).succeeded == [True, True]
    connection = server.connect()
    connection.autocommit = False
    replies = []
    batch = threading.Thread(
        target=lambda: replies.append(client.link([(held, new_fa()), (other, new_fa())]))
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE g2p_spar_mapping SET id_key = lower(%s) WHERE id_key = lower(%s)",
                [held, helper],
            )
        batch.start()
        wait_for_lock(state)
        assert Client(server).remove([other]).succeeded == [True]
    finally:
        connection.rollback()
        connection.close()
        if batch.ident:
            batch.join()
    assert replies[0].succeeded == [True, True]
    rows = state.query(
        "SELECT operation, happened_at FROM g2p_spar_mapping_event"
        " WHERE id_digest = %s ORDER BY id",
        state.digest("id", other.lower()),
    )
    assert [operation for operation, _when in rows] == ["link", "unlink", "link"]
    times = [when for _operation, when in rows]
    assert times == sorted(times)


def test_a_secret_replaced_while_calls_run(server, state, logs, office):
    """Each call is either done or refused; once the secret is replaced, none gets through."""
    sender_id = f"{MARK}.rotated"
    participant_id, problem = office.call(
        "g2p.spar.participant",
        "create",
        {"name": "Rotated", "sender_id": sender_id, "fa_policy": "opaque", "may_link": True},
    )
    assert problem is None
    credentials = {"sender_id": sender_id, "profile": "strict"}
    credentials.update(rotate(office, participant_id))
    old = Client(server, credentials=credentials)
    assert old.link([(new_id(), new_fa())]).status == 200

    replaced = threading.Event()
    sent = []

    def link_on_and_on():
        for _call in range(200):
            was_replaced = replaced.is_set()
            id_ = new_id()
            sent.append((was_replaced, id_, old.link([(id_, new_fa())])))
            if was_replaced:
                break

    def replace():
        time.sleep(0.3)
        new = rotate(office, participant_id)
        replaced.set()
        return new

    *callers, new_credentials = together([link_on_and_on, link_on_and_on, replace])
    assert callers == [None, None]
    done = {id_ for _late, id_, reply in sent if reply.status == 200}
    refused = {id_ for _late, id_, reply in sent if reply.status == 401}
    assert len(done) + len(refused) == len(sent) and done and refused
    assert all(reply.status == 401 for was_replaced, _id, reply in sent if was_replaced)
    assert set(state.mappings(done | refused)) == done
    assert old.ask_token().status == 401
    new = Client(server, credentials={**credentials, **new_credentials})
    assert new.link([(new_id(), new_fa())]).status == 200
    logs.check_no_contention()


def rotate(office, participant_id):
    """Give the participant a new secret through the back office."""
    model = "g2p.spar.participant.secret"
    wizard_id, problem = office.call(model, "create", {"participant_id": participant_id})
    assert problem is None, problem
    action, problem = office.call(model, "action_rotate", [wizard_id])
    assert problem is None, problem
    context = action["context"]
    return {name: context[f"default_{name}"] for name in ("client_id", "client_secret")}


class TestBackOffice:
    """Callers in Odoo's own transactions (REPEATABLE READ) lose a race, and are tried again."""

    def change(self, office, **values):
        """Create the wizard; returns a function that applies it."""
        values = {
            "provider_id": office.reference("g2p_spar_demo.provider_bayani"),
            "branch_id": office.reference("g2p_spar_demo.branch_bayani_1"),
            "number": new_number(),
            "reason": "race",
            **values,
        }
        wizard_id, problem = office.call("g2p.spar.mapping.change", "create", values)
        assert problem is None, problem
        return partial(office.call, "g2p.spar.mapping.change", "action_apply", [wizard_id])

    def test_an_update_that_waited_is_tried_again(self, server, client, state, logs, office):
        id_ = new_id()
        assert client.link([(id_, new_fa())]).succeeded == [True]
        [mapping_id] = office.find("g2p.spar.mapping", ["id_masked", "=", id_])
        apply = self.change(office, operation="update", mapping_id=mapping_id)
        connection = server.connect()
        connection.autocommit = False
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE g2p_spar_mapping SET changed_at = now() WHERE id = %s", [mapping_id]
                )
                outcome = []
                waiting = threading.Thread(target=lambda: outcome.append(apply()))
                waiting.start()
                wait_for_lock(state)
                connection.commit()
                waiting.join()
        finally:
            connection.close()
        assert outcome[0][1] is None
        assert logs.lines_with("tries left")  # so it did lose the race
        assert state.event_counts([id_]) == {id_: (2, 1)}
        state.check_history([id_])

    def test_a_link_that_waited_learns_that_it_lost(self, server, client, state, logs, office):
        id_, other = new_id(), new_id()
        assert client.link([(other, new_fa())]).succeeded == [True]
        apply = self.change(office, operation="link", id_value=id_)
        connection = server.connect()
        connection.autocommit = False
        try:
            with connection.cursor() as cursor:
                # What the API does to the row, held open: its ID becomes the one in question.
                cursor.execute(
                    "UPDATE g2p_spar_mapping SET id_value = %s, id_key = %s WHERE id_key = %s",
                    [id_, id_.lower(), other.lower()],
                )
                outcome = []
                waiting = threading.Thread(target=lambda: outcome.append(apply()))
                waiting.start()
                wait_for_lock(state)
                connection.commit()
                waiting.join()
        finally:
            connection.close()
        assert "linked already" in outcome[0][1]
        assert logs.lines_with("tries left")
        assert state.event_counts([id_]) == {}

    def test_updates_from_both_sides(self, client, state, office):
        id_ = new_id()
        assert client.link([(id_, new_fa())]).succeeded == [True]
        [mapping_id] = office.find("g2p.spar.mapping", ["id_masked", "=", id_])
        changes = [
            self.change(office, operation="update", mapping_id=mapping_id) for _call in range(4)
        ]

        def apply_all():
            return [apply() for apply in changes]

        def update_all():
            fas = [bank_fa(new_number()) for _call in range(12)]
            return [client.update([(id_, fa)]) for fa in fas]

        applied, updated = together([apply_all, update_all])
        assert [problem for _result, problem in applied] == [None] * len(changes)
        assert all(reply.succeeded == [True] for reply in updated)
        assert state.event_counts([id_]) == {id_: (1 + len(changes) + len(updated), 1)}
        state.check_history([id_])
