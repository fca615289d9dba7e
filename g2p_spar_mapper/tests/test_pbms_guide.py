# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The code of docs/pbms-developer.md, as a reader would run it."""

import contextlib
import io
import json
import re
from pathlib import Path

from odoo.models import MetaModel
from odoo.tests import TransactionCase

from odoo.addons.g2p_spar_connector import partner_result
from odoo.addons.g2p_spar_connector.g2p_connect.values import Outcome

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "pbms-developer.md"
MODULE = "spar_guide"


class TestPbmsGuide(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.guide = GUIDE.read_text(encoding="utf-8")
        cls.env["g2p.spar.connector"].search([]).action_archive()
        cls.env["g2p.spar.connector"].create({"name": "Here", "backend": "local"})
        providers = cls.env["g2p.fa.provider"].with_context(active_test=False)
        if not providers.search([("code", "=", "PRLC")]):
            strategy = cls.env.ref("g2p_spar_fa_directory.g2p_fa_strategy_101")
            providers.create({"name": "Pearl", "code": "PRLC", "strategy_id": strategy.id})

    def section(self, title):
        return self.guide.partition(f"\n## {title}\n")[2].partition("\n## ")[0]

    def blocks(self, title, language="python"):
        return re.findall(rf"^```{language}\n(.*?)^```$", self.section(title), re.S | re.M)

    def run_block(self, block, names):
        """What a block prints; it leaves its names in ``names``."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block, str(GUIDE), "exec"), names)  # noqa: S102 - the guide is ours
        return printed.getvalue()

    def first_steps(self):
        """:return: the names that they leave, and what they print"""
        names = {"env": self.env}
        _manifest, *steps = self.blocks("First steps")
        return names, "".join(self.run_block(step, names) for step in steps)

    def load_model(self, block):
        """Add the model of a block to the registry for the time of this test."""
        # as Odoo's own tests do; there is no other way in
        from odoo.orm.model_classes import add_to_registry

        names = {"__name__": f"odoo.addons.{MODULE}.models"}
        self.run_block(block, names)
        [definition] = MetaModel._module_to_models__.pop(MODULE)
        name = definition._name
        before = self.registry[name]._base_classes__ if name in self.registry else None
        self.addCleanup(self.unload_model, name, before)
        add_to_registry(self.registry, definition)
        self.registry._setup_models__(self.env.cr, [])

    def unload_model(self, name, before):
        for affected in self.registry.descendants([name], "_inherit", "_inherits"):
            self.registry[affected]._setup_done__ = False
        if before:
            self.registry[name]._base_classes__ = before
        else:
            del self.registry[name]
            self.registry["base"]._inherit_children.discard(name)
        self.registry._setup_models__(self.env.cr, [])

    def test_first_steps(self):
        names, printed = self.first_steps()
        self.assertEqual([printed], self.blocks("First steps", "text"))
        self.assertEqual(names["payable"], names["amina"])
        self.assertEqual(
            list(names["ids"].values()),
            ["token:7700-1@nationalId", "token:7700-2@nationalId", False],
        )

    def test_manifest(self):
        manifest = self.run_block(f"print({self.blocks('First steps')[0]})", {})
        self.assertIn("'depends': ['g2p_spar_connector']", manifest)

    def test_addresses_by_their_parts(self):
        names, _printed = self.first_steps()
        [block] = self.blocks("Addresses by their parts")
        self.assertEqual(
            [self.run_block(block, names)], self.blocks("Addresses by their parts", "text")
        )

    def test_a_payment_manager(self):
        names, _printed = self.first_steps()
        [block] = self.blocks("A payment manager")
        self.load_model(block)
        amina, bao, chidi = names["people"]
        manager = self.env["my.payment.manager"]
        rows, refused = manager._payment_rows({amina: 50, bao: 60, chidi: 70}, "July")
        self.assertEqual(
            rows,
            [
                {
                    "payee": amina.id,
                    "bank_code": "PRLC",
                    "branch_code": "",
                    "account_number": "123456789",
                    "amount": 50,
                }
            ],
        )
        self.assertEqual(set(refused), {bao, chidi})
        connectors = names["connectors"]
        resolved = connectors.resolve_partners(amina)
        kept = json.loads(json.dumps(resolved[amina.id]))
        self.assertEqual(manager._unchanged_since({amina.id: kept}), amina.ids)
        connectors.update_partners([(amina, "account:987654321@PRLC")], "moved")
        self.assertEqual(manager._unchanged_since({amina.id: kept}), [])

    def test_who_is_paid(self):
        names, _printed = self.first_steps()
        [block] = self.blocks("Who is paid")
        self.load_model(block)
        amina, bao, _chidi = names["people"]
        bao.parent_id = amina
        result = names["connectors"].resolve_partners(bao)[bao.id]
        self.assertEqual((result["outcome"], result["payee_partner_id"]), ("id_active", amina.id))

    def test_another_source(self):
        names, _printed = self.first_steps()
        [block] = self.blocks("Another source of IDs")
        self.load_model(block)
        names["rule"].source = "user"
        user = self.env.ref("base.user_admin")
        ids = names["connectors"].id_for_partners(
            user.partner_id + names["amina"], rule=names["rule"]
        )
        self.assertEqual(list(ids.values()), [f"token:{user.login}@nationalId", False])

    def test_every_member_and_outcome_is_told(self):
        names, _printed = self.first_steps()
        members = names["results"][names["amina"].id]
        told = set(re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", self.section("Results"), re.M))
        told = {name for cell in told for name in re.findall(r"\w+", cell)}
        self.assertLessEqual(set(members), told)
        self.assertLessEqual(set(partner_result.PARTNER_OUTCOMES), told)
        outcomes = set(map(str, Outcome)) | set(partner_result.PARTNER_OUTCOMES)
        self.assertLessEqual(told - set(members), outcomes, "nothing that there is not")

    def test_links(self):
        titles = {
            re.sub(r"[^\w-]", "", title.lower().replace(" ", "-"))
            for title in re.findall(r"^#+ (.+)$", self.guide, re.M)
        }
        for target in re.findall(r"\]\(([^)]+)\)", self.guide):
            file, _hash, anchor = target.partition("#")
            if file:
                self.assertTrue((GUIDE.parent / file).exists(), target)
            else:
                self.assertIn(anchor, titles)
