# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.service.model import call_kw, get_public_method
from odoo.tests import Form, TransactionCase, new_test_user
from odoo.tools import file_open, mute_logger

from .. import gateway, jwks, secret
from ..g2p_connect import jwk
from ..g2p_connect.client import AWAY
from ..g2p_connect.jwk import KeySet
from ..g2p_connect.values import (
    Actor,
    Address,
    LinkItem,
    Outcome,
    ResolveItem,
    Result,
    UnlinkItem,
)
from ..models import g2p_spar_connector_remote as remote
from ..models import g2p_spar_sealed_secret
from .test_client import FakeMapper
from .test_remote_line import reply

ACTOR = Actor("staff", "back_office", "Test")
SECRET = "aSecretOfOurs"
LOGGER = "odoo.addons.g2p_spar_connector.models.g2p_spar_connector_remote"


class RemoteCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connector = cls.env["g2p.spar.connector"].create(cls.values())

    @staticmethod
    def values(**values):
        return {
            "name": "There",
            "backend": "g2p_connect",
            "remote_url": "https://spar.example/spar/v1.0.0",
            "remote_sender_id": "pbms.example",
            "remote_authentication": "network",
            **values,
        }

    @staticmethod
    def token_values(**values):
        return {
            "remote_authentication": "token",
            "remote_token_url": "https://spar.example/token",
            "remote_client_id": "me",
            "remote_client_secret": SECRET,
            **values,
        }

    def answering(self, mapper=None, token=b'{"access_token": "t1", "expires_in": 3600}'):
        """The network is a `FakeMapper`, with a token endpoint."""
        mapper = mapper or FakeMapper()
        posted = []

        def post(url, body, headers, *, hosts, timeout, max_bytes):
            posted.append((url, headers))
            if url.endswith("/token"):
                return reply(body=token)
            payload = mapper.send(url, json.loads(body), *timeout)
            return reply(body=json.dumps(payload).encode())

        self.startPatcher(patch.object(gateway, "post", post))
        return posted


class TestSettings(RemoteCase):
    def test_what_is_missing(self):
        for values, name in (
            ({"remote_url": False}, "Base Address"),
            ({"remote_url": "ftp://spar.example"}, "Base Address"),
            ({"remote_url": "https://spar.example/?a=b"}, "Base Address"),
            ({"remote_sender_id": False}, "Our Sender ID"),
            (self.token_values(remote_token_url=False), "Token Address"),
            (self.token_values(remote_token_url="spar.example"), "Token Address"),
            (self.token_values(remote_client_id=False), "Client ID"),
            ({"remote_authentication": "signature"}, "Signature Dialect"),
            ({"remote_max_items": 0}, "Items per Message"),
            ({"remote_tries": 11}, "Tries"),
            ({"remote_total_seconds": 601}, "Seconds in All"),
            ({"remote_answers_signed": True}, "Signature Dialect"),
            ({"remote_answers_signed": True, "remote_dialect": "g2p_connect"}, "public keys"),
            ({"remote_keys": "no key"}, "Its Public Keys"),
            ({"remote_jwks_url": "spar.example"}, "Key Set"),
        ):
            with self.subTest(values), self.assertRaisesRegex(ValidationError, name):
                self.connector.create(self.values(**values))
        self.connector.create(self.values(remote_profile="openg2p_1", remote_sender_id=False))
        self.connector.create(self.values(backend="none", remote_url=False))

    def test_who_waits_waits_no_longer(self):
        self.connector.remote_total_seconds = 60
        for within, seconds in ((8, 8), (90, 60), (0, 60), (-1, 60), ("soon", 60)):
            hurried = self.connector.within(within)
            self.assertEqual(hurried._remote_terms().total_seconds, seconds)
        self.assertEqual(self.connector._remote_terms().total_seconds, 60)

    def test_form(self):
        with Form(self.env["g2p.spar.connector"]) as form:
            form.name = "Another"
            form.backend = "g2p_connect"
            for name, value in self.values(**self.token_values()).items():
                form[name] = value
        connector = form.record
        self.assertTrue(connector.remote_client_secret_set_at)
        self.assertFalse(connector.remote_client_secret)

    def test_no_capabilities(self):
        self.assertFalse(self.connector.capabilities())
        with self.assertRaisesRegex(UserError, "cannot do this"):
            self.connector.suspend_items(ACTOR, [UnlinkItem("1", "a@b")])


class TestSecrets(RemoteCase):
    def setUp(self):
        super().setUp()
        self.connector.write(self.token_values())
        self.tokens = self.env["g2p.spar.connector.token"]

    def sealed(self):
        return self.connector.sudo().remote_client_secret_sealed

    def test_sealed(self):
        self.assertEqual(secret.unseal(self.sealed(), remote.SECRET_PURPOSE), SECRET.encode())
        self.assertNotIn(SECRET, self.sealed())

    def test_nobody_reads_it(self):
        manager = new_test_user(self.env, "m", groups="g2p_spar_fa_directory.group_manager")
        mine = self.connector.with_user(manager)
        [values] = call_kw(mine, "read", [mine.ids, []], {})
        self.assertNotIn(SECRET, str(values))
        self.assertFalse(values["remote_client_secret"])
        name = "remote_client_secret_sealed"
        self.assertNotIn(name, values)
        with self.assertRaises(AccessError):
            mine.read([name])
        with self.assertRaises(AccessError):
            mine.search([(name, "!=", False)])
        with self.assertRaises(AccessError):
            self.tokens.with_user(manager).search([])
        self.assertFalse(self.connector.copy().sudo().remote_client_secret_sealed)

    def test_a_manager_types_it(self):
        manager = new_test_user(self.env, "m", groups="g2p_spar_fa_directory.group_manager")
        connectors = self.connector.with_user(manager)
        created = connectors.create(self.values(**self.token_values(name="Typed")))
        self.assertTrue(created.sudo().remote_client_secret_sealed)
        before = self.sealed()
        connectors.write({"remote_client_secret": "another"})
        self.assertNotEqual(self.sealed(), before)
        for call in (connectors.write, connectors.create):
            with self.assertRaises(AccessError):
                call(self.values(remote_client_secret_sealed="forged"))

    def test_an_empty_one_changes_nothing(self):
        before = self.sealed()
        self.connector.write({"remote_client_secret": False, "name": "Same"})
        self.assertEqual(self.sealed(), before)

    def test_goes_nowhere_else(self):
        """Who changes the token address has to type the secret again."""
        self.connector.remote_token_url = "https://spar.example/token"
        self.assertTrue(self.sealed(), "the same address")
        self.connector.remote_token_url = "https://elsewhere.example/token"
        self.assertFalse(self.sealed())
        self.assertFalse(self.connector.remote_client_secret_set_at)
        posted = self.answering()
        with mute_logger(LOGGER):
            [result] = self.connector.resolve_items(ACTOR, [ResolveItem("1", "a@b")])
        self.assertEqual(result.outcome, Outcome.RETRY)
        self.assertFalse(posted)
        self.connector.write(
            {"remote_token_url": "https://third.example/token", "remote_client_secret": "new"}
        )
        self.assertTrue(self.sealed())

    def test_without_the_key(self):
        missing = secret.SecretKeyMissing("The key secret_key is missing")
        with patch.object(g2p_spar_sealed_secret, "seal", side_effect=missing):
            with self.assertRaisesRegex(UserError, "secret_key"):
                self.connector.remote_client_secret = "other"

    def test_neutralize(self):
        with file_open("g2p_spar_connector/data/neutralize.sql") as script:
            self.env.flush_all()
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.assertEqual(self.connector.backend, "none")
        self.assertFalse(self.tokens.sudo().search([]))
        self.assertFalse(self.sealed())

    def test_one_token_for_all(self):
        """It is kept sealed for the next caller, until it ends or is for something else."""
        posted = self.answering()

        def ask():
            self.env.flush_all()
            posted.clear()
            self.connector.resolve_items(ACTOR, [ResolveItem("1", "a@b")])
            self.env.invalidate_all()
            return [url.rpartition("/")[2] for url, _headers in posted]

        with self.enter_registry_test_mode():
            self.assertEqual(ask(), ["token", "resolve"])
            self.assertNotIn("t1", self.tokens.sudo().search([]).sealed)
            self.assertEqual(ask(), ["resolve"])
            self.assertEqual(posted[0][1]["Authorization"], "Bearer t1")
            self.connector.remote_url = "https://other.example/spar/v1.0.0"
            self.assertEqual(ask(), ["token", "resolve"], "not to another host")
            self.connector.remote_scope = "mapper.resolve"
            self.assertEqual(ask(), ["token", "resolve"])
            self.tokens.sudo().search([]).until = fields.Datetime.now()
            self.assertEqual(ask(), ["token", "resolve"])

    def test_without_a_place_for_the_token(self):
        posted = self.answering()
        with patch.object(type(self.tokens), "_run", lambda *args: []):
            results = self.connector.resolve_items(ACTOR, [ResolveItem("1", "a@b")])
        self.assertTrue(results[0].succeeded)
        self.assertEqual(len(posted), 2)


class TestCalls(RemoteCase):
    def test_problems_are_said_here(self):
        self.answering()
        items = [
            LinkItem("1", "a@b", "c@d"),
            LinkItem("2", "", "c@d"),
            LinkItem("3", "a b@c", "c@d"),
            LinkItem("4", "x@y", ""),
            LinkItem("5", "x@y", "c@d", name="\ud800"),
            LinkItem("6", "x@y", "c@d", phone_number="1" * 65),
            LinkItem("7", "x@y", "c@d", additional_info={"set": {1}}),
            LinkItem("8", "x@y", "c@d", locale="\0"),
            LinkItem("9", "x@y", "c@d", timestamp="\ud800"),
            LinkItem("10", "z@y", "c@d"),
        ]
        results = self.connector.link_items(ACTOR, items)
        self.assertEqual(
            [result.outcome for result in results],
            [
                Outcome.DONE,
                Outcome.ID_EMPTY,
                Outcome.ID_INVALID,
                Outcome.FA_INVALID,
                Outcome.NAME_INVALID,
                Outcome.PHONE_INVALID,
                Outcome.ADDITIONAL_INFO_INVALID,
                Outcome.LOCALE_INVALID,
                Outcome.TIMESTAMP_INVALID,
                Outcome.DONE,
            ],
        )

    def test_away(self):
        """A result like any other; the log says why."""
        gone = gateway.GatewayFailed("spar.example: Connection refused", False)
        self.connector.remote_tries = 1
        with patch.object(gateway, "post", side_effect=gone), self.assertLogs(LOGGER) as logs:
            results = self.connector.resolve_items(ACTOR, [ResolveItem("1", "token:1@ns")])
        self.assertEqual(results, [Result("1", Outcome.RETRY, AWAY, id="token:1@ns")])
        self.assertIn("Connection refused", logs.output[0])
        self.assertNotIn("token:1", logs.output[0])

    def test_parts(self):
        """Read by our own directory, where the mapper names the same provider or none."""
        strategy = self.env.ref("g2p_spar_fa_directory.g2p_fa_strategy_101")
        self.env["g2p.fa.provider"].create(
            {"name": "Bank", "code": "B1", "fa_type": "bank", "strategy_id": strategy.id}
        )
        mapper = FakeMapper()
        found = mapper.found

        def answer(operation, item):
            if item.id == "opaque@ns":
                return found(operation, item)
            result = found(operation, item)._replace(fa="account:123@B1")
            return result._replace(provider=None) if item.id == "none@ns" else result

        mapper.answer = answer
        self.answering(mapper)
        ids = ("same@ns", "none@ns", "opaque@ns")
        items = [ResolveItem(id_, id_, scope="details") for id_ in ids]
        items.append(ResolveItem("hidden", "same@ns"))
        results = self.connector.resolve_items(ACTOR, items, parts=True)
        address = Address("bank", "123", "B1", "Bank", strategy_code=101)
        self.assertEqual([result.address for result in results], [address, address, None, None])
        self.assertEqual(
            [result.address for result in self.connector.resolve_items(ACTOR, items)], [None] * 4
        )
        mapper.answer = lambda *args: answer(*args)._replace(
            provider=found(*args).provider._replace(code="B2")
        )
        [result] = self.connector.resolve_items(ACTOR, items[:1], parts=True)
        self.assertIsNone(result.address, "another provider of that code, or another meaning")

    def test_not_over_rpc(self):
        for name in ("_call_remote", "_fetch_key_set", "_remote_credentials", "_test_remote"):
            with self.assertRaises(AccessError):
                get_public_method(self.connector, name)

    def test_actions_are_for_managers(self):
        officer = new_test_user(self.env, "o", groups="g2p_spar_fa_directory.group_officer")
        for action in ("action_test_connection", "action_fetch_remote_keys"):
            with self.assertRaises(AccessError):
                call_kw(self.connector.with_user(officer), action, [self.connector.ids], {})


class TestConnectionTest(RemoteCase):
    def told(self, mapper):
        self.answering(mapper)
        self.connector.action_test_connection()
        self.assertTrue(self.connector.remote_tested_at)
        return self.connector.remote_test_passed, self.connector.remote_test_result

    def answer(self, outcome):
        return FakeMapper(answer=lambda _, item: Result(item.reference_id, outcome))

    def test_it_works(self):
        passed, told = self.told(self.answer(Outcome.ID_NOT_FOUND))
        self.assertTrue(passed)
        self.assertIn("It works", told)

    def test_it_does_not(self):
        for mapper, text in (
            (FakeMapper(), "with: id_active"),
            (self.answer(Outcome.SCOPE_NOT_SUPPORTED), "does not show addresses"),
            (FakeMapper(plan=[gateway.GatewayFailed("spar.example: gone", True)]), "gone"),
            (FakeMapper(plan=[lambda _: {"hello": 1}]), "header"),
        ):
            with self.subTest(text):
                passed, told = self.told(mapper)
                self.assertFalse(passed)
                self.assertIn(text, told)

    def test_a_manager_may(self):
        manager = new_test_user(self.env, "m", groups="g2p_spar_fa_directory.group_manager")
        self.answering(self.answer(Outcome.ID_NOT_FOUND))
        call_kw(
            self.connector.with_user(manager), "action_test_connection", [self.connector.ids], {}
        )
        self.assertTrue(self.connector.remote_test_passed)


class TestKeySet(RemoteCase):
    def setUp(self):
        super().setUp()
        self.key = jwk.from_jwk(jwk.public_jwk(jwk.generate("EdDSA")))
        self.connector.write(
            {
                "remote_answers_signed": True,
                "remote_dialect": "g2p_connect",
                "remote_jwks_url": "https://spar.example/jwks.json",
            }
        )

    def fetch(self, key_set):
        if isinstance(key_set, Exception):
            patcher = patch.object(jwks, "fetch", side_effect=key_set)
        else:
            patcher = patch.object(jwks, "fetch", return_value=key_set)
        with patcher:
            self.connector.action_fetch_remote_keys()

    def kids(self):
        return [key.kid for key in self.connector._remote_public_keys()]

    def test_fetched(self):
        self.fetch(KeySet((self.key,), ("keys[1]: no use",)))
        self.assertEqual(self.kids(), [self.key.kid])
        self.assertEqual(self.connector.remote_jwks_problem, "keys[1]: no use")

    def test_cannot_be_had(self):
        """The last ones hold for a week."""
        self.fetch(KeySet((self.key,)))
        self.fetch(jwks.JwksProblem("spar.example: gone"))
        self.assertEqual(self.kids(), [self.key.kid])
        self.assertEqual(self.connector.remote_jwks_problem, "spar.example: gone")
        later = fields.Datetime.now() + timedelta(days=8)
        with patch.object(fields.Datetime, "now", lambda: later):
            self.assertEqual(self.kids(), [])

    def test_another_address(self):
        self.fetch(KeySet((self.key,)))
        self.connector.remote_jwks_url = "https://other.example/jwks.json"
        self.assertEqual(self.kids(), [])

    def test_pasted_beside(self):
        other = jwk.public_jwk(jwk.generate("EdDSA"))
        self.connector.remote_keys = json.dumps(other)
        self.fetch(KeySet((self.key,)))
        self.assertEqual(self.kids(), [other["kid"], self.key.kid])

    def test_cron(self):
        self.env["g2p.spar.connector"].search([("id", "!=", self.connector.id)]).unlink()
        with patch.object(jwks, "fetch", return_value=KeySet((self.key,))) as fetch:
            with self.enter_registry_test_mode():
                cron = self.env.ref("g2p_spar_connector.cron_fetch_remote_keys")
                cron.method_direct_trigger()
                cron.method_direct_trigger()
        fetch.assert_called_once_with("https://spar.example/jwks.json")
        self.env.invalidate_all()
        self.assertEqual(self.kids(), [self.key.kid])

    def test_cron_tells_other_workers_at_once(self):
        """They keep the keys in memory, and the next connector may fail."""
        self.env["g2p.spar.connector"].search([("id", "!=", self.connector.id)]).unlink()
        self.connector.copy({"name": "2", "remote_jwks_url": "https://second.example/jwks.json"})
        with (
            patch.object(jwks, "fetch", side_effect=[KeySet((self.key,)), ValueError("broken")]),
            patch.object(self.env.registry, "signal_changes") as signal,
            patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=60),
            self.assertRaisesRegex(ValueError, "broken"),
        ):
            self.env["g2p.spar.connector"]._cron_fetch_remote_keys()
        signal.assert_called_once_with()

    def test_an_unsigned_answer_counts_as_none(self):
        self.fetch(KeySet((self.key,)))
        self.answering()
        with self.assertLogs(LOGGER) as logs:
            [result] = self.connector.resolve_items(ACTOR, [ResolveItem("1", "a@b")])
        self.assertEqual(result.outcome, Outcome.RETRY)
        self.assertIn("member signature is missing", logs.output[0])
