# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Clients of OpenG2P SPAR 2.x: the beneficiary portal and G2P Bridge 2.x. Requests as they build
them, answers as their models demand them, told here as JSON Schema."""

import json
import time
import uuid
from datetime import datetime

import pytest
from jsonschema import Draft202012Validator
from mapper_client import (
    DIRECTORY,
    OPENG2P_1,
    OPENG2P_2,
    Client,
    bank_object,
    new_id,
    new_number,
)

TEXT = {"type": "string"}
OPTIONAL = {"type": ["string", "null"]}
LIST = {"type": ["array", "null"]}


def members(**properties):
    """An object that has all of these."""
    return {"type": "object", "required": list(properties), "properties": properties}


ITEM = {
    "reference_id": TEXT,
    "timestamp": {"type": "string", "format": "date-time"},
    "status": {"enum": ["succ", "rjct"]},
    "status_reason_code": OPTIONAL,
    "status_reason_message": OPTIONAL,
    "additional_info": LIST,
    "locale": TEXT,
}
PROVIDER = members(name=TEXT, code=TEXT, subcode=OPTIONAL, additional_info=LIST)
ITEMS = {
    "link": members(**ITEM, fa=OPTIONAL),
    "update": members(**ITEM, id=OPTIONAL),
    "unlink": members(**ITEM, id=OPTIONAL),
    "resolve": members(
        **ITEM,
        id=OPTIONAL,
        fa={"type": ["object", "null"]},
        account_provider_info={"anyOf": [{"type": "null"}, PROVIDER]},
    ),
}
ROWS = {
    "fetch-banks": ("banks", members(id={}, bank_mnemonic=TEXT, bank_name=TEXT, bank_code=TEXT)),
    "fetch-branches": (
        "branches",
        members(
            id={"type": "integer"},
            branch_mnemonic=TEXT,
            branch_name=TEXT,
            branch_code=TEXT,
            bank_id={"type": "integer"},
        ),
    ),
    "fetch-wallet-service-providers": (
        "wallet_service_providers",
        members(
            id={"type": "integer"},
            sp_mnemonic=TEXT,
            sp_name=TEXT,
            sp_code=TEXT,
            wallet_type={"enum": ["MOBILE_WALLET", "EMAIL_WALLET"]},
        ),
    ),
}
PAGINATION = members(
    number_of_items={"type": "integer", "minimum": 0},
    number_of_pages={"type": "integer", "minimum": 0},
)
HEADER = members(
    request_id=TEXT,
    response_status={"enum": ["SUCCESS", "ERROR"]},
    response_error_code=OPTIONAL,
    response_error_message=OPTIONAL,
    response_timestamp={"type": "string", "format": "date-time"},
)


def check(answer, payload, pagination):
    body = members(pagination_response=pagination, response_payload=payload)
    schema = members(response_header=HEADER, response_body=body)
    problems = [error.message for error in Draft202012Validator(schema).iter_errors(answer)]
    assert problems == []


class UpstreamClient:
    """Sends what OpenG2P's models serialise: every member, nulls included, keys sorted."""

    def __init__(self, client, mnemonic=""):
        self._client = client
        self._mnemonic = mnemonic

    def _envelope(self, payload, pagination=None):
        now = int(time.time())  # ids have the resolution of a second
        return {
            "request_header": {
                "sender_app_mnemonic": self._mnemonic,
                "sender_app_url": "",
                "request_id": f"req_{now}",
                "request_timestamp": datetime.now().isoformat(),  # noqa: DTZ005 - as upstream
                "instance_id": None,
            },
            "request_body": {"pagination_request": pagination, "request_payload": payload},
        }

    def _post(self, name, envelope, base):
        body = json.dumps(envelope, sort_keys=True).encode()
        reply = self._client.post(name, body, base)
        assert reply.status == 200, reply.body
        answer = reply.json
        header = answer["response_header"]
        assert header["request_id"] == envelope["request_header"]["request_id"]
        assert header["response_status"] == "SUCCESS", header
        return answer

    def call(self, operation, *items):
        """:return: the answered items"""
        common = {"name": None, "phone_number": None, "additional_info": None, "locale": "en"}
        now = datetime.now().isoformat()  # noqa: DTZ005 - without a zone, as upstream
        requests = [
            {"reference_id": str(uuid.uuid4()), "timestamp": now, **common, **item}
            for item in items
        ]
        payload = {
            "transaction_id": f"txn_{int(time.time())}",
            f"{operation}_request": requests,
        }
        answer = self._post(operation, self._envelope(payload), OPENG2P_2)
        listed = {"type": "array", "items": ITEMS[operation]}
        told = members(
            transaction_id={"const": payload["transaction_id"]},
            correlation_id=OPTIONAL,
            **{f"{operation}_response": listed},
        )
        check(answer, told, {"type": "null"})
        answered = answer["response_body"]["response_payload"][f"{operation}_response"]
        references = [item["reference_id"] for item in answered]
        assert references == [request["reference_id"] for request in requests]
        return answered

    def fetch(self, name, payload=None, **pagination):
        """:return: the rows, and the pagination response"""
        answer = self._post(name, self._envelope(payload, pagination or None), DIRECTORY)
        listing, row = ROWS[name]
        check(answer, members(**{listing: {"type": "array", "items": row}}), PAGINATION)
        body = answer["response_body"]
        return body["response_payload"][listing], body["pagination_response"]


@pytest.fixture
def upstream(server):
    return UpstreamClient(Client(server, "demo-openg2p-2"))


def told(items):
    return [
        (item["status"], item["status_reason_code"], item["status_reason_message"])
        for item in items
    ]


def test_portal(upstream):
    """Find a bank and a branch, link an account there, look it up, change it, remove it."""
    banks, totals = upstream.fetch("fetch-banks", current_page=1, page_size=3, search_text="Bayani")
    assert totals == {"number_of_items": 1, "number_of_pages": 1}
    [bank] = banks
    assert (bank["bank_code"], bank["bank_mnemonic"]) == ("BYSB", "Bayani")
    branches, totals = upstream.fetch("fetch-branches", {"bank_id": bank["id"]})
    assert totals["number_of_items"] == len(branches) > 1
    assert {branch["bank_id"] for branch in branches} == {bank["id"]}
    fa = bank_object(new_number()) | {
        name: branches[0][name] for name in ("branch_name", "branch_code")
    }
    id_ = new_id()
    assert told(upstream.call("link", {"id": id_, "fa": fa})) == [("succ", None, None)]
    [item] = upstream.call("resolve", {"id": id_, "scope": "details"})
    assert (item["id"], item["fa"]) == (id_, fa)
    assert item["additional_info"] == [{"strategy_id": 2}]
    wallets, _totals = upstream.fetch("fetch-wallet-service-providers")
    wallet = next(row for row in wallets if row["wallet_type"] == "EMAIL_WALLET")
    email = {
        "strategy_id": 3,
        "fa_type": "EMAIL_WALLET",
        "wallet_provider_name": wallet["sp_name"],
        "wallet_provider_code": wallet["sp_code"],
        "email_address": "tala@example.org",
    }
    assert told(upstream.call("update", {"id": id_, "fa": email})) == [("succ", None, None)]
    [item] = upstream.call("resolve", {"id": id_, "fa": "", "scope": "details"})
    assert item["fa"].items() >= email.items()
    assert told(upstream.call("unlink", {"id": id_, "fa": ""})) == [("succ", None, None)]


def test_codes_and_texts(upstream):
    id_, fa = new_id(), bank_object(new_number())
    linked = upstream.call(
        "link", {"id": id_, "fa": fa}, {"id": id_, "fa": fa}, {"id": "", "fa": fa}
    )
    assert told(linked) == [
        ("succ", None, None),
        ("rjct", "rjct.reference_id.duplicate", "ID and FA are already mapped"),
        ("rjct", "rjct.id.invalid", "ID is null"),
    ]
    absent = ("rjct", "rjct.id.invalid", "ID doesnt exist please link first")
    assert told(upstream.call("update", {"id": new_id(), "fa": fa})) == [absent]
    assert told(upstream.call("unlink", {"id": new_id()}, {"id": None})) == [
        absent,
        ("rjct", "rjct.id.invalid", "ID is null"),
    ]
    resolved = upstream.call("resolve", {"id": id_}, {"id": new_id()}, {"id": "", "fa": ""})
    assert told(resolved) == [
        ("succ", "succ.id.active", None),
        ("succ", "succ.fa.not_linked_to_id", "ID doesn't exist, please link first"),
        ("rjct", "rjct.reference_id.invalid", "ID is required"),
    ]


def test_unknown_strategy_is_one_items_error(upstream):
    """Upstream loses such a batch as a whole."""
    fa = bank_object(new_number())
    items = [{"id": new_id(), "fa": fa | {"strategy_id": code}} for code in (2, 77, 2)]
    assert [item["status"] for item in upstream.call("link", *items)] == ["succ", "rjct", "succ"]


def test_both_envelopes_tell_one_registry(server, upstream):
    """Linked with 2.x, resolved with 1.x, and the other way round."""
    client = Client(server, "demo-openg2p-1")
    one, two, fa = new_id(), new_id(), bank_object(new_number())
    [linked] = upstream.call("link", {"id": one, "fa": fa})
    [item] = client.call("resolve", [{"id": one, "scope": "details"}], OPENG2P_1).items
    assert item["fa"] == linked["fa"]
    assert client.call("link", [{"id": two, "fa": item["fa"]}], OPENG2P_1).succeeded == [True]
    [item] = upstream.call("resolve", {"id": two, "scope": "details"})
    assert item["fa"] == fa
