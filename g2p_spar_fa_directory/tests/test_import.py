# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

import csv
import io

from odoo.tools import file_open, mute_logger

from .common import DirectoryCommon

OPTIONS = {
    "has_headers": True,
    "quoting": '"',
    "separator": ",",
    "float_thousand_separator": ",",
    "float_decimal_separator": ".",
    "advanced": False,
}
MIME = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class TestImport(DirectoryCommon):
    """Odoo's own importer, as an officer uses it, with the files that it offers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.officer = cls._create_user("officer")

    def _import(self, model, content, extension):
        """Run the two steps of the import screen; return the messages of the second."""
        wizard = self.env["base_import.import"].with_user(self.officer)
        wizard = wizard.create(
            {
                "res_model": model,
                "file": content,
                "file_name": f"file.{extension}",
                "file_type": MIME[extension],
            }
        )
        preview = wizard.parse_preview(dict(OPTIONS))
        self.assertNotIn("error", preview, preview.get("error"))
        matches = preview["matches"]
        columns = preview["headers"]
        fields = ["/".join(matches[i]) if i in matches else False for i in range(len(columns))]
        self.assertTrue(all(fields), f"columns without a field: {columns}, {fields}")
        return wizard.execute_import(fields, columns, preview["options"])["messages"]

    def _import_rows(self, model, rows):
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        return self._import(model, text.getvalue().encode(), "csv")

    def test_templates(self):
        """Both formats, providers first: what comes out is the same each time."""
        for extension in ("csv", "xlsx"):
            with self.subTest(extension), self.cr.savepoint() as savepoint:
                for model in ("g2p.fa.provider", "g2p.fa.branch"):
                    templates = self.env[model].get_import_templates()
                    (path,) = [
                        t["template"] for t in templates if t["template"].endswith(extension)
                    ]
                    with file_open(path.lstrip("/"), "rb") as file:
                        self.assertEqual(self._import(model, file.read(), extension), [])
                self._check_imported()
                savepoint.rollback()
                self.env.invalidate_all()

    def _check_imported(self):
        providers = self.env["g2p.fa.provider"].search([("code", "in", ("FEB", "EMM", "EMW"))])
        self.assertEqual(
            {(p.code, p.fa_type, p.country_id.code, p.strategy_id.code, p.account_rule_id.code)
             for p in providers},
            {
                ("FEB", "bank", "IN", 2, 3),
                ("EMM", "mobile_wallet", "IN", 4, 5),
                ("EMW", "email_wallet", "IN", 3, 7),
            },
        )  # fmt: skip
        bank = providers.filtered(lambda provider: provider.code == "FEB")
        self.assertEqual(
            {(b.code, b.name, b.city, b.state_id.code) for b in bank.branch_ids},
            {
                ("FEB0000001", "Main Street", "Mumbai", "MH"),
                ("FEB0000002", "Market Square", "Chennai", "TN"),
            },
        )

    def test_provider_by_code_name_or_country_and_code(self):
        messages = self._import_rows(
            "g2p.fa.branch",
            [
                ["provider_id", "code", "name"],
                ["TPLAIN", "P1", "One"],
                ["Plain Bank", "P2", "Two"],
                ["IN/TPLAIN", "P3", "Three"],
            ],
        )
        self.assertEqual(messages, [])
        self.assertEqual(self.plain_bank.branch_ids.mapped("code"), ["P1", "P3", "P2"])

    @mute_logger("odoo.sql_db")
    def test_ambiguous_provider_is_refused(self):
        self._create_provider(name="Abroad", code="TPLAIN", country_id=self.kenya.id)
        messages = self._import_rows(
            "g2p.fa.branch", [["provider_id", "code", "name"], ["TPLAIN", "P1", "One"]]
        )
        self.assertIn("No matching record found for name 'TPLAIN'", messages[0]["message"])
        self.assertFalse(self.env["g2p.fa.branch"].search([("code", "=", "P1")]))

    def test_bad_rows_are_named(self):
        messages = self._import_rows(
            "g2p.fa.provider",
            [
                ["name", "code", "fa_type", "country_id", "strategy_id"],
                ["Good", "TGOOD", "bank", "IN", "2"],
                ["Unknown strategy", "TBAD1", "bank", "IN", "777"],
            ],
        )
        self.assertEqual(len(messages), 1)
        self.assertEqual((messages[0]["type"], messages[0]["record"]), ("error", 1))
        self.assertIn("777", messages[0]["message"])

    @mute_logger("odoo.sql_db")
    def test_duplicate_code_says_why(self):
        messages = self._import_rows(
            "g2p.fa.provider",
            [["name", "code", "fa_type", "country_id"], ["Same", "tbank", "bank", "IN"]],
        )
        self.assertEqual(len(messages), 1)
        self.assertIn("already has a provider with this code", messages[0]["message"])

    def test_rules_hold_for_imports(self):
        messages = self._import_rows(
            "g2p.fa.provider",
            [
                ["name", "code", "fa_type", "country_id", "strategy_id"],
                ["Wrong kind", "TWRONG", "bank", "IN", "4"],
            ],
        )
        self.assertIn("another kind of account", messages[0]["message"])
