# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..g2p_connect.client import AWAY
from ..g2p_connect.values import Actor, LinkItem, Outcome, Result, UnlinkItem, UpdateItem

LANE = "odoo.addons.g2p_spar_connector.models.g2p_spar_outbox_lane"
STAFF = Actor("staff", "pbms", "An Officer", user_id=1, reason="came to the counter")
ID = "token:777000111@nationalId"
FA = "account:888000222@TSTB"


class Mapper:
    """A mapper as a connector sees it: it keeps what it is told, and is away when told so."""

    def __init__(self, case):
        self.case = case
        self.linked = {}  # ID: FA
        self.since = {}
        self.calls = []  # (operation, number of items, actor)
        self.is_away = False
        self.forgets_to_answer = False  # does what it is asked, and then is away
        self.leaves_out = set()
        self.failing_id = None

    def call(self, connector, operation, actor, items, **options):
        self.calls.append((operation, len(items), actor))
        if self.failing_id in [item.id for item in items]:
            raise ValueError(f"something about {self.failing_id}")
        if self.is_away:
            return [Result(item.reference_id, Outcome.RETRY, AWAY) for item in items]
        results = [self._answer(operation, item) for item in items]
        if self.forgets_to_answer and operation != "resolve":
            return [Result(item.reference_id, Outcome.RETRY, AWAY) for item in items]
        return results

    def _answer(self, operation, item):
        if item.id in self.leaves_out:
            return Result(item.reference_id, Outcome.RETRY, "left out")
        fa = self.linked.get(item.id)
        if operation == "resolve":
            outcome = Outcome.ID_ACTIVE if fa else Outcome.ID_NOT_FOUND
            return Result(item.reference_id, outcome, fa=fa, since=self.since.get(item.id))
        if operation == "link" and fa:
            return Result(item.reference_id, Outcome.ALREADY_LINKED)
        if operation != "link" and not fa:
            return Result(item.reference_id, Outcome.NOT_LINKED)
        self.linked[item.id] = item.fa
        if operation == "unlink":
            del self.linked[item.id]
        return Result(item.reference_id, Outcome.DONE)

    def operations(self):
        return [(operation, count) for operation, count, _actor in self.calls]


class OutboxCase(TransactionCase):
    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.connector = self.env["g2p.spar.connector"].create({"name": "Test"})
        self.outbox = self.env["g2p.spar.outbox"]
        self.outbox.search([]).unlink()
        self.tala, self.amihan = self.env["res.partner"].create(
            [{"name": "Tala"}, {"name": "Amihan"}]
        )
        self.mapper = Mapper(self)
        self.startPatcher(
            patch.object(
                type(self.connector), "_call", lambda *args, **kw: self.mapper.call(*args, **kw)
            )
        )
        self.later = timedelta()
        now = fields.Datetime.now
        self.startPatcher(
            patch.object(fields.Datetime, "now", lambda *args: now(*args) + self.later)
        )

    def put(self, operation="link", partner=None, id_=ID, fa=FA, actor=STAFF, **context):
        kind = {"link": LinkItem, "update": UpdateItem, "unlink": UnlinkItem}[operation]
        item = kind("1", id_, "" if operation == "unlink" else fa)
        entry = ((partner or self.tala).id, item)
        outbox = self.outbox.with_context(**context)
        return outbox.put(self.connector, operation, [entry], actor)

    def put_many(self, count, prefix="many"):
        entries = [
            (self.tala.id, LinkItem(str(i), f"{prefix}{i}@ns", f"account:{i:09}@TSTB"))
            for i in range(count)
        ]
        return self.outbox.put(self.connector, "link", entries, STAFF)

    def work(self, **later):
        self.env.flush_all()
        self.later += timedelta(**later)
        self.env.ref("g2p_spar_connector.cron_outbox").method_direct_trigger()
        self.env.invalidate_all()

    def claim(self):
        """What a worker takes that does not live to carry it out."""
        self.env.flush_all()
        with self.registry.cursor() as cr:
            ids = self.outbox.with_env(self.env(cr=cr))._claim().ids
        self.env.invalidate_all()
        return ids

    def waits_minutes(self, change):
        return round((change.next_try_at - fields.Datetime.now()).total_seconds() / 60)


@tagged("post_install", "-at_install")
class TestOutbox(OutboxCase):
    def test_done(self):
        change = self.put()
        self.assertEqual((change.state, change.fa_masked), ("waiting", "••••0222@TSTB"))
        self.work()
        self.assertEqual((change.state, change.problem), ("done", False))
        self.assertFalse(change.item_sealed, "the address is wiped")
        self.assertEqual(self.mapper.linked, {ID: FA})
        self.assertEqual(self.mapper.calls, [("link", 1, STAFF)], "on behalf of who asked for it")

    def test_nothing_readable_is_stored(self):
        change = self.put()
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT row_to_json(change)::text FROM g2p_spar_outbox AS change WHERE id = %s",
            [change.id],
        )
        [[row]] = self.env.cr.fetchall()
        for secret in (ID, FA, "777000111", "888000222"):
            self.assertNotIn(secret, row)

    def test_a_refusal_is_final(self):
        self.mapper.linked = {ID: "account:1@OTHER"}
        change = self.put()
        self.work()
        self.work(days=8)
        self.assertEqual(change.state, "failed")
        self.assertIn("already", change.problem)
        self.assertEqual(self.mapper.operations(), [("link", 1)])

    def test_a_problem_repeats_no_address(self):
        change = self.put("update")
        told = Result("1", Outcome.NOT_LINKED, f"there is no {ID.upper()}")
        with patch.object(
            self.mapper,
            "_answer",
            lambda operation, item: told._replace(reference_id=item.reference_id),
        ):
            self.work()
        self.assertEqual(change.state, "failed")
        self.assertNotIn("777000111", change.problem)

    # --- away ---

    def test_away(self):
        """It waits for a minute, then two, four and so on up to twelve hours."""
        self.mapper.is_away = True
        change = self.put()
        waits = []
        for _try in range(12):
            self.work()
            waits.append(self.waits_minutes(change))
            self.later += timedelta(minutes=waits[-1])
        self.assertEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 720, 720])
        self.assertEqual(
            (change.state, change.problem, change.try_count), ("waiting", f"{AWAY}.", 12)
        )
        self.mapper.is_away = False
        self.work()
        self.assertEqual((change.state, self.mapper.linked), ("done", {ID: FA}))

    def test_given_up(self):
        self.mapper.is_away = True
        change = self.put()
        self.work(days=6)
        self.assertEqual(change.state, "waiting")
        self.work(days=2)
        self.assertEqual(change.state, "failed")
        self.assertEqual(change.problem, f"Given up after seven days. {AWAY}.")

    def test_others_wait_with_it(self):
        """One call finds out that the mapper is away, and what waited follows when it is back."""
        self.mapper.is_away = True
        first = self.put()
        others = self.put("update", self.amihan, "b@ns") + self.put("unlink", self.amihan, "c@ns")
        self.work()
        self.assertEqual(len(self.mapper.calls), 1)
        self.assertEqual(set(map(self.waits_minutes, first + others)), {1})
        self.mapper.is_away = False
        self.mapper.linked = {"b@ns": FA, "c@ns": FA}
        self.work(seconds=1)
        self.assertEqual(len(self.mapper.calls), 1)
        self.put(partner=self.amihan, id_="d@ns")
        self.work()
        self.assertEqual((first + others).mapped("state"), ["done"] * 3)

    def test_an_item_left_out_waits_alone(self):
        self.mapper.leaves_out = {"b@ns"}
        changes = self.put() + self.put(partner=self.amihan, id_="b@ns")
        self.work()
        self.assertEqual(changes.mapped("state"), ["done", "waiting"])
        self.assertEqual(changes[1].problem, "left out")
        self.mapper.leaves_out = set()
        self.work(minutes=5)
        self.assertEqual(changes[1].state, "done")

    def test_an_item_never_answered_holds_up_nobody(self):
        self.mapper.leaves_out = {"bad@ns"}
        bad = self.put(id_="bad@ns", actor=STAFF._replace(reason="bad"))
        self.mapper.is_away = True
        others = self.outbox.union(
            *(self.put(id_=f"{i}@ns", actor=STAFF._replace(reason=str(i))) for i in range(3))
        )
        self.work()
        self.mapper.is_away = False
        self.work(minutes=2)
        self.assertEqual(others.mapped("state"), ["done"] * 3)
        self.assertEqual(bad.state, "waiting")
        for _hour in range(6):
            self.work(hours=1)
        tries = bad.try_count
        self.assertGreater(tries, 4)
        for i in range(5):
            new = self.put(id_=f"new{i}@ns", actor=STAFF._replace(reason=f"new {i}"))
            self.work(seconds=1)
            self.assertEqual(new.state, "done")
        self.assertEqual(bad.try_count, tries, "successes of others do not shorten its wait")

    def test_an_error_about_one_item(self):
        """A constraint of an extension: what was written before it is undone, others go on."""
        call = self.mapper.call

        def fail(connector, operation, actor, items, **options):
            results = call(connector, operation, actor, items, **options)
            if "bad@ns" in [item.id for item in items]:
                raise ValidationError(self.env._("not %s", "bad@ns"))
            return results

        self.mapper.call = fail
        bad, good = self.put(id_="bad@ns"), self.put(id_="good@ns")
        with patch(f"{LANE}.read_committed") as undo:
            self.work()
            self.assertEqual(undo.call_count, 4, "claim, begin, undo, claim")
        self.assertTrue(bad.alone)
        self.assertEqual(bad.problem, "It failed unexpectedly; see Odoo's log.")
        self.work(minutes=2)
        self.assertEqual((bad.state, good.state), ("waiting", "done"))

    def test_a_batch_that_kills_its_worker(self):
        """It leaves nothing of its tries: then its changes go singly, and are given up in time."""
        changes = self.put(id_="bad@ns") + self.put(id_="good@ns")
        for _try in range(4):
            self.later += timedelta(hours=1)
            self.assertEqual(self.claim(), changes.ids)
        self.later += timedelta(hours=1)
        self.assertEqual(self.claim(), changes[0].ids)
        self.assertEqual(self.claim(), changes[1].ids)
        self.work(days=8)
        self.assertEqual(set(changes.mapped("state")), {"failed"})
        self.assertIn("Given up after seven days", changes[0].problem)

    def test_no_backend(self):
        """The real hook of a connector without a mapper: it waits, and says why."""
        self.mapper.call = lambda connector, *args, **options: connector._require("suspend")
        change = self.put()
        self.work()
        self.assertEqual(change.state, "waiting")
        self.assertIn("cannot do this", change.problem)

    def test_archived_connector(self):
        self.connector.active = False
        change = self.put()
        self.work()
        self.assertEqual((change.state, change.problem), ("waiting", "The connector is archived."))
        self.assertFalse(self.mapper.calls)

    def test_an_unexpected_failure_harms_nobody_else(self):
        self.mapper.failing_id = "b@ns"
        changes = self.put() + self.put(id_="b@ns") + self.put(id_="c@ns")
        with self.assertLogs(LANE, "ERROR") as logs:
            self.work()
            self.work(minutes=5)
        self.assertEqual(changes.mapped("state"), ["done", "waiting", "done"])
        self.assertNotIn("b@ns", "".join(logs.output))

    # --- repetition ---

    def test_done_though_no_answer_came(self):
        self.mapper.forgets_to_answer = True
        changes = (
            self.put()
            + self.put("update", id_="b@ns", fa="account:2@NEW")
            + self.put("unlink", id_="c@ns")
        )
        self.mapper.linked = {"b@ns": FA, "c@ns": FA}
        for _try in range(4):
            self.work(minutes=10)
        self.assertEqual(changes.mapped("state"), ["done"] * 3)
        writes = [call for call in self.mapper.operations() if call[0] != "resolve"]
        self.assertEqual(sorted(writes), [("link", 1), ("unlink", 1), ("update", 1)])

    def test_tried_before(self):
        """Of what was tried in a dialog, too, it is looked up first what became of it."""
        self.mapper.linked = {ID: FA.upper()}
        change = self.put(spar_tried=True)
        self.work()
        self.assertEqual(change.state, "done")
        self.assertEqual(self.mapper.operations(), [("resolve", 1)])

    def test_changed_since(self):
        """What was chosen while a change waited is not overwritten."""
        self.mapper.is_away = True
        change = self.put("update")
        self.work()
        self.mapper.is_away = False
        self.mapper.linked = {ID: "account:3@CHOSEN"}
        self.mapper.since = {ID: fields.Datetime.now() + timedelta(seconds=30)}
        self.work(minutes=2)
        self.assertEqual(change.state, "failed")
        self.assertIn("changed since", change.problem)
        self.assertEqual(self.mapper.linked, {ID: "account:3@CHOSEN"})

    def test_changed_where_the_mapper_does_not_say_when(self):
        """Only the address that was known, or seen by who retries, is replaced."""
        for operation in ("update", "unlink"):
            with self.subTest(operation):
                id_ = f"{operation}@ns"
                self.mapper.linked = {id_: "account:1@B"}
                self.mapper.is_away = True
                before = self.outbox.address_key("account:1@b")
                change = self.put(operation, id_=id_, spar_before_key=before)
                self.work()
                self.mapper.is_away = False
                self.mapper.linked = {id_: "account:3@CHOSEN"}
                self.work(minutes=2)
                self.assertEqual(change.state, "failed")
                self.assertIn("look at the contact", change.problem)
                self.assertEqual(self.mapper.linked, {id_: "account:3@CHOSEN"})
                change.action_retry()
                self.work()
                self.assertEqual(change.state, "done")

    def test_what_was_known_is_replaced(self):
        self.mapper.linked = {ID: "account:1@B"}
        self.mapper.is_away = True
        change = self.put("update", spar_before_key=self.outbox.address_key("account:1@B"))
        self.work()
        self.mapper.is_away = False
        self.work(minutes=2)
        self.assertEqual((change.state, self.mapper.linked), ("done", {ID: FA}))

    # --- order ---

    def test_order_of_a_person(self):
        self.mapper.leaves_out = {ID}
        changes = self.put() + self.put("update", fa="account:2@B", id_=ID.upper())
        changes += self.put("unlink", id_=ID)
        self.put(partner=self.amihan, id_="b@ns")
        self.work()
        self.assertEqual(changes.mapped("state"), ["waiting"] * 3)
        self.assertEqual(changes.mapped("try_count"), [1, 0, 0])
        self.assertEqual(self.mapper.linked, {"b@ns": FA}, "others go on")
        self.mapper.leaves_out = set()
        self.work(minutes=2)
        writes = [name for name, _count in self.mapper.operations()][-3:]
        self.assertEqual(writes, ["link", "update", "unlink"])

    def test_a_failed_one_does_not_block(self):
        self.mapper.linked = {ID: "account:1@OTHER"}
        changes = self.put() + self.put("unlink")
        self.work()
        self.assertEqual(changes.mapped("state"), ["failed", "done"])

    # --- many ---

    def test_batches(self):
        self.put_many(1500)
        self.work()
        self.assertEqual(self.mapper.operations(), [("link", 1000), ("link", 500)])
        self.assertEqual(set(self.outbox.search([]).mapped("state")), {"done"})

    def test_another_actor_is_another_call(self):
        other = STAFF._replace(name="Another Officer", reason=None)
        self.put()
        self.put(id_="b@ns", actor=other)
        self.work()
        self.assertEqual([actor for *_call, actor in self.mapper.calls], [STAFF, other])

    def test_statements_do_not_grow(self):
        self.put_many(1, "warm")
        self.work()
        for count in (10, 100, 1000):
            with self.subTest(count=count):
                self.outbox.search([]).unlink()
                self.env.flush_all()
                before = self.env.cr.sql_log_count
                self.put_many(count)
                self.assertLess(self.env.cr.sql_log_count - before, 15)
                self.mapper.linked.clear()
                with self.registry.cursor() as cr:
                    before = self.env.cr.sql_log_count
                    batch = self.outbox.with_env(self.env(cr=cr))._claim()
                    self.assertEqual(len(batch), count)
                    batch._work()
                    self.assertLess(self.env.cr.sql_log_count - before, 25)

    # --- buttons ---

    def test_retry(self):
        self.mapper.is_away = True
        change = self.put()
        self.work(days=8)
        self.assertEqual(change.state, "failed")
        self.mapper.is_away = False
        change.action_retry()
        self.work()
        self.assertEqual(change.state, "done")
        with self.assertRaises(UserError):
            change.action_retry()

    def test_retry_never_undoes_a_later_change(self):
        self.mapper.linked = {ID: "account:1@OTHER"}
        change = self.put()
        self.work()
        self.put("update", fa="account:3@CHOSEN")
        with self.assertRaisesRegex(UserError, "later change"):
            change.action_retry()

    def test_cancel(self):
        self.mapper.is_away = True
        change = self.put()
        self.work()
        change.action_cancel()
        self.mapper.is_away = False
        self.work(days=1)
        self.assertEqual((change.state, self.mapper.linked), ("cancelled", {}))
        self.assertFalse(change.item_sealed)
        with self.assertRaises(UserError):
            change.action_cancel()

    def test_erasure(self):
        """Nothing readable is left of a person, and what waits does not bring the address back."""
        waits, other = self.put(), self.put(id_="token:other@nationalId", partner=self.amihan)
        self.assertEqual(self.env["g2p.spar.erasure"].forget([ID.upper(), "nobody@x"]), 1)
        self.assertEqual(waits.state, "cancelled")
        self.assertFalse(waits.partner_id or waits.fa_masked or waits.reason)
        self.env.cr.execute(
            "SELECT item_sealed, before_key FROM g2p_spar_outbox WHERE id = %s", [waits.id]
        )
        self.assertEqual(self.env.cr.fetchone(), (None, None))
        self.work()
        self.assertNotIn(ID, self.mapper.linked)
        self.assertEqual((other.state, other.partner_id), ("done", self.amihan))
        self.assertEqual(self.env["g2p.spar.erasure"].forget([ID]), 0, "nothing is left")

    def test_erasure_of_what_was_done(self):
        done = self.put()
        self.work()
        done_at = done.done_at
        self.env["g2p.spar.erasure"].forget([ID])
        self.assertEqual((done.state, done.done_at), ("done", done_at))
        self.assertFalse(done.partner_id or done.fa_masked)

    def test_purge(self):
        change = self.put()
        waiting = self.put(id_="b@ns")
        self.mapper.leaves_out = {"b@ns"}
        self.work()
        self.later = timedelta(days=31)
        self.assertEqual(self.outbox._gc(), (1, False))
        self.assertFalse(change.exists())
        self.assertTrue(waiting.exists())

    # --- personas ---

    def test_personas(self):
        change = self.put()
        for role in ("viewer", "officer", "manager"):
            user = new_test_user(
                self.env, f"outbox-{role}", groups=f"g2p_spar_fa_directory.group_{role}"
            )
            mine = change.with_user(user)
            with self.subTest(role=role):
                if role == "viewer":
                    with (
                        self.assertRaises(AccessError),
                        mute_logger("odoo.addons.base.models.ir_model"),
                    ):
                        mine.read(["state"])
                    with self.assertRaises(AccessError):
                        mine.action_cancel()
                    continue
                self.assertEqual(mine.read(["state"])[0]["state"], "waiting")
                for name in ("item_sealed", "person_key"):
                    with self.assertRaises(AccessError):
                        mine.read([name])
                for act in (
                    lambda mine=mine: mine.write({"state": "done"}),
                    lambda mine=mine: mine.unlink(),
                    lambda mine=mine: mine.create([{}]),
                ):
                    with self.assertRaises(AccessError):
                        act()

    def test_another_company(self):
        company = self.env["res.company"].create({"name": "Another"})
        self.connector.company_id = company
        change = self.put()
        user = new_test_user(
            self.env, "outbox-officer", groups="g2p_spar_fa_directory.group_officer"
        )
        self.assertFalse(self.outbox.with_user(user).search([("id", "in", change.ids)]))
        with self.assertRaises(AccessError):
            change.with_user(user).action_cancel()
