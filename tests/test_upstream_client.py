# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Clients of OpenG2P SPAR 1.x: requests as its self service, bridge and Postman suite build them,
answers as the models of openg2p-g2pconnect-mapper-lib 1.1.0 demand them.

Those models are told here as JSON Schema: the library itself brings a web framework, a database
layer and a package that shadows asyncio, which must not live beside Odoo.
"""

import uuid
from datetime import datetime

import pytest
from jsonschema import Draft202012Validator
from mapper_client import MARK, OPENG2P_1, Client, exchange, new_fa, new_id, new_number

COMMON = ("reference_id.invalid", "reference_id.duplicate", "timestamp.invalid", "id.invalid")
CODES = {
    "link": (*COMMON, "fa.invalid", "name.invalid", "mobile_number.invalid", "unknown.retry",
             "other.error"),
    "update": (*COMMON, "fa.invalid", "beneficiary_name.invalid"),
    "unlink": (*COMMON, "fa.invalid", "beneficiary_name.invalid"),
    "resolve": (*COMMON, "fa.invalid", "resolve_type.not_supported"),
}  # fmt: skip
FOUND = (
    "succ.fa.active", "succ.fa.inactive", "succ.fa.not_found", "succ.fa.not_linked_to_id",
    "succ.id.active", "succ.id.inactive", "succ.id.not_found",
)  # fmt: skip
HEADER_CODES = (
    "rjct.version.invalid", "rjct.message_id.duplicate", "rjct.message_ts.invalid",
    "rjct.action.invalid", "rjct.action.not_supported", "rjct.total_count.invalid",
    "rjct.total_count.limit_exceeded", "rjct.errors.too_many", "rjct.jwt.invalid",
)  # fmt: skip
TEXT = {"type": ["string", "null"]}
STATUS = {"enum": ["rcvd", "pdng", "succ", "rjct"]}
COUNT = {"type": ["integer", "null"]}
HEADER = {
    "type": "object",
    "required": ["message_id", "message_ts", "action", "status"],
    "properties": {
        **dict.fromkeys(("message_id", "message_ts", "action"), {"type": "string"}),
        **dict.fromkeys(("version", "status_reason_message", "sender_id", "receiver_id"), TEXT),
        "status": STATUS,
        "status_reason_code": {"enum": [*HEADER_CODES, None]},
        "total_count": COUNT,
        "completed_count": COUNT,
        "is_msg_encrypted": {"type": ["boolean", "null"]},
        "meta": {"type": ["object", "null"]},
    },
}
PROVIDER = {
    "type": ["object", "null"],
    "required": ["name", "code", "subcode"],
    "properties": {"name": {"type": "string"}, "code": {"type": "string"}, "subcode": TEXT},
}


def schema(operation):
    codes = [f"rjct.{code}" for code in CODES[operation]]
    codes += FOUND if operation == "resolve" else ()
    item = {
        "type": "object",
        "required": ["reference_id", "timestamp", "status"],
        "properties": {
            "reference_id": {"type": "string"},
            "timestamp": {"type": "string"},
            **dict.fromkeys(("id", "fa", "status_reason_message", "locale"), TEXT),
            "status": STATUS,
            "status_reason_code": {"enum": [*codes, None]},
            "additional_info": {"type": ["array", "null"]},
            "account_provider_info": PROVIDER,
        },
    }
    message = {
        "type": "object",
        "required": [f"{operation}_response"],
        "properties": {
            "transaction_id": TEXT,
            "correlation_id": TEXT,
            f"{operation}_response": {"type": "array", "items": item},
        },
    }
    return {
        "type": "object",
        "required": ["header", "message"],
        "properties": {"header": HEADER, "message": message},
    }


class UpstreamClient:
    """Sends what OpenG2P's models serialise: every member, nulls included, no time zone."""

    def __init__(self, client):
        self._client = client

    def call(self, operation, *items, **header):
        """:return: the answered items, in an answer that the models take"""
        now = str(datetime.now())  # noqa: DTZ005 - without a zone, as upstream
        requests = [
            {
                "reference_id": str(uuid.uuid4()),
                "timestamp": now,
                "name": None,
                "phone_number": None,
                "additional_info": None,
                "locale": "en",
                **item,
            }
            for item in items
        ]
        message = {
            "signature": None,
            "header": {
                "version": "1.0.0",
                "message_id": str(uuid.uuid4()),
                "message_ts": now,
                "action": operation,
                "sender_id": "",
                "sender_uri": "",
                "receiver_id": "",
                "total_count": len(items),
                "is_msg_encrypted": False,
                "meta": None,
                **header,
            },
            "message": {"transaction_id": "string", f"{operation}_request": requests},
        }
        reply = self._client.post(operation, message, OPENG2P_1)
        assert reply.status == 200, reply.body
        self._check(operation, reply.json)
        answered = [item["reference_id"] for item in reply.items]
        if reply.json["header"]["status"] == "succ":
            assert answered == [request["reference_id"] for request in requests]
        return reply

    def _check(self, operation, answer):
        if answer["header"]["status"] == "rjct":
            assert answer["message"] == {}
            assert Draft202012Validator(HEADER).is_valid(answer["header"])
            return
        problems = [
            error.message for error in Draft202012Validator(schema(operation)).iter_errors(answer)
        ]
        assert problems == []
        for item in answer["message"][f"{operation}_response"]:
            assert datetime.fromisoformat(item["timestamp"])


@pytest.fixture
def upstream(server):
    return UpstreamClient(Client(server, "demo-openg2p-1"))


def told(reply):
    """Status, code and text of each item."""
    return [
        (item["status"], item.get("status_reason_code"), item.get("status_reason_message"))
        for item in reply.items
    ]


def strategy_2(number):
    """A bank account as OpenG2P's self service writes it."""
    return (
        f"account_number:{number}.branch_name:Tacloban Branch.branch_code:BYSB0001"
        ".bank_name:Bayani Savings Bank.bank_code:BYSB.fa_type:BANK"
    )


def test_self_service(upstream):
    """Link, look up, change, remove: one person with the form's bank account."""
    id_, fa, other = new_id(), strategy_2(new_number()), strategy_2(new_number())
    person = {"name": "string", "phone_number": "string", "additional_info": [{"strategy_id": 2}]}
    assert told(upstream.call("link", {"id": id_, "fa": fa, **person})) == [("succ", None, None)]
    [item] = upstream.call("resolve", {"id": id_, "fa": "", "scope": "details"}).items
    assert (item["id"], item["fa"]) == (id_, fa)
    assert item["additional_info"] == person["additional_info"]
    provider = {"name": "Bayani Savings Bank", "code": "BYSB", "subcode": "BYSB0001"}
    assert item["account_provider_info"] == provider
    assert told(upstream.call("update", {"id": id_, "fa": other})) == [("succ", None, None)]
    assert upstream.call("resolve", {"id": id_, "scope": "details"}).items[0]["fa"] == other
    assert "fa" not in upstream.call("resolve", {"id": id_, "scope": "yes_no"}).items[0]
    assert told(upstream.call("unlink", {"id": id_, "fa": ""})) == [("succ", None, None)]


def test_bridge(upstream):
    """The bridge pays when the ID comes back with an address; unknown people come back without."""
    id_, fa, unknown = new_id(), strategy_2(new_number()), new_id()
    upstream.call("link", {"id": id_, "fa": fa})
    items = [{"id": wanted, "fa": "", "scope": "details"} for wanted in (unknown, id_)]
    first, second = upstream.call("resolve", *items).items
    assert (first["id"], "fa" in first) == (unknown, False)
    assert (second["id"], second["fa"]) == (id_, fa)


def test_postman_suite(upstream):
    """The codes and texts that upstream's own suite asserts."""
    id_, fa = new_id(), new_fa()
    unspecific = {"message_id": "string", "message_ts": "string", "total_count": 0}
    everything = {"additional_info": [0], "name": "string", "phone_number": "string"}
    linked = upstream.call("link", {"id": id_, "fa": fa, **everything}, **unspecific)
    assert told(linked) == [("succ", None, None)]
    linked = upstream.call(
        "link", {"id": id_, "fa": fa}, {"id": "", "fa": fa}, {"id": id_, "fa": ""}, **unspecific
    )
    assert told(linked) == [
        ("rjct", "rjct.reference_id.duplicate", "ID and FA are already mapped"),
        ("rjct", "rjct.id.invalid", "ID is null"),
        ("rjct", "rjct.fa.invalid", "FA is null"),
    ]
    absent = ("rjct", "rjct.id.invalid", "ID doesnt exist please link first")
    updated = upstream.call(
        "update", {"id": new_id(), "fa": fa}, {"id": "", "fa": fa}, {"id": id_, "fa": ""}
    )
    assert told(updated) == [
        absent,
        ("rjct", "rjct.id.invalid", "ID is null"),
        ("rjct", "rjct.fa.invalid", "FA is null"),
    ]
    resolved = upstream.call("resolve", {"id": id_}, {"id": new_id()}, {"id": "", "fa": ""})
    assert told(resolved) == [
        ("succ", "succ.id.active", None),
        ("succ", "succ.fa.not_linked_to_id", "ID doesn't exist, please link first"),
        ("rjct", "rjct.reference_id.invalid", "ID is required"),
    ]
    unlinked = upstream.call("unlink", {"id": new_id()}, {"id": ""}, {"id": id_, "fa": fa})
    assert told(unlinked) == [
        absent,
        ("rjct", "rjct.id.invalid", "ID is null"),
        ("succ", None, None),
    ]
    for operation in CODES:
        item = {"id": id_, "fa": fa}
        header = upstream.call(operation, item, **{**unspecific, "action": "string"}).json["header"]
        assert header["status"] == "rjct"
        assert header["status_reason_code"] == "rjct.action.not_supported"


def test_one_id_twice_in_a_batch(upstream):
    """Upstream loses such a batch as a whole; here the first stands."""
    id_ = new_id()
    twice = [{"id": id_, "fa": new_fa()}, {"id": id_, "fa": new_fa()}, {"id": MARK, "fa": "string"}]
    twice[2]["id"] += uuid.uuid4().hex  # an ID without @
    linked = upstream.call("link", *twice)
    assert [item["status"] for item in linked.items] == ["succ", "rjct", "succ"]


def test_token_request(server):
    """OpenG2P's clients send a form, and add `expires_in` to a time as a number of seconds."""
    client = Client(server, "demo-openg2p-1")
    answer = client.ask_token().json
    assert type(answer["expires_in"]) is int and answer["token_type"] == "Bearer"
    refused = exchange(client.url, "POST", f"{OPENG2P_1}/resolve", "{}", {})
    assert refused.status in (401, 415)
