# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
import re
from contextlib import contextmanager
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo.http import root
from odoo.tests import HttpCase
from odoo.tests.common import HOST, Opener

from odoo.addons.g2p_spar_connector.g2p_connect.values import (
    AccountProvider,
    Address,
    Outcome,
    Result,
)

from ..web import HOME_PATH, LANDING_PATH
from .identity_provider import IdentityProvider

_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


class SignInCase(HttpCase):
    """A provider, our record of it, and a mapper that knows the addresses of `linked`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.idp = IdentityProvider()
        cls.addClassCleanup(cls.idp.stop)
        # those of a demonstration would be offered too
        cls.env["g2p.spar.signin.provider"].search([]).active = False
        namespaces = cls.env["g2p.id.namespace"]
        cls.namespace = namespaces.create({"name": "signin-test"})
        cls.strategy = cls.env["g2p.fa.strategy"].create(
            {
                "name": "Sign-in test",
                "code": 9901,
                "strategy_type": "ID",
                "fa_type": False,
                "construct_pattern": "token:{sub}@signin-test",
            }
        )
        cls.provider = cls.new_provider(cls.idp)
        cls.connector = cls.env["g2p.spar.connector"].create({"name": "Test", "sequence": -1})

    @classmethod
    def new_provider(cls, idp, client_id="spar", **values):
        """A record for a client that is registered at the provider."""
        metadata = idp.metadata()
        endpoints = (
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "userinfo_endpoint",
            "end_session_endpoint",
        )
        provider = cls.env["g2p.spar.signin.provider"].create(
            {
                "name": "National ID",
                **{name: metadata[name] for name in endpoints},
                "client_id": client_id,
                "strategy_id": cls.strategy.id,
                "namespace_id": cls.namespace.id,
                **values,
            }
        )
        cls.register(idp, provider, values.get("client_secret"))
        return provider

    @classmethod
    def register(cls, idp, provider, secret=None):
        """Tell the provider about us, as an administrator would."""
        idp.clients[provider.client_id] = {
            "auth": provider.client_auth,
            "secret": secret,
            "jwk": provider.client_jwk and json.loads(provider.client_jwk),
            "userinfo_jwk": provider.userinfo_jwk and json.loads(provider.userinfo_jwk),
            "redirect_uris": [cls.base_url() + provider.signed_in_path()],
        }

    def setUp(self):
        super().setUp()
        self.idp.be_honest()
        self.register(self.idp, self.provider)
        self.linked = {}
        self.asked = []
        self._before = self.env["g2p.spar.beneficiary.session"].search([])
        connectors = self.env.registry["g2p.spar.connector"]
        self.startPatcher(patch.object(connectors, "_call", self._mapper()))

    def _mapper(self):
        case = self

        def _call(connector, operation, actor, items, **options):
            case.asked += [(operation, actor, item, connector.id) for item in items]
            return [case._answer(item) for item in items]

        return _call

    def _answer(self, item):
        number = self.linked.get(item.id)
        if not number:
            return Result(item.reference_id, Outcome.ID_NOT_FOUND, id=item.id)
        return Result(
            item.reference_id,
            Outcome.ID_ACTIVE,
            id=item.id,
            fa=f"account:{number}@bank",
            provider=AccountProvider("First Bank", "bank"),
            address=Address("bank", number, "bank", "First Bank"),
        )

    # --- a browser ---

    @contextmanager
    def other_browser(self):
        own, self.opener = self.opener, Opener(self)
        try:
            yield
        finally:
            self.opener = own

    def get(self, path):
        return self.url_open(path, allow_redirects=False)

    def post(self, path, **form):
        return self.url_open(path, data=form or {"-": "-"}, allow_redirects=False)

    def csrf(self, path=LANDING_PATH):
        return _CSRF.search(self.get(path).text)[1]

    def press(self, provider=None, **form):
        """Press the button of a provider: its answer."""
        path = f"{LANDING_PATH}/sign-in/{(provider or self.provider).id}"
        return self.post(path, csrf_token=self.csrf(), **form)

    def begin(self, provider=None, **form):
        """Where the browser is sent by the button of a provider."""
        answer = self.press(provider, **form)
        self.assertEqual(answer.status_code, 303, answer.text)
        return answer.headers["Location"]

    def come_back(self, location):
        """Return from the provider: its answer."""
        parts = urlsplit(location)
        return self.get(f"{parts.path}?{parts.query}")

    def sign_in(self, sub="alice", provider=None, idp=None, **claims):
        """Sign in from the start; the answer to the return."""
        location = (idp or self.idp).authorize(self.begin(provider), sub, **claims)
        return self.come_back(location)

    def sign_out(self):
        return self.post(f"{LANDING_PATH}/sign-out", csrf_token=self.csrf(HOME_PATH))

    def log_in(self, user, session_extra=None):
        """Log in as a user of Odoo whose password is the name, as browsers keep the cookie."""
        self.authenticate(user, user, session_extra=session_extra)
        self.opener.cookies.clear()
        self.opener.cookies.set("session_id", self.session.sid, domain=HOST)

    @property
    def web_session(self):
        return root.session_store.get(self.opener.cookies["session_id"])

    # --- what came of it ---

    def assertSignedIn(self, answer, path=HOME_PATH):
        self.assertEqual(answer.status_code, 303, answer.text)
        self.assertEqual(urlsplit(answer.headers["Location"]).path, path)
        self.assertEqual(self.get(HOME_PATH).status_code, 200)

    def assertNotSignedIn(self, answer=None, status=403):
        if answer is not None:
            self.assertEqual(answer.status_code, status, answer.text)
        home = self.get(HOME_PATH)
        self.assertEqual(home.status_code, 303, "signed in")
        self.assertEqual(urlsplit(home.headers["Location"]).path, LANDING_PATH)

    def sessions(self):
        """Those that this test has begun."""
        sessions = self.env["g2p.spar.beneficiary.session"]
        return sessions.search([], order="id") - self._before
