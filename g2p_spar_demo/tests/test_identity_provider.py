# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import hashlib
import json
import re
import secrets
import time
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

from joserfc import jws, jwt
from joserfc.jwk import KeySet, RSAKey

from odoo import fields
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import config, file_open, mute_logger

from odoo.addons.g2p_spar_demo.loopback import is_loopback
from odoo.addons.g2p_spar_demo.models.g2p_spar_demo_identity_provider import ASSERTION_TYPE
from odoo.addons.g2p_spar_demo.oidc_request import ACR, OAuthError, parse

BASE = "/demo-identity-provider"
HERE = "http://127.0.0.1:8069"
SIGN_IN_PATH = "/my/financial-address"
REDIRECT_URI = f"{HERE}{SIGN_IN_PATH}/signed-in/1"
KATRINA = "2026000000"


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class RelyingParty:
    """A client of the provider: what it remembers of one sign-in.

    :param case: the test, for its HTTP client
    """

    key = RSAKey.generate_key(2048)

    def __init__(self, case):
        self.case = case
        self.provider = case.env["g2p.spar.demo.identity.provider"]
        self.client = case.env.ref("g2p_spar_demo.signin_provider")
        self.redirect_uri = f"{HERE}{self.client.signed_in_path()}"
        self.state, self.nonce, self.verifier = (secrets.token_urlsafe(32) for _ in range(3))

    def parameters(self, **changed):
        challenge = hashlib.sha256(self.verifier.encode()).digest()
        usual = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": unpadded(challenge),
            "code_challenge_method": "S256",
            "acr_values": ACR,
            "claims": '{"userinfo": {"phone_number": {"essential": true}}}',
        }
        return {name: value for name, value in {**usual, **changed}.items() if value is not None}

    def authorize(self, **changed):
        return self.case.get(f"{BASE}/authorize", params=self.parameters(**changed))

    def sign_in(self, person=KATRINA, code=None, **changed):
        """The answer to the form with the code that the page shows, or another one."""
        page = self.authorize(**changed)
        self.case.assertEqual(page.status_code, 200, page.text)
        return self.submit(page, "sign-in", person=person, one_time_code=code or shown_code(page))

    def submit(self, page, action, **fields_):
        return self.case.opener.post(
            f"{self.case.base_url()}{BASE}/{action}",
            {**hidden_fields(page), **fields_},
            allow_redirects=False,
        )

    def assertion(self, key=None, **changed):
        now = int(time.time())
        claims = {
            "iss": self.client.client_id,
            "sub": self.client.client_id,
            "aud": self.provider._addresses()["token_endpoint"],
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
            **changed,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256"}, claims, key or self.key)

    def redeem(self, code, assertion=None, **changed):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
            **changed,
        }
        return self.case.opener.post(f"{self.case.base_url()}{BASE}/token", form)

    def userinfo(self, access_token):
        headers = {"Authorization": f"Bearer {access_token}"}
        return self.case.get(f"{BASE}/userinfo", headers=headers)

    def verified(self, token):
        keys = KeySet.import_key_set(self.case.get(f"{BASE}/jwks.json").json())
        return jwt.decode(token, keys, algorithms=["PS256"])


def shown_code(page):
    return re.search(r'id="shown-code">(\d{6})<', page.text)[1]


def hidden_fields(page):
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', page.text))


def returned(response):
    """The parameters that a redirect to the relying party carries."""
    location = urlsplit(response.headers["Location"])
    back = location._replace(query="").geturl()
    assert back.startswith(f"{HERE}{SIGN_IN_PATH}/signed-in/"), location
    return dict(parse_qsl(location.query))


@tagged("post_install", "-at_install")
class TestIdentityProvider(HttpCase):
    def setUp(self):
        super().setUp()
        self.relying_party = RelyingParty(self)
        self.relying_party.provider._publish_addresses()
        public = self.relying_party.key.as_dict(private=False)
        self.relying_party.client.client_jwk = json.dumps(public)

    def get(self, path, **options):
        url = f"{self.base_url()}{path}"
        return self.opener.get(url, allow_redirects=False, timeout=20, **options)

    def signed_in(self, **changed):
        """Another relying party, and the code that it has got."""
        relying_party = RelyingParty(self)
        return relying_party, returned(relying_party.sign_in(**changed))["code"]

    # === The way that nothing goes wrong on === #

    def test_sign_in(self):
        relying_party = self.relying_party
        answer = returned(relying_party.sign_in())
        self.assertEqual(answer["state"], relying_party.state)
        self.assertEqual(answer["iss"], relying_party.client.issuer)
        tokens = relying_party.redeem(answer["code"])
        self.assertEqual(tokens.status_code, 200, tokens.text)
        self.assertEqual(tokens.headers["Cache-Control"], "no-store")
        tokens = tokens.json()
        self.check_id_token(relying_party, tokens)
        userinfo = relying_party.userinfo(tokens["access_token"])
        self.assertEqual(userinfo.headers["Content-Type"], "application/jwt")
        self.assertEqual(
            relying_party.verified(userinfo.text).claims,
            {
                "iss": relying_party.client.issuer,
                "aud": "spar-demo",
                "sub": KATRINA,
                "name": "Katrina Rivera",
                "given_name": "Katrina",
                "family_name": "Rivera",
                "gender": "female",
                "birthdate": "1984-03-12",
                "phone_number": "+639339749960",
            },
        )

    def check_id_token(self, relying_party, tokens):
        token = relying_party.verified(tokens["id_token"])
        self.assertEqual(token.header["alg"], "PS256")
        digest = hashlib.sha256(tokens["access_token"].encode()).digest()
        now = time.time()
        for moment in ("auth_time", "iat"):
            self.assertAlmostEqual(token.claims.pop(moment), now, delta=10)
        self.assertAlmostEqual(token.claims.pop("exp"), now + 3600, delta=10)
        self.assertEqual(
            token.claims,
            {
                "iss": relying_party.client.issuer,
                "sub": KATRINA,
                "aud": "spar-demo",
                "nonce": relying_party.nonce,
                "acr": ACR,
                "at_hash": unpadded(digest[:16]),
            },
        )

    def test_metadata_and_the_record_of_the_client_agree(self):
        metadata = self.get(f"{BASE}/.well-known/openid-configuration").json()
        client = self.relying_party.client
        for name in (
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "userinfo_endpoint",
            "end_session_endpoint",
        ):
            self.assertEqual(client[name], metadata[name], name)
        self.assertTrue(metadata["issuer"].startswith("http://127.0.0.1:"))
        self.assertEqual(metadata["token_endpoint_auth_methods_supported"], ["private_key_jwt"])
        self.assertEqual(metadata["code_challenge_methods_supported"], ["S256"])
        self.assertIn(ACR, metadata["acr_values_supported"])

    def test_only_what_was_asked_for_is_told(self):
        relying_party, code = self.signed_in(scope="openid", claims=None)
        token = relying_party.redeem(code).json()["access_token"]
        claims = relying_party.verified(relying_party.userinfo(token).text).claims
        self.assertEqual(set(claims), {"iss", "aud", "sub"})

    def test_ten_people(self):
        people = self.env["g2p.spar.demo.person"].search([])
        self.assertEqual(len(people), 10)
        page = self.relying_party.authorize()
        for person in people:
            self.assertIn(f'value="{person.subject}"', page.text)
            self.assertIn(person.display_name, page.text)

    def test_people_and_the_mappings_of_the_demonstration_are_the_same(self):
        people = self.env["g2p.spar.demo.person"].search([])
        ids = {f"token:{person.subject}@nationalId": person for person in people}
        mappings = self.env["g2p.spar.mapping"].sudo().search([("id_value", "in", list(ids))])
        self.assertEqual(len(mappings), 5)
        for mapping in mappings:
            self.assertEqual(mapping.name, ids[mapping.id_value].display_name)
            self.assertEqual(mapping.phone, ids[mapping.id_value].phone_number)
        self.assertEqual(mappings.mapped("state").count("suspended"), 1)

    def test_pages_allow_no_script_and_no_frame(self):
        page = self.relying_party.authorize()
        policy = page.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertEqual(page.headers["Cache-Control"], "no-store")

    # === Who signed in before === #

    def test_who_signed_in_before_need_not_type_a_code(self):
        self.relying_party.sign_in()
        later = RelyingParty(self)
        page = later.authorize()
        self.assertIn("You have signed in as <strong>Katrina Rivera</strong>", page.text)
        code = returned(later.submit(page, "continue"))["code"]
        claims = later.verified(later.redeem(code).json()["id_token"]).claims
        self.assertEqual((claims["sub"], claims["nonce"]), (KATRINA, later.nonce))

    def test_somebody_else_at_the_same_browser(self):
        self.relying_party.sign_in()
        later = RelyingParty(self)
        page = later.submit(later.authorize(), "another")
        answer = later.submit(page, "sign-in", person="2027000001", one_time_code=shown_code(page))
        claims = later.verified(later.redeem(returned(answer)["code"]).json()["id_token"]).claims
        self.assertEqual(claims["sub"], "2027000001")

    def test_auth_time_is_that_of_the_sign_in(self):
        self.relying_party.sign_in()
        an_hour_ago = fields.Datetime.now() - timedelta(minutes=50)
        self.env["g2p.spar.demo.sign.in"].search([]).auth_time = an_hour_ago
        later = RelyingParty(self)
        code = returned(later.submit(later.authorize(), "continue"))["code"]
        claims = later.verified(later.redeem(code).json()["id_token"]).claims
        self.assertAlmostEqual(claims["auth_time"], time.time() - 3000, delta=10)
        # and this is too long ago for somebody who says so
        page = RelyingParty(self).authorize(max_age="2400")
        self.assertIn("one_time_code", page.text)
        self.assertNotIn("one_time_code", RelyingParty(self).authorize(max_age="3300").text)

    def test_a_fresh_sign_in_can_be_asked_for(self):
        self.relying_party.sign_in()
        for asked in ({"prompt": "login"}, {"max_age": "0"}):
            with self.subTest(**asked):
                self.assertIn("one_time_code", RelyingParty(self).authorize(**asked).text)

    def test_nobody_is_asked_with_prompt_none(self):
        answer = returned(RelyingParty(self).authorize(prompt="none"))
        self.assertEqual(answer["error"], "login_required")
        self.relying_party.sign_in()
        self.assertIn("code", returned(RelyingParty(self).authorize(prompt="none")))

    def test_sign_out(self):
        relying_party, code = self.signed_in()
        tokens = relying_party.redeem(code).json()
        back = f"{HERE}{SIGN_IN_PATH}"
        parameters = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": back}
        answer = self.get(f"{BASE}/end-session", params={**parameters, "state": "s"})
        self.assertEqual(answer.headers["Location"], f"{back}?state=s")
        self.assertIn("one_time_code", RelyingParty(self).authorize().text)
        with mute_logger("odoo.http"):
            self.assertEqual(relying_party.userinfo(tokens["access_token"]).status_code, 401)

    def test_sign_out_sends_nobody_elsewhere(self):
        relying_party, code = self.signed_in()
        token = relying_party.redeem(code).json()["id_token"]
        back = f"{HERE}{SIGN_IN_PATH}"
        forged = relying_party.assertion()
        for parameters in (
            {"post_logout_redirect_uri": back},
            {"post_logout_redirect_uri": back, "id_token_hint": forged},
            {"post_logout_redirect_uri": "http://evil.example/my/financial-address"},
            {"post_logout_redirect_uri": "http://evil.example/", "id_token_hint": token},
        ):
            with self.subTest(**parameters):
                answer = self.get(f"{BASE}/end-session", params=parameters)
                self.assertEqual(answer.status_code, 200)
                self.assertIn("You have signed out", answer.text)
                self.assertIn('href="/my/financial-address"', answer.text)

    # === What it refuses === #

    def test_unknown_clients_and_addresses_are_told_to_the_person_only(self):
        good = self.relying_party.redirect_uri
        path = self.relying_party.client.signed_in_path()
        for changed in (
            {"client_id": "another"},
            {"client_id": None},
            {"redirect_uri": f"http://evil.example{path}"},
            {"redirect_uri": f"http://127.0.0.1.evil.example{path}"},
            {"redirect_uri": f"http://127.0.0.1@evil.example{path}"},
            {"redirect_uri": f"{HERE}/web/login"},
            # those of other providers, whose codes must stay theirs
            {"redirect_uri": f"{good}0"},
            {"redirect_uri": f"{HERE}{SIGN_IN_PATH}/signed-in"},
            {"redirect_uri": f"{good}?next=/web"},
            {"redirect_uri": f"javascript://127.0.0.1{path}"},
            {"redirect_uri": None},
        ):
            with self.subTest(**changed):
                answer = self.relying_party.authorize(**changed)
                self.assertEqual(answer.status_code, 400)
                self.assertNotIn("Location", answer.headers)

    def test_malformed_requests_are_told_to_the_relying_party(self):
        for error, changed in (
            ("unsupported_response_type", {"response_type": "token"}),
            ("unsupported_response_type", {"response_type": None}),
            ("invalid_scope", {"scope": "profile"}),
            ("invalid_request", {"nonce": None}),
            ("invalid_request", {"state": "s" * 257}),
            ("invalid_request", {"code_challenge": None}),
            ("invalid_request", {"code_challenge_method": "plain"}),
            ("invalid_request", {"code_challenge": "short"}),
            ("invalid_request", {"prompt": "none login"}),
            ("invalid_request", {"prompt": "whatever"}),
            ("invalid_request", {"max_age": "-1"}),
            ("invalid_request", {"claims": "[]"}),
            ("request_not_supported", {"request": "a.b.c"}),
            ("request_uri_not_supported", {"request_uri": "https://a.example/"}),
        ):
            with self.subTest(**changed):
                answer = returned(self.relying_party.authorize(**changed))
                self.assertEqual(answer["error"], error)
                self.assertEqual(answer["iss"], self.relying_party.client.issuer)

    def test_a_nonce_is_good_once(self):
        self.relying_party.authorize()
        answer = returned(self.relying_party.authorize())
        self.assertEqual(answer["error"], "invalid_request")

    def test_wrong_one_time_codes(self):
        relying_party = self.relying_party
        page = relying_party.authorize()
        right = shown_code(page)
        wrong = f"{(int(right) + 1) % 10**6:06}"
        for _try in range(5):
            answer = relying_party.submit(page, "sign-in", person=KATRINA, one_time_code=wrong)
            self.assertIn("This is not the code", answer.text)
        answer = relying_party.submit(page, "sign-in", person=KATRINA, one_time_code=right)
        self.assertIn("This is not the code", answer.text)

    def test_a_form_is_good_once(self):
        relying_party = self.relying_party
        page = relying_party.authorize()
        code = shown_code(page)
        self.assertIn(
            "code",
            returned(relying_party.submit(page, "sign-in", person=KATRINA, one_time_code=code)),
        )
        again = relying_party.submit(page, "sign-in", person=KATRINA, one_time_code=code)
        self.assertEqual(again.status_code, 400)

    def test_a_form_of_another_site(self):
        page = self.relying_party.authorize()
        fields_ = {**hidden_fields(page), "one_time_code": shown_code(page), "person": KATRINA}
        del fields_["csrf_token"]
        with mute_logger("odoo.http"):
            answer = self.opener.post(f"{self.base_url()}{BASE}/sign-in", fields_)
        self.assertEqual(answer.status_code, 400)

    def test_nobody_goes_on_as_somebody_unknown(self):
        relying_party = self.relying_party
        answer = relying_party.submit(relying_party.authorize(), "continue")
        self.assertEqual(answer.status_code, 400)

    def refused(self, relying_party, error, *arguments, **changed):
        answer = relying_party.redeem(*arguments, **changed)
        status = 401 if error == "invalid_client" else 400
        self.assertEqual((answer.status_code, answer.json()["error"]), (status, error))

    def test_client_assertions(self):
        now = int(time.time())
        relying_party, code = self.signed_in()
        other_key = RSAKey.generate_key(2048)
        for assertion in (
            relying_party.assertion(key=other_key),
            relying_party.assertion(iss="another"),
            relying_party.assertion(sub="another"),
            relying_party.assertion(aud="http://127.0.0.1/another"),
            relying_party.assertion(exp=now - 60),
            relying_party.assertion(iat=now + 600),
            relying_party.assertion(exp=None),
            relying_party.assertion(jti=None),
            relying_party.assertion(jti=7),
            "no.jwt.",
            unsigned(relying_party.assertion()),
        ):
            with self.subTest(assertion=assertion):
                self.refused(relying_party, "invalid_client", code, assertion)
        self.refused(relying_party, "invalid_client", code, client_assertion_type="")
        self.refused(relying_party, "invalid_client", code, client_id="another")
        # none of these has ended the code
        self.assertEqual(relying_party.redeem(code).status_code, 200)

    def test_an_assertion_is_good_once(self):
        relying_party, code = self.signed_in()
        assertion = relying_party.assertion()
        self.assertEqual(relying_party.redeem(code, assertion).status_code, 200)
        later, code = self.signed_in(prompt="login")
        self.refused(later, "invalid_client", code, assertion)

    def test_a_code_is_good_once(self):
        relying_party, code = self.signed_in()
        token = relying_party.redeem(code).json()["access_token"]
        self.refused(relying_party, "invalid_grant", code)
        # whoever tries it again may have stolen it: the token ends too (RFC 6749 4.1.2)
        with mute_logger("odoo.http"):
            self.assertEqual(relying_party.userinfo(token).status_code, 401)

    def test_grants(self):
        for error, changed in (
            ("invalid_grant", {"code_verifier": secrets.token_urlsafe(32)}),
            ("invalid_grant", {"code_verifier": ""}),
            ("invalid_grant", {"redirect_uri": f"{self.relying_party.redirect_uri}/"}),
            ("unsupported_grant_type", {"grant_type": "refresh_token"}),
        ):
            with self.subTest(**changed):
                relying_party, code = self.signed_in(prompt="login")
                self.refused(relying_party, error, code, **changed)
        self.refused(self.relying_party, "invalid_grant", "unknown")

    def test_a_code_expires(self):
        relying_party, code = self.signed_in()
        sign_in = self.env["g2p.spar.demo.sign.in"].search([], order="id desc", limit=1)
        sign_in.code_given_at -= timedelta(seconds=130)
        self.refused(relying_party, "invalid_grant", code)

    @mute_logger("odoo.http")
    def test_userinfo_wants_a_token(self):
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}):
            answer = self.get(f"{BASE}/userinfo", headers=headers)
            self.assertEqual(answer.status_code, 401)
            self.assertIn("invalid_token", answer.headers["WWW-Authenticate"])

    def test_a_malformed_token_request(self):
        url = f"{self.base_url()}{BASE}/token"
        self.assertEqual(self.opener.post(url, json={}).status_code, 415)
        doubled = "code=a&code=b"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self.assertEqual(self.opener.post(url, doubled, headers=headers).status_code, 400)

    # === Where it works === #

    def every_route(self, **options):
        self.opener.cookies.clear()
        parameters = self.relying_party.parameters()
        yield self.get(f"{BASE}/authorize", params=parameters, **options)
        yield self.get(f"{BASE}/end-session", **options)
        for path in ("jwks.json", "userinfo", ".well-known/openid-configuration"):
            yield self.get(f"{BASE}/{path}", **options)
        for path in ("token", "sign-in", "continue", "another"):
            yield self.opener.post(f"{self.base_url()}{BASE}/{path}", {"form": "x"}, **options)

    def assert_nothing_answers(self, **options):
        for answer in self.every_route(**options):
            with self.subTest(answer.url, **options):
                self.assertEqual(answer.status_code, 403)

    @mute_logger("odoo.http")
    def test_not_at_another_address(self):
        for host in ("spar.example", "192.168.1.10:8069", "127.0.0.1.example"):
            self.assert_nothing_answers(headers={"Host": host})

    @mute_logger("odoo.http")
    def test_not_through_a_proxy(self):
        for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
            self.assert_nothing_answers(headers={header: "127.0.0.1"})

    @mute_logger("odoo.http")
    def test_not_where_odoo_stands_behind_a_proxy(self):
        """One that adds nothing could not be seen."""
        with patch.dict(config.options, {"proxy_mode": True}):
            self.assert_nothing_answers()

    @mute_logger("odoo.http")
    def test_not_where_odoo_listens_to_others(self):
        with patch.dict(config.options, {"http_interface": "0.0.0.0"}):
            self.assert_nothing_answers()

    @mute_logger("odoo.http")
    def test_not_for_other_machines(self):
        path = "odoo.addons.g2p_spar_demo.loopback.is_loopback"
        # the first question is about the interface
        with patch(path, side_effect=lambda host: host == config["http_interface"]):
            with patch.dict(config.options, {"http_interface": "::1"}):
                self.assert_nothing_answers()


def unsigned(token):
    claims = jws.extract_compact(token.encode()).payload
    return f"{unpadded(json.dumps({'alg': 'none'}).encode())}.{unpadded(claims)}."


@tagged("post_install", "-at_install")
class TestIdentityProviderParts(TransactionCase):
    def test_loopback(self):
        for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"):
            self.assertTrue(is_loopback(host), host)
        for host in ("", "0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example", "localhost.example"):
            self.assertFalse(is_loopback(host), host)

    def test_the_key_is_sealed_and_made_once(self):
        keys = self.env["g2p.spar.demo.identity.key"]
        key = keys._current()
        keys._ensure()
        self.assertEqual(keys.search([]), key)
        self.assertNotIn('"d"', key.private_key_sealed)
        self.assertEqual(set(key._public_jwk()), {"kty", "n", "e", "kid", "use"})

    def test_addresses_follow_the_configuration(self):
        provider = self.env["g2p.spar.demo.identity.provider"]
        client = self.env.ref("g2p_spar_demo.signin_provider")
        ports = {"http_port": 18069, "gevent_port": 18072}
        for workers, port in ((0, 18069), (1, 18072), (2, 18072)):
            with patch.dict(config.options, {**ports, "workers": workers}):
                provider._publish_addresses()
            for name in ("token_endpoint", "jwks_uri", "userinfo_endpoint", "discovery_url"):
                self.assertIn(f"http://127.0.0.1:{port}{BASE}", client[name])
            for name in ("issuer", "authorization_endpoint", "end_session_endpoint"):
                self.assertIn(f"http://127.0.0.1:18069{BASE}", client[name])

    def test_record_of_another_provider_is_left_alone(self):
        provider = self.env["g2p.spar.demo.identity.provider"]
        client = self.env.ref("g2p_spar_demo.signin_provider")
        for values in (
            {"issuer": "https://id.example"},
            {"issuer": f"https://id.example{BASE}"},
            {"client_id": "another"},
        ):
            before = client.read(["issuer", "client_id"])[0]
            client.write({**values, "token_endpoint": "https://id.example/token"})
            provider._publish_addresses()
            self.assertEqual(client.token_endpoint, "https://id.example/token")
            client.write({name: before[name] for name in ("issuer", "client_id")})
        provider._publish_addresses()
        self.assertIn(BASE, client.token_endpoint)

    def test_neutralize(self):
        with file_open("g2p_spar_demo/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        for model in ("g2p.spar.demo.identity.key", "g2p.spar.demo.sign.in"):
            self.assertFalse(self.env[model].search_count([]))

    def test_claims_request(self):
        self.assertEqual(self.claims(scope="openid phone"), ("phone_number",))
        self.assertEqual(
            self.claims(scope="openid", claims='{"userinfo": {"email": null, "x": null}}'),
            ("email",),
        )
        with self.assertRaises(OAuthError):
            self.claims(scope="openid", claims='{"userinfo": []}')

    def claims(self, **parameters):
        usual = {
            "response_type": "code",
            "state": "s",
            "nonce": "n",
            "code_challenge": "c" * 43,
            "code_challenge_method": "S256",
        }
        return parse({**usual, **parameters}, REDIRECT_URI).claims

    def test_old_sign_ins_go(self):
        sign_ins = self.env["g2p.spar.demo.sign.in"]
        asked = parse(
            {
                "response_type": "code",
                "scope": "openid",
                "state": "s",
                "nonce": secrets.token_urlsafe(8),
                "code_challenge": "c" * 43,
                "code_challenge_method": "S256",
            },
            REDIRECT_URI,
        )
        record, _form = sign_ins._begin(asked)
        sign_ins._gc_sign_ins()
        self.assertTrue(record.exists())
        record.flush_recordset()
        self.env.cr.execute(
            "UPDATE g2p_spar_demo_sign_in SET create_date = create_date - interval '25 hours' "
            "WHERE id = %s",
            [record.id],
        )
        record.invalidate_recordset()
        sign_ins._gc_sign_ins()
        self.assertFalse(record.exists())
