# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Asynchronous messages on a running registry: acknowledged, carried out, told by a callback."""

import functools
import json
import random
import uuid

import callback_receiver
import participants
import pytest
import signing
from callback_receiver import CallbackReceiver
from lanes import await_true
from log_search import Logs
from mapper_client import (
    OPENG2P_1_ASYNC,
    STANDARD_ASYNC,
    BackOffice,
    bank_fa,
    exchange,
    new_fa,
    new_id,
    new_number,
    together,
)
from registry_state import RegistryState
from test_hostile import disturb, fresh_item, spoilt_text

BASES = {"strict": STANDARD_ASYNC, "openg2p_1": OPENG2P_1_ASYNC}
DIALECTS = ("openg2p_1", "openg2p_2", "g2p_connect")
FIRST_DELAY = 1
RECEIVER_ID = "registry.example"


@pytest.fixture
def receiver():
    receiver = CallbackReceiver()
    yield receiver
    receiver.down()


@pytest.fixture(scope="module", autouse=True)
def impatient(server):
    """Callbacks that fail are tried again after a second, not a minute."""
    participants.set_parameters(
        server, callback_first_delay=FIRST_DELAY, callback_max_tries=4, receiver_id=RECEIVER_ID
    )
    yield
    participants.set_parameters(server, callback_first_delay=60, callback_max_tries=15)


@pytest.fixture(autouse=True)
def logs(server):
    logs = Logs(server)
    yield logs
    assert not logs.lines_with(" error ", " critical ", "traceback (most recent")


def register(server, receiver, profile="strict", **values):
    url = f"{receiver.url}/callback"
    return participants.register(server, profile, callback_url=url, **values)[0]


def acknowledged(reply, status="ACK"):
    """The correlation_id of an ACK."""
    assert reply.status == 200, reply.body
    [(name, message)] = reply.json.items()
    assert name == "message"
    assert set(message) == {"ack_status", "timestamp", "correlation_id"}
    assert message["ack_status"] == status
    return message["correlation_id"]


def refused(reply, code="err.request.bad", status=200):
    """The text of an ERR."""
    assert reply.status == status, reply.body
    message = reply.json["message"]
    assert message["ack_status"] == "ERR"
    assert message["error"]["code"] == code
    return message["error"]["message"]


def outcome(reply, receiver, operation):
    """The callback that follows an ACK."""
    delivery = receiver.await_callback(acknowledged(reply))
    assert delivery.path == f"/callback/on-{operation}"
    assert delivery.headers["content-type"] == "application/json"
    return delivery


def statuses(delivery):
    return [item["status"] for item in delivery.items]


@pytest.mark.parametrize("profile", BASES)
def test_all_operations(server, receiver, profile):
    """Each is acknowledged, done, and its results are called back."""
    client, base = register(server, receiver, profile), BASES[profile]
    state = RegistryState(server)

    def call(operation, *items):
        message = client.message(operation, items, base)
        delivery = outcome(client.post(operation, message, base), receiver, operation)
        header, told = delivery.json["header"], delivery.json["message"]
        assert header["action"] == (f"on-{operation}" if profile == "strict" else operation)
        assert header["status"] == "succ"
        assert header["total_count"] == header["completed_count"] == len(items)
        assert told["transaction_id"] == message["message"]["transaction_id"]
        assert [item["reference_id"] for item in delivery.items] == [
            f"r{number}" for number in range(len(items))
        ]
        return delivery

    one, two = new_id(), new_id()
    fa, other = bank_fa(new_number()), new_fa()
    linked = call("link", {"id": one, "fa": fa}, {"id": two, "fa": other}, {"id": one, "fa": fa})
    assert statuses(linked) == ["succ", "succ", "rjct"]
    resolved = call("resolve", {"id": one, "scope": "details"}, {"id": new_id()})
    assert resolved.items[0]["fa"] == fa
    assert "fa" not in resolved.items[1]
    assert statuses(call("update", {"id": two, "fa": fa})) == ["succ"]
    assert state.mappings([one, two]) == {one: fa, two: fa}
    assert statuses(call("unlink", {"id": one}, {"id": new_id()})) == ["succ", "rjct"]
    assert state.mappings([one, two]) == {two: fa}
    state.check_history([one, two])


def test_a_retry_is_acknowledged_alike_and_done_once(server, receiver):
    client = register(server, receiver)
    id_ = new_id()
    message = client.message("link", [{"id": id_, "fa": new_fa()}])
    first, again = (client.post("link", message, STANDARD_ASYNC) for _time in range(2))
    correlation_id = acknowledged(first)
    assert again.body == first.body
    assert statuses(receiver.await_callback(correlation_id)) == ["succ"]
    late = client.post("link", message, STANDARD_ASYNC)
    assert late.body == first.body
    message["message"]["link_request"][0]["fa"] = new_fa()
    assert "rjct.message_id.duplicate" in refused(client.post("link", message, STANDARD_ASYNC))
    assert RegistryState(server).event_counts([id_]) == {id_: (1, 1)}
    assert len(receiver.of(correlation_id)) == 1


def test_twins_are_acknowledged_alike(server, receiver):
    """Sent several times at the same moment, to several workers."""
    client = register(server, receiver)
    ids = [new_id() for _item in range(1000)]
    for _time in range(3):
        message = client.message("link", [{"id": id_, "fa": new_fa()} for id_ in ids])
        assert client.token  # fetched once, before
        send = functools.partial(client.post, "link", message, STANDARD_ASYNC)
        replies = together([send] * 4)
        [body] = {reply.body for reply in replies}
        receiver.await_callback(acknowledged(replies[0]))
        assert len(RegistryState(server).messages(message["header"]["message_id"])) == 1
    assert RegistryState(server).event_counts(ids) == dict.fromkeys(ids, (1, 1))


def test_a_limited_participant(server, receiver):
    """What is beyond the limit is not acknowledged, and told when to come again."""
    client = register(server, receiver, write_rate=60, burst=60)
    items = [{"id": new_id(), "fa": new_fa()} for _item in range(100)]
    acknowledged(client.call("link", items, STANDARD_ASYNC))
    message = client.message("link", [{"id": new_id(), "fa": new_fa()}])
    reply = client.post("link", message, STANDARD_ASYNC)
    refused(reply, "err.request.too_many_requests", status=429)
    assert 0 < int(reply.headers["retry-after"]) <= 60
    assert RegistryState(server).messages(message["header"]["message_id"]) == []


def test_what_is_not_acknowledged(server, receiver):
    client = register(server, receiver)
    item = {"id": new_id(), "fa": new_fa()}

    def sent(**header):
        return client.post("link", client.message("link", [item], **header), STANDARD_ASYNC)

    assert "rjct.total_count.invalid" in refused(sent(total_count=2))
    assert "rjct.action" in refused(sent(action="update"))
    assert "rjct.version.invalid" in refused(sent(version="2.0.0"))
    refused(client.post("link", b"{", STANDARD_ASYNC), status=400)
    elsewhere = sent(sender_uri="https://elsewhere.example/on-link")
    refused(elsewhere, "err.sender_uri.invalid", status=400)
    unknown = exchange(
        client.url, "POST", f"{STANDARD_ASYNC}/link", b"{}", {"Content-Type": "application/json"}
    )
    assert unknown.status == 401 and unknown.json["errors"]
    assert not receiver.deliveries


def test_no_address_for_callbacks(server):
    """The standard's NACK: done all the same. OpenG2P's clients take NACK for a refusal."""
    for profile, status in (("strict", "NACK"), ("openg2p_1", "ACK")):
        client, _id = participants.register(server, profile)
        id_, fa, base = new_id(), new_fa(), BASES[profile]
        reply = client.call("link", [{"id": id_, "fa": fa}], base)
        acknowledged(reply, status)
        await_true(lambda id_=id_: RegistryState(server).mappings([id_]))


def test_an_address_in_the_message(server, receiver):
    """Where the record allows its host."""
    host = f"127.0.0.1:{receiver.port}"
    for profile, path, told in (
        ("strict", "/elsewhere", "/elsewhere"),
        ("openg2p_1", "/elsewhere", "/elsewhere/on-link"),
    ):
        client, _id = participants.register(server, profile, callback_hosts=host)
        message = client.message(
            "link", [{"id": new_id(), "fa": new_fa()}], sender_uri=f"{receiver.url}{path}"
        )
        correlation_id = acknowledged(client.post("link", message, BASES[profile]))
        assert receiver.await_callback(correlation_id).path == told


@pytest.mark.parametrize(
    "trouble",
    [
        callback_receiver.refuse,
        callback_receiver.fail,
        callback_receiver.hang_up,
        callback_receiver.slow(15),
        None,
    ],
    ids=["ERR", "500", "hangs up", "too slow", "down"],
)
def test_a_receiver_in_trouble(server, receiver, trouble):
    """Sent again, the same, until it is taken; each try is on record."""
    client = register(server, receiver)
    if trouble:
        receiver.answer = trouble
    else:
        receiver.down()
    correlation_id = acknowledged(
        client.call("link", [{"id": new_id(), "fa": new_fa()}], STANDARD_ASYNC)
    )
    state = RegistryState(server)
    await_true(lambda: tries(state, correlation_id)[:1] == [(False, True)])
    seen = len(receiver.of(correlation_id))
    receiver.answer = callback_receiver.acknowledge
    if not trouble:
        receiver.up()
    await_true(lambda: tries(state, correlation_id)[-1][0], server=server)
    sent = receiver.of(correlation_id)
    assert len(sent) > seen
    assert len({one.message_id for one in sent}) == 1
    assert len({without_time(one) for one in sent}) == 1
    told = tries(state, correlation_id)
    assert len(told) >= len(sent)
    assert told[:-1] == [(False, True)] * (len(told) - 1) and told[-1] == (True, False)


def tries(state, correlation_id):
    """(whether it was taken, whether a problem is told) of each try of a callback."""
    return state.query(
        """SELECT t.delivered IS TRUE, t.problem IS NOT NULL FROM g2p_spar_callback_try t
        JOIN g2p_spar_callback c ON c.id = t.callback_id
        JOIN g2p_spar_message m ON m.id = c.message_id
        WHERE m.correlation_id = %s ORDER BY t.id""",
        correlation_id,
    )


def without_time(delivery):
    told = delivery.json
    told["header"].pop("message_ts")
    told.pop("signature", None)
    return repr(told)


def test_parked_and_sent_again(server, receiver):
    client = register(server, receiver)
    receiver.answer = callback_receiver.refuse
    correlation_id = acknowledged(
        client.call("link", [{"id": new_id(), "fa": new_fa()}], STANDARD_ASYNC)
    )
    state, office = RegistryState(server), BackOffice(server)
    [(message_id,)] = state.query(
        "SELECT id FROM g2p_spar_message WHERE correlation_id = %s", correlation_id
    )
    parked = "SELECT id FROM g2p_spar_callback WHERE message_id = %s AND state = 'parked'"
    await_true(lambda: state.query(parked, message_id), server=server)
    receiver.answer = callback_receiver.acknowledge
    before = len(receiver.of(correlation_id))
    assert before == 4
    [(callback_id,)] = state.query(parked, message_id)
    office.must("g2p.spar.callback", "action_send_again", [callback_id])
    receiver.await_callback(correlation_id, count=before + 1)
    assert len({one.message_id for one in receiver.of(correlation_id)}) == 1


@pytest.mark.parametrize("dialect", DIALECTS)
def test_signed_both_ways(server, receiver, dialect):
    """A signed message without any token; a signed ACK and callback that others verify."""
    key = participants.signing_key(dialect)
    client = register(
        server,
        receiver,
        authentication="signature",
        signature_dialect=dialect,
        sign_answers=True,
        key=key,
    )
    jwks = exchange(server.url, "GET", "/.well-known/jwks.json").json
    fa = f"account:{new_fa()[8:]}ñ"
    message = client.message(
        "link", [{"id": new_id(), "fa": fa, "name": "Ñ"}], receiver_id=RECEIVER_ID
    )
    reply = client.post("link", message, STANDARD_ASYNC)
    correlation_id = reply.json["message"]["correlation_id"]
    assert reply.json["message"]["ack_status"] == "ACK", reply.body
    delivery = receiver.await_callback(correlation_id)
    assert statuses(delivery) == ["succ"]
    signing.verify(dialect, delivery.body, delivery.headers, jwks)
    if dialect != "g2p_connect":  # an ACK has no place for a signature in its body
        signing.verify(dialect, reply.body, reply.headers, jwks)


@pytest.mark.parametrize("profile", BASES)
def test_wrong_items_harm_no_right_ones(server, receiver, profile):
    """Whatever is wrong with the others: each item is answered in its place."""
    client, base, dice = register(server, receiver, profile), BASES[profile], random.Random(profile)
    sent = []
    for number in range(24):
        operation = ("link", "update", "unlink", "resolve")[number % 4]
        message = client.message(operation, [fresh_item(operation) for _item in range(8)], base)
        items = message["message"][f"{operation}_request"]
        if operation in ("update", "unlink"):
            linked = [{"id": item["id"], "fa": item["fa"]} for item in items]
            assert all(client.call("link", linked).succeeded)
        for place in (1, 2, 4, 6):
            items[place] = disturb(dice, items[place])
        correlation_id = acknowledged(client.post(operation, message, base))
        sent.append((operation, correlation_id))
    for operation, correlation_id in sent:
        delivery = receiver.await_callback(correlation_id)
        assert delivery.path == f"/callback/on-{operation}"
        assert len(delivery.items) == 8
        for place in (0, 3, 5, 7):
            assert delivery.items[place]["reference_id"] == f"r{place}"
            assert delivery.items[place]["status"] == "succ"


@pytest.mark.parametrize("profile", BASES)
def test_texts_that_are_no_longer_json(server, receiver, profile):
    client, base, dice = register(server, receiver, profile), BASES[profile], random.Random(profile)
    for _message in range(60):
        message = client.message("link", [fresh_item("link")], base)
        reply = client.post("link", spoilt_text(dice, json.dumps(message).encode()), base)
        assert reply.status in (200, 400, 403), reply.body
        if "errors" not in reply.json:
            told = reply.json["message"]
            assert told["ack_status"] in ("ACK", "ERR")
            assert ("error" in told) == (told["ack_status"] == "ERR")
            if told["ack_status"] == "ACK":
                receiver.await_callback(told["correlation_id"])


def test_status_while_it_waits_and_after(server, receiver):
    """By correlation id, transaction and references: the same results as the callback's."""
    client = register(server, receiver)
    ids = [new_id() for _item in range(3)]
    message = client.message("link", [{"id": id_, "fa": new_fa()} for id_ in ids])
    correlation_id = acknowledged(client.post("link", message, STANDARD_ASYNC))
    delivery = receiver.await_callback(correlation_id)
    transaction_id = message["message"]["transaction_id"]
    for kind, value in (
        ("correlation_id", correlation_id),
        ("transaction_id", transaction_id),
        ("reference_id_list", ["r0", "r1", "r2"]),
    ):
        answer = status(client, kind, value)
        assert answer["header"]["status"] == "succ"
        told = answer["message"]["txnstatus_response"]
        assert told["txn_type"] == "on-link"
        assert told["txn_status"]["link_response"] == delivery.items
    stranger, _id = participants.register(server)
    theirs = status(stranger, "correlation_id", correlation_id)
    nobodys = status(stranger, "correlation_id", uuid.uuid4().hex)
    assert lasting(theirs) == lasting(nobodys)
    assert not any(id_ in str(theirs) for id_ in ids)


def status(client, kind, value, base="/spar/v1.0.0/mapper/sync"):
    message = client.message("link", [{}])
    request = {
        "reference_id": "s1",
        "txn_type": "link",
        "attribute_type": kind,
        "attribute_value": value,
    }
    message["header"]["action"] = "txn-status"
    message["message"] = {"transaction_id": uuid.uuid4().hex, "txnstatus_request": request}
    reply = client.post("txn/status", message, base)
    assert reply.status == 200, reply.body
    return reply.json


def lasting(answer):
    """Without what differs from one answer to the next."""
    header = {**answer["header"], "message_id": "", "message_ts": "", "receiver_id": ""}
    return header, str(answer.get("message")).count("{")
