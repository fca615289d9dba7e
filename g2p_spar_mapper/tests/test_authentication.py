# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
import os
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from joserfc import jws
from joserfc.jwk import ECKey

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import file_open

from odoo.addons.g2p_spar_connector import gateway
from odoo.addons.g2p_spar_connector.g2p_connect import jwk, signature

from ..models import g2p_spar_token_issuer
from ..models.g2p_spar_authenticator import Attempt
from ..models.g2p_spar_exchange import Body
from ..remote_address import trusted_proxies
from .common import MapperCommon

SYNC = "/spar/v1.0.0/mapper/sync"
OPENG2P_2 = "/api/mapper/mapper"
TOKENS = "/spar/oauth2/client/token"
OPERATIONS = ("link", "update", "unlink", "resolve")
ISS = "https://login.example.org"


class AuthenticationCase(MapperCommon, HttpCase):
    """Requests by HTTP, with just the credentials that a test gives them."""

    serial = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # many are refused here, all to one address
        cls.env["ir.config_parameter"].set_param("g2p_spar.tokens_per_address", 1_000_000)

    def token_of(self, participant):
        return self.env["g2p.spar.access.token"].issue(participant, OPERATIONS)

    def message(self, operation="resolve", sender_id="free.test", **header):
        AuthenticationCase.serial += 1
        now = datetime.now(UTC).isoformat()
        item = {"id": self.id_of(self.serial)} | ({"fa": self.fa()} if operation == "link" else {})
        return {
            "header": {
                "version": "1.0.0",
                "message_id": f"m{self.serial}",
                "message_ts": now,
                "action": operation,
                "sender_id": sender_id,
                "total_count": 1,
                **header,
            },
            "message": {
                "transaction_id": "t1",
                f"{operation}_request": [{"reference_id": "r1", "timestamp": now, **item}],
            },
        }

    def message_2(self, operation="resolve", sender_id="free.test"):
        """The same in the envelope of OpenG2P 2.x."""
        message = self.message(operation, sender_id)
        return {
            "request_header": {
                "sender_app_mnemonic": sender_id,
                "request_id": message["header"]["message_id"],
                "request_timestamp": message["header"]["message_ts"],
            },
            "request_body": {"request_payload": message["message"]},
        }

    def post(self, body, path=f"{SYNC}/resolve", **headers):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers = {"Content-Type": "application/json", **headers}
        return self.url_open(path, data=raw, headers=headers, method="POST")

    @contextmanager
    def assertInvalid(self, reason=""):
        """Like assertRaisesRegex, which would not undo what was written."""
        with self.assertRaises(ValidationError) as raised:
            yield
        self.assertIn(reason, str(raised.exception))

    def assertTaken(self, response):
        self.assertEqual(response.status_code, 200, response.text)
        self.assertEqual(response.json()["header"]["status"], "succ", response.text)

    def assertRefused(self, response, status=401, code="err.request.unauthorized", text=""):
        self.assertEqual(response.status_code, status, response.text)
        [error] = response.json()["errors"]
        self.assertEqual(error["code"], code)
        self.assertIn(text, error["message"])
        if status == 401:
            self.assertTrue(response.headers["WWW-Authenticate"])


@tagged("post_install", "-at_install")
class TestOneWayOnly(AuthenticationCase):
    """Whoever proves itself in another way than its record says has proven nothing."""

    def test_without_anything(self):
        self.assertRefused(self.post(self.message()))
        self.assertRefused(self.post(self.message(sender_id="nobody")))
        self.assertRefused(self.post(b"[]"))

    def test_token_ends_with_the_change_of_authentication(self):
        token = {"Authorization": f"Bearer {self.token_of(self.participant)}"}
        self.assertTaken(self.post(self.message(), **token))
        self.participant.write({"authentication": "signature", "signature_dialect": "openg2p_1"})
        self.assertRefused(self.post(self.message(), **token))
        self.participant.authentication = "token"
        self.assertRefused(self.post(self.message(), **token))

    def test_no_token_for_those_who_need_none(self):
        """Not even a token that was put into the table is worth anything then."""
        secret = self.participant.rotate_secret()
        form = {
            "grant_type": "client_credentials",
            "client_id": self.participant.client_id,
            "client_secret": secret,
        }
        self.assertEqual(self.url_open(TOKENS, data=form).status_code, 200)
        self.participant.write({"authentication": "signature", "signature_dialect": "openg2p_1"})
        response = self.url_open(TOKENS, data=form)
        self.assertEqual((response.status_code, response.json()["error"]), (401, "invalid_client"))
        token = {"Authorization": f"Bearer {self.token_of(self.participant)}"}
        self.assertRefused(self.post(self.message(), **token))

    def test_secret_ends_with_the_change_of_authentication(self):
        """And does not come back with it: there may have been a reason."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.participant.client_id,
            "client_secret": self.participant.rotate_secret(),
        }
        self.participant.write({"authentication": "signature", "signature_dialect": "openg2p_1"})
        self.participant.authentication = "token"
        self.assertFalse(self.participant.client_secret_set_at)
        self.assertEqual(self.url_open(TOKENS, data=form).status_code, 401)

    def test_body_is_not_read_for_nothing(self):
        """Without participants that have no token, a request without one costs nothing."""
        self.env["g2p.spar.participant"].search([("authentication", "!=", "token")]).active = False
        self.assertRefused(self.post(b"x" * 1_000_000))
        self.assertRefused(self.post(b"{", Content_Type="text/plain"))

    def test_length_without_a_token(self):
        """No longer than participants without a token may send; refused before it is read."""
        everybody = self.env["g2p.spar.participant"].search([("authentication", "!=", "token")])
        everybody.active = False
        self.institution.write(
            {"authentication": "signature", "signature_dialect": "g2p_connect", "max_items": 10}
        )
        raw = b"[" + b" " * (64 * 1024 + 10 * 1677)
        self.assertRefused(self.post(raw[:-1]), 400, "err.request.bad", "body")
        self.assertRefused(self.post(raw), 413, "err.request.bad")
        self.assertRefused(self.post(raw, Authorization=""), 413, "err.request.bad")
        token = {"Authorization": f"Bearer {self.token_of(self.participant)}"}
        self.assertEqual(self.post(raw, **token).status_code, 400)  # it has been read

    def test_body_without_the_header_that_all_sign_in(self):
        """It is not parsed, but for a short one."""
        everybody = self.env["g2p.spar.participant"].search([("authentication", "!=", "token")])
        everybody.active = False
        self.institution.write({"authentication": "signature", "signature_dialect": "openg2p_1"})
        short, long = b"{", b"{" + b" " * 64 * 1024
        self.assertRefused(self.post(long), text="or a signature")
        self.assertRefused(self.post(long, Signature="a..b"), 400, "err.request.bad", "body")
        self.assertRefused(self.post(short), 400, "err.request.bad", "body")
        unsigned = self.post(self.message(sender_id="bank.test"))
        self.assertRefused(unsigned, 401, "err.signature.missing")
        self.other_institution.write(
            {"authentication": "signature", "signature_dialect": "g2p_connect"}
        )
        self.assertRefused(self.post(long), 400, "err.request.bad", "body")

    def test_refusals_are_charged_to_the_address(self):
        """Whoever names senders that it is not is soon not read any more."""
        self.institution.write({"authentication": "signature", "signature_dialect": "g2p_connect"})
        self.env["ir.config_parameter"].set_param("g2p_spar.tokens_per_address", 20)
        self.assertRefused(self.post(self.message(sender_id="nobody")))
        unsigned = self.message(sender_id="bank.test")
        self.assertRefused(self.post(unsigned), 401, "err.signature.missing")
        for body in (unsigned, b"{"):
            response = self.post(body)
            self.assertRefused(response, 429, "err.request.too_many_requests")
            self.assertTrue(int(response.headers["Retry-After"]))
        token = {"Authorization": f"Bearer {self.token_of(self.participant)}"}
        self.assertTaken(self.post(self.message(), **token))

    def test_hostile_bodies_without_credentials(self):
        self.other_institution.write(
            {"authentication": "signature", "signature_dialect": "g2p_connect"}
        )
        for body in ([], {}, {"header": []}, {"header": {"sender_id": 7}}, {"header": {}}, None):
            with self.subTest(body=body):
                self.assertRefused(self.post(body))
                self.assertRefused(self.post(body, f"{OPENG2P_2}/resolve"))
        for body in (b"", b"{", b"\xff", b'{"header": {}, "header": {}}'):
            with self.subTest(body=body):
                self.assertRefused(self.post(body), 400, "err.request.bad", "body")
        self.assertRefused(self.post(b"{}", Content_Type="text/plain"), 415, "err.request.bad")

    def test_neutralized(self):
        """A copy of a database takes nobody for a participant of the original."""
        issuer = self.env["g2p.spar.token.issuer"].create(
            {"name": "Issuer", "issuer": ISS, "audience": "spar", "jwks_url": f"{ISS}/jwks.json"}
        )
        resolve_only = {"may_link": False, "may_update": False, "may_unlink": False}
        values = {"authentication": "network", "network": "192.0.2.1", **resolve_only}
        self.participant.write(values)
        self.institution.write({"authentication": "signature", "signature_dialect": "openg2p_1"})
        self.env.flush_all()
        with file_open("g2p_spar_mapper/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        for participant in self.participant + self.institution:
            self.assertEqual(participant.authentication, "token")
            self.assertFalse(participant.signature_dialect or participant.network)
            self.assertFalse(participant.client_secret_digest)
        self.assertFalse(issuer.jwks_url)

    def test_constraints(self):
        for values, reason in (
            ({"authentication": "signature"}, "how messages are signed"),
            ({"sign_answers": True}, "how messages are signed"),
            ({"authentication": "issuer"}, "say which"),
            ({"authentication": "network"}, "only resolve"),
        ):
            with self.subTest(**values), self.assertInvalid(reason):
                self.participant.write(values)


@tagged("post_install", "-at_install")
class TestSignature(AuthenticationCase):
    """Participants that sign their messages, with and without a token."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.config_parameter"].set_param("g2p_spar.receiver_id", "spar.test")
        cls.keys = {"g2p_connect": jwk.generate("EdDSA"), "openg2p_1": jwk.generate("RS256")}
        cls.keys["openg2p_2"] = cls.keys["openg2p_1"]
        cls.register(cls.participant, cls.keys["g2p_connect"])
        cls.register(cls.participant, cls.keys["openg2p_1"])
        cls.another_key = jwk.generate("EdDSA")
        cls.other_institution.write(
            {"authentication": "signature", "signature_dialect": "g2p_connect"}
        )
        cls.register(cls.other_institution, cls.another_key)

    @classmethod
    def register(cls, participant, key):
        participant.register_keys([jwk.from_jwk(jwk.public_jwk(key))])

    def signs(self, dialect, **values):
        self.participant.write(
            {"authentication": "signature", "signature_dialect": dialect, **values}
        )

    def signed(self, dialect, message, key=None, now=None, sender_id="free.test"):
        """The raw body and the headers of a signed message."""
        now = now or datetime.now(UTC)
        return signature.sign(dialect, message, key or self.keys[dialect], sender_id, now)

    def call(self, dialect, operation="resolve", path=None, token=None, message=None, **options):
        """Sign a message and send it."""
        message = message or self.message(operation, receiver_id="spar.test")
        raw, headers = self.signed(dialect, message, **options)
        if token:
            headers = {**headers, "Authorization": f"Bearer {token}"}
        return self.post(raw, path or f"{SYNC}/{operation}", **headers)

    # === GOOD AND BAD SIGNATURES === #

    def test_dialects(self):
        for dialect in signature.DIALECTS:
            with self.subTest(dialect):
                self.signs(dialect)
                for operation in ("link", "resolve"):
                    self.assertTaken(self.call(dialect, operation))

    def test_openg2p_2_envelope(self):
        self.signs("openg2p_2", profile="openg2p_2")
        for operation in ("resolve", "unlink"):
            message = self.message_2(operation)
            path = f"{OPENG2P_2}/{operation}"
            response = self.call("openg2p_2", path=path, message=message)
            self.assertEqual(response.status_code, 200, response.text)
            self.assertEqual(response.json()["response_header"]["response_status"], "SUCCESS")

    def test_only_the_agreed_dialect(self):
        for dialect in signature.DIALECTS:
            self.signs(dialect)
            for other in set(signature.DIALECTS) - {dialect}:
                with self.subTest(agreed=dialect, used=other):
                    raw, headers = self.signed(other, message := self.message())
                    # as neither of the two JWS dialects would write it
                    raw = json.dumps(message).encode() if headers else raw
                    response = self.post(raw, **headers)
                    self.assertRefused(response, 401, self.code_of(dialect, other))

    def code_of(self, agreed, used):
        missing = (agreed == "g2p_connect") != (used == "g2p_connect")
        return "err.signature.missing" if missing else "err.signature.invalid"

    def test_wrong_kind_of_credential(self):
        self.signs("g2p_connect")
        self.assertRefused(self.post(self.message()), 401, "err.signature.missing")
        token = self.token_of(self.participant)
        self.assertRefused(self.call("g2p_connect", token=token))
        self.assertRefused(self.call("g2p_connect", token="nonsense"))
        basic = {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}
        raw, headers = self.signed("g2p_connect", self.message())
        self.assertRefused(self.post(raw, **headers, **basic))

    def test_signature_is_none_of_a_token_participant(self):
        """One that signs perfectly, but whose record asks for a token."""
        self.participant.write({"authentication": "token", "signature_dialect": False})
        self.assertRefused(self.call("g2p_connect"))
        token = self.token_of(self.participant)
        self.assertTaken(self.call("g2p_connect", token=token))

    def test_another_participants_key(self):
        self.signs("g2p_connect")
        for options in (
            {"key": self.another_key},
            {"key": self.another_key._replace(kid=self.keys["g2p_connect"].kid)},
            {"key": self.another_key, "sender_id": "other.test"},
        ):
            with self.subTest(**options):
                response = self.call("g2p_connect", **options)
                self.assertRefused(response, 401, "err.signature.invalid")

    def test_another_senders_message(self):
        """Rightly signed by one who says to be another."""
        self.signs("openg2p_1")
        message = self.message(sender_id="other.test")
        response = self.call("openg2p_1", message=message)
        self.assertRefused(response, 401, "err.signature.missing")
        response = self.call("openg2p_1", message=self.message(sender_id="bank.test"))
        self.assertRefused(response)

    def test_altered(self):
        for dialect in signature.DIALECTS:
            self.signs(dialect)
            raw, headers = self.signed(dialect, self.message())
            for altered in (
                raw.replace(b'"r1"', b'"r2"'),
                raw.replace(b"t1", b"t2"),
                raw.replace(b'"total_count":1', b'"total_count":1,"meta":{}'),
            ):
                with self.subTest(dialect=dialect, altered=altered):
                    self.assertNotEqual(altered, raw)
                    response = self.post(altered, **headers)
                    self.assertRefused(response, 401, "err.signature.invalid")

    def test_white_space(self):
        """Signed is what was sent, however it is written; in the JWS dialects also its canonical
        form, since OpenG2P's libraries write it anew."""
        message = json.dumps(self.message(), indent=2).encode()
        self.signs("g2p_connect")
        raw, headers = self.signed("g2p_connect", json.loads(message))
        spaced = raw.replace(b'"header":{', b'"header" : {').replace(b"},", b"} ,", 1)
        self.assertTaken(self.post(spaced, **headers))
        inside = raw.replace(b'"version":', b'"version": ')
        self.assertRefused(self.post(inside, **headers), 401, "err.signature.invalid")
        self.signs("openg2p_1")
        raw, headers = self.signed("openg2p_1", json.loads(message))
        self.assertTaken(self.post(message, **headers))

    def test_duplicate_members(self):
        """Refused before anything is verified: two readers would see two messages."""
        for dialect in signature.DIALECTS:
            self.signs(dialect)
            raw, headers = self.signed(dialect, self.message())
            twice = b'{"header":{"sender_id":"other.test"},' + raw[1:]
            self.assertRefused(self.post(twice, **headers), 400, "err.request.bad", "twice")

    def test_unsigned_members_beside(self):
        """The signature of the standard covers header and message. An envelope of OpenG2P 2.x
        beside them, sent to its paths, would be anybody's."""
        self.signs("g2p_connect", profile="openg2p_2")
        raw, _headers = self.signed("g2p_connect", self.message("unlink", receiver_id="spar.test"))
        mixed = raw[:-1] + b"," + json.dumps(self.message_2("unlink")).encode()[1:]
        response = self.post(mixed, f"{OPENG2P_2}/unlink")
        self.assertRefused(response, 401, "err.signature.invalid", "OpenG2P 2.x")
        self.assertTaken(self.post(mixed, f"{SYNC}/unlink"))

    def test_signed_for_another_operation(self):
        self.signs("openg2p_1", profile="openg2p_1")
        message = self.message("link", receiver_id="spar.test")
        message["message"]["unlink_request"] = message["message"]["link_request"]
        response = self.call("openg2p_1", path=f"{SYNC}/unlink", message=message)
        self.assertEqual(
            response.json()["header"]["status_reason_code"], "rjct.action.not_supported"
        )

    def test_archived(self):
        self.signs("g2p_connect")
        self.participant.active = False
        self.assertRefused(self.call("g2p_connect"))

    def test_no_key(self):
        self.signs("g2p_connect")
        self.participant.key_ids.action_revoke()
        self.assertRefused(self.call("g2p_connect"), 401, "err.signature.invalid")

    def test_statements(self):
        """Participant, keys and all come from the cache."""
        self.signs("g2p_connect")
        raw, _headers = self.signed("g2p_connect", self.message())
        attempt = Attempt("", None, None, "192.0.2.1", "g2p_connect", Body(raw))
        authenticator = self.env["g2p.spar.authenticator"]
        authenticator.authenticate(attempt)
        with self.assertQueryCount(0):
            caller = authenticator.authenticate(attempt)
        self.assertEqual(caller.participant.id, self.participant.id)

    # === TIME, RECEIVER, REPLAY === #

    def at(self, **delta):
        return datetime.now(UTC) + timedelta(**delta)

    def test_time_of_the_standards_signature(self):
        self.signs("g2p_connect", profile="openg2p_1")
        for operation in ("link", "resolve"):
            for now in (self.at(seconds=25), self.at(minutes=-4)):
                self.assertTaken(self.call("g2p_connect", operation, now=now))
            for now in (self.at(seconds=90), self.at(minutes=-5, seconds=-1)):
                response = self.call("g2p_connect", operation, now=now)
                self.assertRefused(response, 401, "err.signature.invalid")

    def test_time_of_other_signatures(self):
        """It is that of the message: needed for whatever changes a mapping or shows an address."""
        self.signs("openg2p_1", profile="openg2p_1")
        for message_ts in (
            self.at(hours=-2).isoformat(),
            self.at(hours=2).isoformat(),
            "2024-05-01 10:00:00.000000",
            "",
            None,
        ):
            with self.subTest(message_ts=message_ts):
                values = {"message_ts": message_ts, "receiver_id": "spar.test"}
                message = self.message("link", **values)
                answer = self.call("openg2p_1", "link", message=message).json()
                self.assertEqual(answer["header"]["status_reason_code"], "rjct.message_ts.invalid")
                message = self.message("resolve", **values)
                self.assertTaken(self.call("openg2p_1", message=message))
                message = self.look_up(**values)
                answer = self.call("openg2p_1", message=message).json()
                self.assertEqual(answer["header"]["status_reason_code"], "rjct.message_ts.invalid")
        self.assertTaken(self.call("openg2p_1", "link"))
        self.assertTaken(self.call("openg2p_1", message=self.look_up()))

    def look_up(self, **header):
        """A message that asks for an address."""
        message = self.message("resolve", **header)
        message["message"]["resolve_request"][0]["scope"] = "details"
        return message

    def test_time_of_asynchronous_look_ups(self):
        self.signs("openg2p_1", profile="openg2p_1")
        profile = self.env["g2p.spar.participant"].get_profile(self.participant.id)
        old = self.at(hours=-2).isoformat()
        for message, status in (
            (self.look_up(message_ts=old), "ERR"),
            (self.look_up(), "ACK"),
            (self.message(message_ts=old), "ACK"),
        ):
            raw = json.dumps(message).encode()
            reply = self.env["g2p.spar.exchange"].receive(profile, "resolve", raw)
            self.assertEqual(json.loads(reply.body)["message"]["ack_status"], status)

    def test_time_of_status(self):
        """Its answer may hold addresses."""
        self.signs("openg2p_1", profile="openg2p_1")
        profile = self.env["g2p.spar.participant"].get_profile(self.participant.id)
        for at, text in (
            (self.at(hours=-2), "rjct.message_ts.invalid"),
            (self.at(), "err.request.not_found"),
        ):
            message = self.message("txn-status", message_ts=at.isoformat())
            message["message"] = {
                "transaction_id": "t1",
                "txnstatus_request": {
                    "reference_id": "1",
                    "txn_type": "resolve",
                    "attribute_type": "correlation_id",
                    "attribute_value": "unknown",
                },
            }
            reply = self.env["g2p.spar.exchange"].answer_status(
                profile, frozenset({"status"}), json.dumps(message).encode()
            )
            self.assertIn(text, reply.body.decode())

    def test_time_of_openg2p_2(self):
        """The refusal names the member of its own envelope."""
        self.signs("openg2p_2", profile="openg2p_2")
        message = self.message_2("unlink")
        message["request_header"]["request_timestamp"] = "2024"
        response = self.call("openg2p_2", message=message, path=f"{OPENG2P_2}/unlink")
        self.assertIn("request_timestamp: must be", response.text)

    def test_receiver(self):
        self.signs("openg2p_1", profile="openg2p_1")
        for receiver_id in ("another.test", "", None):
            message = self.message("link", receiver_id=receiver_id)
            response = self.call("openg2p_1", "link", message=message)
            self.assertRefused(response, 403, "err.receiver_id.invalid")
            message = self.message("resolve", receiver_id=receiver_id)
            self.assertTaken(self.call("openg2p_1", message=message))
            response = self.call("openg2p_1", message=self.look_up(receiver_id=receiver_id))
            if receiver_id:
                self.assertRefused(response, 403, "err.receiver_id.invalid")
            else:
                self.assertTaken(response)
        for message in (
            self.message("link", receiver_id="SPAR.test"),
            self.look_up(receiver_id="SPAR.test"),
        ):
            operation = message["header"]["action"]
            self.assertTaken(self.call("openg2p_1", operation, message=message))
        self.env["ir.config_parameter"].set_param("g2p_spar.receiver_id", False)
        response = self.call("openg2p_1", "link")
        self.assertRefused(response, 403, "err.receiver_id.invalid", "settings")

    def test_token_and_signature(self):
        """Both must be right; the token is what identifies, so time and receiver do not matter."""
        self.participant.write({"signature_dialect": "openg2p_1", "profile": "openg2p_1"})
        token = self.token_of(self.participant)
        message = self.message("link", message_ts="2024", message_id="string")
        self.assertTaken(self.call("openg2p_1", "link", token=token, message=message))
        bearer = {"Authorization": f"Bearer {token}"}
        self.assertRefused(self.post(message, **bearer), 401, "err.signature.missing")
        response = self.call("openg2p_1", token=token, key=jwk.generate("RS256"))
        self.assertRefused(response, 401, "err.signature.invalid")
        self.assertRefused(self.call("openg2p_1"))  # without the token
        response = self.post(b"{", **bearer)
        self.assertRefused(response, 400, "err.request.bad")

    def test_key_is_on_record(self):
        """Of two registered keys, the one that has signed."""
        next_key = jwk.generate("EdDSA")
        self.register(self.participant, next_key)
        self.signs("g2p_connect")
        messages = self.env["g2p.spar.message"]
        for path in (f"{SYNC}/link", "/spar/v1.0.0/mapper/link"):
            for key in (self.keys["g2p_connect"], next_key):
                with self.subTest(path, key=key.kid):
                    message = self.message("link", receiver_id="spar.test")
                    response = self.call("g2p_connect", "link", path, message=message, key=key)
                    self.assertEqual(response.status_code, 200, response.text)
                    sent = [("message_id", "=", message["header"]["message_id"])]
                    self.assertEqual(messages.search(sent).signed_by, key.kid)
        self.participant.write({"authentication": "token", "signature_dialect": False})
        message = self.message("link")
        bearer = {"Authorization": f"Bearer {self.token_of(self.participant)}"}
        self.assertTaken(self.post(message, f"{SYNC}/link", **bearer))
        sent = [("message_id", "=", message["header"]["message_id"])]
        self.assertFalse(messages.search(sent).signed_by)

    def test_replay(self):
        """Also in a profile that repeats its message ids under a token."""
        self.signs("openg2p_1", profile="openg2p_1")
        message = self.message("link", receiver_id="spar.test")
        raw, headers = self.signed("openg2p_1", message)
        first = self.post(raw, f"{SYNC}/link", **headers)
        self.assertTaken(first)
        [item] = first.json()["message"]["link_response"]
        self.assertEqual(item["status"], "succ")
        for _repeat in range(2):
            self.assertEqual(self.post(raw, f"{SYNC}/link", **headers).json(), first.json())
        id_ = message["message"]["link_request"][0]["id"]
        self.assertEqual(len(self.events(id_)), 1)
        # another message of the same id
        message["message"]["link_request"][0]["id"] = self.id_of("another")
        answer = self.call("openg2p_1", "link", message=message).json()
        self.assertEqual(answer["header"]["status_reason_code"], "rjct.message_id.duplicate")
        message["header"]["message_id"] = ""
        response = self.call("openg2p_1", "link", message=message)
        self.assertEqual(response.status_code, 400)
        self.assertIn("message_id", response.json()["header"]["status_reason_message"])
        self.assertFalse(self.mapping(self.id_of("another")))

    # === OUR SIGNATURES === #

    def own_keys(self):
        keys = self.env["g2p.spar.signing.key"].published()["keys"]
        return [jwk.from_jwk(key) for key in keys]

    def assertSigned(self, dialect, response):
        verified = signature.verify(
            dialect,
            response.content,
            response.json(),
            response.headers.get("Signature"),
            self.own_keys(),
            datetime.now(UTC),
        )
        self.assertEqual(verified.algorithm, signature.SIGNING_ALGORITHMS[dialect])

    def test_answers_are_signed(self):
        self.env["g2p.spar.signing.key"]._cron_rotate()
        for dialect in signature.DIALECTS:
            self.signs(dialect, sign_answers=True)
            with self.subTest(dialect):
                message = self.message("link", receiver_id="spar.test")
                raw, headers = self.signed(dialect, message)
                first, again = (self.post(raw, f"{SYNC}/link", **headers) for _time in range(2))
                for response in (
                    first,
                    again,
                    self.call(dialect),
                    self.call(dialect, message=self.message(action="link")),
                    self.call(dialect, message={**self.message(), "message": 7}),
                ):
                    self.assertSigned(dialect, response)
                self.assertEqual(first.json()["message"], again.json()["message"])

    def test_signed_answers_under_a_token(self):
        self.env["g2p.spar.signing.key"]._cron_rotate()
        self.participant.write({"signature_dialect": "openg2p_2", "sign_answers": True})
        token = self.token_of(self.participant)
        self.assertSigned("openg2p_2", self.call("openg2p_2", token=token))

    def test_answers_are_not_signed_unless_asked(self):
        self.signs("openg2p_1")
        self.assertNotIn("Signature", self.call("openg2p_1").headers)

    def test_no_key_of_our_own(self):
        self.env["g2p.spar.signing.key"].search([]).unlink()
        self.signs("openg2p_1", sign_answers=True)
        self.assertRefused(self.call("openg2p_1"), 503, "err.service.unavailable")


@tagged("post_install", "-at_install")
class TestIssuer(AuthenticationCase):
    """Tokens of another issuer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256"})
        cls.issuer = cls.env["g2p.spar.token.issuer"].create(
            {
                "name": "Authorization Server",
                "issuer": ISS,
                "audience": "spar",
                "algorithms": "ES256",
                "jwks": json.dumps({"keys": [cls.key.as_dict(private=False)]}),
            }
        )
        cls.participant.write(
            {
                "authentication": "issuer",
                "issuer_id": cls.issuer.id,
                "issuer_subject": "the-bank",
            }
        )

    def jwt(self, key=None, kid="k1", **claims):
        claims = {
            "iss": ISS,
            "aud": "spar",
            "client_id": "the-bank",
            "scope": "mapper.resolve mapper.link",
            "exp": int(time.time()) + 60,
            **claims,
        }
        payload = json.dumps(claims).encode()
        return jws.serialize_compact({"alg": "ES256", "kid": kid}, payload, key or self.key)

    def call(self, token=None, operation="resolve", **message):
        headers = {"Authorization": f"Bearer {token or self.jwt()}"}
        return self.post(self.message(operation, **message), f"{SYNC}/{operation}", **headers)

    def test_good_token(self):
        self.assertTaken(self.call())
        self.assertTaken(self.call(operation="link"))

    def test_wrong_token(self):
        for claims, text in (
            ({"iss": "https://other.example.org"}, "issuer"),
            ({"iss": [ISS]}, "issuer"),
            ({"iss": None}, "issuer"),
            ({"aud": "other"}, "aud"),
            ({"exp": int(time.time()) - 61}, "expired"),
            ({"client_id": "another"}, "client"),
            ({"client_id": ["the-bank"]}, "client"),
            ({"client_id": None, "sub": "the-bank"}, "client"),
            ({"key": ECKey.generate_key("P-256")}, "signature"),
        ):
            with self.subTest(**claims):
                self.assertRefused(self.call(self.jwt(**claims)), text=text)
        for token in ("a.b.c", "..", f"{self.jwt()}x", "\x7f.\x7f.\x7f"):
            with self.subTest(token=token):
                self.assertRefused(self.call(token))

    def test_scopes_limit_operations(self):
        for scope in ("", "openid", "link", "mapper.linker", "mapper.resolve", "mapper.*"):
            with self.subTest(scope=scope):
                response = self.call(self.jwt(scope=scope), "link")
                self.assertRefused(response, 403, "err.request.forbidden")
        self.participant.may_link = False
        response = self.call(self.jwt(scope="mapper.link"), "link")
        self.assertRefused(response, 403, "err.request.forbidden")

    def test_sender_must_be_the_client(self):
        response = self.call(sender_id="bank.test")
        self.assertRefused(response, 403, "err.sender_id.invalid")

    def test_wrong_kind_of_credential(self):
        """Ours for one of theirs, theirs for one of ours, nothing at all."""
        ours = self.token_of(self.participant)
        self.assertRefused(self.call(ours))
        self.assertRefused(self.post(self.message()))
        self.participant.authentication = "token"
        self.assertRefused(self.call(self.jwt()), text="client")

    def test_archived(self):
        token = self.jwt()
        self.issuer.active = False
        self.assertRefused(self.call(token), text="issuer")
        self.issuer.active = True
        self.assertTaken(self.call(token))
        self.participant.active = False
        self.assertRefused(self.call(token), text="client")

    def test_statements(self):
        """Everything comes from the cache."""
        attempt = {"Authorization": f"Bearer {self.jwt()}"}
        self.post(self.message(), **attempt)
        authenticator = self.env["g2p.spar.authenticator"]
        with self.assertQueryCount(0):
            caller = authenticator._by_bearer(attempt["Authorization"])
        self.assertEqual(caller.operations, {"link", "resolve"})

    # === KEYS === #

    def test_only_managers_have_keys_fetched(self):
        self.issuer.jwks_url = f"{ISS}/jwks.json"
        viewer = new_test_user(
            self.env, "issuer viewer", "base.group_user,g2p_spar_fa_directory.group_viewer"
        )
        with patch.object(gateway, "get") as get, self.assertRaises(AccessError):
            self.issuer.with_user(viewer).action_fetch_keys()
        get.assert_not_called()

    def fetched(self, raw, status=200):
        """Fetch the keys; the gateway's answer is given."""
        reply = gateway.Reply(status, {}, raw)
        progress = patch.object(type(self.env["ir.cron"]), "_commit_progress")
        with patch.object(gateway, "get", return_value=reply) as get, progress:
            self.env["g2p.spar.token.issuer"]._cron_fetch_keys()
        return get

    def test_unknown_key_wakes_the_job(self):
        """Once a minute for each worker, not once for each token that somebody makes up."""
        g2p_spar_token_issuer._woken_at.clear()
        new_key = ECKey.generate_key("P-256", {"kid": "k2", "alg": "ES256"})
        token = self.jwt(new_key, "k2")
        with patch.object(type(self.env["ir.cron"]), "_trigger") as trigger:
            for _repeat in range(3):
                # a test's read-only cursor lets no other be opened, so no look-up here
                self.assertRefused(self.call(token, "link"), text="try again")
        trigger.assert_called_once()
        self.issuer.jwks_url = f"{ISS}/jwks.json"
        keys = {"keys": [new_key.as_dict(private=False)]}
        get = self.fetched(json.dumps(keys).encode())
        self.assertEqual(get.call_args.kwargs["hosts"], ["login.example.org"])
        self.assertTaken(self.call(token))
        self.assertRefused(self.call(self.jwt()), text="not known")  # the old one has gone

    def test_fetching_has_a_pause(self):
        self.issuer.write({"jwks_url": f"{ISS}/jwks.json", "jwks": self.issuer.jwks})
        self.fetched(b"", 500).assert_called_once()
        self.fetched(b"", 500).assert_not_called()
        self.assertIn("status 500", self.issuer.fetch_problem)
        self.assertTaken(self.call())  # the keys that were there still hold

    def test_bad_key_sets(self):
        self.issuer.write({"jwks_url": f"{ISS}/jwks.json", "jwks": self.issuer.jwks})
        private = json.dumps({"keys": [self.key.as_dict(private=True)]}).encode()
        for raw in (b"", b"{", b"[]", b'{"keys": []}', b"\xff", private):
            with self.subTest(raw=raw[:20]):
                self.issuer.tried_at = False
                self.fetched(raw)
                self.assertTrue(self.issuer.fetch_problem)
                self.assertTaken(self.call())

    def test_old_keys_do_not_last(self):
        self.issuer.write({"jwks_url": f"{ISS}/jwks.json", "jwks": self.issuer.jwks})
        self.issuer.fetched_at = "2020-01-01"
        self.fetched(b"", 500)
        self.assertRefused(self.call(operation="link"), text="not known")

    def test_job_goes_on_after_an_unexpected_problem(self):
        self.env["g2p.spar.token.issuer"].search([]).jwks_url = False
        values = {"audience": "spar", "jwks_url": "https://second.test/"}
        other = self.issuer.create({"name": "Second", "issuer": "https://second.test", **values})
        self.issuer.jwks_url = f"{ISS}/jwks.json"
        raw = json.dumps({"keys": [self.key.as_dict(private=False)]}).encode()

        def get(url, **_options):
            if ISS in url:
                raise RuntimeError("SECRET-777")
            return gateway.Reply(200, {}, raw)

        with (
            patch.object(gateway, "get", get),
            patch.object(type(self.env["ir.cron"]), "_commit_progress"),
            self.assertLogs("odoo.addons.g2p_spar_mapper", "ERROR") as logs,
        ):
            self.env["g2p.spar.token.issuer"]._cron_fetch_keys()
        self.assertNotIn("SECRET-777", str(logs.output))
        self.assertTrue(other.jwks)
        self.assertTrue(self.issuer.fetch_problem and self.issuer.tried_at)

    def test_keys_end_also_where_no_job_runs(self):
        self.issuer.write({"jwks_url": f"{ISS}/jwks.json", "jwks": self.issuer.jwks})
        self.assertTaken(self.call())
        self.issuer.fetched_at = datetime.now() - timedelta(days=1, seconds=1)
        self.env.registry.clear_cache()
        self.assertRefused(self.call(), text="does not hold")

    def test_fetch_without_an_address(self):
        self.issuer.action_fetch_keys()
        self.assertTrue(self.issuer.fetch_problem)

    def test_another_issuer_has_other_keys(self):
        keys = self.issuer.jwks
        for values in ({"issuer": f"{ISS}/2"}, {"jwks_url": f"{ISS}/jwks.json"}):
            self.issuer.write({"jwks": keys, "fetched_at": "2020-01-01", "tried_at": "2020-01-01"})
            self.issuer.write({"name": "Renamed", "issuer": self.issuer.issuer})
            self.assertTrue(self.issuer.jwks)
            self.issuer.write(values)
            self.assertFalse(self.issuer.jwks or self.issuer.fetched_at or self.issuer.tried_at)
        self.issuer.write({"issuer": ISS, "jwks": keys})
        self.assertTaken(self.call())

    def test_pasted_keys_are_stored_without_anything_beside(self):
        self.assertNotIn("x-note", self.issuer.jwks)
        public = self.key.as_dict(private=False) | {"x-note": "SECRET-777"}
        private = {**ECKey.generate_key("P-256").as_dict(private=True)}
        self.issuer.jwks = json.dumps({"keys": [public]})
        self.assertNotIn("SECRET-777", self.issuer.jwks)
        self.assertTaken(self.call())
        with self.assertInvalid("private"):
            self.issuer.jwks = json.dumps({"keys": [public, private]})
        with self.assertInvalid("private"):
            self.issuer.copy({"issuer": f"{ISS}/2", "jwks": json.dumps({"keys": [private]})})

    def test_what_can_be_set(self):
        for values in (
            {"algorithms": "HS256"},
            {"algorithms": "none"},
            {"algorithms": " "},
            {"jwks_url": "ftp://example.org/"},
            {"jwks_url": "https://user@example.org/"},
            {"jwks": "no keys"},
            {"jwks": json.dumps({"keys": [self.key.as_dict(private=True)]})},
        ):
            with self.subTest(**values), self.assertInvalid():
                self.issuer.write(values)


@tagged("post_install", "-at_install")
class TestNetwork(AuthenticationCase):
    """Participants that are known by where they send from."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bridge = cls._participant(
            "bridge",
            profile="openg2p_1",
            authentication="network",
            network="127.0.0.0/8",
            may_link=False,
            may_update=False,
            may_unlink=False,
        )

    def setUp(self):
        super().setUp()
        self.addCleanup(trusted_proxies.cache_clear)
        self.trust("")

    def trust(self, setting):
        self.startPatcher(patch.dict(os.environ, {"SPAR_TRUSTED_PROXIES": setting}))
        trusted_proxies.cache_clear()

    def call(self, sender_id="", operation="resolve", **headers):
        message = self.message(operation, sender_id)
        return self.post(message, f"{SYNC}/{operation}", **headers)

    def test_from_its_network(self):
        self.link(self.free, (self.id_of(self.serial + 1), self.fa()))
        response = self.call()
        self.assertTaken(response)
        self.assertTaken(self.call("bridge.test"))
        self.assertTaken(self.call("BRIDGE.test"))

    def test_from_elsewhere(self):
        self.bridge.network = "192.0.2.0/28"
        self.assertRefused(self.call())
        self.assertRefused(self.call("bridge.test"))

    def test_look_ups_only(self):
        for operation in ("link", "update", "unlink"):
            response = self.call(operation=operation)
            self.assertRefused(response, 403, "err.request.forbidden")
        with self.assertInvalid("only resolve"):
            self.bridge.may_link = True
        # even if its record said so
        self.env.cr.execute(
            "UPDATE g2p_spar_participant SET may_link = true WHERE id = %s", [self.bridge.id]
        )
        self.env.registry.clear_cache()
        self.bridge.invalidate_recordset()
        self.assertRefused(self.call(operation="link"), 403, "err.request.forbidden")

    def test_other_senders_are_none_of_its_network(self):
        """A name in the message says whose credentials are asked for."""
        for sender_id in ("free.test", "bank.test", "nobody"):
            self.assertRefused(self.call(sender_id))

    def test_forged_headers(self):
        self.bridge.network = "192.0.2.0/28"
        for name in ("X_Forwarded_For", "X_Real_IP", "Forwarded", "Via"):
            for setting in ("", "10.0.0.0/8"):
                with self.subTest(name=name, trusted=setting):
                    self.trust(setting)
                    self.assertRefused(self.call(**{name: "192.0.2.1"}))
                    self.assertRefused(self.call("bridge.test", **{name: "for=192.0.2.1"}))

    def test_through_an_unnamed_proxy(self):
        """Its address is not that of the sender, even where it is in the network."""
        self.assertTaken(self.call())
        self.assertRefused(self.call(X_Forwarded_For="203.0.113.9"))
        self.assertRefused(self.call(X_Forwarded_For="127.0.0.1"))

    def test_through_a_named_proxy(self):
        self.trust("127.0.0.1")
        self.bridge.network = "192.0.2.0/28"
        self.assertTaken(self.call(X_Forwarded_For="192.0.2.1"))
        self.assertTaken(self.call(X_Forwarded_For="203.0.113.9, 192.0.2.1"))
        for forged in ("192.0.2.1, 203.0.113.9", "203.0.113.9", "", "192.0.2.1, x"):
            with self.subTest(forged=forged):
                self.assertRefused(self.call(X_Forwarded_For=forged))
        self.assertRefused(self.call())

    def test_bearer_token_is_no_credential_of_its(self):
        """Whoever shows a token is judged by the token alone."""
        self.assertRefused(self.call(Authorization="Bearer nonsense"))
        self.assertRefused(self.call(Authorization=f"Bearer {self.token_of(self.bridge)}"))

    def test_one_participant_per_network(self):
        same = {"authentication": "network", "may_link": False, "may_update": False}
        same |= {"may_unlink": False, "network": "127.0.0.1"}
        with self.assertInvalid("overlaps"):
            self._participant("second", **same)
        second = self._participant("third", **(same | {"network": "192.0.2.1"}))
        with self.assertInvalid("overlaps"):
            second.network = "127.9.0.0/16"
        self.bridge.active = False
        second.network = "127.0.0.1"
        with self.assertInvalid("overlaps"):
            self.bridge.active = True
        # and if there were two all the same, it is nobody
        self.env.cr.execute(
            "UPDATE g2p_spar_participant SET active = true WHERE id = %s", [self.bridge.id]
        )
        self.env.registry.clear_cache()
        self.assertRefused(self.call())

    def test_networks_are_checked(self):
        for network in ("", "nonsense", "0.0.0.0/0", "::/0", "192.0.2.1/24", "::ffff:0:0/96"):
            with self.subTest(network=network), self.assertInvalid("network"):
                self.bridge.network = network
