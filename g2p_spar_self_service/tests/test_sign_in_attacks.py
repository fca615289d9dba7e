# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What somebody could try who wants to be somebody else."""

import logging
import secrets
import time
from contextlib import nullcontext
from datetime import UTC, timedelta
from unittest.mock import patch
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc.jwk import RSAKey

from odoo import fields
from odoo.http import HTTPRequest, root
from odoo.tests import tagged
from odoo.tests.common import HOST
from odoo.tools import config, mute_logger

from ..models import g2p_spar_signin_attempt
from ..models.g2p_spar_signin_attempt import new_binding
from ..web import BINDING, HANDLE, HOME_PATH, LANDING_PATH, local_path
from . import identity_provider
from .common import SignInCase
from .identity_provider import IdentityProvider, other_key, rsa_key


def query_of(location):
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


@tagged("post_install", "-at_install")
class TestReturn(SignInCase):
    """State, code and what comes along with them."""

    def back(self, provider=None, **parameters):
        query = {name: value for name, value in parameters.items() if value is not None}
        path = (provider or self.provider).signed_in_path()
        return self.get(f"{path}?{urlencode(query, doseq=True)}")

    def setUp(self):
        super().setUp()
        self.good = query_of(self.idp.authorize(self.begin(), "alice"))

    def test_forged_state(self):
        for state in (None, "", "x", secrets.token_urlsafe(32), "x" * 5000, "é", "\0", "' OR 1=1"):
            with self.subTest(state):
                self.assertNotSignedIn(self.back(**{**self.good, "state": state}), 400)
        self.assertNotIn("/token", [path for path, _form in self.idp.requests])
        # and the good one is still good
        self.assertSignedIn(self.back(**self.good))

    def test_parameters_twice(self):
        good = self.good
        self.assertNotSignedIn(self.back(**{**good, "state": [good["state"], good["state"]]}), 400)
        self.assertNotSignedIn(self.back(**{**good, "code": [good["code"], "x"]}))

    def test_replay(self):
        self.assertSignedIn(self.back(**self.good))
        self.sign_out()
        self.assertNotSignedIn(self.back(**self.good), 400)
        self.assertEqual(len(self.sessions()), 1)

    def test_failed_attempts_are_used_up(self):
        self.assertNotSignedIn(self.back(state=self.good["state"], code="x"))
        self.assertNotSignedIn(self.back(**self.good), 400)
        # nothing that it could be redeemed with is left
        self.env.cr.execute(
            """SELECT secrets_sealed, used_at IS NULL FROM g2p_spar_signin_attempt
            ORDER BY id DESC LIMIT 1"""
        )
        self.assertEqual(self.env.cr.fetchone(), (None, False))

    def test_too_late(self):
        self.env.cr.execute(
            "UPDATE g2p_spar_signin_attempt SET create_date = %s",
            [fields.Datetime.now() - timedelta(minutes=10, seconds=1)],
        )
        self.assertNotSignedIn(self.back(**self.good), 400)

    def test_another_browser(self):
        """The attacker's own code and state in the victim's browser: the victim would give an
        account number to the attacker's record."""
        with self.other_browser():
            self.assertNotSignedIn(self.back(**self.good), 400)
            # a browser that is itself about to sign in
            self.begin()
            self.assertNotSignedIn(self.back(**self.good), 400)
        self.assertSignedIn(self.back(**self.good))

    def test_swapped_states(self):
        """Two attempts of one browser: a code belongs to its own."""
        other = query_of(self.idp.authorize(self.begin(), "mallory"))
        swapped = {**self.good, "code": other["code"]}
        self.assertNotSignedIn(self.back(**swapped))
        self.assertNotSignedIn(self.back(**{**other, "code": self.good["code"]}))

    def test_code_of_another_browser(self):
        """A stolen code in the thief's own attempt: PKCE."""
        with self.other_browser():
            own = query_of(self.idp.authorize(self.begin(), "mallory"))
            self.assertNotSignedIn(self.back(**{**own, "code": self.good["code"]}))

    def test_code_redeemed_with_a_nonce_of_another_attempt(self):
        """Even where the provider forgets PKCE, the nonce does not fit."""
        with (
            patch.object(self.idp, "_is_meant", lambda *_args: True),
            self.other_browser(),
        ):
            own = query_of(self.idp.authorize(self.begin(), "mallory"))
            self.assertNotSignedIn(self.back(**{**own, "code": self.good["code"]}))

    def test_another_provider_s_return(self):
        for issuer in ("https://evil.example", "", f"{self.idp.issuer}/"):
            good = query_of(self.idp.authorize(self.begin(), "alice"))
            with self.subTest(issuer):
                self.assertNotSignedIn(self.back(**{**good, "iss": issuer}))
        self.provider.iss_in_redirect = True
        good = query_of(self.idp.authorize(self.begin(), "alice"))
        self.assertNotSignedIn(self.back(**{**good, "iss": None}))

    def other_provider(self):
        """Another one, with people of its own: the provider, and our record of it."""
        other_idp = IdentityProvider()
        self.addCleanup(other_idp.stop)
        namespace = self.namespace.create({"name": "signin-test-2"})
        strategy = self.strategy.create(
            {
                "name": "Other",
                "code": 9902,
                "strategy_type": "ID",
                "fa_type": False,
                "construct_pattern": "token:{sub}@signin-test-2",
            }
        )
        other = self.new_provider(
            other_idp, namespace_id=namespace.id, strategy_id=strategy.id, name="Other"
        )
        return other_idp, other

    def test_mix_up_without_iss(self):
        """Somebody begins at a bad provider, which sends them on to a good one that does not name
        itself on return: the good one's code must not go to the bad one (RFC 9700 section 4.4)."""
        bad_idp, bad = self.other_provider()
        with self.other_browser():
            mallory = query_of(self.begin(self.provider))
        crafted = {**mallory, "state": query_of(self.begin(bad))["state"]}
        page = f"{self.idp.issuer}/authorize"
        query = query_of(self.idp.authorize(f"{page}?{urlencode(crafted)}", "alice"))
        del query["iss"]
        self.assertNotSignedIn(self.back(**query))
        self.assertNotIn("/token", [path for path, _form in bad_idp.requests])
        # the good one sends nobody to the address of the bad one
        crafted["redirect_uri"] = query_of(self.begin(bad))["redirect_uri"]
        with self.assertRaises(AssertionError):
            self.idp.authorize(f"{page}?{urlencode(crafted)}", "alice")

    def test_mix_up(self):
        """A code of one provider in an attempt with another."""
        other_idp, other = self.other_provider()
        own = query_of(other_idp.authorize(self.begin(other), "mallory"))
        self.assertNotSignedIn(self.back(other, **{**own, "code": self.good["code"]}))
        self.assertNotSignedIn(self.back(**{**self.good, "code": own["code"]}))
        # a token of the one is none of the other, even with the same key
        location = self.begin(other)
        other_idp.id_token = {"iss": self.idp.issuer}
        self.assertNotSignedIn(self.come_back(other_idp.authorize(location, "alice")))

    def test_broken_off(self):
        for error in ("access_denied", "server_error", "<script>alert(1)</script>"):
            state = query_of(self.begin())["state"]
            answer = self.back(state=state, error=error, error_description="<b>alice</b>")
            self.assertNotIn("<script>alert", answer.text)
            self.assertNotIn("<b>alice", answer.text)
            self.assertNotSignedIn()

    def test_nothing_of_it_in_the_log(self):
        with self.assertLogs("odoo.addons.g2p_spar_self_service", logging.INFO) as logs:
            self.back(**self.good)
            self.idp.id_token = {"aud": "other"}
            again = query_of(self.idp.authorize(self.begin(), "alice"))
            self.back(**again)
            self.back(**again)
        self.assertIn("aud", logs.output[0])
        for line in logs.output:
            for value in (*self.good.values(), *again.values(), "alice"):
                self.assertNotIn(value, line)

    def test_nothing_of_it_in_the_access_log(self):
        path = self.provider.signed_in_path()
        line = f'"GET {path}?{urlencode(self.good)} HTTP/1.1" 303 -'
        other = '"GET /web?debug=1 HTTP/1.1" 200 -'
        for text, expected in (
            (line, f'"GET {path} HTTP/1.1" 303 -'),
            (other, other),
        ):
            record = logging.makeLogRecord({"msg": "%s - %s", "args": ("127.0.0.1", text)})
            for access_filter in logging.getLogger("werkzeug").filters:
                access_filter.filter(record)
            self.assertEqual(record.getMessage(), f"127.0.0.1 - {expected}")


@tagged("post_install", "-at_install")
class TestTokens(SignInCase):
    """A provider, or somebody between it and us, that lies."""

    def test_id_token_claims(self):
        now = int(time.time())
        for claims in (
            {"iss": "https://evil.example"},
            {"iss": None},
            {"aud": "other"},
            {"aud": ["spar", "other"]},
            {"azp": "other"},
            {"exp": now - 61},
            {"exp": None},
            {"iat": now - 3600},
            {"iat": now + 3600},
            {"nonce": "another"},
            {"nonce": None},
            {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
            {"sub": None},
            {"sub": "mallory"},  # user-info is about alice
        ):
            self.idp.id_token = claims
            with self.subTest(claims):
                self.assertNotSignedIn(self.sign_in())
        self.assertFalse(self.sessions())

    def test_id_token_signatures(self):
        stranger = RSAKey.generate_key(2048, {"kid": "one"})
        for lie in (
            {"tamper": identity_provider.unsigned},
            {"tamper": lambda token: identity_provider.symmetric(token, rsa_key("one"))},
            {"tamper": lambda token: token.rpartition(".")[0] + "."},
            {"tamper": lambda token: token[:-8] + "AAAAAAAA"},
            {"tamper": lambda _token: "a.b.c"},
            {"key": stranger},
            {"key": other_key("ES256"), "algorithm": "ES256"},
            {"algorithm": "RS384"},
            {"header": {"kid": "two"}},
            {"header": {"typ": "at+jwt"}},
        ):
            self.idp.be_honest()
            for name, value in lie.items():
                setattr(self.idp, name, value)
            with self.subTest(lie):
                self.assertNotSignedIn(self.sign_in())
        self.assertFalse(self.sessions())

    def test_algorithm_that_the_record_does_not_allow(self):
        self.provider.algorithms = "PS256"
        self.assertNotSignedIn(self.sign_in())
        self.idp.algorithm = "PS256"
        self.assertSignedIn(self.sign_in())

    def test_userinfo_of_another_person(self):
        self.idp.userinfo = {"sub": "mallory"}
        self.assertNotSignedIn(self.sign_in())

    def test_unsigned_userinfo(self):
        self.idp.userinfo_mode = "json"
        self.assertNotSignedIn(self.sign_in())

    def test_acr(self):
        self.provider.acr_required = "otp biometrics"
        for acr in ("password", "otpx", ""):
            self.assertNotSignedIn(self.sign_in(acr=acr))
        self.assertNotSignedIn(self.sign_in())
        self.assertSignedIn(self.sign_in(acr="biometrics"))

    def test_claims_that_make_another_id(self):
        for subject in (
            "alice@signin-test",
            "x@other",
            "token:bob",
            "bob:alice",
            "a b",
            "a\nb",
            "é",
            "@",
            "x" * 250,
        ):
            with self.subTest(subject):
                self.assertNotSignedIn(self.sign_in(subject))
        self.assertFalse(self.sessions())


@tagged("post_install", "-at_install")
class TestBrowser(SignInCase):
    def test_session_fixation(self):
        """A session id that the attacker has planted is none of the victim's after sign-in."""
        planted = root.session_store.generate_key()
        self.opener.cookies.set("session_id", planted, domain=HOST)
        self.assertSignedIn(self.sign_in("alice"))
        self.assertNotEqual(self.opener.cookies["session_id"], planted)
        with self.other_browser():
            self.opener.cookies.set("session_id", planted, domain=HOST)
            self.assertNotSignedIn()

    def test_session_id_changes_at_every_sign_in_and_out(self):
        seen = set()
        self.get(LANDING_PATH)
        seen.add(self.opener.cookies["session_id"])
        self.sign_in("alice")
        seen.add(self.opener.cookies["session_id"])
        self.sign_in("bob")
        seen.add(self.opener.cookies["session_id"])
        self.sign_out()
        seen.add(self.opener.cookies["session_id"])
        self.assertEqual(len(seen), 4)
        for sid in seen - {self.opener.cookies["session_id"]}:
            with self.other_browser():
                self.opener.cookies.set("session_id", sid, domain=HOST)
                self.assertNotSignedIn()

    def test_second_person_in_one_browser(self):
        self.sign_in("alice")
        self.sign_in("bob")
        self.get(HOME_PATH)
        self.assertEqual(self.asked[-1][2].id, "token:bob@signin-test")
        alice, bob = self.sessions()
        self.assertTrue(alice.ended_at)
        self.assertFalse(bob.ended_at)

    def test_forged_handles(self):
        self.sign_in("alice")
        session = self.sessions().sudo()
        recall = session.recall
        for handle in (
            None,
            "",
            5,
            session.handle_digest,
            session.handle_digest[:43],
            "A" * 43,
            "A" * 42 + "%",
            ["A" * 43],
            True,
        ):
            with self.subTest(handle):
                self.assertFalse(recall(handle))

    def test_open_redirect(self):
        own = f"{LANDING_PATH}/history"
        self.assertEqual(local_path(own), own)
        for path in (
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/my/financial-address/../../web/session/logout",
            f"{LANDING_PATH}//evil.example",
            f"{LANDING_PATH}.evil.example",
            f"{LANDING_PATH}@evil.example",
            f"{LANDING_PATH}/x?return_to=https://evil.example",
            f"{LANDING_PATH}/x#y",
            f"{LANDING_PATH}/x\n",
            f"{LANDING_PATH}/x\r\nLocation: https://evil.example",
            "javascript:alert(1)",
            f"{LANDING_PATH}/" + "x" * 300,
            "/web",
            "",
            None,
        ):
            with self.subTest(path):
                self.assertEqual(local_path(path), HOME_PATH)
        location = self.idp.authorize(self.begin(return_to="//evil.example/x"), "alice")
        answer = self.come_back(f"{location}&return_to=//evil.example&next=//evil.example")
        self.assertEqual(answer.headers["Location"], HOME_PATH)

    def test_another_person_s_id_in_every_parameter(self):
        """Nothing of a request says whose address is shown."""
        self.sign_in("alice")
        bob = "token:bob@signin-test"
        self.linked = {bob: "444455556666"}
        names = ("id", "sub", "person", "person_id", "spar_person", "beneficiary", "user_id", "uid")
        query = urlencode(dict.fromkeys(names, bob))
        with mute_logger("odoo.http"):
            self.get(f"{HOME_PATH}?{query}")
            for name in names:
                self.opener.cookies.set(name, "bob", domain=HOST)
            self.opener.cookies.set(HANDLE, "bob", domain=HOST)
            headers = {"X-Person": bob, "X-Forwarded-User": bob, "Authorization": "Bearer bob"}
            page = self.url_open(HOME_PATH, headers=headers, allow_redirects=False)
        self.assertEqual(page.status_code, 200)
        self.assertEqual({item.id for _o, _a, item, _c in self.asked}, {"token:alice@signin-test"})
        # nor of the return
        location = self.idp.authorize(self.begin(), "alice")
        self.come_back(f"{location}&{query}")
        self.get(HOME_PATH)
        self.assertEqual(self.asked[-1][2].id, "token:alice@signin-test")

    def test_limit_of_a_browser(self):
        self.env["ir.config_parameter"].set_param("g2p_spar.signin_limit_browser", 3)
        for _each in range(3):
            self.assertEqual(self.press().status_code, 303)
        self.assertEqual(self.press().status_code, 429)
        with self.other_browser():
            self.assertEqual(self.press().status_code, 303)

    def test_limit_of_an_address(self):
        self.env["ir.config_parameter"].set_param("g2p_spar.signin_limit_address", 3)
        self.env["g2p.spar.signin.attempt"].sudo().search([]).unlink()
        for _each in range(3):
            with self.other_browser():
                self.assertEqual(self.press().status_code, 303)
        with self.other_browser():
            self.assertEqual(self.press().status_code, 429)
        self.env.cr.execute(
            "UPDATE g2p_spar_signin_attempt SET create_date = create_date - interval '10 minutes'"
        )
        self.assertEqual(self.press().status_code, 303)

    def test_address_that_is_counted(self):
        """Of IPv6, what a household has."""
        for address, network in (
            ("203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("", ""),
            ("unknown", ""),
        ):
            self.assertEqual(g2p_spar_signin_attempt._network(address), network)

    def test_begin_is_a_post_with_a_token(self):
        path = f"{LANDING_PATH}/sign-in/{self.provider.id}"
        self.assertEqual(self.get(path).status_code, 405)
        with mute_logger("odoo.http"):
            self.assertEqual(self.post(path).status_code, 400)
            with self.other_browser():
                token = self.csrf()
            self.get(LANDING_PATH)
            self.assertEqual(self.post(path, csrf_token=token).status_code, 400)

    def test_only_by_https(self):
        """Whatever the request says of its host."""
        path = f"{LANDING_PATH}/sign-in/{self.provider.id}"
        form = {"csrf_token": self.csrf()}
        elsewhere = patch.object(HTTPRequest, "remote_addr", "203.0.113.9", create=True)
        proxy = patch.dict(config.options, {"proxy_mode": True})
        for situation, headers in (
            # browsers' Host, that of the cookies in this one
            (elsewhere, {}),
            (elsewhere, {"Host": "127.0.0.1"}),
            (nullcontext(), {"X-Forwarded-For": "203.0.113.9"}),
            (nullcontext(), {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}),
            (proxy, {}),
            (proxy, {"X-Forwarded-Host": "localhost", "X-Forwarded-For": "127.0.0.1"}),
        ):
            with self.subTest(situation=situation, headers=headers), situation:
                answer = self.url_open(path, data=form, headers=headers, allow_redirects=False)
                self.assertEqual(answer.status_code, 403)
                self.assertIn("secure connection", answer.text)
        self.assertEqual(self.press().status_code, 303)

    def test_cookie_by_https(self):
        headers = {"X-Forwarded-Host": "spar.example.org", "X-Forwarded-Proto": "https"}
        headers["X-Forwarded-For"] = "203.0.113.9"
        with patch.dict(config.options, {"proxy_mode": True}):
            answer = self.url_open(LANDING_PATH, headers=headers)
        [cookie] = [c for c in [answer.headers["Set-Cookie"]] if c.startswith("session_id=")]
        for flag in ("; HttpOnly", "; Secure", "; SameSite=Lax"):
            self.assertIn(flag, cookie)
        with self.other_browser():
            self.assertNotIn("Secure", self.get(LANDING_PATH).headers["Set-Cookie"])

    def test_headers_of_every_page(self):
        self.linked["token:alice@signin-test"] = "111122223333"
        pages = [self.get(LANDING_PATH), self.press(), self.sign_in("alice"), self.get(HOME_PATH)]
        pages += [self.sign_out(), self.get(HOME_PATH), self.get(self.provider.signed_in_path())]
        for page in pages:
            headers = page.headers
            self.assertEqual(headers["Cache-Control"], "no-store")
            self.assertEqual(headers["X-Frame-Options"], "DENY")
            self.assertEqual(headers["Referrer-Policy"], "no-referrer")
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            policy = headers["Content-Security-Policy"]
            for rule in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
                self.assertIn(rule, policy)
            self.assertNotIn("unsafe", policy)
            self.assertNotIn("<script>", page.text)
            self.assertNotIn(" style=", page.text)
        self.assertIn(
            f"form-action 'self' {self.idp.issuer};",
            f"{pages[0].headers['Content-Security-Policy']};",
        )
        self.assertTrue(pages[3].headers["Content-Security-Policy"].endswith("form-action 'self'"))


@tagged("post_install", "-at_install")
class TestConfirm(SignInCase):
    """Signing in once more, for one thing."""

    def setUp(self):
        super().setUp()
        self.sign_in("alice")
        self.session = self.sessions().sudo()

    def begin_confirmation(self, ref="change-1", session=None):
        web_session = self.web_session
        if BINDING not in web_session:
            web_session[BINDING] = new_binding()
            root.session_store.save(web_session)
        return self.env["g2p.spar.signin.attempt"].begin(
            self.provider,
            web_session[BINDING],
            "127.0.0.1",
            self.base_url() + self.provider.signed_in_path(),
            f"{LANDING_PATH}/review",
            session=session or self.session,
            purpose_ref=ref,
        )

    def confirm(self, sub="alice", **claims):
        return self.come_back(self.idp.authorize(self.begin_confirmation(), sub, **claims))

    def assertNotConfirmed(self, answer=None, status=403):
        if answer is not None:
            self.assertEqual(answer.status_code, status, answer.text)
        self.env.invalidate_all()
        self.assertFalse(self.session.confirmed_ref)

    def test_confirmed(self):
        sid = self.opener.cookies["session_id"]
        answer = self.confirm()
        self.assertEqual(answer.headers["Location"], f"{LANDING_PATH}/review")
        self.assertNotEqual(self.opener.cookies["session_id"], sid)
        self.assertEqual(self.get(HOME_PATH).status_code, 200)
        self.env.invalidate_all()
        self.assertFalse(self.session.take_confirmation("change-2"))
        self.assertFalse(self.session.take_confirmation(""))
        self.assertFalse(self.session.take_confirmation(None))
        self.assertTrue(self.session.take_confirmation("change-1"))
        self.assertFalse(self.session.take_confirmation("change-1"), "good once")

    def test_it_gets_old(self):
        self.confirm()
        self.env.invalidate_all()
        self.session.confirmed_at -= timedelta(minutes=10, seconds=1)
        self.assertFalse(self.session.take_confirmation("change-1"))

    def test_request(self):
        query = query_of(self.begin_confirmation())
        self.assertEqual((query["prompt"], query["max_age"]), ("login", "0"))

    def test_not_afresh(self):
        for seconds in (120, 30):
            self.assertNotConfirmed(self.confirm(auth_time=int(time.time()) - seconds))
        self.idp.id_token = {"auth_time": None}
        self.assertNotConfirmed(self.confirm())

    def test_the_sign_in_of_the_session_confirms_nothing(self):
        """Whoever leaves prompt and max_age out comes back with the sign-in that there was."""
        auth_time = self.session.told_auth_time()
        for told in (auth_time, auth_time + 0.9, auth_time - 1):
            self.assertNotConfirmed(self.confirm(auth_time=told))

    def test_one_sign_in_confirms_one_thing(self):
        self.confirm()
        self.env.invalidate_all()
        self.assertTrue(self.session.take_confirmation("change-1"))
        self.assertNotConfirmed(self.confirm(auth_time=self.idp.last_auth_time))
        self.assertEqual(self.confirm().status_code, 303)

    def test_session_without_auth_time(self):
        self.session.auth_time = False
        # attempts of a test begin when its transaction does
        since = self.env.cr.now().replace(tzinfo=UTC).timestamp()
        self.assertNotConfirmed(self.confirm(auth_time=int(since) - 10))
        self.assertEqual(self.confirm().status_code, 303)

    def test_another_person(self):
        answer = self.confirm("bob")
        self.assertNotConfirmed(answer)
        self.assertIn("Somebody else", answer.text)
        # whoever it was is not signed in by that
        self.get(HOME_PATH)
        self.assertEqual(self.asked[-1][2].id, "token:alice@signin-test")
        self.assertEqual(len(self.sessions()), 1)

    def test_same_subject_of_another_provider(self):
        other = self.new_provider(self.idp, "spar-2", name="Other client")
        self.idp.clients["spar-2"]["redirect_uris"] = [self.provider.redirect_uri]
        location = self.begin_confirmation()
        self.env["g2p.spar.signin.attempt"].sudo().search([], order="id desc", limit=1).write(
            {"provider_id": other.id}
        )
        query = query_of(location)
        location = location.replace("client_id=spar", "client_id=spar-2")
        self.assertNotConfirmed(self.come_back(self.idp.authorize(location, "alice")))
        self.assertEqual(query["client_id"], "spar")

    def test_session_is_over(self):
        location = self.idp.authorize(self.begin_confirmation(), "alice")
        self.session.end()
        self.assertNotConfirmed(self.come_back(location))

    def test_another_session_of_the_same_person(self):
        """A confirmation is the session's that asked for it."""
        location = self.idp.authorize(self.begin_confirmation(), "alice")
        with self.other_browser():
            self.sign_in("alice")
            handle = self.web_session[HANDLE]
            self.assertNotConfirmed(self.come_back(location), 400)
        web_session = self.web_session
        web_session[HANDLE] = handle
        root.session_store.save(web_session)
        answer = self.come_back(location)
        self.assertNotConfirmed(answer)
        self.assertIn("could not be accepted", answer.text)
        self.assertFalse(self.sessions()[-1].sudo().confirmed_ref)

    def test_sign_in_is_no_confirmation(self):
        self.sign_in("alice")
        self.assertFalse(self.sessions()[-1].sudo().confirmed_ref)

    def test_code_of_a_sign_in(self):
        """Its nonce is another one, and so is its verifier."""
        own = query_of(self.idp.authorize(self.begin_confirmation(), "alice"))
        other = query_of(self.idp.authorize(self.begin(), "alice"))
        query = urlencode({**own, "code": other["code"]})
        self.assertNotConfirmed(self.get(f"{self.provider.signed_in_path()}?{query}"))
