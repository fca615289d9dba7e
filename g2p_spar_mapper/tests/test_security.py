# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json

from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw, get_public_method
from odoo.tests import new_test_user

from .common import MapperCommon

SECRET_FIELDS = ("id_value", "id_key", "fa", "fa_key", "phone", "additional_info")
ID = "token:777000111@nationalId"
FA = "account:888000222@TSTB"
PHONE = "+639990003330"


class TestSecurity(MapperCommon):
    """What each persona may not do, also over RPC."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        directory = "g2p_spar_fa_directory.group_"
        cls.users = {
            name: new_test_user(cls.env, f"spar-{name}", groups=groups)
            for name, groups in (
                ("viewer", f"{directory}viewer,base.group_allow_export"),
                ("officer", f"{directory}officer,base.group_allow_export"),
                ("manager", f"{directory}manager,base.group_allow_export"),
                ("revealer", "g2p_spar_mapper.group_show_address,base.group_allow_export"),
                ("portal", "base.group_portal"),
                ("employee", "base.group_user"),
            )
        }
        cls.users["public"] = cls.env.ref("base.public_user")
        cls.users["api"] = cls.env.ref("g2p_spar_mapper.user_api")
        cls.outsiders = ("portal", "employee", "public", "api")

    def setUp(self):
        super().setUp()
        self.link(
            self.free,
            (ID, FA),
            name="Tala",
            phone_number=PHONE,
            additional_info=[{"name": "marker", "value": "444000555"}],
        )
        self.mapping_record = self.mapping(ID)

    def rpc(self, user, model, method, *args, **kwargs):
        """Call as the web client does: only what is public, and return what would be sent."""
        recordset = self.env[model].with_user(self.users[user])
        get_public_method(recordset, method)
        return json.dumps(call_kw(recordset, method, args, kwargs), default=str, ensure_ascii=False)

    def assertMasked(self, text):
        for clear in (ID, FA, PHONE, "777000111", "888000222", "444000555"):
            self.assertNotIn(clear, text)

    # === READERS === #

    def test_readers_see_masks_only(self):
        ids = self.mapping_record.ids
        fields = [
            name
            for name in self.env["g2p.spar.mapping"].with_user(self.users["manager"]).fields_get()
        ]
        self.assertFalse(set(fields) & set(SECRET_FIELDS))
        for user in ("viewer", "officer", "manager", "revealer"):
            with self.subTest(user=user):
                text = self.rpc(user, "g2p.spar.mapping", "read", ids, fields)
                self.assertIn("TSTB ••••222", text)
                self.assertMasked(text)
                self.assertMasked(self.rpc(user, "g2p.spar.mapping", "search_read", [], fields))
                export = self.rpc(user, "g2p.spar.mapping", "export_data", ids, fields)
                self.assertMasked(export)
                name = self.rpc(user, "g2p.spar.mapping", "read", ids, ["display_name"])
                self.assertMasked(name)

    def test_clear_fields_are_out_of_reach(self):
        ids = self.mapping_record.ids
        for user in ("viewer", "officer", "manager", "revealer"):
            for field in SECRET_FIELDS:
                calls = (
                    ("read", ids, [field]),
                    ("export_data", ids, [field]),
                    ("search", [(field, "=", "x")]),
                    ("search", [(field, "ilike", "777")]),
                    ("search_count", [(field, ">", "a")]),
                    ("search", [], 0, None, f"{field} desc"),
                    ("formatted_read_group", [], [field], ["__count"]),
                    ("read_group", [], ["id"], [field]),
                    ("write", ids, {field: "x"}),
                    ("copy", ids, {field: "x"}),
                )
                for method, *args in calls:
                    with (
                        self.subTest(user=user, field=field, method=method),
                        self.assertRaises(UserError),
                    ):
                        self.rpc(user, "g2p.spar.mapping", method, *args)

    def test_search_is_no_oracle(self):
        for user in ("viewer", "manager"):
            for domain in (
                [("id_masked", "ilike", "777")],
                [("id_masked", "=like", "token:7%")],
                [("id_masked", ">", "token:7")],
                [("id_masked", "!=", ID)],
                [("display_name", ">", "token:7")],
                [("fa_masked", "=", "TSTB ••••222")],
                [("name", "ilike", "Ta")],
                ["|", ("id", "=", 0), ("phone", "!=", False)],
                [("provider_id", "any", [("name", "=", "x")]), ("phone", "=like", "+6%")],
            ):
                with (
                    self.subTest(user=user, domain=domain),
                    self.assertRaises(UserError),
                ):
                    self.rpc(user, "g2p.spar.mapping", "search", domain)
            found = self.rpc(user, "g2p.spar.mapping", "search", [("id_masked", "=", ID)])
            self.assertEqual(json.loads(found), self.mapping_record.ids)

    def test_nobody_groups(self):
        for groupby in ("provider_id", "channel", "linked_at:day", "id"):
            with self.subTest(groupby=groupby), self.assertRaises(UserError):
                self.rpc("manager", "g2p.spar.mapping", "formatted_read_group", [], [groupby], [])
            with self.subTest(groupby=groupby), self.assertRaises(UserError):
                self.rpc(
                    "manager",
                    "g2p.spar.mapping",
                    "formatted_read_grouping_sets",
                    [],
                    [[groupby]],
                    ["name:array_agg"],
                )

    def test_nobody_writes_records(self):
        records = (
            ("g2p.spar.mapping", self.mapping_record.ids),
            ("g2p.spar.mapping.event", self.events(ID).ids),
            ("g2p.spar.access.log", [1]),
            ("g2p.spar.message", [1]),
            ("g2p.spar.access.token", [1]),
            ("g2p.spar.callback", [1]),
            ("g2p.spar.callback.try", [1]),
            ("g2p.spar.message.chunk", [1]),
            ("g2p.spar.message.queue", [1]),
        )
        for user in ("officer", "manager"):
            for model, ids in records:
                for method, *args in (
                    ("create", {}),
                    ("write", ids, {"state": "active"}),
                    ("unlink", ids),
                ):
                    with (
                        self.subTest(user=user, model=model, method=method),
                        self.assertRaises(AccessError),
                    ):
                        self.rpc(user, model, method, *args)

    def test_wizards_are_their_users_own_and_hold_nothing_clear(self):
        values = {
            "operation": "link",
            "id_value": ID,
            "number": "888000222",
            "phone_number": PHONE,
            "reason": "x",
        }
        wizard = self.env["g2p.spar.mapping.change"].with_user(self.users["officer"]).create(values)
        self.assertEqual((wizard.id_value, wizard.number), (ID, "888000222"))
        wizard.number = "888000333"
        wizard.invalidate_recordset()
        self.assertEqual((wizard.id_value, wizard.number), (ID, "888000333"))
        self.env.cr.execute("SELECT w::text FROM g2p_spar_mapping_change w")
        self.assertMasked(str(self.env.cr.fetchall()))
        with self.assertRaises(AccessError):
            self.rpc("manager", "g2p.spar.mapping.change", "read", wizard.ids, ["id_value"])
        found = self.rpc("manager", "g2p.spar.mapping.change", "search", [("id", "in", wizard.ids)])
        self.assertEqual(found, "[]")

    def test_a_blank_reason_is_none(self):
        for reason in ("", " ", False):
            with self.subTest(reason=reason), self.assertRaisesRegex(UserError, "Say why"):
                self.mapping_record.with_user(self.users["revealer"]).reveal(reason)

    def test_a_malformed_search_repeats_nothing(self):
        for domain in ([("id_masked", "foo", ID)], [ID], ID, [("id_masked", "=", ID, 1)]):
            with self.subTest(domain=domain):
                with self.assertRaises(UserError) as caught:
                    self.rpc("viewer", "g2p.spar.mapping", "search", domain)
                self.assertMasked(str(caught.exception))

    def test_form_defaults_carry_nothing(self):
        text = self.rpc(
            "officer",
            "g2p.spar.mapping.change",
            "onchange",
            [],
            {"mapping_id": self.mapping_record.id, "operation": "update"},
            ["mapping_id"],
            {"mapping_id": {}, "mapping_name": {}, "number": {}, "id_value": {}, "name": {}},
        )
        self.assertMasked(text)

    def test_viewers_and_revealers_change_nothing(self):
        for user in ("viewer", "revealer"):
            with self.subTest(user=user), self.assertRaises(AccessError):
                self.rpc(
                    user,
                    "g2p.spar.mapping.change",
                    "create",
                    {
                        "operation": "suspend",
                        "mapping_id": self.mapping_record.id,
                        "reason": "x",
                    },
                )

    def test_reveal_needs_its_group(self):
        for user in ("viewer", "officer", "manager"):
            with self.subTest(user=user):
                with self.assertRaises(AccessError):
                    self.rpc(
                        user,
                        "g2p.spar.address.reveal",
                        "create",
                        {"mapping_id": self.mapping_record.id, "reason": "x"},
                    )
                with self.assertRaises(AccessError):
                    self.mapping_record.with_user(self.users[user]).reveal("x")

    def test_officers_do_not_manage_participants(self):
        for user in ("viewer", "officer", "revealer"):
            for method, *args in (
                ("create", {"name": "x", "sender_id": "x"}),
                ("write", self.participant.ids, {"may_override": True}),
                ("unlink", self.participant.ids),
            ):
                with self.subTest(user=user, method=method), self.assertRaises(AccessError):
                    self.rpc(user, "g2p.spar.participant", method, *args)
            with self.subTest(user=user), self.assertRaises(AccessError):
                self.rpc(
                    user,
                    "g2p.spar.participant.secret",
                    "create",
                    {"participant_id": self.participant.id},
                )

    def test_secrets_of_participants_are_out_of_reach(self):
        with self.assertRaises(AccessError):
            self.rpc(
                "manager",
                "g2p.spar.participant",
                "read",
                self.participant.ids,
                ["client_secret_digest"],
            )

    # === OUTSIDERS === #

    def test_outsiders_read_nothing(self):
        for user in self.outsiders:
            for model in (
                "g2p.spar.mapping",
                "g2p.spar.mapping.event",
                "g2p.spar.message",
                "g2p.spar.access.log",
                "g2p.spar.access.token",
                "g2p.spar.callback",
                "g2p.spar.callback.try",
                "g2p.spar.message.chunk",
                "g2p.spar.message.queue",
                "g2p.spar.participant",
                "g2p.spar.connector",
                "g2p.fa.provider",
            ):
                with self.subTest(user=user, model=model), self.assertRaises(AccessError):
                    self.rpc(user, model, "search_read", [], ["id"])

    def test_services_are_not_callable(self):
        for model, methods in (
            (
                "g2p.spar.mapper",
                "link_items update_items unlink_items resolve_items suspend_items"
                " reactivate_items erase_items",
            ),
            (
                "g2p.spar.exchange",
                "answer receive read_accepted carry_out_chunk callback_body probe_body",
            ),
            ("g2p.spar.callback", "schedule send_probe"),
            ("g2p.spar.message.queue", "wake"),
            (
                "g2p.spar.message",
                "receive finish first_answer enqueue first_receipt next_work payload_of begin"
                " finish_chunk note_failure give_up results_of forget",
            ),
            ("g2p.spar.access.token", "issue find"),
            ("g2p.spar.participant", "rotate_secret get_profile"),
            ("g2p.spar.mapping", "reveal"),
            ("g2p.spar.mapping.event", "maintenance"),
            ("g2p.spar.access.log", "append log_reveal"),
        ):
            for method in methods.split():
                with self.subTest(model=model, method=method), self.assertRaises(AccessError):
                    get_public_method(self.env[model].sudo(), method)

    def test_every_public_method_as_portal_user(self):
        """Nothing of the suite answers a portal user with more than a refusal or field names."""
        called = 0
        for name, method in self._public_methods():
            for args in ([], [self.mapping_record.ids], [[]]):
                called += 1
                try:
                    with self.env.cr.savepoint():
                        text = self.rpc("portal", name, method, *args)
                except Exception as error:  # noqa: BLE001 - any refusal will do, but for its text
                    text = str(error)
                with self.subTest(model=name, method=method):
                    self.assertMasked(text)
                    self.assertNotIn("TSTB ••••222", text)
        self.assertGreater(called, 80)
        self.assertEqual(self.resolve(ID)[0].fa, FA)

    def _public_methods(self):
        """(model, method) for everything that a class of the suite defines and RPC may call."""
        for name, model_class in self.env.registry.items():
            own = {
                attribute
                for base in model_class.__mro__
                if base.__module__.startswith("odoo.addons.g2p_spar")
                for attribute in vars(base)
            }
            for attribute in sorted(own):
                try:
                    get_public_method(self.env[name], attribute)
                except (AccessError, AttributeError):
                    continue
                yield name, attribute
