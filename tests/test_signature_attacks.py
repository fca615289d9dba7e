# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Forged, altered, stale and repeated messages, sent to a running registry by whoever has no token:
none of them changes or shows anything."""

import base64
import hashlib
import hmac
import json
import random
import time
import uuid
from datetime import UTC, datetime, timedelta

import participants
import pytest
import signing
from lanes import await_true
from log_search import Logs
from mapper_client import (
    OPENG2P_1,
    OPENG2P_2,
    STANDARD,
    STANDARD_ASYNC,
    BackOffice,
    Client,
    bank_object,
    exchange,
    new_fa,
    new_id,
    new_number,
)
from registry_state import RegistryState
from signing import SigningKey, compact, detached, jws

RECEIVER_ID = "registry.example"
KEY_MODEL = "g2p.spar.participant.key"
JWS_DIALECTS = ("openg2p_1", "openg2p_2")
DIALECTS = (*JWS_DIALECTS, "g2p_connect")
SEED = 20_264
# What stands before is no part of what is signed, nor means anything.
NAMESPACE_ENDS = len('{"signature":"Signature: namespace=\\"g2p\\",')


@pytest.fixture(scope="module", autouse=True)
def own_name(server):
    participants.set_parameters(server, receiver_id=RECEIVER_ID)


@pytest.fixture(autouse=True)
def logs(server):
    logs = Logs(server)
    yield logs
    assert not logs.lines_with(" error ", " critical ", "traceback (most recent")


class Signer:
    """A participant that signs in by its signatures alone, and what attackers make of it."""

    def __init__(self, server, dialect, algorithm=None, **values):
        self.dialect = dialect
        default = "EdDSA" if dialect == "g2p_connect" else "RS256"
        self.key = SigningKey(algorithm or default, "k1")
        profile = {"openg2p_1": "openg2p_1", "openg2p_2": "openg2p_2"}.get(dialect, "strict")
        self.client, self.id = participants.register(
            server,
            profile,
            authentication="signature",
            signature_dialect=dialect,
            key=self.key,
            **values,
        )
        self.server = server

    def message(self, items=None, operation="link", **header):
        items = items or [{"id": new_id(), "fa": new_fa()}]
        return self.client.message(operation, items, receiver_id=RECEIVER_ID, **header)

    def signed(self, message, key=None):
        return signing.signed(
            self.dialect, message, key or self.key, message["header"]["sender_id"]
        )

    def send(self, raw, headers, operation="link", base=STANDARD):
        headers = {"Content-Type": "application/json", **headers}
        return exchange(self.server.url, "POST", f"{base}/{operation}", raw, headers)

    def check_works(self):
        """A right message of its own is carried out: else no refusal proves anything."""
        reply = self.send(*self.signed(self.message()))
        assert reply.status == 200 and reply.succeeded == [True], reply.body


@pytest.fixture(scope="module")
def signers(server):
    return {dialect: Signer(server, dialect) for dialect in DIALECTS}


def ids_of(message):
    return [item["id"] for item in message["message"]["link_request"]]


def check_refused(signer, message, reply, *codes):
    """With one of these codes, if any are given; nothing is done."""
    assert reply.status in (400, 401, 403), (reply.status, reply.body)
    if codes:
        assert reply.json["errors"][0]["code"] in codes, reply.body
    assert RegistryState(signer.server).mappings(ids_of(message)) == {}


INVALID = "err.signature.invalid"
MISSING = "err.signature.missing"


# === A JWS that is none, or somebody else's === #


def encoded(value):
    value = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def symmetric(raw, key, secret, kid="k1"):
    """A JWS whose secret is a public key: what a careless verifier takes."""
    head = encoded({"alg": "HS256", "kid": kid})
    value = hmac.digest(secret, f"{head}.{encoded(raw)}".encode(), hashlib.sha256)
    return f"{head}..{encoded(value)}"


def bare(raw, key, alg):
    return f"{encoded({'alg': alg, 'kid': 'k1'})}..{encoded(b'')}"


def attacker(key):
    return SigningKey(key.algorithm, key.kid)


def with_header(**header):
    """By an attacker's key that the JWS itself tells of."""

    def forge(raw, key):
        other = attacker(key)
        told = {name: value(other) if callable(value) else value for name, value in header.items()}
        return detached(jws(raw, other, **told))

    return forge


FORGERIES = {
    "none": lambda raw, key: bare(raw, key, "none"),
    "None": lambda raw, key: bare(raw, key, "nOnE"),
    "no alg": lambda raw, key: f"{encoded({'kid': 'k1'})}..{encoded(b'x')}",
    "alg of another type": lambda raw, key: f"{encoded({'alg': ['RS256']})}..{encoded(b'x')}",
    "HS256 with the PEM": lambda raw, key: symmetric(raw, key, key.pem.encode()),
    "HS256 with the JWK": lambda raw, key: symmetric(raw, key, json.dumps(key.jwk).encode()),
    "HS256 with nothing": lambda raw, key: symmetric(raw, key, b""),
    "attacker's key": lambda raw, key: detached(jws(raw, attacker(key))),
    "attacker's key, unknown kid": lambda raw, key: detached(
        jws(raw, SigningKey(key.algorithm, "other"))
    ),
    "attacker's key, no kid": with_header(kid=""),
    "attacker's jwk": with_header(jwk=lambda other: other.jwk),
    "attacker's jku": with_header(jku="http://127.0.0.1:1/jwks.json"),
    "attacker's x5u": with_header(x5u="http://127.0.0.1:1/x.pem"),
    "kid with a path": with_header(kid="../../../../dev/null"),
    "kid with a statement": with_header(kid="k1' OR '1'='1"),
    "kid of another type": lambda raw, key: encoded({"alg": "RS256", "kid": 1}) + "..AA",
    "another algorithm of the key": lambda raw, key: detached(jws(raw, key, alg="PS256")),
    "crit": lambda raw, key: detached(jws(raw, key, crit=["exp"], exp=1)),
    "unencoded payload": lambda raw, key: detached(jws(raw, key, crit=["b64"], b64=True)),
    "of nothing": lambda raw, key: detached(jws(b"", key)),
    "of another message": lambda raw, key: detached(jws(raw.replace(b"account", b"Account"), key)),
    "payload of another message": lambda raw, key: jws(b'{"header":{}}', key),
    "signature cut": lambda raw, key: detached(jws(raw, key))[:-5],
    "signature padded": lambda raw, key: detached(jws(raw, key)) + "==",
    "signature of zeros": lambda raw, key: (
        f"{detached(jws(raw, key)).partition('..')[0]}.." + encoded(bytes(256))
    ),
    "four parts": lambda raw, key: detached(jws(raw, key)) + ".x",
    "two parts": lambda raw, key: detached(jws(raw, key)).replace("..", "."),
    "no JSON": lambda raw, key: f"{encoded(b'{')}..{encoded(b'x')}",
    "alg twice": lambda raw, key: encoded(b'{"alg":"RS256","alg":"none"}') + "..AA",
    "long": lambda raw, key: encoded({"alg": "RS256", "kid": "k1", "x": "y" * 40_000}) + "..AA",
}


@pytest.mark.parametrize("dialect", JWS_DIALECTS)
def test_forged_jws(signers, dialect):
    signer = signers[dialect]
    signer.check_works()
    for name, forge in FORGERIES.items():
        message = signer.message()
        raw, _headers = signer.signed(message)
        reply = signer.send(raw, {"Signature": forge(raw, signer.key)})
        try:
            check_refused(signer, message, reply, INVALID)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None
    signer.check_works()


@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "EdDSA"])
def test_other_algorithms(server, algorithm):
    """They hold, and an attacker's do not; the ECDSA signature of zeros is the famous one."""
    signer = Signer(server, "openg2p_1", algorithm)
    signer.check_works()
    message = signer.message()
    raw, headers = signer.signed(message)
    head = headers["Signature"].partition("..")[0]
    wrong = jws(raw, SigningKey(algorithm, "k1"))
    for value in (encoded(bytes(64)), encoded(b"\xff" * 64), encoded(b""), wrong.split(".")[2]):
        reply = signer.send(raw, {"Signature": f"{head}..{value}"})
        check_refused(signer, message, reply, INVALID)


def test_forged_body_signatures(signers):
    signer = signers["g2p_connect"]
    sender, key, now = signer.client.sender_id, signer.key, int(time.time())
    other = SigningKey("EdDSA", "k1")

    def sign(by=key, who=sender, **times):
        return lambda header, message: signing.body_signature(header, message, by, who, **times)

    right = sign(created=now)

    def but(old, new):
        return lambda header, message: right(header, message).replace(old, new)

    forgeries = {
        "attacker's key": sign(by=other),
        "unknown key": sign(by=SigningKey("EdDSA", "k2")),
        "another sender": sign(who="demo-strict"),
        "expired": sign(created=now - 400),
        "from the future": sign(created=now + 120),
        "holds too long": sign(lifetime=301),
        "ends before it begins": sign(lifetime=-1),
        "created altered": but(f'created="{now}', f'created="{now - 5}'),
        "expires altered": but('expires="', 'expires="1'),
        "algorithm none": but('algorithm="ed25519"', 'algorithm="none"'),
        "algorithm hs2019": but('algorithm="ed25519"', 'algorithm="hs2019"'),
        "kidId's algorithm": but("|ed25519", "|rsa"),
        "fewer headers": but("(created) (expires) digest", "(created)"),
        "a parameter twice": but("headers=", 'created="1", headers='),
        "no signature": but("signature=", "x="),
        "header left out": lambda header, message: right(b"", message),
        "message left out": lambda header, message: right(header, b""),
        "one bracket": lambda header, message: right(header + b",", message),
        "of the whole": lambda header, message: right(b"{" + header, message + b"}"),
        "no base64": but('signature="', 'signature="*'),
        "of another type": lambda header, message: ["x"],
        "long": lambda header, message: "x" * 100_000,
    }
    signer.check_works()
    for name, forge in forgeries.items():
        message = signer.message()
        header, content = compact(message["header"]), compact(message["message"])
        told = json.dumps(forge(header, content)).encode()
        raw = b'{"signature":' + told + b',"header":' + header + b',"message":' + content + b"}"
        try:
            check_refused(signer, message, signer.send(raw, {}), INVALID, MISSING)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None
    signer.check_works()


# === Signatures that hold, of what is not this === #


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("alterations", [150, pytest.param(2_000, marks=pytest.mark.long)])
def test_altered_bytes(signers, dialect, alterations):
    """One byte changed anywhere in the message or its signature."""
    signer, dice = signers[dialect], random.Random(f"{SEED}{dialect}")
    ids = []
    for _alteration in range(alterations):
        message = signer.message()
        raw, headers = signer.signed(message)
        ids += ids_of(message)
        altered = bytearray(raw)
        if headers and dice.random() < 0.4:
            text = bytearray(headers["Signature"].encode())
            place = dice.randrange(len(text))
            text[place] = dice.choice([byte for byte in b"AZaz09-_." if byte != text[place]])
            headers = {"Signature": text.decode()}
        else:
            place = dice.randrange(len(altered))
            byte = dice.choice([byte for byte in range(32, 127) if byte != altered[place]])
            altered[place] = byte
        reply = signer.send(bytes(altered), headers)
        if reply.status == 200:  # nothing but the signature's own prefix may differ unharmed
            assert dialect == "g2p_connect" and place < NAMESPACE_ENDS
            assert reply.succeeded == [True]
            ids.pop()
            continue
        assert reply.status in (400, 401, 403), (place, reply.body)
    assert RegistryState(signer.server).mappings(ids) == {}
    signer.check_works()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_members_twice(signers, dialect):
    """Refused before anything is verified, wherever they are."""
    signer = signers[dialect]
    for old, new in (
        (b'"header":', b'"header":{},"header":'),
        (b'"message":', b'"message":{},"message":'),
        (b'"action":', b'"action":"unlink","action":'),
        (b'"fa":', b'"fa":"account:1@x","fa":'),
    ):
        message = signer.message()
        raw, headers = signer.signed(message)
        assert old in raw
        reply = signer.send(raw.replace(old, new, 1), headers)
        check_refused(signer, message, reply)


def test_white_space(signers):
    """JWS of OpenG2P sign what a message says, so its layout may change; the standard's body
    signature covers the bytes."""
    for dialect in JWS_DIALECTS:
        signer = signers[dialect]
        message = signer.message()
        raw, headers = signer.signed(message)
        looser = json.dumps(json.loads(raw), indent=1).encode()
        reply = signer.send(looser, headers)
        assert reply.status == 200 and reply.succeeded == [True], reply.body
    signer = signers["g2p_connect"]
    message = signer.message()
    raw, _headers = signer.signed(message)
    check_refused(signer, message, signer.send(raw.replace(b'"fa":', b'"fa": '), {}), INVALID)
    around = raw.replace(b',"header":', b' , "header" : ')
    around = around.replace(b',"message":', b',\n"message":\t')
    assert signer.send(around, {}).succeeded == [True]


def test_a_payload_inside_the_jws(signers):
    """OpenG2P's client 2.0.0 sends it: it must be the message's."""
    signer = signers["openg2p_2"]
    message = signer.message()
    raw, _headers = signer.signed(message)
    assert signer.send(raw, {"Signature": jws(raw, signer.key)}).succeeded == [True]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_somebody_elses_signature(server, signers, dialect):
    """The right key of another participant, and a right message under another's name."""
    signer, other = signers[dialect], Signer(server, dialect)
    message = signer.message()
    raw, headers = signer.signed(message, key=other.key)
    check_refused(signer, message, signer.send(raw, headers), INVALID)
    message = signer.message(sender_id=other.client.sender_id)
    raw, headers = signer.signed(message)
    check_refused(signer, message, signer.send(raw, headers), INVALID)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_on_another_path(signers, dialect):
    """A message says what it wants: it is good for no other operation."""
    signer = signers[dialect]
    id_, fa = new_id(), new_fa()
    assert signer.send(*signer.signed(signer.message([{"id": id_, "fa": fa}]))).succeeded == [True]
    message = signer.message([{"id": id_, "fa": new_fa()}], "update")
    raw, headers = signer.signed(message)
    for operation in ("link", "unlink", "resolve"):
        reply = signer.send(raw, headers, operation)
        header = reply.json["header"]
        assert header["status"] == "rjct"
        assert header["status_reason_code"].startswith("rjct.action.")
    assert RegistryState(signer.server).mappings([id_]) == {id_: fa}


# === Time, and once only === #


@pytest.mark.parametrize("dialect", DIALECTS)
def test_sent_again(server, signers, dialect):
    """A recorded message is answered alike and done once, on every path; altered, not at all."""
    signer, state = signers[dialect], RegistryState(server)
    id_ = new_id()
    message = signer.message([{"id": id_, "fa": new_fa()}])
    raw, headers = signer.signed(message)
    first = signer.send(raw, headers)
    assert first.succeeded == [True]
    unlinking = signer.message([{"id": id_}], "unlink")
    assert signer.send(*signer.signed(unlinking), "unlink").succeeded == [True]
    again = signer.send(raw, headers)
    assert again.json["message"] == first.json["message"]
    if dialect != "openg2p_2":
        signer.send(raw, headers, base=OPENG2P_1)
    asynchronous = signer.send(raw, headers, base=STANDARD_ASYNC)
    assert asynchronous.json["message"]["ack_status"] == "ERR"
    time.sleep(1)
    assert state.mappings([id_]) == {}
    assert state.event_counts([id_]) == {id_: (2, 1)}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_clock(signers, dialect):
    """A change needs a signed time near to now."""
    signer = signers[dialect]
    for hours in (-48, 48):
        stamp = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
        message = signer.message(message_ts=stamp)
        reply = signer.send(*signer.signed(message))
        assert reply.status in (200, 400, 403)
        assert not reply.items
        assert RegistryState(signer.server).mappings(ids_of(message)) == {}
    for stamp in ("string", datetime.now(UTC).replace(tzinfo=None).isoformat(), ""):
        message = signer.message(message_ts=stamp)
        assert not signer.send(*signer.signed(message)).items
        assert RegistryState(signer.server).mappings(ids_of(message)) == {}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_meant_for_another_registry(signers, dialect):
    signer = signers[dialect]
    for receiver_id in ("elsewhere.example", ""):
        message = signer.client.message(
            "link", [{"id": new_id(), "fa": new_fa()}], receiver_id=receiver_id
        )
        check_refused(signer, message, signer.send(*signer.signed(message)))


# === Keys come and go === #


def test_revoked_ended_and_new_keys(server):
    signer, office = Signer(server, "openg2p_1"), BackOffice(server)
    signer.check_works()
    old, new = signer.key, SigningKey("ES256", "k2")
    participants.add_key(office, signer.id, new)
    for key in (old, new):  # both hold while they overlap
        signer.key = key
        signer.check_works()
    ids = office.find(KEY_MODEL, ["participant_id", "=", signer.id], ["kid", "=", "k1"])
    office.must(KEY_MODEL, "action_revoke", ids)
    message = signer.message()
    raw, headers = signing.signed("openg2p_1", message, old, "")

    def refused():
        return signer.send(raw, headers).status == 401

    await_true(refused, timeout=5)  # by all workers
    assert refused() and refused()
    assert RegistryState(server).mappings(ids_of(message)) == {}
    signer.check_works()
    ids = office.find(KEY_MODEL, ["participant_id", "=", signer.id], ["kid", "=", "k2"])
    for values in (
        {"not_after": "2020-01-01 00:00:00"},
        {"not_before": "2120-01-01 00:00:00", "not_after": False},
    ):
        office.must(KEY_MODEL, "write", ids, values)
        message = signer.message()
        check_refused(signer, message, signer.send(*signer.signed(message)), INVALID)
    office.must(KEY_MODEL, "write", ids, {"not_before": False})
    signer.check_works()


# === One way in for each, and no other === #


def test_no_way_round(server, signers):
    """A signature does not do for a token, nor a token for a signature."""
    signer = signers["g2p_connect"]
    stranger = Client(server)
    message = signer.message()
    raw = json.dumps(message).encode()
    check_refused(signer, message, signer.send(raw, {}), MISSING)
    reply = signer.send(raw, {"Authorization": f"Bearer {stranger.token}"})
    check_refused(signer, message, reply)
    for authorization in ("Bearer ", "Bearer x", f"Basic {encoded(b'a:b')}", "Signature x"):
        raw, headers = signer.signed(message)
        reply = signer.send(raw, {"Authorization": authorization, **headers})
        check_refused(signer, message, reply)
    key = participants.signing_key("g2p_connect")
    plain, plain_id = participants.register(server)
    participants.add_key(BackOffice(server), plain_id, key)
    message = plain.message("link", [{"id": new_id(), "fa": new_fa()}], receiver_id=RECEIVER_ID)
    raw, headers = signing.signed("g2p_connect", message, key, plain.sender_id)
    check_refused(signer, message, signer.send(raw, headers))


def test_token_and_signature(server):
    """Where both are asked for, one of them does not do."""
    key = participants.signing_key("openg2p_1")
    client, _id = participants.register(server, signature_dialect="openg2p_1", key=key)
    item = {"id": new_id(), "fa": new_fa()}
    message = client.message("link", [item])
    raw, headers = signing.signed("openg2p_1", message, key, "")
    kind = {"Content-Type": "application/json"}
    bearer = {**kind, "Authorization": f"Bearer {client.token}"}
    path = f"{STANDARD}/link"
    for sent in ({**kind, **headers}, bearer, {**bearer, "Signature": "x..y"}):
        assert exchange(server.url, "POST", path, raw, sent).status == 401
    assert exchange(server.url, "POST", path, raw, {**bearer, **headers}).succeeded == [True]


def test_signed_message_of_openg2p_2(server):
    """In its own envelope, which has neither action nor receiver."""
    signer = Signer(server, "openg2p_2")
    payload = {
        "transaction_id": uuid.uuid4().hex,
        "link_request": [
            {
                "reference_id": "r0",
                "timestamp": datetime.now(UTC).isoformat(),
                "id": new_id(),
                "fa": bank_object(new_number()),
            }
        ],
    }
    message = signer.client.envelope_2(payload)
    raw, headers = signing.signed("openg2p_2", message, signer.key, "")
    forged = detached(jws(raw, SigningKey("RS256", "k1")))
    assert signer.send(raw, {"Signature": forged}, base=OPENG2P_2).status == 401
    reply = signer.send(raw, headers, base=OPENG2P_2)
    assert reply.status == 200, reply.body
    assert reply.succeeded == [True]
    again = signer.send(raw, headers, base=OPENG2P_2)
    assert again.items == reply.items
