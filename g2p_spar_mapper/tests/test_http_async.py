# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
from unittest.mock import patch

from odoo.tests import HttpCase, tagged

from .. import lane
from .test_asynchronous import AsyncCommon

STANDARD = "/spar/v1.0.0/mapper"
OPENG2P = "/api/mapper/async"


@tagged("post_install", "-at_install")
class TestHttpAsync(AsyncCommon, HttpCase):
    def setUp(self):
        super().setUp()
        operations = ("link", "update", "unlink", "resolve")
        tokens = self.env["g2p.spar.access.token"]
        self.tokens = {
            participant: tokens.issue(participant, operations)
            for participant in (self.participant, self.openg2p)
        }

    def post(self, path, body, participant=None, **headers):
        token = self.tokens[participant or self.participant]
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        default = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        return self.url_open(path, data=body, headers=default | headers)

    def run_lane(self):
        with self.registry.cursor() as cr:
            self.env(cr=cr)["g2p.spar.message.queue"].sudo()._cron_run_lane(1)
        self.env.invalidate_all()

    def test_paths(self):
        for number, (base, participant) in enumerate(
            ((STANDARD, self.participant), (OPENG2P, self.openg2p)), 1
        ):
            for operation, items in (
                ("link", self.links(number, 1)),
                ("update", self.links(number, 1, self.fa("222222222"))),
                ("resolve", [{"id": self.id_of(number)}]),
                ("unlink", [{"id": self.id_of(number)}]),
            ):
                payload = self.message(operation, *items, sender_id=participant.sender_id)
                response = self.post(f"{base}/{operation}", payload, participant)
                self.assertEqual(response.status_code, 200)
                self.assertEqual(response.headers["Content-Type"], "application/json")
                told = response.json()["message"]
                domain = [("correlation_id", "=", told["correlation_id"])]
                message = self.env["g2p.spar.message"].search(domain)
                self.assertEqual((message.operation, message.state), (operation, "queued"))
                self.run_lane()
                self.assertEqual(
                    (message.state, message.succeeded_count), ("done", 1), (base, operation)
                )

    def test_receipt_wakes_the_lanes(self):
        crons = self.env["ir.cron"].search([("model_id.model", "=", "g2p.spar.message.queue")])
        self.assertEqual(len(crons), 2)
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "in", crons.ids)])
        triggers.unlink()
        self.post(f"{STANDARD}/link", self.message("link", *self.links(1, 1)))
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "in", crons.ids)])
        self.assertEqual(triggers.cron_id, crons)

    def test_within_a_second_nobody_is_woken_again(self):
        """A test's transaction is never committed: what follows a commit is called by hand."""
        model = "g2p.spar.message.queue"
        self.addCleanup(lane._woken.pop, (self.env.cr.dbname, model), None)
        domain = [("cron_id.model_id.model", "=", model)]
        triggers = self.env["ir.cron.trigger"]
        with patch.object(type(self.env["ir.cron"]), "_notifydb") as notify:
            for expected in (2, 0):
                triggers.search(domain).unlink()
                lane.wake(self.env, model)
                self.env.cr.postcommit.run()
                self.assertEqual(triggers.search_count(domain), expected)
        notify.assert_called_once_with()

    def test_errors(self):
        one = self.links(1, 1)
        good = self.message("link", *one)
        for body, headers, status, code in (
            (good, {"Authorization": "Bearer nonsense"}, 401, "err.request.unauthorized"),
            (self.message("link", *one, sender_id="bank.test"), {}, 403, "err.sender_id.invalid"),
            (good, {"Content-Type": "text/plain"}, 415, "err.request.bad"),
        ):
            with self.subTest(status=status):
                response = self.post(f"{STANDARD}/link", body, **headers)
                self.assertEqual(response.status_code, status)
                [error] = response.json()["errors"]
                self.assertEqual(error["code"], code)
        for body, status, code in (
            (b"{", 400, "err.request.bad"),
            (b'{"header": {}, "header": {}}', 400, "err.request.bad"),
            ({}, 400, "err.request.bad"),
            (self.message("link", *one, version="2.0.0"), 200, "err.request.bad"),
        ):
            with self.subTest(body=body):
                response = self.post(f"{STANDARD}/link", body)
                self.assertEqual(response.status_code, status)
                told = response.json()["message"]
                self.assertEqual((told["ack_status"], told["error"]["code"]), ("ERR", code))

    def test_not_granted(self):
        tokens = self.env["g2p.spar.access.token"]
        self.tokens[self.participant] = tokens.issue(self.participant, ["resolve"])
        response = self.post(f"{STANDARD}/link", self.message("link", *self.links(1, 1)))
        self.assertEqual(response.status_code, 403)
        self.assertEqual(response.json()["errors"][0]["code"], "err.request.forbidden")

    def test_too_many_requests(self):
        self.participant.write({"write_rate": 60, "burst": 1})
        self.post(f"{STANDARD}/link", self.message("link", *self.links(1, 2)))
        response = self.post(f"{STANDARD}/link", self.message("link", *self.links(3, 1)))
        self.assertEqual(response.status_code, 429)
        self.assertGreater(int(response.headers["Retry-After"]), 0)
        told = response.json()["message"]
        self.assertEqual(told["error"]["code"], "err.request.too_many_requests")

    def test_signature_problems_are_told_by_err(self):
        self.openg2p.write({"authentication": "signature", "signature_dialect": "openg2p_1"})
        payload = self.message("link", *self.links(1, 1), sender_id=self.openg2p.sender_id)
        response = self.post(f"{OPENG2P}/link", payload, self.openg2p, Authorization="")
        self.assertEqual(response.status_code, 400)
        told = response.json()["message"]
        self.assertEqual(
            (told["ack_status"], told["error"]["code"]), ("ERR", "err.signature.missing")
        )

    def test_statements_do_not_depend_on_items(self):
        def count(items):
            payload = self.message("link", *items)
            with self.registry.cursor() as cr:
                env = self.env(cr=cr)
                profile = env["g2p.spar.participant"].get_profile(self.participant.id)
                before = cr.sql_log_count
                env["g2p.spar.exchange"].receive(profile, "link", json.dumps(payload).encode())
                return cr.sql_log_count - before

        self.startPatcher(patch.object(lane, "wake"))  # at most once a second
        count(self.links(1, 1))
        one, many = count(self.links(10, 1)), count(self.links(100, 500))
        self.assertEqual((one, many), (1, 1))
