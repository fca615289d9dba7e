# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import os
import re
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import patch

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from odoo import fields
from odoo.tests import BaseCase, HttpCase, tagged

from ..controllers import metrics
from ..prometheus import gauge
from .common import MapperCommon

URL = "/spar/metrics"
TOKEN = "a-token-of-this-test"
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(
    rf'({NAME})(?:\{{((?:{NAME}="(?:[^"\\\n]|\\[\\"n])*",?)*)\}})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)'
)


def parse(text):
    """The samples of Prometheus' text by name and labels; each name declared before, once."""
    samples, declared = {}, set()
    if not text.endswith("\n"):
        raise AssertionError("the last line does not end")
    for line in text.splitlines():
        if comment := re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line):
            kind, name, rest = comment.groups()
            if kind == "TYPE":
                if rest != "gauge" or name in declared:
                    raise AssertionError(line)
                declared.add(name)
            continue
        name, labels, number = SAMPLE.fullmatch(line).groups()
        if name not in declared or (name, labels or "") in samples:
            raise AssertionError(line)
        samples[name, labels or ""] = float(number)
    return samples


class TestPrometheus(BaseCase):
    def test_gauge(self):
        self.assertEqual(gauge("a", "Help.", 1), "# HELP a Help.\n# TYPE a gauge\na 1\n")
        text = gauge("a", "Help.", [({"x": 'quote " slash \\ line \n', "y": 1}, 0.25)])
        self.assertIn('a{x="quote \\" slash \\\\ line \\n",y="1"} 0.25\n', text)
        self.assertEqual(list(parse(text).values()), [0.25])
        self.assertEqual(parse(gauge("a", "Help.", [])), {})
        self.assertEqual(parse(gauge("a", "Help.", 12_345_678_901))["a", ""], 12_345_678_901)


class TestLocal(BaseCase):
    def is_local(self, remote="127.0.0.1", host="localhost:8069", **headers):
        environ = EnvironBuilder(URL, headers={"Host": host, **headers}).get_environ()
        environ["REMOTE_ADDR"] = remote
        with patch.object(metrics, "request", SimpleNamespace(httprequest=Request(environ))):
            return metrics._is_local()

    def test_straight_from_this_machine(self):
        self.assertTrue(self.is_local())
        self.assertTrue(self.is_local("127.9.9.9", "127.0.0.1"))
        self.assertTrue(self.is_local("::1", "[::1]:8069"))
        self.assertTrue(self.is_local("::ffff:127.0.0.1"))

    def test_from_elsewhere(self):
        for remote in ("192.0.2.1", "10.0.0.1", "::ffff:192.0.2.1", "2001:db8::1", "", "localhost"):
            self.assertFalse(self.is_local(remote), remote)

    def test_through_a_proxy(self):
        for name in (
            "Forwarded",
            "Via",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "X-Forwarded-Port",
            "X-Forwarded-Prefix",
            "X-Real-IP",
            "x-real-ip",
        ):
            self.assertFalse(self.is_local(**{name: "127.0.0.1"}), name)

    def test_by_another_name(self):
        """A proxy that tells nothing, or a page in this machine's browser."""
        for host in (
            "spar.example",
            "localhost.spar.example",
            "192.0.2.1",
            "",
            "[::1",
            "127.0.0.1.x",
        ):
            self.assertFalse(self.is_local(host=host), host)


@tagged("post_install", "-at_install")
class TestMetrics(MapperCommon, HttpCase):
    def get(self, **headers):
        return self.url_open(URL, headers=headers)

    def samples(self):
        response = self.get()
        self.assertEqual(response.status_code, 200, response.text)
        return parse(response.text)

    # === ACCESS === #

    def test_from_this_machine(self):
        response = self.get()
        self.assertEqual(response.status_code, 200)
        self.assertEqual(
            response.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8"
        )
        self.assertEqual(response.headers["Cache-Control"], "no-store")
        self.assertNotIn("Set-Cookie", response.headers)

    def test_forwarded(self):
        for headers in (
            {"X-Forwarded-For": "127.0.0.1"},
            {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "localhost"},
            {"X-Real-IP": "::1"},
            {"Host": "spar.example"},
        ):
            response = self.get(**headers)
            self.assertEqual(response.status_code, 401, headers)
            self.assertEqual(response.json()["errors"][0]["code"], "err.request.unauthorized")
            self.assertIn("Bearer", response.headers["WWW-Authenticate"])
            self.assertNotIn("spar_", response.text)

    def test_token(self):
        forwarded = {"X-Forwarded-For": "192.0.2.1", "Host": "spar.example"}
        authorized = {"Authorization": f"Bearer {TOKEN}"}
        self.assertEqual(self.get(**forwarded, **authorized).status_code, 401)
        with patch.dict(os.environ, {"SPAR_METRICS_TOKEN": TOKEN}):
            self.assertEqual(self.get(**forwarded, **authorized).status_code, 200)
            self.assertEqual(self.get(**authorized).status_code, 200)
            for wrong in ("Bearer x", "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "é"):
                wrong = {"Authorization": wrong.encode()}
                self.assertEqual(self.get(**forwarded, **wrong).status_code, 401)
                self.assertEqual(self.get(**wrong).status_code, 401)
        with patch.dict(os.environ, {"SPAR_METRICS_TOKEN": ""}):
            empty = {"Authorization": "Bearer "}
            self.assertEqual(self.get(**forwarded, **empty).status_code, 401)

    def test_a_participants_token_is_no_good(self):
        token = self.env["g2p.spar.access.token"].issue(self.participant, ["resolve"])
        self.assertEqual(self.get(Authorization=f"Bearer {token}").status_code, 401)

    # === CONTENT === #

    def message(self, **values):
        columns = {
            "participant_id": self.participant.id,
            "operation": "link",
            "mode": "async",
            "message_id": "m",
            "correlation_id": "c",
            "replay_checked": False,
            "item_count": 100,
            "state": "queued",
            "received_at": fields.Datetime.now(),
            **values,
        }
        self.env["g2p.spar.message"].sudo().create(columns)

    def test_messages(self):
        before = self.samples()
        hour_ago = fields.Datetime.now() - timedelta(hours=1)
        self.message()
        self.message(state="running", done_count=40, received_at=hour_ago)
        self.message(state="done")
        self.message(state="done", operation="update", mode=None)
        after = self.samples()

        def grown(name, labels):
            return after[name, labels] - before.get((name, labels), 0)

        queued, running = 'operation="link",state="queued"', 'operation="link",state="running"'
        self.assertEqual(grown("spar_messages_waiting", queued), 1)
        self.assertEqual(grown("spar_messages_waiting", running), 1)
        self.assertEqual(grown("spar_items_waiting", queued), 100)
        self.assertEqual(grown("spar_items_waiting", running), 60)
        self.assertNotIn(("spar_messages_waiting", 'operation="update",state="done"'), after)
        self.assertGreaterEqual(after["spar_message_oldest_waiting_seconds", ""], 3600)
        self.assertLess(after["spar_message_oldest_waiting_seconds", ""], 3700)

    def test_callbacks(self):
        before = self.samples()
        for number, (state, seconds) in enumerate(
            (("waiting", 600), ("waiting", -600), ("parked", 9000), ("delivered", 9000))
        ):
            self.message(message_id=f"m{number}", state="done")
            self.env.cr.execute(
                """INSERT INTO g2p_spar_callback
                    (message_id, participant_id, url, callback_message_id, state, next_try_at)
                SELECT id, participant_id, 'https://spar.example', 'x', %s,
                    clock_timestamp() AT TIME ZONE 'UTC' - %s * interval '1 second'
                FROM g2p_spar_message WHERE message_id = %s""",
                [state, seconds, f"m{number}"],
            )
        after = self.samples()
        for state, count in (("waiting", 2), ("parked", 1)):
            key = "spar_callbacks", f'state="{state}"'
            self.assertEqual(after[key] - before[key], count)
        self.assertNotIn(("spar_callbacks", 'state="delivered"'), after)
        self.assertAlmostEqual(after["spar_callback_overdue_seconds", ""], 600, delta=60)

    def test_access_spool(self):
        self.spooled()
        empty = self.samples()
        self.assertEqual(empty["spar_access_spool_bytes", ""], 0)
        self.assertEqual(empty["spar_access_spool_oldest_seconds", ""], 0)
        then = fields.Datetime.now() - timedelta(seconds=500)
        self.spool.append({"happened_at": then.isoformat(), "kind": "resolve"})
        self.resolve(self.id_of(1))
        filled = self.samples()
        self.assertGreater(filled["spar_access_spool_bytes", ""], 100)
        self.assertGreaterEqual(filled["spar_access_spool_oldest_seconds", ""], 499)
        self.spool.take()  # a loader has it, and has not loaded it yet
        self.assertEqual(
            self.samples()["spar_access_spool_bytes", ""], filled["spar_access_spool_bytes", ""]
        )

    def test_sign_in(self):
        before = self.samples()
        self.env["g2p.spar.access.token"].issue(self.participant, ["resolve"])
        self.institution.active = False
        after = self.samples()
        for name, labels, grown in (
            ("spar_participants", 'state="active"', -1),
            ("spar_participants", 'state="archived"', 1),
            ("spar_access_tokens", "", 1),
        ):
            self.assertEqual(after[name, labels] - before[name, labels], grown, name)

    def test_estimates(self):
        tables = {labels for name, labels in self.samples() if name == "spar_rows_estimate"}
        expected = ("access_log", "history", "mapping", "message")
        self.assertEqual(tables, {f'table="{table}"' for table in expected})

    def test_nothing_of_anybody(self):
        self.link(self.free, (self.id_of(987650), self.fa("987651000")))
        self.message(message_id="told-by-nobody")
        text = self.get().text
        for told in ("987650", "987651", "TSTB", "free.test", "Participant free", "told-by-nobody"):
            self.assertNotIn(told, text)

    def test_statements_do_not_depend_on_what_there_is(self):
        model = self.env["g2p.spar.metrics"]
        model.text()
        with self.assertQueryCount(5):
            model.text()
        for number in range(5):
            self.message(message_id=str(number), operation=("link", "resolve")[number % 2])
        with self.assertQueryCount(5):
            model.text()
