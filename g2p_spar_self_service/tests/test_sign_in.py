# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from odoo import fields
from odoo.http import get_default_session, root
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.g2p_spar_connector import secret

from ..models import g2p_spar_signin_key_set
from ..web import HANDLE, HOME_PATH, LANDING_PATH
from .common import SignInCase
from .identity_provider import other_key, rsa_key


@tagged("post_install", "-at_install")
class TestSignIn(SignInCase):
    def test_from_the_button_to_the_address(self):
        self.linked["token:alice@signin-test"] = "111122223333"
        self.assertSignedIn(self.sign_in("alice", name="Alice Example"))
        home = self.get(HOME_PATH)
        self.assertIn("Alice Example", home.text)
        self.assertIn("First Bank", home.text)
        self.assertIn("••••3333", home.text)
        self.assertNotIn("2223333", home.text)
        self.assertNotIn("alice@", home.text)
        [(operation, actor, item, connector_id)] = self.asked[-1:]
        self.assertEqual((operation, item.id), ("resolve", "token:alice@signin-test"))
        self.assertEqual((actor.kind, actor.channel), ("beneficiary", "portal"))
        self.assertEqual(connector_id, self.connector.id)

    def test_no_account_is_made(self):
        users = self.env["res.users"].with_context(active_test=False)
        partners = self.env["res.partner"].with_context(active_test=False)
        before = users.search_count([]), partners.search_count([])
        self.assertSignedIn(self.sign_in("alice", name="Alice", email="a@example.org"))
        self.assertEqual((users.search_count([]), partners.search_count([])), before)

    def test_what_is_kept(self):
        self.sign_in("alice-1234", name="Alice Example", email="a@example.org", acr="otp")
        session = self.sessions()
        self.assertEqual((session.provider_id, session.acr), (self.provider, "otp"))
        self.assertEqual(session.id_masked, "••••1234@signin-test")
        self.env.flush_all()
        self.env.cr.execute("SELECT t::text FROM g2p_spar_beneficiary_session t")
        rows = self.env.cr.fetchall()
        self.env.cr.execute("SELECT t::text FROM g2p_spar_signin_attempt t")
        rows += self.env.cr.fetchall()
        for text in ("alice", "Alice", "example.org", self.web_session[HANDLE]):
            self.assertFalse([row for (row,) in rows if text in row], text)
        # Odoo's own: whether a session is a user's, and from which device
        own = set(self.web_session) - set(get_default_session()) - {"session_token", "_trace"}
        self.assertEqual(own, {HANDLE})

    def test_person_of_the_session(self):
        claims = {"email": "a@example.org", "phone_number": "+639170000001"}
        self.sign_in("alice", **claims, email_verified=True, phone_number_verified="true")
        person = self.sessions().sudo().person()
        self.assertEqual((person.id, person.kind), ("token:alice@signin-test", "beneficiary"))
        # the phone is not said to be verified: "true" is not true
        self.assertEqual((person.email, person.phone), ("a@example.org", ""))
        self.assertEqual(person.connector, self.connector)
        self.assertNotIn("alice", repr(person))
        self.provider.contacts_verified = True
        self.sign_in("alice", **claims)
        self.assertEqual(self.sessions()[-1].sudo().person().phone, "+639170000001")

    def test_every_way(self):
        for algorithm in ("RS256", "PS256", "ES256", "EdDSA"):
            for mode in ("json", "jws", "jwe"):
                self.idp.be_honest()
                key = other_key(algorithm) if algorithm[0] == "E" else rsa_key("one")
                self.idp.key, self.idp.algorithm = key, algorithm
                self.idp.published = [rsa_key("one"), key] if algorithm[0] == "E" else [key]
                if algorithm[0] == "E":
                    self.idp.id_token = {"at_hash": None}
                self.idp.userinfo_mode = self.provider.userinfo_mode = mode
                self.register(self.idp, self.provider)
                self.env["g2p.spar.signin.key.set"].search([]).unlink()
                with self.subTest(algorithm=algorithm, mode=mode):
                    self.assertSignedIn(self.sign_in())
                    self.sign_out()

    def test_client_authentication(self):
        for auth in ("client_secret_basic", "client_secret_post"):
            self.provider.write({"client_auth": auth, "client_secret": "s3cret: é"})
            self.register(self.idp, self.provider, "s3cret: é")
            self.assertSignedIn(self.sign_in())
            self.sign_out()
        self.provider.write({"client_auth": "private_key_jwt", "client_key_algorithm": "PS256"})
        self.register(self.idp, self.provider)
        self.assertEqual(self.idp.clients["spar"]["jwk"]["alg"], "PS256")
        self.assertSignedIn(self.sign_in())
        self.provider.client_assertion_aud = "issuer"
        self.idp.clients["spar"]["aud"] = self.idp.issuer
        self.assertSignedIn(self.sign_in())

    def test_request_to_the_provider(self):
        self.provider.write(
            {
                "acr_values": "otp bio",
                "claims_request": '{"userinfo": {"name": {"essential": true}}}',
                "scopes": "openid profile",
            }
        )
        query = parse_qs(urlsplit(self.begin()).query)
        self.assertEqual(query["acr_values"], ["otp bio"])
        self.assertEqual(query["scope"], ["openid profile"])
        self.assertEqual(query["redirect_uri"], [self.provider.redirect_uri])
        self.assertEqual(query["ui_locales"], ["en-US en"])
        self.assertNotIn("prompt", query)

    def test_return_path(self):
        location = self.idp.authorize(self.begin(return_to=f"{LANDING_PATH}/history"), "alice")
        answer = self.come_back(location)
        self.assertEqual(urlsplit(answer.headers["Location"]).path, f"{LANDING_PATH}/history")

    def test_connector_of_the_provider_s_company(self):
        company = self.env["res.company"].create({"name": "Other"})
        connector = self.env["g2p.spar.connector"].create(
            {"name": "Of the other", "company_id": company.id}
        )
        self.assertSignedIn(self.sign_in())
        session = self.sessions().sudo()
        self.assertEqual(session.person().connector, self.connector)
        self.provider.company_id = company
        self.assertEqual(session.person().connector, connector)

    def test_language_that_is_not_installed(self):
        for language in ("xx", "de", "tlh-TLH", "*", ";", "fr-FR;q=0.9, en"):
            with self.subTest(language), self.other_browser():
                self.opener.headers["Accept-Language"] = language
                self.assertSignedIn(self.sign_in())

    def test_language_that_is_not_installed_any_more(self):
        self.sign_in()
        web_session = self.web_session
        web_session["context"] = {"lang": "fr_FR"}
        root.session_store.save(web_session)
        self.assertFalse(self.env["res.lang"]._get_data(code="fr_FR"))
        self.assertEqual(self.get(HOME_PATH).status_code, 200)

    def test_odd_claims(self):
        self.idp.id_token = {"acr": "a\0b"}
        self.idp.userinfo = {"name": "\0", "email": ["x"], "email_verified": True}
        self.assertSignedIn(self.sign_in())

    def test_several_providers(self):
        other = self.new_provider(self.idp, "spar-2", name="Voter Card", id_claim="sub", sequence=5)
        page = self.get(LANDING_PATH).text
        self.assertLess(page.index("Voter Card"), page.index("National ID"))
        self.assertSignedIn(self.sign_in(provider=other))
        self.assertEqual(self.sessions().provider_id, other)

    def test_not_offered(self):
        self.new_provider(self.idp, "spar-2", name="Voter Card")
        self.provider.client_id = False
        self.assertNotIn("National ID", self.get(LANDING_PATH).text)
        self.assertEqual(self.press().status_code, 404)
        other_company = self.env["res.company"].create({"name": "Other"})
        self.provider.write({"client_id": "spar", "company_id": other_company.id})
        self.assertNotIn("National ID", self.get(LANDING_PATH).text)
        self.assertEqual(self.press().status_code, 404)


@tagged("post_install", "-at_install")
class TestKeys(SignInCase):
    def fetches(self):
        return sum(path == "/jwks" for path, _form in self.idp.requests)

    def key_set(self):
        key_sets = self.env["g2p.spar.signin.key.set"]
        return key_sets.search([("provider_id", "=", self.provider.id)])

    def test_keys_are_kept(self):
        self.sign_in()
        self.sign_in()
        self.assertEqual(self.fetches(), 1)

    def test_a_new_key_is_looked_for_once(self):
        self.sign_in()
        self.idp.key, self.idp.published = rsa_key("two"), [rsa_key("two")]
        with self.later(minutes=2):
            self.assertSignedIn(self.sign_in())
        self.assertEqual(self.fetches(), 2)

    def test_a_new_key_is_good_at_once(self):
        """Also a moment after the set was fetched for another reason."""
        self.sign_in()
        self.idp.key, self.idp.published = rsa_key("two"), [rsa_key("two")]
        self.assertSignedIn(self.sign_in())
        self.assertEqual(self.fetches(), 2)

    def test_a_withdrawn_key(self):
        """It holds for an hour at most, or as long as the settings say."""
        self.sign_in()
        self.idp.published = [rsa_key("two")]
        self.assertSignedIn(self.sign_in())
        with self.later(minutes=31):
            self.assertEqual(self.sign_in().status_code, 403)
        self.idp.published = [rsa_key("one")]
        with self.later(minutes=2):
            self.assertSignedIn(self.sign_in())
        self.env["ir.config_parameter"].set_param("g2p_spar.signin_keys_minutes", "10")
        self.idp.published = [rsa_key("two")]
        with self.later(minutes=6):
            self.assertEqual(self.sign_in().status_code, 403)

    def test_brake(self):
        self.sign_in()
        self.idp.key = rsa_key("never published")
        for _each in range(3):
            self.assertEqual(self.sign_in().status_code, 403)
        self.assertEqual(self.fetches(), 2)
        with self.later(minutes=2):
            self.assertEqual(self.sign_in().status_code, 403)
            self.assertEqual(self.sign_in().status_code, 403)
        self.assertEqual(self.fetches(), 3)

    def test_brake_waits_for_another_sign_in(self):
        """Of two sign-ins just after a change of keys one fetches them, the other one waits."""
        self.sign_in()
        key_sets = self.env["g2p.spar.signin.key.set"]
        uri = self.provider.jwks_uri
        self.assertTrue(key_sets._may_fetch(self.provider.id, uri, True))
        row = self.key_set()
        row.fetched_at = row.tried_at - timedelta(minutes=5)
        row.flush_recordset()
        one = row.document

        def fetched(_seconds):
            self.idp.key, self.idp.published = rsa_key("two"), [rsa_key("two")]
            key_sets._store(self.provider.id, uri, one.replace('"one"', '"two"'))

        with patch.object(g2p_spar_signin_key_set.time, "sleep", fetched):
            [key] = key_sets.source(self.provider)(True)
        self.assertEqual(key.kid, "two")
        self.assertEqual(self.fetches(), 1)

    def test_brake_without_any_key_set(self):
        self.idp.jwks_answer = (503, "text/html", b"")
        with patch.object(g2p_spar_signin_key_set, "WAIT_SECONDS", 0):
            for _each in range(3):
                self.assertEqual(self.sign_in().status_code, 503)
            self.assertEqual(self.fetches(), 1)
            self.idp.jwks_answer = None
            self.key_set().tried_at -= timedelta(minutes=2)
            self.assertSignedIn(self.sign_in())

    def test_keys_get_old(self):
        self.sign_in()
        self.idp.jwks_answer = (503, "text/html", b"")
        with self.later(minutes=40):
            self.assertSignedIn(self.sign_in())
        self.sign_out()
        with self.later(minutes=25):
            self.assertNotSignedIn(self.sign_in(), 503)

    def test_another_key_set(self):
        """What was fetched from another address is nothing worth."""
        self.sign_in()
        self.sign_out()
        self.provider.jwks_uri = f"{self.idp.issuer}/elsewhere"
        with mute_logger("odoo.http"):
            self.assertNotSignedIn(self.sign_in(), 503)

    def later(self, **time):
        key_sets = self.env["g2p.spar.signin.key.set"].search([])
        delta = timedelta(**time)
        for key_set in key_sets:
            key_set.write(
                {
                    "tried_at": key_set.tried_at - delta,
                    "missed_at": key_set.missed_at and key_set.missed_at - delta,
                    "fetched_at": key_set.fetched_at - delta,
                }
            )
        self.assertEqual(g2p_spar_signin_key_set.BRAKE, timedelta(minutes=1))
        return self.subTest(**time)


@tagged("post_install", "-at_install")
class TestEnd(SignInCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # what is noted of a session while a page only reads is so in another transaction, which
        # tests do not have
        cls.set_registry_readonly_mode(False)

    def test_sign_out(self):
        self.sign_in()
        handle = self.web_session[HANDLE]
        answer = self.sign_out()
        self.assertEqual(answer.status_code, 200)
        self.assertIn(f'action="{self.idp.issuer}/end-session"', answer.text)
        self.assertIn('name="id_token_hint"', answer.text)
        self.assertIn(f'value="{self.base_url()}{LANDING_PATH}"', answer.text)
        self.assertNotSignedIn()
        session = self.sessions().sudo()
        self.assertTrue(session.ended_at)
        self.assertFalse(session.person_sealed or session.id_token_sealed or session.id_masked)
        self.assertFalse(session.recall(handle))

    def test_provider_without_sign_out(self):
        self.provider.end_session_endpoint = False
        self.sign_in()
        answer = self.sign_out()
        self.assertEqual(urlsplit(answer.headers["Location"]).path, LANDING_PATH)
        self.assertNotSignedIn()

    def test_sign_out_is_a_post_with_a_token(self):
        self.sign_in()
        self.assertEqual(self.get(f"{LANDING_PATH}/sign-out").status_code, 405)
        with mute_logger("odoo.http"):
            self.assertEqual(self.post(f"{LANDING_PATH}/sign-out").status_code, 400)
        self.assertEqual(self.get(HOME_PATH).status_code, 200)

    def set(self, **values):
        self.sessions().write(values)

    def test_idle(self):
        self.sign_in()
        now = fields.Datetime.now()
        self.set(seen_at=now - timedelta(minutes=14))
        self.assertEqual(self.get(HOME_PATH).status_code, 200)
        self.env.invalidate_all()
        self.assertGreaterEqual(self.sessions().seen_at, now, "it has been seen")
        self.set(seen_at=now - timedelta(minutes=15, seconds=1))
        # not by a page: in tests nothing outlasts the page's own transaction, which is rolled back
        self.assertFalse(self.sessions().recall(self.web_session[HANDLE]))
        answer = self.get(HOME_PATH)
        self.assertEqual(answer.headers["Location"], f"{LANDING_PATH}?ended=1")
        self.assertIn("Your session has ended", self.get(f"{LANDING_PATH}?ended=1").text)
        self.env.invalidate_all()
        session = self.sessions().sudo()
        self.assertTrue(session.ended_at)
        self.assertFalse(session.person_sealed or session.id_token_sealed)
        self.assertNotIn(HANDLE, self.web_session)

    def test_idle_within_a_minute(self):
        """The shortest there is does not end while somebody is at it."""
        self.env["ir.config_parameter"].set_param("g2p_spar.session_idle_minutes", "1")
        self.sign_in()
        for _each in range(3):
            before = fields.Datetime.now() - timedelta(seconds=20)
            self.set(seen_at=before)
            self.assertEqual(self.get(HOME_PATH).status_code, 200)
            self.env.invalidate_all()
            self.assertGreater(self.sessions().seen_at, before)

    def test_whoever_is_there_after_a_session_signs_in_anew(self):
        """Not where a provider keeps people signed in: the telephone may be in other hands."""

        def prompt():
            return parse_qs(urlsplit(self.begin()).query).get("prompt")

        self.assertIsNone(prompt())
        self.sign_in()
        self.set(seen_at=fields.Datetime.now() - timedelta(hours=1))
        self.assertEqual(prompt(), ["login"], "before the end is noticed")
        self.assertNotSignedIn()
        self.assertEqual(prompt(), ["login"])
        # what the provider tells of the time is not asked for
        location = self.begin()
        self.assertNotIn("max_age", location)
        self.assertSignedIn(self.come_back(self.idp.authorize(location, "bob")))
        self.sign_out()
        self.assertEqual(prompt(), ["login"], "whether there is a way to sign out there or not")
        with self.other_browser():
            self.assertIsNone(prompt())

    def test_log_in_in_between(self):
        """Of a user of this site, in whose browser somebody was signed in."""
        self.sign_in()
        handle = self.web_session[HANDLE]
        new_test_user(self.env, "spar-between", groups="base.group_portal")
        self.log_in("spar-between", session_extra={HANDLE: handle})
        self.get(HOME_PATH)
        self.assertNotIn(HANDLE, self.web_session)
        self.assertIn("prompt=login", self.begin())

    def test_limit_of_a_person(self):
        self.env["ir.config_parameter"].set_param("g2p_spar.signin_limit_person", 2)
        for _each in range(2):
            with self.other_browser():
                self.assertSignedIn(self.sign_in())
        answer = self.sign_in()
        self.assertEqual(answer.status_code, 429)
        self.assertIn("too many sign-ins", answer.text)
        self.assertNotSignedIn()
        self.assertSignedIn(self.sign_in("bob"))
        self.set(started_at=fields.Datetime.now() - timedelta(minutes=10))
        self.assertSignedIn(self.sign_in())

    def test_at_the_latest(self):
        self.sign_in()
        self.assertEqual(
            self.sessions().expires_at - self.sessions().started_at, timedelta(minutes=60)
        )
        self.set(expires_at=fields.Datetime.now())
        self.assertNotSignedIn()

    def test_limits_are_settings(self):
        self.env["res.config.settings"].create(
            {"g2p_spar_session_idle_minutes": 2, "g2p_spar_session_minutes": 4}
        ).execute()
        self.sign_in()
        self.assertEqual(
            self.sessions().expires_at - self.sessions().started_at, timedelta(minutes=4)
        )
        self.set(seen_at=fields.Datetime.now() - timedelta(minutes=3))
        self.assertNotSignedIn()

    def test_ended_by_a_manager(self):
        self.sign_in()
        self.sessions().action_end()
        self.assertNotSignedIn()
        self.sign_in()
        self.set(ended_at=fields.Datetime.now())
        self.assertNotSignedIn()

    def test_archived_provider(self):
        self.sign_in()
        self.provider.active = False
        self.assertNotSignedIn()

    def test_provider_that_has_changed(self):
        """Else somebody vouched for by a server of theirs could put the record back and stay."""
        for values in (
            {"issuer": "https://elsewhere.example"},
            {"jwks_uri": f"{self.idp.issuer}/other"},
            {"algorithms": "RS256"},
            {"contacts_verified": True},
            {"acr_required": "otp"},
        ):
            with self.subTest(values):
                self.sign_in()
                before = self.provider.read(values)[0]
                self.provider.write(values)
                self.assertTrue(self.sessions()[-1].ended_at)
                self.assertFalse(self.sessions()[-1].sudo().person_sealed)
                self.provider.write({name: before[name] for name in values})
                self.assertNotSignedIn()
        self.sign_in()
        self.provider.write({"issuer": self.provider.issuer, "sequence": 3})
        self.assertEqual(self.get(HOME_PATH).status_code, 200)

    def test_session_that_began_while_the_provider_changed(self):
        self.sign_in()
        self.provider.sudo().trust_version += 1
        self.assertNotSignedIn()

    def test_archived_meanwhile(self):
        location = self.idp.authorize(self.begin(), "alice")
        self.provider.active = False
        self.assertNotSignedIn(self.come_back(location), 503)

    def test_purge(self):
        self.sign_in()
        self.set(expires_at=fields.Datetime.now() - timedelta(minutes=1))
        self.sessions()._gc_sessions()
        self.assertFalse(self.sessions().sudo().person_sealed)
        self.set(expires_at=fields.Datetime.now() - timedelta(days=31))
        self.sessions()._gc_sessions()
        self.assertFalse(self.sessions())
        attempts = self.env["g2p.spar.signin.attempt"].sudo()
        self.assertTrue(attempts.search([]))
        self.env.cr.execute("UPDATE g2p_spar_signin_attempt SET create_date = '2020-01-01'")
        attempts._gc_attempts()
        self.assertFalse(attempts.search([]))

    def test_sealed_with_another_key(self):
        self.sign_in()
        self.set(person_sealed="x")
        self.assertFalse(self.sessions().id_masked)
        self.assertNotSignedIn()
        location = self.idp.authorize(self.begin(), "alice")
        self.env.cr.execute("UPDATE g2p_spar_signin_attempt SET secrets_sealed = 'x'")
        with mute_logger("odoo.addons.g2p_spar_self_service.models.g2p_spar_signin_attempt"):
            self.assertNotSignedIn(self.come_back(location), 400)

    def test_secret_key_lost(self):
        self.sign_in()
        with (
            patch.dict("os.environ", {"SPAR_SECRET_KEY": ""}),
            mute_logger("odoo.addons.g2p_spar_self_service.controllers.sign_in"),
        ):
            secret.forget_keys()
            try:
                self.assertEqual(self.press().status_code, 503)
            finally:
                secret.forget_keys()


@tagged("post_install", "-at_install")
class TestPortalUser(SignInCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["g2p.spar.id.rule"].search([]).active = False
        cls.user = new_test_user(cls.env, "spar-portal", groups="base.group_portal")
        cls.user.partner_id.ref = "carol"
        cls.rule = cls.env["g2p.spar.id.rule"].create(
            {
                "name": "Reference",
                "field_name": "ref",
                "strategy_id": cls.strategy.id,
                "company_id": False,
                "for_portal": True,
            }
        )

    def test_own_address(self):
        self.linked["token:carol@signin-test"] = "111122223333"
        self.log_in("spar-portal")
        self.assertIn("••••3333", self.get(HOME_PATH).text)
        [(_operation, actor, item, _connector)] = self.asked
        self.assertEqual(item.id, "token:carol@signin-test")
        self.assertEqual((actor.kind, actor.user_id), ("beneficiary", self.user.id))

    def test_card(self):
        self.log_in("spar-portal")
        self.assertIn(HOME_PATH, self.get("/my").text)
        self.rule.for_portal = False
        self.assertNotIn(HOME_PATH, self.get("/my").text)

    def test_without_an_id(self):
        """It is said, and nothing leads round in a circle."""
        self.log_in("spar-portal")
        self.assertIn(HOME_PATH, self.get(LANDING_PATH).text)
        self.user.partner_id.ref = False
        answer = self.get(HOME_PATH)
        self.assertEqual(answer.status_code, 303)
        page = self.get(answer.headers["Location"]).text
        self.assertIn("no ID number that is yours", page)
        self.assertNotIn(HOME_PATH, page)
        self.assertIn("Sign in with", page)
        # nobody else is told this
        self.opener.cookies.clear()
        self.assertNotIn("no ID number that is yours", self.get(LANDING_PATH).text)

    def test_rule_not_for_portal(self):
        self.rule.for_portal = False
        self.log_in("spar-portal")
        self.assertEqual(self.get(HOME_PATH).status_code, 303)

    def test_staff_is_nobody(self):
        """They may edit contacts, their own too."""
        staff = new_test_user(self.env, "spar-staff", groups="base.group_partner_manager")
        staff.partner_id.ref = "carol"
        self.log_in("spar-staff")
        self.assertEqual(self.get(HOME_PATH).status_code, 303)
        self.assertFalse(self.asked)

    def test_sign_in_ends_the_log_in(self):
        self.log_in("spar-portal")
        self.assertSignedIn(self.sign_in("alice"))
        self.assertEqual(self.asked[-1][2].id, "token:alice@signin-test")
        self.assertFalse(self.web_session.uid)
        self.assertEqual(self.get("/my/account").status_code, 303)

    def test_log_in_ends_the_sign_in(self):
        self.sign_in("alice")
        handle = self.web_session[HANDLE]
        self.log_in("spar-portal", session_extra={HANDLE: handle})
        self.get(HOME_PATH)
        self.assertEqual(self.asked[-1][2].id, "token:carol@signin-test")
        self.assertTrue(self.sessions().ended_at)

    def test_sign_out(self):
        self.log_in("spar-portal")
        self.sign_out()
        self.assertNotSignedIn()
        self.assertFalse(self.web_session.uid)
