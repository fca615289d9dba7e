# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

import base64

from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw

from .common import DirectoryCommon

MODELS = (
    "g2p.fa.account.rule",
    "g2p.fa.branch",
    "g2p.fa.provider",
    "g2p.fa.strategy",
    "g2p.id.namespace",
)
OFFICER_MODELS = ("g2p.fa.branch", "g2p.fa.provider")
SERVICE_METHODS = (
    ("g2p.fa.directory", "parse_fas", [["account:123@TPLAIN"]]),
    ("g2p.fa.directory", "construct_fa", []),
    ("g2p.fa.directory", "construct_fas", [[]]),
    ("g2p.fa.directory", "provider_labels", []),
    ("g2p.fa.directory", "_parts", []),
    ("g2p.fa.strategy", "mark_used", [[]]),
    ("g2p.fa.strategy", "construct", [[], {}]),
    ("g2p.fa.strategy", "deconstruct", [[], ""]),
    ("g2p.fa.strategy", "fa_strategies_by_id", [[]]),
    ("g2p.fa.strategy", "_fa_strategies", [[]]),
    ("g2p.id.namespace", "known_names", [[]]),
    ("g2p.id.namespace", "case_sensitive_names", [[]]),
    ("g2p.fa.account.rule", "_number_rules", [[]]),
)


class TestSecurity(DirectoryCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: cls._create_user(role)
            for role in ("public", "portal", "internal", "viewer", "officer", "manager")
        }
        cls.env["g2p.id.namespace"].create({"name": "testId"})

    def _call(self, role, model, method, *args, **kwargs):
        """Call a method as a client does over RPC."""
        return call_kw(self.env(user=self.users[role])[model], method, list(args), kwargs)

    def _values(self, model):
        return {
            "g2p.fa.account.rule": {"name": "New", "code": 9100},
            "g2p.fa.branch": {
                "name": "New",
                "code": "TNEW",
                "provider_id": self.plain_bank.id,
            },
            "g2p.fa.provider": {"name": "New", "code": "TNEW"},
            "g2p.fa.strategy": {
                "name": "New",
                "code": 9100,
                "construct_pattern": "a:{account_number}@{bank_code}",
            },
            "g2p.id.namespace": {"name": "newId"},
        }[model]

    def _reads(self, model):
        record = self.env[model].search([], limit=1)
        self.assertTrue(record)
        field = "name"
        return (
            ("read", [record.ids, [field]], {}),
            ("web_read", [record.ids, {field: {}}], {}),
            ("search", [[]], {}),
            ("search_count", [[]], {}),
            ("search_read", [[], [field]], {}),
            ("web_search_read", [], {"domain": [], "specification": {field: {}}}),
            ("name_search", ["a"], {}),
            ("formatted_read_group", [[], [field], ["__count"]], {}),
            ("web_read_group", [[], [field]], {"aggregates": ["__count"]}),
            ("export_data", [record.ids, [field]], {}),
            ("fields_get", [], {}),
            ("onchange", [[], {}, [], {field: {}}], {}),
            ("copy_data", [record.ids], {}),
        )

    def test_outsiders_read_nothing(self):
        for role in ("public", "portal", "internal"):
            for model in MODELS:
                for method, args, kwargs in self._reads(model):
                    if method == "fields_get":
                        continue  # names of fields, for whoever asks
                    # Export asks for the right to export first, and says so in a UserError.
                    error = UserError if method == "export_data" else AccessError
                    with (
                        self.subTest(role=role, model=model, method=method),
                        self.assertRaises(error),
                    ):
                        self._call(role, model, method, *args, **kwargs)

    def test_viewer_reads_everything(self):
        for model in MODELS:
            for method, args, kwargs in self._reads(model):
                if method in ("export_data", "onchange", "copy_data"):
                    continue  # these ask for more than to read
                with self.subTest(model=model, method=method):
                    self._call("viewer", model, method, *args, **kwargs)

    def assertCannotChange(self, role, model):
        record = self.env[model].search([], limit=1)
        for method, args in (
            ("create", [[self._values(model)]]),
            ("web_save", [[], self._values(model), {}]),
            ("write", [record.ids, {"name": "Changed"}]),
            ("unlink", [record.ids]),
            ("copy", [record.ids]),
            ("name_create", ["New"]),
        ):
            with (
                self.subTest(role=role, model=model, method=method),
                self.assertRaises(AccessError),
                self.cr.savepoint(),
            ):
                self._call(role, model, method, *args)

    def test_outsiders_and_viewers_change_nothing(self):
        for role in ("public", "portal", "internal", "viewer"):
            for model in MODELS:
                self.assertCannotChange(role, model)

    def test_viewer_cannot_load_or_archive(self):
        messages = self._call("viewer", "g2p.fa.provider", "load", ["name", "code"], [["N", "TN"]])
        self.assertFalse(messages["ids"])
        with self.assertRaises(AccessError):
            self._call("viewer", "g2p.fa.provider", "action_archive", self.bank.ids)

    def test_officer_keeps_providers_and_branches(self):
        for model in OFFICER_MODELS:
            (record_id,) = self._call("officer", model, "create", [self._values(model)])
            self._call("officer", model, "write", [record_id], {"name": "Changed"})
            self._call("officer", model, "action_archive", [record_id])
            with self.assertRaises(AccessError):
                self._call("officer", model, "unlink", [record_id])

    def test_officer_configures_nothing(self):
        for model in set(MODELS) - set(OFFICER_MODELS):
            self.assertCannotChange("officer", model)

    def test_manager_does_everything(self):
        for model in MODELS:
            (record_id,) = self._call("manager", model, "create", [self._values(model)])
            self._call("manager", model, "write", [record_id], {"name": "Changed"})
            self._call("manager", model, "unlink", [record_id])

    def test_manager_cannot_take_back_use(self):
        strategy = self._strategy(101)
        strategy.mark_used()
        with self.assertRaisesText(Exception, "stays used"):
            self._call("manager", strategy._name, "write", strategy.ids, {"used": False})

    def test_service_methods_are_not_for_rpc(self):
        for role in self.users:
            for model, method, args in SERVICE_METHODS:
                with (
                    self.subTest(role=role, model=model, method=method),
                    self.assertRaisesText(AccessError, "Private methods"),
                ):
                    self._call(role, model, method, *args)

    def test_public_methods_are_the_known_ones(self):
        """A new public method must be thought about here."""
        known = {
            "g2p.fa.branch": {"get_import_templates", "name_search"},
            "g2p.fa.import": {
                "action_check",
                "action_reset",
                "action_run",
                "action_view_providers",
                "create",
                "write",
            },
            "g2p.fa.import.line": set(),
            "g2p.fa.provider": {
                "action_view_branches",
                "create",
                "get_import_templates",
                "name_search",
                "unlink",
                "write",
            },
            "g2p.fa.strategy": {"action_view_providers", "create", "unlink", "write"},
            "g2p.fa.account.rule": {"create", "unlink", "write"},
            "g2p.id.namespace": {"create", "unlink", "write"},
            "g2p.fa.directory": set(),
            "g2p.fa.strategy.try": set(),
        }
        for model, names in known.items():
            public = set()
            for cls in type(self.env[model]).mro():
                if "g2p_spar_fa_directory" in cls.__module__:
                    public |= {
                        name
                        for name, value in vars(cls).items()
                        if callable(value)
                        and not name.startswith("_")
                        and not getattr(value, "_api_private", False)
                    }
            self.assertEqual(public, names, model)

    def test_outsiders_cannot_call_public_methods(self):
        for role in ("public", "portal", "internal"):
            for model, method, record in (
                ("g2p.fa.provider", "action_view_branches", self.bank),
                ("g2p.fa.strategy", "action_view_providers", self._strategy(101)),
            ):
                with self.subTest(role=role, method=method), self.assertRaises(AccessError):
                    self._call(role, model, method, record.ids)

    def _import(self):
        """A checked import of an officer, with its file and rejected rows."""
        record = self.env["g2p.fa.import"].create(
            {
                "source": "template",
                "file": base64.b64encode(b"provider_code\nTNEW\nT NEW\n"),
                "file_name": "file.csv",
            }
        )
        record.action_check()
        self.assertTrue(record.rejected_file)
        self.env.flush_all()
        return record

    def test_imports_are_for_officers(self):
        record = self._import()
        values = {"source": "template", "file": "eA=="}
        calls = (
            ("read", [record.ids, ["file"]]),
            ("web_read", [record.ids, {"file": {}, "rejected_file": {}}]),
            ("search_read", [[], ["file_name"]]),
            ("create", [[values]]),
            ("web_save", [[], values, {}]),
            ("write", [record.ids, {"file": False}]),
            ("unlink", [record.ids]),
            ("action_check", [record.ids]),
            ("action_run", [record.ids]),
            ("action_reset", [record.ids]),
        )
        for role in ("public", "portal", "internal", "viewer"):
            for method, arguments in calls:
                with (
                    self.subTest(role=role, method=method),
                    self.assertRaises(AccessError),
                    self.cr.savepoint(),
                ):
                    self._call(role, "g2p.fa.import", method, *arguments)
            with self.subTest(role=role), self.assertRaises(AccessError):
                self._call(role, "g2p.fa.import.line", "search_read", [], ["code"])

    def test_officer_imports_but_keeps_the_record(self):
        record = self._import()
        self.assertTrue(self._call("officer", record._name, "read", record.ids, ["file"]))
        with self.assertRaises(AccessError):
            self._call("officer", record._name, "unlink", record.ids)
        for method, arguments in (("create", [[{}]]), ("write", [record.line_ids.ids, {}])):
            with self.subTest(method), self.assertRaises(AccessError):
                self._call("officer", "g2p.fa.import.line", method, *arguments)
        self._call("officer", record._name, "action_run", record.ids)
        self.assertEqual(record.state, "running")

    def test_files_of_imports_are_nobody_elses(self):
        """Neither as fields nor as attachments."""
        record = self._import()
        files = self.env["ir.attachment"].search(
            [("res_model", "=", record._name), ("res_field", "!=", False)]
        )
        files = files.filtered(lambda file: file.res_id == record.id)
        self.assertEqual(set(files.mapped("res_field")), {"file", "rejected_file"})
        for role in ("public", "portal", "internal", "viewer"):
            for method, arguments in (("read", [files.ids, ["datas"]]), ("write", [files.ids, {}])):
                with self.subTest(role=role, method=method), self.assertRaises(AccessError):
                    self._call(role, "ir.attachment", method, *arguments)
            domain = [("res_model", "=", record._name), ("res_field", "!=", False)]
            with self.subTest(role=role), self.assertRaises(AccessError):
                self._call(role, "ir.attachment", "search", domain)

    def test_trying_a_strategy_needs_a_group(self):
        values = {"strategy_id": self._strategy(101).id}
        specification = {"constructed": {}, "strategy_id": {}, "account_number": {}}
        arguments = ([], values, [], specification)
        for role in ("public", "portal", "internal"):
            with self.subTest(role), self.assertRaises(AccessError):
                self._call(role, "g2p.fa.strategy.try", "onchange", *arguments)
        self._call("viewer", "g2p.fa.strategy.try", "onchange", *arguments)

    def test_settings_are_for_system_administrators(self):
        for role in ("viewer", "officer", "manager"):
            with self.subTest(role), self.assertRaises(AccessError):
                self._call(
                    role,
                    "res.config.settings",
                    "create",
                    [{"g2p_spar_known_namespaces_only": True}],
                )

    def test_groups_build_on_each_other(self):
        manager, officer, viewer = (self.users[r] for r in ("manager", "officer", "viewer"))
        self.assertTrue(manager.has_group("g2p_spar_fa_directory.group_officer"))
        self.assertTrue(officer.has_group("g2p_spar_fa_directory.group_viewer"))
        self.assertFalse(officer.has_group("g2p_spar_fa_directory.group_manager"))
        self.assertFalse(viewer.has_group("g2p_spar_fa_directory.group_officer"))
        admin = self.env.ref("base.user_admin")
        self.assertTrue(admin.has_group("g2p_spar_fa_directory.group_manager"))
