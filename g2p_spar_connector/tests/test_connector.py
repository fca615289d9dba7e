# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.service.model import get_public_method
from odoo.tests import TransactionCase, new_test_user
from odoo.tools import file_open

from ..g2p_connect.values import (
    OPERATIONS,
    Actor,
    LinkItem,
    Outcome,
    Problem,
    ResolveItem,
    Result,
    UnlinkItem,
    UpdateItem,
)

ACTOR = Actor("staff", "back_office", "Test")
GROUPS = "g2p_spar_fa_directory.group_"


class TestConnector(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["g2p.spar.connector"].search([]).action_archive()
        cls.connector = cls.env["g2p.spar.connector"].create({"name": "Here"})

    def answering(self, answer):
        """A backend that answers so, for this test."""
        calls = []

        def call(connector, operation, actor, items, **options):
            calls.append((operation, actor, items))
            return answer(items)

        self.patch(type(self.connector), "_call", call)
        return calls

    def test_no_backend(self):
        with self.assertRaisesRegex(UserError, "Here"):
            self.connector.link_items(ACTOR, [LinkItem("r", "a@b", "c@d")])
        self.assertEqual(self.connector.capabilities(), frozenset())

    def test_operations(self):
        calls = self.answering(lambda items: [Result(i.reference_id, Outcome.OTHER) for i in items])
        connector = self.connector
        for operation, method, item in (
            ("link", connector.link_items, LinkItem("r1", "a@b", "c@d")),
            ("update", connector.update_items, UpdateItem("r1", "a@b", "c@d")),
            ("unlink", connector.unlink_items, UnlinkItem("r1", "a@b")),
            ("resolve", connector.resolve_items, ResolveItem("r1", "a@b")),
        ):
            self.assertEqual(method(ACTOR, [item]), [Result("r1", Outcome.OTHER)])
            self.assertEqual(calls.pop(), (operation, ACTOR, [item]))
            self.assertEqual(method(ACTOR, []), [])
        self.assertFalse(calls, "nothing to do is nothing to ask")

    def test_items_with_problems_stay_here(self):
        calls = self.answering(lambda items: [Result(i.reference_id, Outcome.DONE) for i in items])
        problem = Problem(Outcome.ID_INVALID, "id: why")
        items = [
            LinkItem("r1", "bad", "c@d", problem=problem),
            LinkItem("r2", "a@b", "c@d"),
            LinkItem("", "", "", problem=Problem(Outcome.REFERENCE_ID_INVALID)),
            LinkItem("r2", "e@f", "c@d"),
        ]
        self.assertEqual(
            self.connector.link_items(ACTOR, items),
            [
                Result("r1", Outcome.ID_INVALID, "id: why", id="bad", fa="c@d"),
                Result("r2", Outcome.DONE),
                Result("", Outcome.REFERENCE_ID_INVALID),
                Result("r2", Outcome.DONE),
            ],
        )
        self.assertEqual(calls, [("link", ACTOR, [items[1], items[3]])])

    def test_backend_must_answer_item_by_item(self):
        items = [ResolveItem("r1", "a@b"), ResolveItem("r2", "c@d")]
        good = [Result("r1", Outcome.ID_NOT_FOUND), Result("r2", Outcome.ID_NOT_FOUND)]
        for answer in ([], good[:1], good + good[:1], good[::-1]):
            with self.subTest(answer):
                self.answering(lambda _items, answer=answer: answer)
                with self.assertRaises(RuntimeError):
                    self.connector.resolve_items(ACTOR, items)

    def test_what_a_backend_cannot_do_is_refused(self):
        for call in (
            lambda: self.connector.suspend_items(None, []),
            lambda: self.connector.reactivate_items(None, []),
            lambda: self.connector.ever_linked(["a@b"]),
        ):
            with self.assertRaisesRegex(UserError, "cannot do this"):
                call()

    def test_capabilities(self):
        self.patch(type(self.connector), "_capabilities", lambda connector: ["history", "since"])
        self.assertEqual(self.connector.capabilities(), frozenset({"history", "since"}))

    def test_default(self):
        connectors = self.env["g2p.spar.connector"]
        company = self.env["res.company"].create({"name": "Other"})
        self.assertEqual(connectors._get_default(), self.connector)
        self.assertFalse(connectors._get_default(company))
        common = connectors.create({"name": "All", "company_id": False, "sequence": 1})
        self.assertEqual(connectors._get_default(company), common)
        self.assertEqual(connectors._get_default(), self.connector, "its own before a common one")
        first = connectors.create({"name": "First", "sequence": 5})
        self.assertEqual(connectors._get_default(), first)
        first.active = False
        self.assertEqual(connectors.with_context(active_test=False)._get_default(), self.connector)

    def test_neutralize(self):
        """A copy of a database keeps no way to another mapper."""
        connectors = self.connector + self.connector.copy() + self.connector.copy()
        backends = ["none", "local", "elsewhere"]  # by SQL, as the others come with other addons
        self.env.flush_all()
        for connector, backend in zip(connectors, backends, strict=True):
            self.env.cr.execute(
                "UPDATE g2p_spar_connector SET backend = %s WHERE id = %s", [backend, connector.id]
            )
        with file_open("g2p_spar_connector/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.cr.execute(
            "SELECT backend FROM g2p_spar_connector WHERE id = ANY(%s) ORDER BY id",
            [connectors.ids],
        )
        found = [backend for (backend,) in self.env.cr.fetchall()]
        self.assertEqual(found, ["none", "local", "none"])

    def test_results_as_dict(self):
        result = Result("r1", Outcome.ID_ACTIVE, fa="c@d")
        self.assertEqual(
            result.as_dict(), {"reference_id": "r1", "outcome": "id_active", "fa": "c@d"}
        )


class TestConnectorAccess(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connector = cls.env["g2p.spar.connector"].create({"name": "Here"})
        cls.users = {
            name: new_test_user(cls.env, f"spar_{name}", groups=groups)
            for name, groups in {
                "viewer": f"{GROUPS}viewer",
                "officer": f"{GROUPS}officer",
                "manager": f"{GROUPS}manager",
                "employee": "base.group_user",
                "portal": "base.group_portal",
            }.items()
        }

    def test_only_managers(self):
        for name, user in self.users.items():
            mine = self.connector.with_user(user)
            for operation in ("read", "write", "create", "unlink"):
                with self.subTest(user=name, operation=operation):
                    self.assertEqual(mine.has_access(operation), name == "manager")
            if name != "manager":
                with self.assertRaises(AccessError):
                    mine.search([])
                with self.assertRaises(AccessError):
                    mine.write({"backend": "none"})

    def test_other_company(self):
        company = self.env["res.company"].create({"name": "Other"})
        other = self.connector.create({"name": "There", "company_id": company.id})
        manager = self.users["manager"]
        with self.assertRaises(AccessError):
            other.with_user(manager).read(["name"])
        common = self.connector.create({"name": "All", "company_id": False})
        self.assertTrue(common.with_user(manager).read(["name"]))

    def test_nothing_can_be_called_over_rpc(self):
        methods = [f"{operation}_items" for operation in OPERATIONS]
        for name in (*methods, "capabilities", "_get_default", "_call", "_run", "_capabilities"):
            with self.subTest(name), self.assertRaises(AccessError):
                get_public_method(self.connector, name)

    def test_default_without_rights(self):
        connectors = self.env["g2p.spar.connector"]
        connectors.search([("id", "!=", self.connector.id)]).action_archive()
        default = connectors.with_user(self.users["portal"])._get_default()
        self.assertEqual(default, self.connector)
        answer = [Result("r", Outcome.ID_ACTIVE)]
        with patch.object(type(default), "_call", lambda *args, **options: answer):
            results = default.resolve_items(ACTOR, [ResolveItem("r", "a@b")])
        self.assertEqual(results, answer)

    def test_menu(self):
        menu = self.env.ref("g2p_spar_connector.g2p_spar_connector_menu")
        for name, user in self.users.items():
            if user.share:
                continue
            visible = self.env["ir.ui.menu"].with_user(user)._visible_menu_ids()
            self.assertEqual(menu.id in visible, name == "manager", name)
