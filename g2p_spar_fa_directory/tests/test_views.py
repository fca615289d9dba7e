# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

import threading
from unittest.mock import patch

from lxml import etree

from odoo.tests import Form, HttpCase, tagged
from odoo.tools.safe_eval import safe_eval

from .common import DirectoryCommon

MODELS = (
    "g2p.fa.account.rule",
    "g2p.fa.branch",
    "g2p.fa.provider",
    "g2p.fa.strategy",
    "g2p.id.namespace",
)


class TestViews(DirectoryCommon):
    def test_officer_adds_a_provider_and_a_branch(self):
        officer = self._create_user("officer")
        form = Form(self.env["g2p.fa.provider"].with_user(officer))
        form.name = "New Bank"
        form.code = "TNEW"
        form.country_id = self.india
        form.strategy_id = self._strategy(2)
        form.account_rule_id = self.bank.account_rule_id
        provider = form.save()
        self.assertEqual(provider.branch_count, 0)

        action = provider.action_view_branches()
        form = Form(self.env["g2p.fa.branch"].with_user(officer).with_context(**action["context"]))
        form.name = "High Street"
        form.code = "TNEW1"
        branch = form.save()
        self.assertEqual(branch.provider_id, provider)

    def test_another_kind_of_account_drops_strategy_and_rule(self):
        form = Form(self.plain_bank)
        form.fa_type = "mobile_wallet"
        self.assertFalse(form.strategy_id)
        form.strategy_id = self._strategy(4)
        form.save()

    def test_manager_adds_a_strategy(self):
        form = Form(self.env["g2p.fa.strategy"].with_user(self._create_user("manager")))
        form.name = "New"
        form.code = 9001
        form.strategy_type = "ID"
        form.construct_pattern = "x:{sub}@new"
        self.assertFalse(form.save().fa_type)

    def test_strategy_in_use_is_read_only(self):
        form = Form(self._strategy(2))
        for field in ("code", "strategy_type", "fa_type", "construct_pattern"):
            with self.subTest(field), self.assertRaisesRegex(AssertionError, "readonly"):
                setattr(form, field, getattr(form, field))
        form.name = "Renamed"
        form.save()

    def test_manager_adds_a_rule_and_a_namespace(self):
        manager = self._create_user("manager")
        form = Form(self.env["g2p.fa.account.rule"].with_user(manager))
        form.name = "New"
        form.code = 9001
        form.fa_type = "bank"
        form.check_method = "iban"
        form.save()
        form = Form(self.env["g2p.id.namespace"].with_user(manager))
        form.name = "newId"
        form.case_sensitive = True
        form.save()

    def test_every_view_loads_for_every_group(self):
        for role in ("viewer", "officer", "manager"):
            user = self._create_user(role)
            for model in MODELS:
                views = [(False, kind) for kind in ("list", "form", "search")]
                result = self.env[model].with_user(user).get_views(views)
                self.assertEqual(set(result["views"]), {"list", "form", "search"})

    def test_filters_and_groupings_work(self):
        """Run each domain and each group-by of the search views."""
        for model in MODELS:
            records = self.env[model]
            arch = (
                self.env["ir.ui.view"]
                .search([("model", "=", model), ("type", "=", "search")])
                .get_combined_arch()
            )
            tree = etree.fromstring(arch)
            for node in tree.iter("filter"):
                with self.subTest(model=model, filter=node.get("name")):
                    if domain := node.get("domain"):
                        records.search(safe_eval(domain))
                    if context := node.get("context"):
                        group_by = safe_eval(context)["group_by"]
                        records.formatted_read_group([], [group_by], ["__count"])
            for node in tree.iter("field"):
                with self.subTest(model=model, field=node.get("name")):
                    domain = node.get("filter_domain") or f"[('{node.get('name')}', '=', self)]"
                    records.search(safe_eval(domain, {"self": "1"}))

    def test_menus_by_group(self):
        def names(role):
            menus = self.env["ir.ui.menu"].with_user(self._create_user(role))
            return {
                self.env["ir.ui.menu"].browse(menu_id)._get_external_ids()[menu_id][0]
                for menu_id in menus._visible_menu_ids()
                if self.env["ir.ui.menu"].browse(menu_id)._get_external_ids()[menu_id]
            }

        directory = "g2p_spar_fa_directory.menu_directory"
        viewers = names("viewer")
        self.assertIn(directory, viewers)
        self.assertNotIn("g2p_spar_fa_directory.menu_import", viewers)
        officers = names("officer")
        self.assertIn("g2p_spar_fa_directory.menu_import", officers)
        self.assertNotIn("g2p_spar_fa_directory.menu_configuration", officers)
        self.assertNotIn("g2p_spar_fa_directory.menu_root", names("internal"))


@tagged("post_install", "-at_install")
class TestBackEnd(HttpCase, DirectoryCommon):
    """The screens in a browser, and the files they offer."""

    def test_viewer_tries_a_strategy(self):
        self._create_user("viewer")
        self.start_tour(
            "/odoo/spar-strategies",
            "g2p_fa_strategy_try",
            login="spar-directory-viewer",
            timeout=180,
        )

    def test_officer_finds_a_branch(self):
        self._create_user("officer")
        self.start_tour(
            "/odoo/spar-providers",
            "g2p_fa_provider_branches",
            login="spar-directory-officer",
            timeout=180,
        )

    def test_officer_imports_a_file(self):
        """Upload, preview, import. The job begins once the browser has seen that it will."""
        self._create_user("officer")
        imports = type(self.env["g2p.fa.import"])
        web_read, seen, threads = imports.web_read, threading.Event(), []

        def watched(records, specification):
            values = web_read(records, specification)
            if any(record.get("state") == "running" for record in values):
                seen.set()
            return values

        def run_later(*_args):
            threads.append(threading.Thread(target=self._run_imports, args=(seen,)))
            threads[-1].start()

        with (
            patch.object(type(self.env["ir.cron"]), "_trigger", run_later),
            patch.object(imports, "web_read", watched),
        ):
            self.start_tour(
                "/odoo/spar-imports",
                "g2p_fa_import",
                login="spar-directory-officer",
                timeout=180,
            )
        for thread in threads:
            thread.join()
        provider = self.env["g2p.fa.provider"].search([("code", "=", "TIMP")])
        self.assertEqual((provider.name, provider.branch_count), ("Imported Bank", 1))

    def _run_imports(self, seen):
        self.assertTrue(seen.wait(timeout=60))
        with self.registry.cursor() as cr:
            self.env(cr=cr)["g2p.fa.import"]._cron_run()

    def test_every_screen_opens(self):
        self._create_user("manager")
        for path in (
            "providers",
            "branches",
            "imports",
            "strategies",
            "account-rules",
            "id-namespaces",
        ):
            with self.subTest(path):
                self.browser_js(
                    f"/odoo/spar-{path}",
                    "console.log('test successful')",
                    "document.querySelector('.o_list_view, .o_kanban_view') !== null",
                    login="spar-directory-manager",
                )

    def test_templates_and_icon_are_served(self):
        self.authenticate("admin", "admin")
        templates = [
            template["template"]
            for model in ("g2p.fa.provider", "g2p.fa.branch")
            for template in self.env[model].get_import_templates()
        ]
        self.assertEqual(len(templates), 4)
        folder = "/g2p_spar_fa_directory/static"
        others = ("description/icon.png", "xls/directory.csv", "xls/directory.xlsx")
        for path in (*templates, *(f"{folder}/{name}" for name in others)):
            with self.subTest(path):
                response = self.url_open(path)
                self.assertEqual(response.status_code, 200)
                self.assertTrue(response.content)
