# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import io
import json
import random
from types import SimpleNamespace
from unittest.mock import patch

import psycopg2
from PIL import Image

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.service.model import get_public_method
from odoo.tests import Form, TransactionCase, new_test_user, tagged
from odoo.tools import SQL, file_open, mute_logger

from .. import web
from ..models.g2p_spar_id_rule import _is_text
from ..oidc import OidcProblem
from .identity_provider import IdentityProvider

HTTPS = "https://id.example"


class ProviderCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.namespace = cls.env["g2p.id.namespace"].create({"name": "signin-test"})
        cls.strategy = cls.env["g2p.fa.strategy"].create(
            {
                "name": "Sign-in test",
                "code": 9901,
                "strategy_type": "ID",
                "fa_type": False,
                "construct_pattern": "token:{sub}@signin-test",
            }
        )
        cls.provider = cls.new(name="National ID")

    @classmethod
    def new(cls, **values):
        return cls.env["g2p.spar.signin.provider"].create(
            {
                "name": "Provider",
                "issuer": HTTPS,
                "authorization_endpoint": f"{HTTPS}/authorize",
                "token_endpoint": f"{HTTPS}/token",
                "jwks_uri": f"{HTTPS}/jwks",
                "userinfo_endpoint": f"{HTTPS}/userinfo",
                "client_id": "spar",
                "strategy_id": cls.strategy.id,
                "namespace_id": cls.namespace.id,
                **values,
            }
        )


@tagged("post_install", "-at_install")
class TestMakeId(ProviderCase):
    def test_id(self):
        for value, made in (
            ("alice", "token:alice@signin-test"),
            ("aB-_.~1", "token:aB-_.~1@signin-test"),
            (123456, "token:123456@signin-test"),
        ):
            self.assertEqual(self.provider._make_id({"sub": value}), made)

    def test_another_claim(self):
        self.provider.id_claim = "individual_id"
        claims = {"sub": "pairwise", "individual_id": "4242"}
        self.assertEqual(self.provider._make_id(claims), "token:4242@signin-test")

    def test_refused(self):
        for value in (
            None,
            "",
            " ",
            "a b",
            "a:b",
            "a@b",
            "@",
            ":",
            "x@signin-test",
            "x@other",
            "token:x@signin-test",
            "a\n",
            "a\0",
            "é",
            "\u202ealice",
            "x" * 300,
            True,
            1.5,
            ["alice"],
            {"alice": 1},
        ):
            with self.subTest(value), self.assertRaises(OidcProblem) as caught:
                self.provider._make_id({"sub": value})
            self.assertNotIn("alice", str(caught.exception))
        with self.assertRaises(OidcProblem):
            self.provider._make_id({})

    def test_strategy_that_leaves_the_namespace_later(self):
        """Nothing but the namespace of the record, whatever the strategy says now."""
        self.env.cr.execute(
            "UPDATE g2p_fa_strategy SET construct_pattern = 'token:{sub}@other' WHERE id = %s",
            [self.strategy.id],
        )
        self.strategy.invalidate_recordset()
        with self.assertRaises(OidcProblem):
            self.provider._make_id({"sub": "alice"})

    def test_person(self):
        claims = {
            "name#en": "Alice",
            "name#fr-FR": "Alix",
            "email": "a@example.org",
            "phone_number": "+63\r\n1",
        }
        self.env["res.lang"]._activate_lang("fr_FR")
        values = self.provider.with_context(lang="fr_FR")._person_values(claims)
        self.assertEqual(values, {"name": "Alix", "email": "", "phone": ""})
        values = self.provider._person_values({**claims, "email_verified": True, "name": "A"})
        self.assertEqual(values, {"name": "A", "email": "a@example.org", "phone": ""})
        self.provider.contacts_verified = True
        values = self.provider._person_values({**claims, "name#en": None, "name#fr-FR": 5})
        self.assertEqual(values, {"name": "", "email": "a@example.org", "phone": ""})
        for email in (
            "a@x.example, b@y.example",
            "a@x.example;b@y.example",
            "a@x.example b@y.example",
            "Alice <a@x.example>",
            "a@x.example@y.example",
            "a@x.example>,<b@y.example",
            "@x.example",
            "alice",
            '"a b"@x.example',
        ):
            with self.subTest(email):
                self.assertFalse(self.provider._person_values({"email": email})["email"])
        self.provider.name_claim = self.provider.email_claim = False
        values = self.provider._person_values({**claims, "phone_number": "+63 917"})
        self.assertEqual(values, {"name": "", "email": "", "phone": "+63 917"})


@tagged("post_install", "-at_install")
class TestSettings(ProviderCase):
    def assertRefused(self, text, **values):
        with self.assertRaises(ValidationError) as caught:
            self.provider.write(values)
        self.assertIn(text, str(caught.exception))

    def test_what_is_wrong(self):
        for values, text in (
            ({"issuer": "id.example"}, "Issuer"),
            ({"issuer": f"{HTTPS}?x=1"}, "Issuer"),
            ({"issuer": "ftp://id.example"}, "Issuer"),
            ({"token_endpoint": "https://user@id.example/"}, "Token Endpoint"),
            ({"authorization_endpoint": "javascript:alert(1)"}, "Authorization Endpoint"),
            ({"authorization_endpoint": "http://id.example/authorize"}, "https"),
            ({"authorization_endpoint": "http://127.0.0.1.example/authorize"}, "https"),
            ({"end_session_endpoint": "http://10.0.0.1/end-session"}, "https"),
            ({"scopes": "profile"}, "Scopes"),
            ({"algorithms": "RS256 none"}, "Signature Algorithms"),
            ({"algorithms": "HS256"}, "Signature Algorithms"),
            ({"clock_skew": -1}, "Clock Skew"),
            ({"clock_skew": 301}, "Clock Skew"),
            ({"id_claim": "a b"}, "ID Claim"),
            ({"claims_request": "{"}, "Claims Request"),
            ({"claims_request": "[]"}, "Claims Request"),
        ):
            with self.subTest(values):
                self.assertRefused(text, **values)

    def test_pages_on_this_machine(self):
        for host in ("localhost:8080", "127.0.0.1", "[::1]:8080"):
            self.provider.authorization_endpoint = f"http://{host}/authorize"

    def test_strategy_and_namespace(self):
        other = self.namespace.create({"name": "signin-other"})
        self.assertRefused("makes no IDs of the namespace", namespace_id=other.id)
        fa = self.env["g2p.fa.strategy"].search([("strategy_type", "=", "FA")], limit=1)
        self.assertRefused("strategy of IDs", strategy_id=fa.id)

    def test_strategy_stays_as_it_is(self):
        self.assertTrue(self.strategy.used)
        with self.assertRaises(UserError):
            self.strategy.construct_pattern = "other:{sub}@signin-test"

    def test_namespace_of_two(self):
        """Subjects of two issuers may be alike; two claims may be as well."""
        self.new(name="Same issuer, other client")
        with self.assertRaises(ValidationError):
            self.new(name="Other", issuer="https://other.example")
        with self.assertRaises(ValidationError):
            self.new(name="Other claim", id_claim="preferred_username")
        archived = self.new(name="Archived", issuer="https://other.example", active=False)
        with self.assertRaises(ValidationError):
            archived.active = True
        self.provider.search([("namespace_id", "=", self.namespace.id)]).active = False
        self.new(name="A", id_claim="individual_id")
        # alicex of the one and alice of the other
        strategy = self.strategy.copy(
            {"code": 9903, "construct_pattern": "token:{sub}x@signin-test"}
        )
        values = {"id_claim": "individual_id", "strategy_id": strategy.id}
        with self.assertRaises(ValidationError):
            self.new(name="Other strategy", **values)
        other = self.new(name="B", id_claim="individual_id", issuer="https://b.example")
        with self.assertRaises(ValidationError):
            other.strategy_id = strategy
        self.new(name="B", id_claim="individual_id", issuer="https://other.example")

    def test_what_is_missing(self):
        self.assertFalse(self.provider.problem)
        for name in ("client_id", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
            provider = self.new(**{name: False})
            self.assertIn(provider._label(name), provider.problem)
            self.assertNotIn(provider, provider.offered(self.env.company))
        provider = self.new(userinfo_endpoint=False, userinfo_mode="none")
        self.assertFalse(provider.problem)
        provider.client_auth = "client_secret_basic"
        self.assertIn("Secret", provider.problem)
        provider.client_secret = "s"
        self.assertFalse(provider.problem)

    def test_secret(self):
        provider = self.new(client_auth="client_secret_post", client_secret=" s3cret ")
        self.assertEqual(provider.client().client_secret, "s3cret")
        self.assertFalse(provider.client_secret)
        self.assertNotIn("s3cret", provider.sudo().client_secret_sealed)
        provider.client_secret = ""
        self.assertTrue(provider.client_secret_set_at, "an empty one changes nothing")
        provider.token_endpoint = "https://elsewhere.example/token"
        self.assertFalse(provider.client_secret_set_at)
        self.assertFalse(provider.client().client_secret)

    def test_keys(self):
        jwk = json.loads(self.provider.client_jwk)
        self.assertEqual((jwk["kty"], jwk["use"], jwk["alg"]), ("RSA", "sig", "RS256"))
        self.assertFalse({"d", "p", "q"} & jwk.keys())
        self.assertEqual(jwk["kid"], self.provider.client().client_key.kid)
        self.assertEqual(json.loads(base64.b64decode(self.provider.client_jwk_file)), jwk)
        self.assertFalse(self.provider.userinfo_jwk)
        self.provider.userinfo_mode = "jwe"
        encryption = json.loads(self.provider.userinfo_jwk)
        self.assertEqual((encryption["use"], encryption["alg"]), ("enc", "RSA-OAEP-256"))
        self.assertNotEqual(encryption["n"], jwk["n"])
        self.assertFalse({"d", "p", "q"} & encryption.keys())
        self.assertTrue(self.provider.client().userinfo_key)
        self.provider.action_new_client_key()
        self.provider.action_new_userinfo_key()
        self.assertNotEqual(json.loads(self.provider.client_jwk)["n"], jwk["n"])
        self.assertNotEqual(json.loads(self.provider.userinfo_jwk)["n"], encryption["n"])

    def test_copy_has_no_secrets(self):
        self.provider.write({"client_auth": "client_secret_basic", "client_secret": "s"})
        copy = self.provider.copy()
        self.assertFalse(copy.client_secret_set_at or copy.sudo().client_secret_sealed)
        self.assertFalse(copy.sudo().client_key_sealed or copy.client_jwk)

    def test_addresses_to_register(self):
        base = self.provider.get_base_url()
        path = f"{base}/my/financial-address"
        self.assertEqual(self.provider.redirect_uri, f"{path}/signed-in/{self.provider.id}")
        self.assertEqual(self.provider.sign_out_return_uri, path)
        other = self.new(name="Other client")
        self.assertNotEqual(other.redirect_uri, self.provider.redirect_uri)

    def test_form(self):
        with Form(self.env["g2p.spar.signin.provider"]) as form:
            form.name = "By hand"
            form.issuer = HTTPS
            form.strategy_id = self.strategy
            form.namespace_id = self.namespace
        self.assertIn("Client ID", form.record.problem)

    def test_neutralize(self):
        self.provider.write({"client_auth": "client_secret_basic", "client_secret": "s"})
        self.env.flush_all()
        with file_open("g2p_spar_self_service/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        provider = self.provider.sudo()
        self.assertFalse(provider.active or provider.client_secret_sealed)
        self.assertFalse(provider.client_key_sealed or provider.client_jwk)


@tagged("post_install", "-at_install")
class TestTest(ProviderCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.idp = IdentityProvider()
        cls.addClassCleanup(cls.idp.stop)
        cls.local = cls.new(issuer=cls.idp.issuer, id_claim="sub", active=False)
        cls.provider.active = False
        cls.local.active = True

    def test_discover(self):
        self.local.action_discover()
        self.assertEqual(self.local.token_endpoint, f"{self.idp.issuer}/token")
        self.assertEqual(self.local.end_session_endpoint, f"{self.idp.issuer}/end-session")
        self.assertTrue(self.local.iss_in_redirect)
        silent = self.idp.metadata()
        del silent["authorization_response_iss_parameter_supported"]
        with patch.object(self.idp, "metadata", lambda: silent):
            self.local.action_discover()
        self.assertTrue(self.local.iss_in_redirect, "nothing is turned off by what it says")
        self.local.issuer = f"{self.idp.issuer}/"
        with self.assertRaisesRegex(UserError, "issuer is not exactly"):
            self.local.action_discover()

    def test_test(self):
        self.local.action_discover()
        self.local.action_test()
        self.assertFalse(self.local.test_passed)
        self.assertIn("does not know us", self.local.test_result)
        self.idp.clients["spar"] = {
            "auth": "private_key_jwt",
            "jwk": json.loads(self.local.client_jwk),
            "redirect_uris": [],
        }
        self.local.action_test()
        self.assertTrue(self.local.test_passed, self.local.test_result)
        self.assertIn("✓ Token endpoint: it knows us", self.local.test_result)
        self.local.client_id = False
        self.local.action_test()
        self.assertFalse(self.local.test_passed)
        self.assertIn("Client ID", self.local.test_result)


@tagged("post_install", "-at_install")
class TestHistory(ProviderCase):
    """Whoever manages SPAR could let themselves be vouched for as anybody, and put things back."""

    def events(self, provider_id):
        events = self.env["g2p.spar.signin.provider.event"].search(
            [("provider_id", "=", provider_id)], order="id"
        )
        return [(e.operation, e.field_name, e.old_value, e.new_value) for e in events]

    def test_changes(self):
        manager = new_test_user(
            self.env, "signin-history", groups="g2p_spar_fa_directory.group_manager"
        )
        provider = self.provider.with_user(manager)
        before = len(self.events(provider.id))
        provider.write({"issuer": "https://evil.example", "name": "Other", "scopes": "openid"})
        provider.write({"issuer": HTTPS, "contacts_verified": True})
        provider.contacts_verified = True
        other = self.strategy.copy({"code": 9903, "construct_pattern": "token:{sub}.@signin-test"})
        provider.strategy_id = other
        self.assertEqual(
            self.events(provider.id)[before:],
            [
                ("write", "issuer", HTTPS, "https://evil.example"),
                ("write", "issuer", "https://evil.example", HTTPS),
                ("write", "contacts_verified", "", "True"),
                (
                    "write",
                    "strategy_id",
                    f"{self.strategy.display_name} ({self.strategy.id})",
                    f"{other.display_name} ({other.id})",
                ),
            ],
        )
        self.assertEqual(provider.event_ids[0].user_id, manager.id)
        self.assertEqual(provider.event_ids[0].user_name, manager.name)

    def test_new_and_deleted(self):
        provider = self.new(name="Short-lived", acr_required="otp")
        created = self.events(provider.id)
        self.assertIn(("create", "issuer", False, HTTPS), created)
        self.assertIn(("create", "acr_required", False, "otp"), created)
        number = provider.id
        provider.unlink()
        self.assertIn(("unlink", "issuer", HTTPS, False), self.events(number))

    def test_append_only(self):
        self.env.flush_all()
        for statement in (
            "UPDATE g2p_spar_signin_provider_event SET user_name = 'x'",
            "DELETE FROM g2p_spar_signin_provider_event",
            "TRUNCATE g2p_spar_signin_provider_event",
        ):
            with (
                self.subTest(statement),
                mute_logger("odoo.sql_db"),
                self.assertRaisesRegex(psycopg2.errors.RaiseException, "append-only"),
                self.cr.savepoint(),
            ):
                self.env.cr.execute(statement)
        manager = new_test_user(
            self.env, "signin-history", groups="g2p_spar_fa_directory.group_manager"
        )
        event = self.provider.event_ids[0].with_user(manager)
        for method in (event.unlink, lambda: event.write({"user_name": "x"}), event.copy):
            with self.assertRaises(AccessError):
                method()
        officer = new_test_user(self.env, "signin-o", groups="g2p_spar_fa_directory.group_officer")
        with self.assertRaises(AccessError):
            event.with_user(officer).read(["user_name"])

    def test_version_is_for_nobody(self):
        manager = new_test_user(
            self.env, "signin-history", groups="g2p_spar_fa_directory.group_manager"
        )
        with self.assertRaises(AccessError):
            self.provider.with_user(manager).trust_version = 1


@tagged("post_install", "-at_install")
class TestAccess(ProviderCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        spar = "g2p_spar_fa_directory.group_"
        cls.users = {
            role: new_test_user(cls.env, f"signin-{role}", groups=f"{spar}{role}")
            for role in ("viewer", "officer", "manager")
        }
        cls.session = cls.env["g2p.spar.beneficiary.session"].create(
            {
                "provider_id": cls.provider.id,
                "handle_digest": "0" * 64,
                "person_digest": "0" * 64,
                "started_at": "2026-01-01",
                "seen_at": "2026-01-01",
                "expires_at": "2036-01-01",
            }
        )

    def test_roles(self):
        for role in ("viewer", "officer"):
            for record in (self.provider, self.session):
                with self.assertRaises(AccessError):
                    record.with_user(self.users[role]).read(["display_name"])
        provider = self.provider.with_user(self.users["manager"])
        provider.name = "Another"
        session = self.session.with_user(self.users["manager"])
        self.assertTrue(session.read(["provider_id"]))
        with self.assertRaises(AccessError):
            session.expires_at = "2040-01-01"
        session.action_end()
        self.assertTrue(session.ended_at)
        with self.assertRaisesRegex(UserError, "Your role"):
            self.session.with_user(self.users["officer"]).action_end()

    def test_a_manager_types_the_secret(self):
        provider = self.provider.with_user(self.users["manager"])
        provider.write({"client_auth": "client_secret_post", "client_secret": "typed"})
        self.assertEqual(provider.sudo().client().client_secret, "typed")
        with self.assertRaises(AccessError):
            provider.write({"client_secret_sealed": "forged"})

    def test_sealed_fields_are_for_nobody(self):
        manager = self.users["manager"]
        for record, names in (
            (self.provider, ("client_key_sealed", "userinfo_key_sealed", "client_secret_sealed")),
            (self.session, ("handle_digest", "person_digest", "person_sealed", "id_token_sealed")),
        ):
            for name in names:
                with self.subTest(name), self.assertRaises(AccessError):
                    record.with_user(manager).read([name])
                with self.subTest(name), self.assertRaises(AccessError):
                    record.with_user(manager).search([(name, "!=", False)])

    def test_attempts_and_key_sets_are_for_nobody(self):
        for model in ("g2p.spar.signin.attempt", "g2p.spar.signin.key.set"):
            with self.assertRaises(AccessError):
                self.env[model].with_user(self.users["manager"]).search([])

    def test_service_methods_are_private(self):
        for model, names in (
            ("g2p.spar.signin.provider", ("offered", "client", "signed_in_path", "_make_id")),
            ("g2p.spar.signin.provider.event", ("record",)),
            ("g2p.spar.signin.attempt", ("begin", "claim")),
            ("g2p.spar.signin.key.set", ("source",)),
            (
                "g2p.spar.beneficiary.session",
                (
                    "start",
                    "recall",
                    "person",
                    "is_of",
                    "told_auth_time",
                    "confirm",
                    "take_confirmation",
                    "id_token",
                    "end",
                ),
            ),
            ("g2p.spar.id.rule", ("portal_person", "has_portal_rules")),
        ):
            for name in names:
                with self.subTest(model=model, name=name), self.assertRaises(AccessError):
                    get_public_method(self.env[model], name)

    def test_companies(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.provider.company_id = other
        self.env.flush_all()
        providers = self.env["g2p.spar.signin.provider"].with_user(self.users["manager"])
        self.assertNotIn(self.provider, providers.search([]))
        sessions = self.env["g2p.spar.beneficiary.session"].with_user(self.users["manager"])
        self.assertNotIn(self.session, sessions.search([]))
        self.assertNotIn(self.provider, providers.offered(self.env.company))
        self.assertIn(self.provider, providers.offered(other))


@tagged("post_install", "-at_install")
class TestPortalRule(ProviderCase):
    def test_fields_that_portal_users_write(self):
        """Else they could write somebody else's ID into their own contact."""
        rules = self.env["g2p.spar.id.rule"]
        names = set(dict(rules._selection_field_name()))
        bad = {"vat", "email", "phone", "name", "street", "zip", "tz", "lang", "company_name"}
        # made of the former
        bad |= {"email_normalized", "phone_sanitized", "complete_name", "commercial_company_name"}
        self.assertGreater(len(bad & names), 9)
        for name in bad & names:
            with self.subTest(name), self.assertRaises(ValidationError):
                rules.create({"name": "Bad", "field_name": name, "for_portal": True})
        rule = rules.create({"name": "Good", "field_name": "ref", "for_portal": True})
        with self.assertRaises(ValidationError):
            rule.field_name = "vat"

    def test_rule_from_before(self):
        """A field that became writable after the rule was made."""
        user = new_test_user(self.env, "signin-portal", groups="base.group_portal")
        user.partner_id.vat = "4242"
        rules = self.env["g2p.spar.id.rule"]
        rules.search([]).active = False
        rule = rules.create({"name": "VAT", "field_name": "vat", "company_id": False})
        rule.flush_recordset()
        self.env.cr.execute(
            "UPDATE g2p_spar_id_rule SET for_portal = TRUE WHERE id = %s", [rule.id]
        )
        rule.invalidate_recordset()
        self.assertFalse(rules.portal_person(user))
        self.assertFalse(rules.has_portal_rules(self.env.company))

    def test_company(self):
        user = new_test_user(self.env, "signin-portal", groups="base.group_portal")
        user.partner_id.ref = "4242"
        rules = self.env["g2p.spar.id.rule"]
        rules.search([]).active = False
        other = self.env["res.company"].create({"name": "Other"})
        values = {"name": "Ref", "field_name": "ref", "for_portal": True}
        rules.create({**values, "company_id": other.id})
        self.assertFalse(rules.portal_person(user))
        rules.create({**values, "company_id": self.env.company.id})
        self.assertEqual(rules.portal_person(user).id, "4242")
        self.assertNotIn("4242", repr(rules.portal_person(user)))

    def rule(self, **values):
        rules = self.env["g2p.spar.id.rule"]
        rules.search([]).active = False
        return rules.create(
            {"name": "Ref", "field_name": "ref", "for_portal": True, "company_id": False, **values}
        )

    def test_reference_of_two_contacts(self):
        """Whose it is cannot be known: then it is nobody's here."""
        user = new_test_user(self.env, "signin-portal", groups="base.group_portal")
        user.partner_id.ref = "Abc1"
        rule = self.rule(strategy_id=self.strategy.id)
        self.assertEqual(rule.portal_person(user).id, "token:Abc1@signin-test")
        others = ("Abc1", True), ("ABC1", True), ("aBC1", True), ("Abc1", False)
        for reference, active in others:
            values = {"ref": reference, "active": active}
            other = self.env["res.partner"].create({"name": "Other", **values})
            with self.subTest(values):
                self.assertFalse(rule.portal_person(user))
            other.unlink()
        self.env["res.partner"].create({"name": "Other", "ref": "Abc1%"})
        self.assertTrue(rule.portal_person(user))

    def test_source_that_cannot_tell_whose_it_is(self):
        """A reference may be several people's there: it is nobody's here."""
        partner = self.env["res.partner"].create({"name": "Alice", "ref": "4242"})
        rule = self.rule()
        self.assertEqual(rule._portal_id(partner), "4242")
        self.patch(type(rule), "_raw_values", lambda _rule, _partners: {partner.id: "4242"})
        rule.flush_recordset()
        self.env.cr.execute("UPDATE g2p_spar_id_rule SET source = 'other' WHERE id = %s", [rule.id])
        rule.invalidate_recordset()
        self.assertEqual(rule.make_ids(partner)[0], {partner.id: "4242"})
        self.assertIs(rule._portal_id(partner), False)

    def test_id_of_two_contacts_by_two_rules(self):
        """And no later rule stands in for the one whose ID it is not."""
        user = new_test_user(self.env, "signin-portal", groups="base.group_portal")
        user.partner_id.write({"ref": "Abc1", "barcode": "77"})
        rule = self.rule(strategy_id=self.strategy.id)
        rule.copy({"field_name": "barcode", "for_portal": True, "sequence": 99})
        self.assertEqual(rule.portal_person(user).id, "token:Abc1@signin-test")
        other = self.env["res.partner"].create({"name": "Other", "barcode": "abc1"})
        self.assertIsNone(rule.portal_person(user))
        other.barcode = False
        # a rule by which the reference is the ID
        rule.copy({"strategy_id": False, "for_portal": False})
        other.ref = "token:Abc1@signin-test"
        self.assertIsNone(rule.portal_person(user))
        other.ref = False
        self.assertTrue(rule.portal_person(user))
        user.partner_id.ref = False
        self.assertEqual(rule.portal_person(user).id, "token:77@signin-test", "it gives none")

    def test_number_of_two_contacts(self):
        rule = self.rule(field_name="color")
        partner, other = self.env["res.partner"].create([{"name": "A", "color": 7}, {"name": "B"}])
        self.assertEqual(rule._portal_id(partner), "7")
        self.assertFalse(rule._has_other_holders(partner, "07"))
        other.color = 7
        self.assertIs(rule._portal_id(partner), False)

    def test_reference_is_found_by_its_index(self):
        partners = self.env["res.partner"].with_context(active_test=False)
        query = partners._search(_is_text("ref", "Abc1"))
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        self.env.cr.execute(SQL("EXPLAIN %s", query.select(SQL("count(*)"))))
        self.assertIn("res_partner_spar_ref_idx", str(self.env.cr.fetchall()))

    def test_reference_that_makes_another_id(self):
        user = new_test_user(self.env, "signin-portal", groups="base.group_portal")
        rule = self.rule(strategy_id=self.strategy.id)
        for reference in ("77@other", "token:77", "a:b", "77@signin-test"):
            user.partner_id.ref = reference
            with self.subTest(reference):
                self.assertFalse(rule.portal_person(user))
        # where the reference is the ID, it has them
        rule.strategy_id = False
        self.assertEqual(rule.portal_person(user).id, "77@signin-test")


class _WebSession(dict):
    def __init__(self, uid, values):
        super().__init__(values)
        self.uid = uid


@tagged("post_install", "-at_install")
class TestKept(ProviderCase):
    """What each page needs of settings comes from the worker's memory."""

    def setUp(self):
        super().setUp()
        others = self.env["g2p.spar.signin.provider"].search([("id", "!=", self.provider.id)])
        others.active = False
        self.company = self.env["res.company"].create({"name": "Test ministry"})
        self.provider.company_id = self.company
        self.provider.image_128 = base64.b64encode(
            file_open("base/static/img/main_partner-image.png", "rb").read()
        )
        self.next_transaction()

    def next_transaction(self):
        self.env.flush_all()
        self.env.invalidate_all()

    def shown(self):
        values = self.provider.offered(self.company).mapped(
            lambda provider: (provider.name, provider.image_128, provider.problem, provider.issuer)
        )
        company = self.company.recollect()
        return values, company.name, company.spar_timezone()

    def all_of_it(self):
        connector = self.env["g2p.spar.connector"]._get_default(self.company)
        made = self.provider.recollect()._make_id({"sub": "alice"})
        has_rules = self.env["g2p.spar.id.rule"].has_portal_rules(self.company)
        return self.shown(), connector.mapped("name"), made, has_rules

    def test_heavy_picture(self):
        """It goes to each telephone, within the page."""
        noise = Image.frombytes("RGB", (128, 128), random.Random(1).randbytes(128 * 128 * 3))
        file = io.BytesIO()
        noise.save(file, "PNG")
        with self.assertRaisesRegex(ValidationError, "8 kB"):
            self.provider.image_128 = base64.b64encode(file.getvalue())

    def test_no_statement(self):
        before = self.all_of_it()
        self.next_transaction()
        with self.assertQueryCount(0):
            self.assertEqual(self.all_of_it(), before)

    def test_changes_are_seen(self):
        self.shown()
        self.next_transaction()
        partner = self.company.partner_id
        for change, seen in (
            (lambda: self.provider.write({"name": "Other"}), "Other"),
            (lambda: partner.write({"name": "Other ministry"}), "Other ministry"),
            (lambda: partner.write({"tz": "Asia/Manila"}), "Asia/Manila"),
            (lambda: self.provider.write({"client_id": False}), "[]"),
        ):
            change()
            self.next_transaction()
            self.assertIn(seen, str(self.shown()))

    def test_contact_that_was_merged_into_another(self):
        """Odoo gives the company the other one by SQL, and deletes its own."""
        self.shown()
        merged, other = self.company.partner_id, self.env["res.partner"].create({"name": "Other"})
        self.env["res.company"].spar_partner_ids()
        wizard = self.env["base.partner.merge.automatic.wizard"]
        wizard._update_foreign_keys(merged, other)
        merged.unlink()
        self.next_transaction()
        self.assertEqual(self.company.recollect().partner_id, other)

    def test_a_replica_that_may_lag_behind(self):
        """Whoever has signed in reads from the server itself; others, and where the two are one,
        from the replica."""
        local = {"db_host": "/run/pg", "db_port": 5432}
        one = {**local, "db_replica_host": "/run/pg", "db_replica_port": 5432}
        for replica, handle, uid, reads in (
            (one, None, None, True),
            (one, "handle", None, True),
            (one, None, 7, False),
            ({**one, "db_replica_port": 5433}, None, None, True),
            ({**one, "db_replica_port": 5433}, "handle", None, False),
            ({**one, "db_replica_host": "replica"}, "handle", None, False),
            ({**one, "db_replica_host": None}, "handle", None, True),
        ):
            session = _WebSession(uid, {web.HANDLE: handle})
            with (
                self.subTest(replica=replica, handle=handle, uid=uid),
                patch.object(web, "request", SimpleNamespace(session=session)),
                patch.object(web, "config", replica),
            ):
                self.assertEqual(web.only_reads(None, None, None), reads)

    def test_another_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.provider.with_context(lang="fr_FR").name = "Identité"
        self.next_transaction()
        for lang, name in (("en_US", "National ID"), ("fr_FR", "Identité")) * 2:
            [provider] = self.provider.with_context(lang=lang).offered(self.company)
            self.assertEqual(provider.name, name)
            self.next_transaction()

    def test_connector(self):
        connectors = self.env["g2p.spar.connector"]
        common = connectors._get_default(self.company)
        own = connectors.create({"name": "Own", "company_id": self.company.id})
        self.assertEqual(connectors._get_default(self.company), own)
        own.active = False
        self.assertEqual(connectors._get_default(self.company), common)

    def test_the_public_user(self):
        public = self.env.ref("base.public_user")
        public.spar_recollect()
        self.next_transaction()
        with self.assertQueryCount(0):
            public.spar_recollect()
            self.assertTrue(public.sudo().company_id)
        public.write({"company_ids": [(4, self.company.id)], "company_id": self.company.id})
        self.next_transaction()
        public.spar_recollect()
        self.assertEqual(public.sudo().company_id, self.company)
