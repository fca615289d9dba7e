# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What people who may see their own address reach beside it: nothing."""

import inspect
import re

from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw, get_public_method
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..web import HOME_PATH, LANDING_PATH
from .common import SignInCase

# For everybody; they tell nothing about anybody.
_PUBLIC = {
    "/.well-known/jwks.json",
    "/spar/docs",
    "/spar/health",
    "/spar/openapi.json",
}
# Tells on loopback how much there is to do, and nothing about anybody.
_LOOPBACK = {"/spar/metrics"}
# Odoo's own, in the suite only to let it write: it ends one's own web session.
_OWN_SESSION = {"/web/session/destroy"}
# The demonstration's identity provider: for everybody at its machine, and tested there.
_DEMONSTRATION = "/demo-identity-provider/"
# Describe fields and forms.
_METADATA = {"fields_get", "get_import_templates"}
_QUIET = ("odoo.http", "odoo.addons.base.models.ir_http", "odoo.addons.base.models.ir_rule")


def is_ours(module):
    return module.startswith("odoo.addons.g2p_spar_")


@tagged("post_install", "-at_install")
class TestRoutes(SignInCase):
    def setUp(self):
        super().setUp()
        # makes the routes, which a test's own thread cannot
        self.get(LANDING_PATH)
        self.routes = list(self.env["ir.http"].routing_map().iter_rules())

    def log_in_as_portal_user(self):
        self.user = new_test_user(self.env, "spar-portal", groups="base.group_portal")
        self.log_in("spar-portal")

    def test_pages_of_users(self):
        """None of Odoo's pages for users is for a beneficiary."""
        self.sign_in("alice")
        paths = {
            rule.rule
            for rule in self.routes
            if rule.endpoint.routing["auth"] in ("user", "bearer")
            and rule.endpoint.routing["type"] == "http"
            and not rule.arguments
            and "GET" in (rule.methods or {"GET"})
        }
        self.assertIn("/my/account", paths)
        for path in sorted(paths):
            with self.subTest(path), mute_logger(*_QUIET):
                self.assertIn(self.get(path).status_code, (303, 400, 401, 403, 404))

    def test_routes_of_the_suite(self):
        """The session of a beneficiary or portal user is nothing worth to the API for programs."""
        paths = {
            (method, rule.rule)
            for rule in self.routes
            if is_ours(rule.endpoint.func.__module__) and rule.endpoint.routing["type"] != "http"
            for method in (rule.methods or {"GET", "POST"}) & {"GET", "POST"}
        }
        self.assertGreater(len(paths), 5)
        self.sign_in("alice")
        self._assert_closed(paths)
        self.sign_out()
        self.log_in_as_portal_user()
        self._assert_closed(paths)

    def _assert_closed(self, paths):
        for method, path in sorted(paths):
            if path in _PUBLIC | _LOOPBACK | _OWN_SESSION or path.startswith(_DEMONSTRATION):
                continue
            with self.subTest(f"{method} {path}"), mute_logger(*_QUIET):
                headers = {"Content-Type": "application/json"}
                data = None if method == "GET" else "{}"
                answer = self.url_open(path, data=data, headers=headers, method=method)
                self.assertIn(answer.status_code, (400, 401, 403, 404, 415, 503), answer.text)

    def test_our_pages_are_for_people_with_an_id(self):
        """Whoever has none, staff and portal users included, is sent to the landing page."""
        paths = {
            re.sub("<.*>", "1", rule.rule)
            for rule in self.routes
            if rule.endpoint.routing["auth"] == "spar_beneficiary" and "GET" in rule.methods
        }
        self.assertIn(HOME_PATH, paths)
        self._assert_sent_away(paths)
        self.log_in_as_portal_user()
        self._assert_sent_away(paths)
        new_test_user(self.env, "spar-staff", groups="g2p_spar_fa_directory.group_manager")
        self.log_in("spar-staff")
        self._assert_sent_away(paths)
        self.assertFalse(self.asked)

    def _assert_sent_away(self, paths):
        for path in sorted(paths):
            with self.subTest(path):
                answer = self.get(path)
                self.assertEqual(answer.status_code, 303)
                self.assertEqual(answer.headers["Location"], LANDING_PATH)

    def test_remote_procedure_calls(self):
        self.sign_in("alice")
        params = {"model": "g2p.spar.beneficiary.session", "method": "search_read"}
        params |= {"args": [], "kwargs": {}}
        for path in ("/web/dataset/call_kw", "/web/dataset/call_button", "/web/action/load"):
            with self.subTest(path), mute_logger(*_QUIET):
                answer = self.url_open(path, json=self.build_rpc_payload(params)).json()
                self.assertIn("error", answer)
        with mute_logger(*_QUIET):
            answer = self.url_open("/json/2/g2p.spar.beneficiary.session/search_read", json={})
        self.assertIn(answer.status_code, (401, 403, 404))


@tagged("post_install", "-at_install")
class TestMethods(TransactionCase):
    """Every public method of every model of the suite, called over RPC."""

    def test_portal_and_public_user(self):
        portal = new_test_user(self.env, "spar-portal", groups="base.group_portal")
        methods = list(self._methods())
        self.assertGreater(len(methods), 20)
        for user in (portal, self.env.ref("base.public_user")):
            for model, name in methods:
                with self.subTest(f"{user.login}: {model}.{name}"):
                    self._assert_refused(user, model, name)

    def _methods(self):
        """Model and name of what the suite defines and RPC may call."""
        for model_name in sorted(self.env.registry):
            model = self.env[model_name]
            if not model_name.startswith("g2p.") or model._abstract:
                continue
            for name in sorted(dir(type(model))):
                if self._is_own(type(model), name) and self._is_public(model, name):
                    yield model_name, name

    def _is_own(self, cls, name):
        definitions = (vars(base).get(name) for base in cls.__mro__ if is_ours(base.__module__))
        return any(inspect.isfunction(definition) for definition in definitions)

    def _is_public(self, model, name):
        try:
            return bool(get_public_method(model, name))
        except (AccessError, AttributeError):
            return False

    def _assert_refused(self, user, model, name):
        if name in _METADATA:
            return
        records = self.env[model].sudo().search([], limit=1)
        needed = [
            {"vals_list": [{}], "vals": {}}.get(parameter.name, "")
            for parameter in inspect.signature(getattr(type(records), name)).parameters.values()
            if parameter.name != "self" and parameter.default is parameter.empty
        ]
        is_of_model = name in ("create", "name_search")
        args = needed if is_of_model else [records.ids or [1], *needed]
        try:
            with self.env.cr.savepoint():
                result = call_kw(records.with_user(user), name, args, {})
        except UserError:
            return
        # the window opens, but nothing can be read or done in it
        self.assertIsInstance(result, dict, "not refused")
        self.assertEqual(result["type"], "ir.actions.act_window")
        self.assertFalse(self.env[result["res_model"]].with_user(user).has_access("read"))
        if result.get("res_id"):
            self.assertEqual(result["res_model"], model)

    def test_no_model_is_readable(self):
        portal = new_test_user(self.env, "spar-portal", groups="base.group_portal")
        for model_name in sorted(self.env.registry):
            model = self.env[model_name]
            if model_name.startswith("g2p.") and not model._abstract:
                for user in (portal, self.env.ref("base.public_user")):
                    for operation in ("read", "write", "create", "unlink"):
                        with self.subTest(model_name, operation=operation):
                            self.assertFalse(model.with_user(user).has_access(operation))
