# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import json
import secrets
from datetime import datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.tests import HttpCase, tagged

from .common import MapperCommon

TOKEN_URL = "/spar/oauth2/client/token"


@tagged("post_install", "-at_install")
class TestOAuth2(MapperCommon, HttpCase):
    def setUp(self):
        super().setUp()
        self.secret = self.participant.rotate_secret()

    def ask(self, headers=None, **form):
        data = {
            "grant_type": "client_credentials",
            "client_id": self.participant.client_id,
            "client_secret": self.secret,
            **form,
        }
        data = {name: value for name, value in data.items() if value is not None}
        response = self.url_open(TOKEN_URL, data=data, headers=headers)
        self.assertEqual(response.headers["Cache-Control"], "no-store")
        return response.status_code, response.json()

    def basic(self, client_id, secret):
        credentials = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        return {"Authorization": f"Basic {credentials}"}

    def find(self, token):
        return self.env["g2p.spar.access.token"].find(token)

    def test_form(self):
        status, answer = self.ask()
        self.assertEqual(status, 200)
        self.assertEqual((answer["token_type"], answer["expires_in"]), ("Bearer", 3600))
        self.assertEqual(
            answer["scope"],
            "mapper.link mapper.resolve mapper.status mapper.unlink mapper.update",
        )
        self.assertEqual(self.find(answer["access_token"])[0].id, self.participant.id)

    def test_basic(self):
        headers = self.basic(self.participant.client_id, self.secret)
        status, answer = self.ask(headers, client_id=None, client_secret=None)
        self.assertEqual(status, 200)
        self.assertTrue(self.find(answer["access_token"]))

    def test_scope_is_narrowed(self):
        self.participant.may_link = False
        for scope, granted in (
            ("mapper.resolve", {"resolve"}),
            ("mapper.resolve mapper.link", {"resolve"}),
            ("resolve profile", {"resolve"}),
        ):
            with self.subTest(scope=scope):
                status, answer = self.ask(scope=scope)
                self.assertEqual(status, 200)
                self.assertEqual(self.find(answer["access_token"])[1], granted)
        self.assertEqual(self.ask(scope="mapper.link"), (400, {"error": "invalid_scope"}))

    def test_known_token_costs_no_statement(self):
        token = self.ask()[1]["access_token"]
        self.find(token)
        with self.assertQueryCount(0):
            self.assertTrue(self.find(token))
        with freeze_time(datetime.now() + timedelta(seconds=3601)):
            self.assertIsNone(self.find(token))
        self.participant.rotate_secret()
        self.assertIsNone(self.find(token))

    def test_unknown_tokens_are_not_remembered(self):
        self.assertIsNone(self.find("x"))
        token = secrets.token_urlsafe(32)
        self.assertIsNone(self.find(token))
        with patch.object(secrets, "token_urlsafe", return_value=token):
            self.env["g2p.spar.access.token"].issue(self.participant, ["link"])
        self.assertTrue(self.find(token))

    def test_errors_do_not_tell_what_was_wrong(self):
        wrong = [
            self.ask(client_secret="x"),
            self.ask(client_id="x"),
            self.ask(client_secret=None),
            self.ask(client_secret=""),
            self.ask(self.basic("x", "y"), client_id=None, client_secret=None),
        ]
        never_set = self._participant("unset")
        wrong.append(self.ask(client_id=never_set.client_id, client_secret=""))
        self.participant.active = False
        wrong.append(self.ask())
        self.assertEqual(wrong, [(401, {"error": "invalid_client"})] * 7)

    def test_bad_requests(self):
        self.assertEqual(
            self.ask(grant_type="password"), (400, {"error": "unsupported_grant_type"})
        )
        self.assertEqual(self.ask(grant_type=None)[0], 400)
        self.assertEqual(self.ask(client_id="nul\x00")[0], 400)
        twice = f"grant_type=client_credentials&client_id=a&client_id={self.participant.client_id}"
        response = self.url_open(
            TOKEN_URL,
            data=twice,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        self.assertEqual(
            (response.status_code, response.json()), (400, {"error": "invalid_request"})
        )
        response = self.url_open(
            TOKEN_URL, data=json.dumps({}), headers={"Content-Type": "application/json"}
        )
        self.assertEqual(response.status_code, 415)
        self.assertEqual(self.url_open(TOKEN_URL).status_code, 405)
