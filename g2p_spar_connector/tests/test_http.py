# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The dispatcher and the answers to what has no route, over real HTTP."""

import contextlib
import gzip
import http.client
import json
import logging
import socket
from unittest.mock import patch

import psycopg2.errors
import werkzeug.exceptions

from odoo.exceptions import AccessDenied, AccessError, UserError
from odoo.http import Controller, SessionExpiredException, request, route
from odoo.service import model as service_model
from odoo.tests import HttpCase, tagged
from odoo.tests.common import HOST, TEST_CURSOR_COOKIE_NAME

from ..controllers.dispatcher import DEFAULT_MAX_CONTENT_LENGTH, SparHttpError

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LIMIT = 2_000
MARKER = "token:SECRET-8812@nationalId"


def echo():
    dispatcher = request.dispatcher
    return {
        "payload": dispatcher.payload,
        "raw": dispatcher.raw.decode("latin-1"),
        "uid": request.env.uid,
    }


def make_controllers():
    """Routes for these tests; defined only while they run, so that none exists otherwise."""

    class SparTestController(Controller):
        # What /spar/test/fail does, set by the tests.
        failure = None

        @route("/spar/test/echo", type="spar", auth="none", methods=["POST"], readonly=True)
        def echo(self):
            return echo()

        @route(
            "/spar/test/limited",
            type="spar",
            auth="none",
            methods=["POST"],
            readonly=True,
            max_content_length=LIMIT,
        )
        def limited(self):
            return {"length": len(request.dispatcher.raw)}

        @route(
            ["/spar/test/form", "/api/mapper/test/form"],
            type="spar",
            auth="none",
            methods=["POST"],
            readonly=True,
            content="form",
        )
        def form(self):
            return echo()

        @route(
            "/spar/test/none/<int:number>",
            type="spar",
            auth="none",
            methods=["GET"],
            readonly=True,
            content="none",
        )
        def none(self, number):
            return {"number": number, "payload": request.dispatcher.payload}

        @route(
            "/spar/test/fail",
            type="spar",
            auth="none",
            methods=["GET", "POST"],
            readonly=False,
            content="none",
        )
        def fail(self):
            return self.failure()

        @route("/spar/test/page", type="http", auth="none", methods=["GET", "POST"])
        def page(self):
            return self.failure()

        @route(
            "/spar/test/auth",
            type="spar",
            auth="spar_test",
            methods=["GET"],
            readonly=True,
            content="none",
        )
        def auth(self):
            return {"uid": request.env.uid}

    return SparTestController


@tagged("-at_install", "post_install")
class SparHttpCase(HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        controllers = Controller.children_classes["g2p_spar_connector"]
        before = list(controllers)
        cls.controller = make_controllers()
        cls.addClassCleanup(cls.env.registry.clear_cache, "routing")
        cls.addClassCleanup(controllers.__setitem__, slice(None), before)
        cls.env.registry.clear_cache("routing")

    def fail_with(self, failure):
        """The route /spar/test/fail raises this exception, or calls this function."""

        def fail(controller):
            if isinstance(failure, Exception):
                raise failure
            return failure()

        self.patch(self.controller, "failure", fail)

    def call(self, method, path, body=None, headers=None):
        """A request as it stands, without what a client library would make of it."""
        connection = http.client.HTTPConnection(HOST, self.http_port(), timeout=15)
        with contextlib.closing(connection), self.allow_requests():
            headers = {"Cookie": self.cookies()} | (headers or {})
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.body = response.read()
        self._wait_remaining_requests()
        return response

    def cookies(self):
        cookies = {TEST_CURSOR_COOKIE_NAME: self.http_request_key}
        if self.session:
            cookies["session_id"] = self.session.sid
        return "; ".join(f"{name}={value}" for name, value in cookies.items())

    def assertError(self, response, status, code=None):
        self.assertEqual(response.status, status)
        self.assertEqual(response.headers["Content-Type"], "application/json")
        self.assertEqual(response.headers["Cache-Control"], "no-store")
        self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")
        self.assertNotIn("Set-Cookie", response.headers)
        body = json.loads(response.body)
        self.assertEqual(list(body), ["errors"])
        (error,) = body["errors"]
        self.assertEqual(sorted(error), ["code", "message"])
        if code:
            self.assertEqual(error["code"], code)
        return error["message"]

    def assertJson(self, response):
        self.assertEqual(response.status, 200, response.body)
        self.assertEqual(response.headers["Content-Type"], "application/json")
        self.assertEqual(response.headers["Cache-Control"], "no-store")
        self.assertNotIn("Set-Cookie", response.headers)
        return json.loads(response.body)

    @contextlib.contextmanager
    def logged(self):
        """All that is logged meanwhile, tracebacks included, as a list of texts."""
        texts = []
        formatter = logging.Formatter("%(levelname)s %(name)s %(message)s")
        with contextlib.ExitStack() as stack:
            for logger in logging.root.manager.loggerDict.values():
                if isinstance(logger, logging.Logger) and logger.level > logging.INFO:
                    stack.callback(logger.setLevel, logger.level)
                    logger.setLevel(logging.INFO)
            # Not "INFO": Odoo gives this name to another level as well.
            captured = stack.enter_context(self.assertLogs(level=logging.INFO))
            yield texts
            # So that there is something to capture, and the capture is seen to work.
            logging.getLogger("odoo.http").info("the end")
        texts.extend(map(formatter.format, captured.records))
        self.assertIn("INFO odoo.http the end", texts)


class TestBodies(SparHttpCase):
    def test_json(self):
        raw = b'{"a" : [1, "\xc3\xbc"]}'
        for content_type in ("application/json", "application/json; charset=utf-8"):
            result = self.assertJson(
                self.call("POST", "/spar/test/echo", raw, {"Content-Type": content_type})
            )
            self.assertEqual(result["payload"], {"a": [1, "ü"]})
            self.assertEqual(result["raw"].encode("latin-1"), raw)

    def test_query_is_no_argument(self):
        with self.logged() as texts:
            response = self.call("POST", f"/spar/test/echo?x=1&id={1}", b"{}", JSON)
        self.assertJson(response)
        self.assertFalse([text for text in texts if "WARNING" in text])

    def test_malformed_json(self):
        for raw in (b"", b"{", b'{"a":1,"a":2}', b"\xff", b"[" * 2_000, b"NaN"):
            message = self.assertError(
                self.call("POST", "/spar/test/echo", raw, JSON), 400, "err.request.bad"
            )
            self.assertTrue(message.startswith("body: "), message)

    def test_content_type(self):
        bodies = (
            ("/spar/test/echo", {}, b"{}"),
            ("/spar/test/echo", {"Content-Type": ""}, b"{}"),
            ("/spar/test/echo", {"Content-Type": "text/plain"}, b"{}"),
            ("/spar/test/echo", {"Content-Type": "application/jsonx"}, b"{}"),
            ("/spar/test/echo", FORM, b"a=1"),
            ("/spar/test/echo", {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--"),
            ("/spar/test/form", JSON, b"{}"),
            ("/spar/test/form", {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--"),
        )
        for path, headers, body in bodies:
            with self.subTest(path=path, headers=headers):
                response = self.call("POST", path, body, headers)
                self.assertError(response, 415, "err.request.bad")

    def test_content_encoding(self):
        body = gzip.compress(b"{}")
        for encoding in ("gzip", "deflate", "br", "identity", "nonsense"):
            response = self.call(
                "POST", "/spar/test/echo", body, JSON | {"Content-Encoding": encoding}
            )
            self.assertError(response, 415)

    def test_chunked(self):
        chunks = iter([b'{"a"', b":", b"[1]}"])
        response = self.call("POST", "/spar/test/echo", chunks, JSON)
        self.assertEqual(self.assertJson(response)["payload"], {"a": [1]})

    def test_broken_chunks(self):
        address = (HOST, self.http_port())
        with socket.create_connection(address, timeout=15) as connection, self.allow_requests():
            connection.sendall(
                b"POST /spar/test/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                + f"Cookie: {self.cookies()}\r\n".encode()
                + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"
            )
            connection.shutdown(socket.SHUT_WR)
            response = connection.recv(100)
        self._wait_remaining_requests()
        self.assertIn(b" 400 ", response.splitlines()[0])

    def test_too_large(self):
        fits = b'"' + b"x" * (LIMIT - 2) + b'"'
        response = self.call("POST", "/spar/test/limited", fits, JSON)
        self.assertEqual(self.assertJson(response), {"length": LIMIT})
        for body in (fits + b" ", iter([fits, b" "]), b"x" * 3_000_000):
            response = self.call("POST", "/spar/test/limited", body, JSON)
            self.assertError(response, 413, "err.request.bad")

    def test_limit_by_default(self):
        for path, headers in (("/spar/test/echo", JSON), ("/spar/test/form", FORM)):
            response = self.call("POST", path, b"x" * (DEFAULT_MAX_CONTENT_LENGTH + 1), headers)
            self.assertError(response, 413)

    def test_form(self):
        for path in ("/spar/test/form", "/api/mapper/test/form"):
            response = self.call("POST", path, b"a=1&b=%C3%BC+x&c=", FORM)
            result = self.assertJson(response)
            self.assertEqual(result["payload"], {"a": "1", "b": "ü x", "c": ""})
            self.assertEqual(result["raw"], "a=1&b=%C3%BC+x&c=")
        self.assertEqual(
            self.assertJson(self.call("POST", "/spar/test/form", b"", FORM))["payload"], {}
        )

    def test_malformed_form(self):
        for body in (b"a=1&a=1", b"a=\xff", b"&".join(b"f%d=1" % n for n in range(100))):
            self.assertError(self.call("POST", "/spar/test/form", body, FORM), 400)

    def test_no_body(self):
        response = self.call("GET", "/spar/test/none/7?x=1")
        self.assertEqual(self.assertJson(response), {"number": 7, "payload": None})
        response = self.call("HEAD", "/spar/test/none/7")
        self.assertEqual((response.status, response.body), (200, b""))


class TestPathsAndMethods(SparHttpCase):
    def test_not_found(self):
        for path in (
            "/spar",
            "/spar/",
            "/spar/nothing",
            "/spar/test/none/x",
            "/spar/v9.9.9/mapper/sync/link",
            "//spar//test//echo",
            "/spar//test/echo",
            "/spar/test/../../web/login",
            "/%73par/nothing",
            "/spar/%00",
            "/spar/%ff",
            "/api/mapper",
            "/api/mapper/nothing",
            "//api//mapper//nothing",
            "/api/bene-portal/nothing",
            "/fr/spar/test/echo",
            "/en_US/spar/nothing",
            "/zh_CN/api/mapper/nothing",
            "/sr@latin/spar/nothing",
            "//fr//spar//nothing",
        ):
            for method in ("GET", "POST", "PUT", "OPTIONS", "FROB"):
                with self.subTest(path=path, method=method):
                    response = self.call(method, path)
                    self.assertError(response, 404, "err.request.not_found")
            response = self.call("HEAD", path)
            self.assertEqual((response.status, response.body), (404, b""))

    def test_not_found_with_any_body(self):
        for headers in (JSON, FORM, {"Content-Encoding": "gzip"}, {"Content-Type": "x"}, {}):
            self.assertError(self.call("POST", "/spar/nothing", b"x=1", headers), 404)

    def test_method_not_allowed(self):
        for path, allowed, others in (
            ("/spar/test/echo", "POST", ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "FROB")),
            ("/spar/test/none/7", "GET, HEAD", ("POST", "PUT", "OPTIONS", "TRACE", "FROB")),
        ):
            for method in others:
                with self.subTest(path=path, method=method):
                    response = self.call(method, path)
                    self.assertError(response, 405, "err.request.bad")
                    self.assertEqual(response.headers["Allow"], allowed)
        response = self.call("HEAD", "/spar/test/echo")
        self.assertEqual((response.status, response.body), (405, b""))

    def test_trailing_slash(self):
        self.assertJson(self.call("POST", "/spar/test/echo/", b"{}", JSON))

    def test_other_paths_are_odoos_own(self):
        for path in ("/sparrow", "/web/spar/x", "/api", "/api/other", "/my/nothing", "/spar.json"):
            response = self.call("GET", path)
            self.assertIn("text/html", response.headers["Content-Type"], path)
        self.assertEqual(self.call("GET", "/web/login").status, 200)

    def test_nothing_of_this_is_an_error_in_the_log(self):
        with self.logged() as texts:
            self.call("GET", "/spar/nothing")
            self.call("GET", "/spar/test/echo")
            self.call("POST", "/spar/test/echo", b"{", JSON)
        for text in texts:
            self.assertTrue(text.startswith("INFO"), text)


class TestErrors(SparHttpCase):
    def test_own_error(self):
        self.fail_with(
            SparHttpError(429, "err.request.too_many_requests", "Slow down", {"Retry-After": "7"})
        )
        response = self.call("GET", "/spar/test/fail")
        message = self.assertError(response, 429, "err.request.too_many_requests")
        self.assertEqual(message, "Slow down")
        self.assertEqual(response.headers["Retry-After"], "7")

    def test_own_body(self):
        self.fail_with(SparHttpError(400, "err.request.bad", "x", body={"header": {}}))
        response = self.call("GET", "/spar/test/fail")
        self.assertEqual((response.status, json.loads(response.body)), (400, {"header": {}}))

    def test_known_exceptions(self):
        for exception, status in (
            (AccessDenied(), 403),
            (AccessError(MARKER), 403),
            (SessionExpiredException(MARKER), 401),
            (werkzeug.exceptions.Unauthorized(MARKER), 401),
            (werkzeug.exceptions.Forbidden(MARKER), 403),
            (werkzeug.exceptions.NotFound(MARKER), 404),
            (werkzeug.exceptions.RequestEntityTooLarge(MARKER), 413),
            (werkzeug.exceptions.TooManyRequests(MARKER, retry_after=3), 429),
            (werkzeug.exceptions.ImATeapot(MARKER), 418),
            (werkzeug.exceptions.InternalServerError(MARKER), 500),
            (werkzeug.exceptions.BadGateway(MARKER), 502),
        ):
            with self.subTest(exception), self.logged() as texts:
                self.fail_with(exception)
                response = self.call("GET", "/spar/test/fail")
                self.assertError(response, status)
                self.assertNotIn(MARKER.encode(), response.body)
            self.assertNotIn(MARKER, "\n".join(texts))
        self.fail_with(werkzeug.exceptions.TooManyRequests(retry_after=3))
        self.assertEqual(self.call("GET", "/spar/test/fail").headers["Retry-After"], "3")

    def assertSilent(self, exception_name, path="/spar/test/fail", status=500):
        """The class and place are logged, and nothing that the exception says."""
        with self.logged() as texts:
            response = self.call("GET", path)
        message = self.assertError(response, status, "err.service.unavailable")
        self.assertNotIn(MARKER, message)
        log = "\n".join(texts)
        self.assertNotIn(MARKER, log)
        self.assertNotIn("Traceback", log)
        errors = [text for text in texts if text.startswith("ERROR")]
        self.assertEqual(len(errors), 1, errors)
        self.assertIn(exception_name, errors[0])
        self.assertIn("g2p_spar_connector/tests/test_http.py:", errors[0])

    def test_unexpected_exceptions(self):
        for exception, name in (
            (ValueError(MARKER), "builtins.ValueError"),
            (KeyError(MARKER), "builtins.KeyError"),
            (UserError(MARKER), "odoo.exceptions.UserError"),
            (RecursionError(MARKER), "builtins.RecursionError"),
            (psycopg2.errors.UniqueViolation(MARKER), "odoo.exceptions.ValidationError"),
            (psycopg2.errors.InvalidTextRepresentation(MARKER), "InvalidTextRepresentation"),
        ):
            with self.subTest(name):
                self.fail_with(exception)
                self.assertSilent(name)

    def test_chain_of_exceptions(self):
        def fail():
            try:
                raise ValueError(MARKER)
            except ValueError as error:
                raise KeyError(MARKER) from error

        self.fail_with(fail)
        self.assertSilent("builtins.KeyError")

    def test_database_error(self):
        self.fail_with(
            lambda: request.env.cr.execute("SELECT %s::int", [MARKER], log_exceptions=False)
        )
        self.assertSilent("InvalidTextRepresentation (22P02)")

    def test_unserialisable_result(self):
        self.fail_with(lambda: {"a": object()})
        with self.logged():
            self.assertError(self.call("GET", "/spar/test/fail"), 500)

    def test_page_below_our_paths(self):
        """Routes of type http there fail in JSON as well."""
        self.fail_with(ValueError(MARKER))
        self.assertSilent("builtins.ValueError", "/spar/test/page")
        self.assertError(self.call("POST", "/spar/test/page", b"a=1", FORM), 400)

    def test_dead_connection(self):
        self.fail_with(psycopg2.OperationalError(MARKER))
        self.assertSilent("psycopg2.OperationalError", status=503)

    def raise_in_database(self, sqlstate):
        request.env.cr.execute(
            f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}', MESSAGE = '{MARKER}'; "
            "END $$",
            log_exceptions=False,
        )

    def assertTriedAgain(self, sqlstate):
        tries = []

        def fail():
            tries.append(1)
            if len(tries) < 3:
                self.raise_in_database(sqlstate)
            return {"tries": len(tries), "payload": request.dispatcher.raw.decode()}

        self.fail_with(fail)
        with self.logged() as texts:
            result = self.assertJson(self.call("POST", "/spar/test/fail", b"body", JSON))
        self.assertEqual(result, {"tries": 3, "payload": "body"})
        log = "\n".join(texts)
        self.assertIn("4 tries left", log)
        self.assertNotIn(MARKER, log)

    def test_races_are_tried_again(self):
        self.startPatcher(patch.object(service_model.time, "sleep"))
        for sqlstate in ("40001", "40P01", "55P03"):
            with self.subTest(sqlstate):
                self.assertTriedAgain(sqlstate)

    def test_races_to_the_end(self):
        self.startPatcher(patch.object(service_model.time, "sleep"))
        self.fail_with(lambda: self.raise_in_database("40001"))
        self.assertSilent("SerializationFailure (40001)", status=503)

    def test_late_flush(self):
        """What fails when Odoo writes at the end of the request is told in the same way."""

        def fail():
            def flush():
                raise ValueError(MARKER)

            request.env.cr.precommit.add(flush)
            return {}

        self.fail_with(fail)
        self.assertSilent("builtins.ValueError")


class TestAuthentication(SparHttpCase):
    def authenticate_with(self, function):
        self.startPatcher(
            patch.object(
                self.registry["ir.http"],
                "_auth_method_spar_test",
                classmethod(lambda cls: function()),
                create=True,
            )
        )

    def test_refusals(self):
        challenge = {"WWW-Authenticate": "Bearer"}
        error = SparHttpError(401, "err.request.unauthorized", "Who are you?", challenge)
        self.authenticate_with(lambda: self.raise_(error))
        response = self.call("GET", "/spar/test/auth")
        self.assertEqual(self.assertError(response, 401), "Who are you?")
        self.assertEqual(response.headers["WWW-Authenticate"], "Bearer")
        self.authenticate_with(lambda: self.raise_(AccessDenied()))
        self.assertError(self.call("GET", "/spar/test/auth"), 403)

    def raise_(self, exception):
        raise exception

    def test_unexpected_exception(self):
        self.authenticate_with(lambda: self.raise_(ValueError(MARKER)))
        with self.logged() as texts:
            self.assertError(self.call("GET", "/spar/test/auth"), 500)
        log = "\n".join(texts)
        self.assertIn("builtins.ValueError", log)
        self.assertNotIn(MARKER, log)
        self.assertNotIn("Traceback", log)

    def test_method_may_set_the_user(self):
        uid = self.env.ref("base.user_admin").id
        self.authenticate_with(lambda: request.update_env(user=uid))
        result = self.assertJson(self.call("GET", "/spar/test/auth"))
        self.assertEqual(result, {"uid": uid})

    def test_browser_session_lends_its_user_to_nothing(self):
        self.authenticate("admin", "admin")
        result = self.assertJson(self.call("POST", "/spar/test/echo", b"{}", JSON))
        self.assertFalse(result["uid"])
        self.authenticate_with(lambda: None)
        result = self.assertJson(self.call("GET", "/spar/test/auth"))
        self.assertFalse(result["uid"])
        self.assertEqual(self.call("GET", "/odoo").status, 200, "and the session lives on")


class TestNoTestRoutes(HttpCase):
    def test_routes_are_gone(self):
        """The routes above exist in their own tests only."""
        response = self.url_open("/spar/test/echo", data="{}", headers=JSON)
        self.assertEqual(response.status_code, 404)
