# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Hostile and malformed input over HTTP: never a 5xx, always JSON of the documented shape, and a
wrong item never harms the right ones beside it."""

import base64
import contextlib
import copy
import json
import os
import random
import socket
import struct
import urllib.parse
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from log_search import Logs
from mapper_client import (
    DIGITS,
    DIRECTORY,
    MARK,
    OPENG2P_1,
    OPENG2P_2,
    STANDARD,
    TOKEN_PATH,
    Client,
    Reply,
    bank_object,
    exchange,
    new_fa,
    new_id,
    new_number,
    new_phone,
)

SEED = 20_261
OPERATIONS = ("link", "update", "unlink", "resolve")
BASES = (STANDARD, OPENG2P_1, OPENG2P_2)
LISTINGS = ("fetch-banks", "fetch-branches", "fetch-wallet-service-providers")
UNRESTRICTED = ("demo-strict", "demo-openg2p-1", "demo-openg2p-2")
RESTRICTED = ("bayani.example", "payer.example")
SCHEMAS = Path(__file__).resolve().parents[2] / "shared" / "spec" / "schemas"
MEGABYTE = 1_000_000

NASTY_TEXTS = (
    "", " ", "\x00", f"{MARK}\x00{DIGITS}", "\x1b[31m", "\x7f\x85", "\n\r\t", "\u202e", "\ufeff",
    "😀" * 70, "İ@ſ", "x" * 256, "y" * 70_000, "@", "a@b", "%s%%(id)s", "{0.__class__}", "$(id)",
    "'; DROP TABLE g2p_spar_mapping; --", "<script>", "../../etc/passwd", "null", "\\", '"', "{}",
    "1e999", "9" * 400, f"token:{MARK}@{MARK}@", f"account_number:{DIGITS}.branch_name:." * 6,
)  # fmt: skip
NASTY_VALUES = (
    *NASTY_TEXTS, None, True, False, 0, -1, 1.5, 1e308, -1e-300, 2**31, 2**63, 2**64, -(2**70),
    {"strategy_id": 2, "fa_type": "BANK"}, {"fa_type": [], "strategy_id": 2**64},
    [], {}, [None], [[[[]]]], {"": None}, {"a": {"b": {"c": [1, "2", None, True]}}},
    [{"name": "n", "value": 2**64}], [{"name": "\x00", "value": "v"}], [{"name": "n"}],
)  # fmt: skip


@pytest.fixture(scope="module")
def clients(server):
    return {name: Client(server, name) for name in UNRESTRICTED + RESTRICTED}


@pytest.fixture(autouse=True)
def logs(server):
    """Odoo reports every unexpected exception: there must be none."""
    logs = Logs(server)
    yield logs
    assert not logs.lines_with(" error ", " critical ", "traceback (most recent", " retrying with")


# === The documented shape === #


@cache
def validator(operation):
    """JSON Schema of the standard's answer, without its pattern of ID and FA."""
    path = SCHEMAS / f"fixed.mapper_sync_{operation}.response.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    take_patterns_out(schema)
    return Draft202012Validator(schema)


def take_patterns_out(schema):
    for value in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(value, dict | list):
            take_patterns_out(value)
    if isinstance(schema, dict):
        for name in ("id", "fa"):
            member = schema.get("properties", {}).get(name)
            if isinstance(member, dict):
                member.pop("pattern", None)


@pytest.fixture(scope="session")
def schemas():
    """The standard's schemas lie beside the repository."""
    if not SCHEMAS.is_dir():
        assert os.environ.get("CI") != "true", f"{SCHEMAS} is missing"
        pytest.skip("needs ../shared/spec")


def has_null(value):
    """Whether a member of ours is null; what a client stored as additional_info is its own."""
    if isinstance(value, dict):
        members = [member for name, member in value.items() if name != "additional_info"]
        return any(map(has_null, members))
    if isinstance(value, list):
        return any(map(has_null, value))
    return value is None


def check_shape(reply, operation="", strict=False):
    """The answer is what the API documents for its status; nothing of the inside is in it."""
    assert isinstance(reply, Reply)
    assert reply.status < 500, reply.body[:300]
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"
    assert "set-cookie" not in reply.headers
    answer = json.loads(reply.body, parse_constant=pytest.fail)
    assert not any(word in reply.body for word in (b"Traceback", b"psycopg", b"odoo"))
    if "response_header" in answer:
        check_openg2p_2(reply, answer)
        return
    if "header" not in answer:
        check_errors(reply, answer)
        return
    header = answer["header"]
    assert reply.status in (200, 400)
    assert header["status"] == ("rjct" if reply.status == 400 else header["status"])
    assert header["status"] in ("succ", "rjct")
    assert {"message_id", "message_ts", "action", "version"} <= set(header)
    assert datetime.fromisoformat(header["message_ts"]).tzinfo
    assert not has_null(answer)
    if strict and SCHEMAS.is_dir():
        problems = [error.message for error in validator(operation).iter_errors(answer)]
        assert problems == []


def check_openg2p_2(reply, answer):
    """OpenG2P 2.x: nulls where a member has no value; a header alone with 400."""
    header = answer["response_header"]
    assert set(header) == {
        "request_id", "response_status", "response_error_code", "response_error_message",
        "response_timestamp",
    }  # fmt: skip
    assert datetime.fromisoformat(header["response_timestamp"]).tzinfo
    assert header["response_status"] == (
        "SUCCESS" if not header["response_error_code"] else "ERROR"
    )
    if reply.status == 400:
        assert set(answer) == {"response_header"} and header["response_status"] == "ERROR"
        return
    assert reply.status == 200
    assert set(answer["response_body"]) == {"pagination_response", "response_payload"}
    for item in reply.items:
        assert {"reference_id", "id", "status", "status_reason_code", "locale"} <= set(item)
        assert item["status"] in ("succ", "rjct")


def check_errors(reply, answer):
    assert 400 <= reply.status < 500
    if "errors" not in answer:  # the token endpoint (RFC 6749, section 5.2)
        assert set(answer) == {"error"}
        return
    [error] = answer["errors"]
    assert set(error) == {"code", "message"}
    assert error["code"].startswith("err.")


# === Items === #


def fresh_item(operation, base=STANDARD):
    fa = bank_object(new_number()) if base == OPENG2P_2 else new_fa()
    item = {"id": new_id(), "fa": fa}
    if operation in ("link", "update"):
        item.update(name=f"{MARK} Person", phone_number=new_phone(), locale="eng")
        item["additional_info"] = [{"name": "n", "value": MARK}]
    if operation == "resolve":
        item = {"id": item["id"], "scope": "details"}
    return item


def disturb(dice, item):
    """Spoil one to three members: another value, none at all, or one that nobody knows."""
    item = copy.deepcopy(item)
    if isinstance(item.get("fa"), dict) and dice.random() < 0.4:
        item["fa"][dice.choice([*item["fa"], "unknown"])] = copy.deepcopy(dice.choice(NASTY_VALUES))
        return item
    for _change in range(dice.randint(1, 3)):
        name = dice.choice([*item, "unknown", "reference_id", "timestamp"])
        if dice.random() < 0.2:
            item.pop(name, None)
        else:
            item[name] = copy.deepcopy(dice.choice(NASTY_VALUES))
    return item


def items_of(message, operation):
    payload = message.get("message") or message["request_body"]["request_payload"]
    return payload[f"{operation}_request"]


@pytest.mark.parametrize("sender_id", UNRESTRICTED)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_wrong_items_harm_no_right_ones(clients, schemas, sender_id, operation):
    client, dice = clients[sender_id], random.Random(f"{SEED}{sender_id}{operation}")
    for _message in range(12):
        base = dice.choice(BASES)
        fresh = [fresh_item(operation, base) for _item in range(8)]
        message = client.message(operation, fresh, base)
        items = items_of(message, operation)
        if operation in ("update", "unlink"):
            linked = [{"id": item["id"], "fa": item["fa"]} for item in items]
            assert all(client.call("link", linked, base).succeeded)
        for place in (1, 2, 4, 6):
            items[place] = disturb(dice, items[place])
        items[4] = dice.choice([items[4], *NASTY_VALUES])
        reply = client.post(operation, message, base)
        check_shape(reply, operation, client.profile == "strict")
        assert reply.status == 200 and len(reply.items) == len(items)
        if base != OPENG2P_2:
            assert reply.json["header"]["completed_count"] == len(items)
        for place in (0, 3, 5, 7):
            assert reply.items[place]["reference_id"] == f"r{place}"
            assert reply.items[place]["status"] == "succ"


def test_deep_additional_info_comes_back(clients):
    """What a message could nest deepest can still be answered, in every profile."""
    for depth in range(245, 256):
        info = json.loads('{"a":' * depth + "1" + "}" * depth)
        id_ = new_id()
        item = {"id": id_, "fa": new_fa(), "additional_info": info}
        linked = clients["demo-openg2p-1"].call("link", [item], OPENG2P_1)
        check_shape(linked)
        for sender_id in UNRESTRICTED:
            check_shape(clients[sender_id].resolve([id_]))


def test_values_of_any_size(clients):
    """Ten megabytes in one member: the item is refused, its neighbours are done.

    Outside strict, additional_info is never an error: it is passed over.
    """
    members = ("reference_id", "id", "fa", "name", "phone_number", "additional_info")
    for number, name in enumerate(members):
        client = clients[UNRESTRICTED[number % 2]]
        items = [fresh_item("link") for _item in range(3)]
        items[1][name] = MARK + "z" * 10 * MEGABYTE
        reply = client.call("link", items)
        check_shape(reply)
        assert reply.status == 200
        passed_over = client.profile != "strict" and name == "additional_info"
        assert reply.succeeded == [True, passed_over, True]


# === Envelopes === #


def places(value, path=()):
    """Paths to all members and entries of a JSON value."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in members:
        if isinstance(member, dict | list):
            yield from places(member, (*path, key))
        else:
            yield (*path, key)


def replaced(message, path, value):
    """A copy with that place replaced; removed where the value is `...`."""
    if not path:
        return None if value is ... else value
    message = copy.deepcopy(message)
    *parents, last = path
    target = message
    for key in parents:
        target = target[key]
    if value is ...:
        del target[last]
    else:
        target[last] = copy.deepcopy(value)
    return message


@pytest.mark.parametrize("sender_id", UNRESTRICTED + RESTRICTED)
def test_envelopes_with_one_place_spoilt(clients, schemas, sender_id):
    client, dice = clients[sender_id], random.Random(f"{SEED}{sender_id}")
    for _message in range(50):
        operation, base = dice.choice(OPERATIONS), dice.choice(BASES)
        message = client.message(operation, [fresh_item(operation, base)], base)
        if base != OPENG2P_2:
            message["header"].update(
                sender_uri="https://x.example/cb", receiver_id="r", is_msg_encrypted=False, meta={}
            )
        path = dice.choice(
            [path for path in places(message) if len(path) <= 2 + (base == OPENG2P_2)]
        )
        message = replaced(message, path, dice.choice([*NASTY_VALUES, ...]))
        reply = client.post(operation, message, base)
        check_shape(reply, operation, client.profile == "strict")
        assert reply.status in (200, 400, 403)


def spoilt_text(dice, text):
    """The text with one to four accidents of bytes: no longer JSON, most of the time."""
    text = bytearray(text)
    for _accident in range(dice.randint(1, 4)):
        place = dice.randrange(len(text))
        match dice.randrange(5):
            case 0:
                text[place] = dice.randrange(256)
            case 1:
                del text[place : place + dice.randint(1, 20)]
            case 2:
                text[place:place] = text[place : place + dice.randint(1, 40)]
            case 3:
                text[place:place] = dice.choice(RAW_ODDITIES)
            case 4:
                del text[place + 1 :]
    return bytes(text)


RAW_ODDITIES = (
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", rb"\ud800", rb"\udc00\ud800", rb"\u0000",
    b"NaN", b"-Infinity", b"1e400", b"//", b"/*", b",", b'"', b"\\", b"[" * 2_000, b'{"a":' * 600,
    b"\xef\xbb\xbf", b"'", b"0x1", b"01", b"\x0b", b'"header":{},', b'"id":"x",',
)  # fmt: skip


@pytest.mark.parametrize("sender_id", UNRESTRICTED)
def test_texts_that_are_no_longer_json(clients, schemas, sender_id):
    client, dice = clients[sender_id], random.Random(f"{SEED}text{sender_id}")
    for _message in range(60):
        operation, base = dice.choice(OPERATIONS), dice.choice(BASES)
        message = client.message(operation, [fresh_item(operation, base)], base)
        text = spoilt_text(dice, json.dumps(message).encode())
        check_shape(client.post(operation, text, base), operation, client.profile == "strict")


MALFORMED = {
    "empty": b"",
    "blank": b" \n",
    "number": b"1",
    "null": b"null",
    "list": b"[]",
    "string": b'"header"',
    "NUL": b"\x00",
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"header":{}}'.encode("utf-16"),
    "deep list": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "unclosed": b'{"header":' * 50_000,
    "huge number": b'{"header":' + b"9" * MEGABYTE + b"}",
    "many members": b'{"header":{' + b",".join(b'"m%d":1' % n for n in range(100_000)) + b"}}",
    "lone surrogate": rb'{"header":{"message_id":"\ud800"}}',
}


@pytest.mark.parametrize("sender_id", UNRESTRICTED + RESTRICTED)
def test_directory_requests_that_are_spoilt(clients, sender_id):
    """One place spoilt, or the text."""
    client, dice = clients[sender_id], random.Random(f"{SEED}directory{sender_id}")
    for number in range(50):
        request = client.envelope_2({"bank_id": dice.choice([None, 0, 1, 2**64 - 1])})
        request["request_body"]["pagination_request"] = {
            "current_page": dice.choice([1, 2, 2**64 - 1]),
            "page_size": dice.choice([1, 10, 2**64 - 1]),
            "sort_by": "id",
            "filter_by": {"id": dice.choice([1, -(2**63), 2**64 - 1])},
            "search_text": dice.choice(NASTY_TEXTS),
        }
        path = dice.choice(list(places(request)))
        request = replaced(request, path, dice.choice([*NASTY_VALUES, ...]))
        text = json.dumps(request).encode()
        if number % 3 == 0:
            text = spoilt_text(dice, text)
        reply = client.post(dice.choice(LISTINGS), text, DIRECTORY)
        check_shape(reply)
        assert reply.status in (200, 400, 403)


@pytest.mark.parametrize("name", MALFORMED)
def test_bodies_that_are_no_message(clients, schemas, name):
    for sender_id in UNRESTRICTED[:2]:
        for operation in ("link", "resolve"):
            for base in (STANDARD, OPENG2P_2):
                reply = clients[sender_id].post(operation, MALFORMED[name], base)
                check_shape(reply, operation, sender_id == "demo-strict")
                assert reply.status == 400


DUPLICATES = (
    (b'"header": {', b'"header": {"sender_id": "other"}, "header": {'),
    (b'"version"', b'"sender_id": "other", "version"'),
    (b'"reference_id"', b'"id": "token:other@nationalId", "reference_id"'),
    (b'"reference_id"', rb'"\u0069d": "token:other@nationalId", "reference_id"'),
    (b'"transaction_id"', b'"link_request": [], "transaction_id"'),
)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_duplicate_members_are_refused(clients, operation):
    for client in (clients[name] for name in UNRESTRICTED):
        message = json.dumps(client.message(operation, [{"id": new_id(), "fa": new_fa()}])).encode()
        for old, new in DUPLICATES:
            text = message.replace(
                old, new.replace(b"link_request", f"{operation}_request".encode())
            )
            reply = client.post(operation, text)
            check_shape(reply)
            assert reply.status == 400


@pytest.mark.parametrize("operation", OPERATIONS)
def test_duplicate_members_are_refused_in_openg2p_2_too(clients, operation):
    client = clients["demo-openg2p-2"]
    message = client.message(operation, [fresh_item("link", OPENG2P_2)], OPENG2P_2)
    message = json.dumps(message).encode()
    for name in ("request_id", "request_payload", "transaction_id", "id", "account_number"):
        text = message.replace(f'"{name}"'.encode(), f'"{name}": "x", "{name}"'.encode(), 1)
        assert text != message
        reply = client.post(operation, text, OPENG2P_2)
        check_shape(reply)
        assert reply.status == 400


# === Tokens === #


def test_tokens_that_are_none(clients):
    client = clients["demo-strict"]
    body = json.dumps(client.message("resolve", [{"id": new_id()}]))
    schemes = (
        "", "Bearer", "Bearer ", "bearer x", "Basic eDp5", f"Basic {client.token}", "Bearer \xff",
        f"Bearer {client.token}x", f"Bearer {client.token[:-1]}", f"Bearer {client.token.upper()}",
        f"Token {client.token}", f"{client.token}", f"Bearer {client.token},x",
        "Bearer " + "x" * 9_000, "Bearer null", "Bearer ' OR 1=1 --",
    )  # fmt: skip
    for scheme in schemes:
        headers = {"Content-Type": "application/json", "Authorization": scheme}
        reply = exchange(client.url, "POST", f"{STANDARD}/resolve", body, headers)
        check_shape(reply)
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith("Bearer")


def test_token_requests(clients):
    """Errors as in RFC 6749; none tells which of client and secret was wrong."""
    client, dice = clients["demo-strict"], random.Random(SEED)
    good = {"grant_type": "client_credentials"}
    good.update({name: client.credentials[name] for name in ("client_id", "client_secret")})
    texts = [text for text in NASTY_TEXTS if len(text) < 1_000]
    for _request in range(60):
        form = dict(good)
        name = dice.choice([*good, "scope"])
        form[name] = dice.choice(texts)
        body = urllib.parse.urlencode(form).encode()
        if dice.random() < 0.3:
            body = spoilt_text(dice, body)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if dice.random() < 0.2:
            junk = dice.choice([b"", b"x", b":", b"\xff:\xfe", f"{MARK}:{MARK}".encode()])
            headers["Authorization"] = f"Basic {base64.b64encode(junk).decode()}"
        reply = exchange(client.url, "POST", TOKEN_PATH, body, headers)
        if reply.status != 200:
            check_shape(reply)
    wrong = [{**good, "client_id": MARK}, {**good, "client_secret": MARK}]
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answers = [
        exchange(client.url, "POST", TOKEN_PATH, urllib.parse.urlencode(form), headers)
        for form in wrong
    ]
    assert answers[0].status == answers[1].status == 401
    assert answers[0].body == answers[1].body


# === HTTP === #


def test_content_types_and_encodings(clients):
    client = clients["demo-strict"]
    body = json.dumps(client.message("resolve", [{"id": new_id()}]))
    for header in (
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json-patch+json"},
        {"Content-Type": "\xff"},
        {"Content-Type": ""},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "identity"},
    ):
        headers = {**client.headers, **header}
        reply = exchange(client.url, "POST", f"{STANDARD}/resolve", body, headers)
        check_shape(reply)
        assert reply.status == 415
    for content_type in ("application/json; charset=utf-8", "Application/JSON"):
        headers = {**client.headers, "Content-Type": content_type}
        reply = exchange(client.url, "POST", f"{STANDARD}/resolve", body, headers)
        assert reply.succeeded == [True]


NOTHING_THERE = (
    "/spar", "/spar/", "//spar//x", "/en/spar/x", "/fr_FR/spar/x", "/spar/v1.0.0/mapper/sync",
    "/spar/v1.0.0/mapper/sync/link2", "/spar/v2.0.0/mapper/sync/link", "/api/mapper/nothing",
    "/api/mapper/", "/api/bene-portal/x", "/spar/%2e%2e/web", "/spar/v1.0.0/%00", "/spar/%ff",
    "/spar/..%2f..%2fetc/passwd", "/spar/" + "x" * 5_000, "/en/api/mapper/sync/link",
    "/spar/v1.0.0/mapper/sync/link/../resolve", "/spar/v1.0.0//mapper/sync/link", "/spar/static/x",
    "/spar/v1.0.0/mapper/sync/LINK", "/spar/health;x=1/y", "/spar/v1.0.0/mapper/sync/link%00",
)  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_paths_where_nothing_is(clients, method):
    client = clients["demo-strict"]
    for path in NOTHING_THERE:
        reply = exchange(client.url, method, path, "{}", client.headers)
        check_shape(reply)
        assert reply.status == 404, path


@pytest.mark.parametrize("suffix", ["", "?x=1", "#x"])
def test_health_is_a_path_of_its_own(clients, suffix):
    url = clients["demo-strict"].url
    assert exchange(url, "GET", f"/spar/health{suffix}").json == {"status": "up"}
    check_shape(exchange(url, "POST", f"/spar/health{suffix}", "{}"))
    assert exchange(url, "POST", f"/spar/health{suffix}", "{}").status == 405


def test_a_trailing_slash_is_no_other_path(clients):
    """Answered as the path without it, or not at all, but never done under another name."""
    client = clients["demo-strict"]
    id_ = new_id()
    for operation in OPERATIONS:
        reply = client.call(f"{operation}/", [{"id": id_, "fa": new_fa()}])
        check_shape(reply)
        assert reply.status in (200, 404)
        if reply.status == 200:
            assert reply.json["header"]["status"] == "rjct"


@pytest.mark.parametrize(
    "method",
    [
        "GET",
        "HEAD",
        "OPTIONS",
        "PUT",
        "PATCH",
        "DELETE",
        "TRACE",
        "CONNECT",
        "LINK",
        "get",
        "X" * 99,
    ],
)
def test_methods(clients, method):
    client = clients["demo-strict"]
    paths = [f"{base}/{operation}" for base in BASES for operation in OPERATIONS]
    for path in [*paths, *(f"{DIRECTORY}/{name}" for name in LISTINGS)]:
        reply = exchange(client.url, method, path, None, client.headers)
        assert reply.status == 405
        assert reply.headers["allow"] == "POST"
        assert reply.headers["content-type"] == "application/json"
        if method == "HEAD":
            assert reply.body == b""
        else:
            check_shape(reply)


# Without X-Odoo-Database: Odoo itself answers a wrong one, before it knows the database.
ODD_HEADERS = (
    {"Host": "evil.example"}, {"Host": ""}, {"Host": "a b"}, {"Host": "[::1"}, {"Host": "x:99999"},
    {"Cookie": "session_id=../../x; frontend_lang=xx"}, {"Cookie": "\xff=\x80"}, {"Accept": "\xfe"},
    {"Cookie": "session_id=" + "a" * 84}, {"X-Forwarded-Host": "evil", "X-Forwarded-Proto": "x"},
    {"Accept-Language": "x" * 5_000}, {"X-HTTP-Method-Override": "DELETE"}, {"Expect": "x"},
    {"Content-Length": "0"}, {"Range": "bytes=0-1"}, {"Upgrade": "h2c", "Connection": "Upgrade"},
    {"X-Original-URL": "/web/database/manager"}, {"Origin": "null"},
    {"Referer": "x"}, {"Forwarded": "for=x"}, {"If-None-Match": "*"}, {"User-Agent": ""},
    {"X-Openerp-Session-Id": "x"},
)  # fmt: skip


@pytest.mark.parametrize("headers", ODD_HEADERS, ids=lambda headers: "-".join(headers))
def test_odd_headers(clients, headers):
    client = clients["demo-strict"]
    body = json.dumps(client.message("resolve", [{"id": new_id()}])).encode()
    headers = {**client.headers, **headers}
    check_shape(exchange(client.url, "POST", f"{STANDARD}/resolve", body, headers))


def raw(url, data, reset=False):
    """Send bytes as they stand; the status of each answer that came back before the end."""
    address = urllib.parse.urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(data)
        if reset:  # the client vanishes in the middle of its message
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return []
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):  # the server did not want all of it
            while part := connection.recv(65_536):
                answer += part
    return [int(line.split()[1]) for line in answer.splitlines() if line.startswith(b"HTTP/1.")]


def head(client, *lines, operation="link"):
    """The beginning of a request with these header lines instead of a Content-Length."""
    return "\r\n".join(
        [
            f"POST {STANDARD}/{operation} HTTP/1.1",
            "Host: localhost",
            "Content-Type: application/json",
            f"Authorization: Bearer {client.token}",
            *lines,
            "\r\n",
        ]
    ).encode()


def chunked(body, size=100):
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


def test_chunked_bodies(clients):
    client = clients["demo-strict"]
    message = client.message("link", [{"id": new_id(), "fa": new_fa()}])
    body = json.dumps(message).encode()
    encoding = "Transfer-Encoding: chunked"
    assert raw(client.url, head(client, encoding) + chunked(body)) == [200]
    for broken in (
        b"zz\r\n" + body, b"-5\r\n" + body, b"", b"5\r\n", b"ffffffffffffffff\r\n" + body,
        chunked(body)[:-3], b"0x10\r\n" + body, b"5;ext=" + b"x" * 70_000,
    ):  # fmt: skip
        statuses = raw(client.url, head(client, encoding) + broken)
        assert all(400 <= status < 500 for status in statuses), broken[:20]


def test_one_request_is_never_taken_for_two(clients):
    """Lengths that contradict each other: at most one answer, and no second message done."""
    client = clients["demo-strict"]
    hidden_id = new_id()
    item = [{"id": hidden_id, "fa": new_fa()}]
    hidden = json.dumps(client.message("link", item)).encode()
    hidden = head(client, f"Content-Length: {len(hidden)}") + hidden
    body = json.dumps(client.message("resolve", [{"id": new_id()}])).encode()
    length = f"Content-Length: {len(body)}"
    chunks = chunked(body)
    for beginning, rest in (
        ((length, "Transfer-Encoding: chunked"), chunks),
        ((f"Content-Length: {len(chunks)}", "Transfer-Encoding: chunked"), chunks),
        ((length, "Content-Length: 5"), body),
        (("Content-Length: 5", length), body),
        ((length, "Transfer-Encoding: x"), body),
        ((length, "Transfer-Encoding : chunked"), body),
        ((length, "Transfer-Encoding: identity, chunked"), body),
        (("Content-Length: +5",), body),
        (("Content-Length: -1",), body),
        (("Content-Length: x",), body),
        (("Content-Length: 99999999999999999999",), body),
        ((length, "Connection: keep-alive"), body),
        (("Content-Length: 0", "Connection: keep-alive"), b""),
        (("Content-Length: 99999999", "Connection: keep-alive"), body),
    ):
        data = head(client, *beginning, operation="resolve") + rest + hidden
        statuses = raw(client.url, data)
        assert len(statuses) <= 1, beginning
        assert all(status < 500 for status in statuses), beginning
    assert client.resolve([hidden_id]).codes == ["succ.id.not_found"]


def test_clients_that_vanish(server, clients):
    """Half a request, then a reset: the workers go on serving."""
    client = clients["demo-strict"]
    message = client.message("link", [{"id": new_id(), "fa": new_fa()}] * 500)
    body = json.dumps(message).encode()
    for cut in (1, 20, 150, len(body) // 2, len(body) - 1):
        data = head(client, f"Content-Length: {len(body)}") + body
        raw(client.url, data[: -len(body) + cut], reset=True)
    raw(client.url, head(client, f"Content-Length: {len(body)}") + body, reset=True)
    assert client.resolve([new_id()]).succeeded == [True]
    assert len(server.worker_pids()) == 2


def test_bodies_too_large(clients):
    client = clients["demo-strict"]
    for operation, base in (
        ("link", STANDARD), ("resolve", STANDARD), ("link", OPENG2P_2), ("fetch-banks", DIRECTORY),
    ):  # fmt: skip
        reply = client.post(operation, b" " * 17 * MEGABYTE, base)
        check_shape(reply)
        assert reply.status == 413
    body = b"x" * 17 * MEGABYTE
    data = head(client, "Transfer-Encoding: chunked") + chunked(body, MEGABYTE)
    statuses = raw(client.url, data)
    assert all(status == 413 for status in statuses)


def test_batches_too_large(clients):
    client = clients["demo-strict"]
    reply = client.call("resolve", [{"id": f"token:{MARK}{n}@nationalId"} for n in range(10_001)])
    check_shape(reply, "resolve")
    assert reply.json["header"]["status_reason_code"] == "rjct.total_count.limit_exceeded"
