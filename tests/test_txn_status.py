# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What became of messages, asked while lanes work on them."""

import uuid

import pytest
import signing
from callback_receiver import CallbackReceiver
from lanes import await_true
from log_search import Logs
from mapper_client import (
    OPENG2P_1,
    OPENG2P_1_ASYNC,
    STANDARD,
    STANDARD_ASYNC,
    exchange,
    new_fa,
    new_id,
)
from participants import register, set_parameters, signing_key

BASES = {"strict": (STANDARD, STANDARD_ASYNC), "openg2p_1": (OPENG2P_1, OPENG2P_1_ASYNC)}
DIALECTS = ("openg2p_1", "openg2p_2", "g2p_connect")
PATH = "txn/status"
RECEIVER_ID = "registry.example"


@pytest.fixture
def receiver():
    receiver = CallbackReceiver()
    yield receiver
    receiver.down()


@pytest.fixture(scope="module", autouse=True)
def named(server):
    set_parameters(server, receiver_id=RECEIVER_ID)


@pytest.fixture(autouse=True)
def logs(server):
    logs = Logs(server)
    yield
    assert not logs.lines_with(" error ", " critical ", "traceback (most recent")


def question(client, attribute_type, value, operation="link", **header):
    message = client.message("link", [{}], action="txn-status", **header)
    message["message"] = {
        "transaction_id": uuid.uuid4().hex,
        "txnstatus_request": {
            "reference_id": "1",
            "txn_type": operation,
            "attribute_type": attribute_type,
            "attribute_value": value,
        },
    }
    return message


def ask(client, *asked, base=STANDARD, **header):
    reply = client.post(PATH, question(client, *asked, **header), base)
    assert reply.status == 200, reply.body
    return reply.json


def told(answer):
    return answer["message"]["txnstatus_response"]["txn_status"]


@pytest.mark.parametrize("profile", BASES)
def test_progress_and_end(server, receiver, profile):
    """Counts grow, results are added to; in the end it is what the callback said."""
    client, _id = register(server, profile, callback_url=f"{receiver.url}/callback")
    base, async_base = BASES[profile]
    items = [{"id": new_id(), "fa": new_fa()} for _item in range(3000)]
    reply = client.call("link", items, async_base)
    correlation_id = reply.json["message"]["correlation_id"]
    counts = []

    def is_done():
        answer = ask(client, "correlation_id", correlation_id, base=base)
        header, results = answer["header"], told(answer)["link_response"]
        assert header["total_count"] == len(items)
        assert header["completed_count"] == len(results)
        assert header["status"] == ("pdng" if len(results) < len(items) else "succ")
        counts.append(len(results))
        return header["status"] == "succ"

    await_true(is_done)
    assert counts == sorted(counts)
    delivery = receiver.await_callback(correlation_id)
    answer = ask(client, "correlation_id", correlation_id, base=base)
    assert told(answer)["link_response"] == delivery.items
    wanted = ["r2999", "r0"]
    asked = "reference_id_list", wanted
    assert [item["reference_id"] for item in told(ask(client, *asked))["link_response"]] == wanted


@pytest.mark.parametrize("profile", BASES)
def test_with_a_callback(server, receiver, profile):
    client, _id = register(server, profile, callback_url=f"{receiver.url}/callback")
    base, async_base = BASES[profile]
    linked = client.call("link", [{"id": new_id(), "fa": new_fa()}], base).json["message"]
    asked = question(client, "transaction_id", linked["transaction_id"])
    reply = client.post(PATH, asked, async_base)
    acknowledged = reply.json["message"]
    assert acknowledged["ack_status"] == "ACK", reply.body
    assert client.post(PATH, asked, async_base).body == reply.body or profile != "strict"
    delivery = receiver.await_callback(acknowledged["correlation_id"])
    assert delivery.path == "/callback/txn/on-status"
    assert told(delivery.json) == linked
    header = delivery.json["header"]
    assert header["action"] == ("txn-on-status" if profile == "strict" else "txn-status")
    assert (header["status"], header["completed_count"]) == ("succ", 1)
    assert delivery.json["message"]["transaction_id"] == asked["message"]["transaction_id"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_signed(server, receiver, dialect):
    """By who has nothing but a signature; answer and callback are signed for it in turn."""
    key = signing_key(dialect)
    client, _id = register(
        server,
        key=key,
        authentication="signature",
        signature_dialect=dialect,
        sign_answers=True,
        callback_url=receiver.url,
    )
    jwks = exchange(server.url, "GET", "/.well-known/jwks.json").json
    message = client.message("link", [{"id": new_id(), "fa": new_fa()}], receiver_id=RECEIVER_ID)
    linked = client.post("link", message).json["message"]
    asked = question(client, "transaction_id", linked["transaction_id"])
    reply = client.post(PATH, asked)
    signing.verify(dialect, reply.body, reply.headers, jwks)
    assert told(reply.json) == linked
    asked = question(client, "correlation_id", linked["correlation_id"])
    acknowledged = client.post(PATH, asked, STANDARD_ASYNC).json["message"]
    delivery = receiver.await_callback(acknowledged["correlation_id"])
    signing.verify(dialect, delivery.body, delivery.headers, jwks)
    assert told(delivery.json) == linked
