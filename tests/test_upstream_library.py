# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""OpenG2P's own library: its models and clients against the running registry."""

import uuid
from datetime import UTC, datetime

import participants
import pytest
from callback_receiver import CallbackReceiver
from mapper_client import (
    OPENG2P_1,
    OPENG2P_1_ASYNC,
    STANDARD,
    Client,
    bank_fa,
    exchange,
    new_fa,
    new_id,
    new_number,
)
from signing import SigningKey
from upstream_library import VERSIONS, KeyManager, UpstreamLibrary

BASES = (OPENG2P_1, STANDARD)
SENDER = "demo-openg2p-1"
DIALECTS = {"1.1.0": "openg2p_1", "2.0.0": "openg2p_2"}
RECEIVER_ID = "registry.example"
ENVELOPES = "openg2p_g2pconnect_common_lib.schemas"
MESSAGES = "openg2p_g2pconnect_mapper_lib.schemas"


@pytest.fixture(scope="module", params=VERSIONS)
def library(request):
    library = UpstreamLibrary(request.param)
    yield library
    library.stop()


def message(operation, items, sender_id, **header):
    """Header and message with what their models demand."""
    now = datetime.now(UTC).isoformat()
    numbered = [
        {"reference_id": f"r{number}", "timestamp": now, "locale": "eng", **item}
        for number, item in enumerate(items)
    ]
    return {
        "header": {
            "message_id": uuid.uuid4().hex,
            "message_ts": now,
            "action": operation,
            "sender_id": sender_id,
            "total_count": len(items),
            **header,
        },
        "message": {"transaction_id": uuid.uuid4().hex, f"{operation}_request": numbered},
    }


@pytest.mark.parametrize("base", BASES)
def test_its_clients_call_the_synchronous_api(server, library, base):
    """What its models write is taken, and its models read what comes back."""
    client = Client(server, SENDER)

    def call(operation, *items):
        answer = library.ask(
            "call",
            operation=operation,
            url=f"{server.url}{base}/{operation}",
            headers=client.headers,
            **message(operation, items, client.sender_id),
        )
        assert answer["header"]["status"] == "succ", answer
        return answer["message"][f"{operation}_response"]

    id_, number = new_id(), new_number()
    person = {"name": "A. Person", "additional_info": [{"name": "n", "value": 7}]}
    linked = call(
        "link", {"id": id_, "fa": bank_fa(number), **person}, {"id": new_id(), "fa": new_fa()}
    )
    assert [item["status"] for item in linked] == ["succ", "succ"]
    assert [item["status"] for item in call("link", {"id": id_, "fa": new_fa()})] == ["rjct"]
    [found, missing] = call(
        "resolve", {"id": id_, "scope": "details"}, {"id": new_id(), "scope": "details"}
    )
    assert (found["id"], found["fa"]) == (id_, bank_fa(number))
    assert found["account_provider_info"]["code"] == "BYSB"
    assert found["additional_info"] == person["additional_info"]
    assert found["status_reason_code"] == "succ.id.active"
    assert missing["status"] == "succ" and missing["fa"] is None
    fa = bank_fa(new_number())
    assert call("update", {"id": id_, "fa": fa})[0]["status"] == "succ"
    assert call("resolve", {"id": id_, "scope": "details"})[0]["fa"] == fa
    assert call("unlink", {"id": id_})[0]["status"] == "succ"
    assert call("unlink", {"id": id_})[0]["status_reason_code"] == "rjct.id.invalid"


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("operation", ["link", "update", "unlink", "resolve"])
def test_its_models_read_refusals(server, library, base, operation):
    """Of a whole message, and of items."""
    client = Client(server, SENDER)
    kind = f"{operation.capitalize()}Response"
    wrong = message(operation, [{"id": new_id(), "fa": new_fa()}], client.sender_id)
    wrong["header"]["action"] = "string"
    reply = client.post(operation, wrong, base)
    header = library.ask(
        "parse",
        module=ENVELOPES,
        model="SyncResponse",
        text=reply.body.decode(),
    )["header"]
    assert header["status"] == "rjct" and header["status_reason_code"].startswith("rjct.action.")
    odd = [{"id": "\x00", "fa": new_fa()}, {"id": new_id(), "fa": "\x07"}, {"id": "", "fa": ""}]
    reply = client.call(operation, odd, base)
    parsed = library.ask("parse", module=MESSAGES, model=kind, text=reply.body.decode())
    items = parsed["message"][f"{operation}_response"]
    assert [item["reference_id"] for item in items] == ["r0", "r1", "r2"]
    assert all(item["status"] == "rjct" for item in items)


@pytest.fixture
def receiver():
    receiver = CallbackReceiver()
    yield receiver
    receiver.down()


@pytest.fixture
def keymanager(server):
    """Has the participant's key, and the registry's published ones."""
    keymanager = KeyManager(SigningKey("RS256", "k1"))
    keymanager.jwks = exchange(server.url, "GET", "/.well-known/jwks.json").json
    yield keymanager
    keymanager.stop()


def signer(server, library, keymanager, **values):
    """A participant without a token, in the library's dialect; its answers are signed too."""
    participants.set_parameters(server, receiver_id=RECEIVER_ID)
    client, _id = participants.register(
        server,
        "openg2p_1",
        authentication="signature",
        signature_dialect=DIALECTS[library.version],
        sign_answers=True,
        key=keymanager.key,
        **values,
    )
    return client


def test_its_client_signs(server, library, keymanager):
    """2.0.0 signs with a key manager, and lets the JWS carry its payload."""
    if library.version == "1.1.0":
        return  # its client signs nothing
    client = signer(server, library, keymanager)
    item = {"id": new_id(), "fa": new_fa(), "name": "Ñandú"}
    answer = library.ask(
        "call",
        operation="link",
        url=f"{server.url}{OPENG2P_1}/link",
        headers={},
        keymanager=keymanager.url,
        **message("link", [item], client.sender_id, receiver_id=RECEIVER_ID),
    )
    assert [item["status"] for item in answer["message"]["link_response"]] == ["succ"]


def test_it_verifies_our_signatures(server, library, keymanager):
    """The way its validators do: over the members that it has parsed, written again."""
    client = signer(server, library, keymanager)
    link = client.message(
        "link",
        [{"id": new_id(), "fa": "account:ñ@elsewhere.example", "name": "Ñandú"}],
        receiver_id=RECEIVER_ID,
    )
    reply = client.post("link", link, OPENG2P_1)
    assert reply.succeeded == [True]
    signature, text = reply.headers["signature"], reply.body.decode()
    for altered, holds in ((text, True), (text.replace("elsewhere", "Elsewhere"), False)):
        if library.version == "2.0.0":
            arguments = {"signature": signature, "text": altered, "keymanager": keymanager.url}
            assert library.ask("verify", **arguments) is holds
        else:  # its validator is bound to a web framework: its steps, by our stand-in
            assert keymanager.verifies_like_1(signature, altered) is holds


def test_its_models_read_what_is_asynchronous(server, library, receiver):
    """Acknowledgements, errors, callbacks, and the status of a transaction."""
    url = f"{receiver.url}/callback"
    client, _id = participants.register(server, "openg2p_1", callback_url=url)

    def parse(module, model, text):
        return library.ask("parse", module=module, model=model, text=text)

    items = [{"id": new_id(), "fa": new_fa()}, {"id": "", "fa": new_fa()}]
    sent = message("link", items, client.sender_id)
    text = library.ask("request", operation="link", **sent)
    reply = client.post("link", text.encode(), OPENG2P_1_ASYNC)
    told = parse(ENVELOPES, "AsyncResponse", reply.body.decode())["message"]
    assert told["ack_status"] == "ACK" and not told["error"]
    refused = client.post("link", b"{", OPENG2P_1_ASYNC)
    error = parse(ENVELOPES, "AsyncResponse", refused.body.decode())["message"]
    assert error["ack_status"] == "ERR"
    delivery = receiver.await_callback(told["correlation_id"])
    assert delivery.path == "/callback/on-link"
    header = parse(ENVELOPES, "AsyncCallbackRequest", delivery.body.decode())["header"]
    assert header["status"] == "succ" and header["completed_count"] == 2
    linked = parse(MESSAGES, "LinkResponse", delivery.body.decode())["message"]["link_response"]
    assert [item["status"] for item in linked] == ["succ", "rjct"]

    asked = message("txn-status", [], client.sender_id)
    asked["header"]["total_count"] = 1
    asked["message"] = {
        "transaction_id": uuid.uuid4().hex,
        "txnstatus_request": [
            {
                "reference_id": "s1",
                "timestamp": asked["header"]["message_ts"],
                "txn_type": "link",
                "attribute_type": "correlation_id",
                "attribute_value": told["correlation_id"],
            }
        ],
    }
    reply = client.post("txn/status", asked, OPENG2P_1)
    parsed = parse(MESSAGES, "TxnStatusResponse", reply.body.decode())["message"]
    [status] = parsed["txnstatus_response"]
    assert status["txn_type"] == "link"
    assert [item["status"] for item in status["txn_status"]["link_response"]] == ["succ", "rjct"]


def test_the_program_tells_errors(library):
    """Else the tests above prove nothing."""
    answer = library.attempt("parse", module=MESSAGES, model="LinkResponse", text="{}")
    assert "ValidationError" in answer["error"]
