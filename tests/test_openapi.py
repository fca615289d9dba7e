# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The examples of the API's document: each is sent, and answered as the document says."""

import json
import os
import re
import subprocess
import urllib.parse
import uuid
from datetime import UTC, datetime

import pytest
from jsonschema import Draft202012Validator
from lxml import html
from mapper_client import TOKEN_PATH, Client, exchange

SENDERS = {
    "/spar/v1.0.0/": "demo-strict",
    "/api/mapper/sync/": "demo-openg2p-1",
    "/api/mapper/async/": "demo-openg2p-1",
    "/api/": "demo-openg2p-2",
}
# What differs from one answer to the next.
PASSING = {
    "message_ts", "timestamp", "response_timestamp", "correlation_id", "message_id", "request_id",
}  # fmt: skip
# Where they are numbers: of rows of the database.
IDS = {"id", "bank_id"}


@pytest.fixture(scope="module")
def document(server):
    return exchange(server.url, "GET", "/spar/openapi.json").json


@pytest.fixture(scope="module")
def clients(server):
    return {sender: Client(server, sender) for sender in SENDERS.values()}


def sender_of(path):
    return next(sender for base, sender in SENDERS.items() if path.startswith(base))


def lasting(value):
    """The value with the same text wherever it differs from one answer to the next, and from one
    database to the next."""
    if isinstance(value, dict):
        return {
            name: "..."
            if name in PASSING or type(member) is int and name in IDS
            else lasting(member)
            for name, member in value.items()
        }
    return [lasting(member) for member in value] if isinstance(value, list) else value


def up_to_date(request):
    """The request with a message_id of its own, and the present time where its time has a zone."""
    if "header" not in request:
        return request
    header = dict(request["header"])
    if "message_id" in header:
        header["message_id"] = uuid.uuid4().hex
    if "T" in header["message_ts"]:
        header["message_ts"] = datetime.now(UTC).isoformat()
    return {**request, "header": header}


def check(document, schema, value):
    """Raise unless the value is valid."""
    Draft202012Validator({**schema, "components": document["components"]}).validate(value)


def resolved(document, answer):
    if "$ref" not in answer:
        return answer
    return document["components"]["responses"][answer["$ref"].rpartition("/")[2]]


def examples(document):
    """(path, name, request, status, answer schema, answer) of every example of a JSON request."""
    for path, methods in document["paths"].items():
        for operation in methods.values():
            content = operation.get("requestBody", {}).get("content", {})
            for name, example in content.get("application/json", {}).get("examples", {}).items():
                [(status, body)] = [
                    (status, answer["content"]["application/json"])
                    for status, answer in operation["responses"].items()
                    if name
                    in resolved(document, answer)["content"]["application/json"].get("examples", {})
                ]
                yield (
                    path,
                    name,
                    example["value"],
                    status,
                    body["schema"],
                    body["examples"][name]["value"],
                )


def test_examples_are_answered_as_documented(server, document, clients):
    sent = 0
    for path, name, request, status, schema, answer in examples(document):
        client = clients[sender_of(path)]
        body = json.dumps(up_to_date(request)).encode()
        reply = exchange(server.url, "POST", path, body, client.headers)
        place = f"{path} {name}: {reply.body}"
        assert reply.status == int(status), place
        check(document, schema, reply.json)
        assert lasting(reply.json) == lasting(answer), place
        sent += 1
    assert (
        sent
        == str(document["paths"]).count("'summary'")
        - sum(len(methods) for methods in document["paths"].values())
        - 1
    )  # all that have a summary: operations, the token's example, and these


def test_errors_are_answered_as_documented(server, document, clients):
    path = "/spar/v1.0.0/mapper/sync/resolve"
    client = clients["demo-strict"]
    message = client.message("resolve", [{"id": "token:1@nationalId"}], sender_id="another")
    body = json.dumps(message).encode()
    json_only = {"Content-Type": "application/json"}
    for status, headers, sent in (
        (401, json_only, body),
        (403, client.headers, body),
        (413, client.headers, b" " * (16 * 1024 * 1024 + 1)),
        (415, {**client.headers, "Content-Type": "text/plain"}, body),
    ):
        reply = exchange(server.url, "POST", path, sent, headers)
        assert reply.status == status
        documented = document["paths"][path]["post"]["responses"][str(status)]
        content = resolved(document, documented)["content"]["application/json"]
        check(document, content["schema"], reply.json)
        for example in content.get("examples", {}).values():
            assert reply.json == example["value"]


def test_token(server, document, clients):
    operation = document["paths"][TOKEN_PATH]["post"]
    form = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]
    content = operation["responses"]["200"]["content"]["application/json"]
    credentials = clients["demo-strict"].credentials
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for name, example in form["examples"].items():
        check(document, form["schema"], example["value"])
        filled = {key: credentials.get(key, value) for key, value in example["value"].items()}
        body = urllib.parse.urlencode(filled)
        reply = exchange(server.url, "POST", TOKEN_PATH, body, headers)
        check(document, content["schema"], reply.json)
        documented = content["examples"][name]["value"]
        assert {**reply.json, "access_token": ""} == {**documented, "access_token": ""}
    for form, status in (("grant_type=client_credentials", 401), ("a=1&a=2", 400)):
        reply = exchange(server.url, "POST", TOKEN_PATH, form, headers)
        assert reply.status == status
        schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
        check(document, schema, reply.json)


def test_health(server, document):
    content = document["paths"]["/spar/health"]["get"]["responses"]["200"]["content"]
    reply = exchange(server.url, "GET", "/spar/health")
    check(document, content["application/json"]["schema"], reply.json)
    assert reply.json == content["application/json"]["examples"]["up"]["value"]


def test_commands_of_the_page_work_when_pasted(server, clients):
    page = html.fromstring(exchange(server.url, "GET", "/spar/docs").body.decode())
    pasted = 0
    for article in page.xpath("//article[.//pre[@class='answer']]"):
        path = article.xpath("string(.//h3)").split()[1]
        commands = article.xpath(".//pre[@class='command']/text()")
        answers = article.xpath(".//pre[@class='answer']/text()")
        for command, answer in zip(commands, answers, strict=True):
            client = clients["demo-strict" if path == TOKEN_PATH else sender_of(path)]
            if path == TOKEN_PATH:
                told = run(server, client, f'{command}\necho "$TOKEN"')
                assert re.fullmatch(r"[\w-]{43}", told.strip())
            else:
                told = run(server, client, command)
                assert lasting(json.loads(told)) == lasting(json.loads(answer)), command
            pasted += 1
    assert pasted > 10


def run(server, client, command):
    """What a shell prints for the command."""
    variables = {
        "PATH": os.environ["PATH"],
        "URL": server.url,
        "CLIENT_ID": client.credentials["client_id"],
        "CLIENT_SECRET": client.credentials["client_secret"],
        "TOKEN": client.token,
    }
    done = subprocess.run(
        ["bash", "-euc", command],
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout
