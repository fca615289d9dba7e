# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The API's document and its page. Its examples are sent in tests/test_openapi.py."""

import re
import threading
from unittest.mock import patch

from lxml import html
from openapi_spec_validator import OpenAPIV31SpecValidator

from odoo.tests import HttpCase, TransactionCase, tagged

from odoo.addons.g2p_spar_connector.controllers import dispatcher

from .. import api
from ..controllers import oauth2
from ..openapi import document


@tagged("post_install", "-at_install")
class TestDocument(TransactionCase):
    def routes(self):
        """The rules of type spar in Odoo's routing map, which asks the thread for the database."""
        thread = threading.current_thread()
        with patch.object(thread, "dbname", self.env.cr.dbname, create=True):
            rules = self.env["ir.http"].routing_map().iter_rules()
        # people's sign-in at the demonstration is no part of the API
        demonstration = "/demo-identity-provider/"
        return [
            rule
            for rule in rules
            if rule.endpoint.routing["type"] == "spar" and not rule.rule.startswith(demonstration)
        ]

    def test_is_openapi(self):
        errors = list(OpenAPIV31SpecValidator(document()).iter_errors())
        self.assertEqual([error.message for error in errors], [])

    def test_the_validator_is_awake(self):
        broken = document()
        del broken["paths"][api.HEALTH]["get"]["responses"]["200"]["description"]
        self.assertTrue(list(OpenAPIV31SpecValidator(broken).iter_errors()))

    def test_every_route_is_in_it_and_every_path_is_a_route(self):
        routes = {
            (re.sub(r"<(?:[^<>]*:)?([^<>:]+)>", r"{\1}", rule.rule), method)
            for rule in self.routes()
            for method in rule.endpoint.routing["methods"]
        }
        documented = {
            (path, method.upper())
            for path, methods in document()["paths"].items()
            for method in methods
        }
        self.assertEqual(documented, routes)

    def test_content_types_are_those_of_the_routes(self):
        paths = document()["paths"]
        for rule in self.routes():
            content = rule.endpoint.routing.get("content", "json")
            expected = set() if content == "none" else {dispatcher.MIMETYPES[content]}
            for operation in paths[rule.rule].values():
                given = operation.get("requestBody", {}).get("content", {})
                self.assertEqual(set(given), expected, rule.rule)

    def test_every_oauth_error_is_in_it(self):
        with open(oauth2.__file__, encoding="utf-8") as source:
            told = set(re.findall(r'_error\(\d+, "(\w+)"\)', source.read()))
        self.assertEqual(told, set(api.OAUTH_ERRORS))

    def test_every_http_error_that_the_dispatcher_tells_is_explained(self):
        codes = document()["x-codes"]["error"]
        for status, (code, _text) in dispatcher._ERRORS.items():
            self.assertIn(str(status), codes[code]["when"])


@tagged("post_install", "-at_install")
class TestPage(HttpCase):
    def test_document(self):
        response = self.url_open("/spar/openapi.json")
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.headers["Content-Type"], "application/json")
        self.assertEqual(response.json(), document())
        self.assertNotIn("Set-Cookie", response.headers)

    def test_page_needs_nothing_from_elsewhere(self):
        response = self.url_open("/spar/docs")
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertNotIn("Set-Cookie", response.headers)
        policy = response.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        page = html.fromstring(response.content)
        self.assertFalse(page.xpath("//script | //img | //link | //iframe | //@style | //@onclick"))
        for target in page.xpath("//@href | //@src"):
            self.assertRegex(target, r"^(#|/spar/)")

    def test_page_holds_the_whole_document(self):
        page = html.fromstring(self.url_open("/spar/docs").content)
        ids = page.xpath("//@id")
        self.assertEqual(len(ids), len(set(ids)))
        for target in page.xpath("//a/@href"):
            if target.startswith("#"):
                self.assertIn(target[1:], ids)
        text = page.text_content()
        told = document()
        for path, methods in told["paths"].items():
            for operation in methods.values():
                self.assertIn(path, text)
                [article] = page.xpath(f"//article[@id='{operation['operationId']}']")
                shown = article.xpath(".//pre[@class='answer']")
                examples = [
                    content["examples"]
                    for body in [operation.get("requestBody", {})]
                    for content in body.get("content", {}).values()
                ]
                self.assertEqual(len(shown), sum(map(len, examples)))
        for table in told["x-codes"].values():
            for code in table:
                self.assertIn(code, text)

    def test_page_works_under_its_policy(self):
        """Chromium applies the style sheet, and a phone shows the page whole."""
        self.browser_size = "360x740"
        self.browser_js(
            "/spar/docs",
            "const style = getComputedStyle(document.body);"
            "if (style.margin === '8px') { throw new Error('no style'); }"
            "const page = document.documentElement;"
            "if (page.scrollWidth > innerWidth) { throw new Error('too wide'); }"
            "console.log('test successful');",
        )

    def test_errors_beside_it_stay_json(self):
        for path, method, status in (
            ("/spar/docs", "POST", 405),
            ("/spar/openapi.json", "POST", 405),
            ("/spar/docs/nothing", "GET", 404),
        ):
            response = self.url_open(path, method=method)
            self.assertEqual(response.status_code, status)
            self.assertTrue(response.json()["errors"])
