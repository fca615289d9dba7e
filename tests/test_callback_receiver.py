# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The receiver of callbacks that other tests rely on."""

import http.client
import json
import threading
import time

import callback_receiver
import pytest
from callback_receiver import CallbackReceiver
from mapper_client import exchange


@pytest.fixture
def receiver():
    receiver = CallbackReceiver()
    yield receiver
    receiver.down()


def callback(correlation_id="c1", message_id="m1", **message):
    body = {
        "header": {"message_id": message_id},
        "message": {"correlation_id": correlation_id, **message},
    }
    return json.dumps(body)


def post(receiver, body, path="/on-link"):
    return exchange(receiver.url, "POST", path, body, {"Signature": "s"})


def test_records_and_acknowledges(receiver):
    reply = post(receiver, callback(link_response=[{"status": "succ"}]))
    assert reply.status == 200
    assert reply.json["message"].items() >= {"ack_status": "ACK", "correlation_id": "c1"}.items()
    [delivery] = receiver.deliveries
    assert (delivery.path, delivery.headers["signature"]) == ("/on-link", "s")
    assert (delivery.message_id, delivery.items) == ("m1", [{"status": "succ"}])


def test_answers_as_told(receiver):
    receiver.answer = callback_receiver.refuse
    told = post(receiver, callback()).json["message"]
    assert told["ack_status"] == "ERR" and told["error"]["code"] == "err.service.unavailable"
    receiver.answer = callback_receiver.fail
    assert post(receiver, callback()).status == 500
    receiver.answer = callback_receiver.hang_up
    with pytest.raises((OSError, http.client.HTTPException)):
        post(receiver, callback())
    receiver.answer = callback_receiver.slow(0.3)
    assert post(receiver, callback()).seconds >= 0.3
    assert len(receiver.deliveries) == 4


def test_down_and_up_on_the_same_port(receiver):
    url = receiver.url
    receiver.down()
    with pytest.raises(ConnectionRefusedError):
        post(receiver, callback())
    receiver.up()
    assert receiver.url == url
    assert post(receiver, callback()).status == 200


def test_waits_for_one_correlation_id(receiver):
    def deliver():
        for correlation_id in ("other", "c1", "c1"):
            time.sleep(0.05)
            post(receiver, callback(correlation_id))

    thread = threading.Thread(target=deliver)
    thread.start()
    assert receiver.await_callback("c1", count=2).correlation_id == "c1"
    thread.join()
    assert len(receiver.of("c1")) == 2
    with pytest.raises(AssertionError, match="0 of 1"):
        receiver.await_callback("never", timeout=0.1)
