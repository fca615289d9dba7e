# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""docs/integrator.md says what the code does. Its commands are run in tests/test_guide.py."""

from pathlib import Path

from odoo.tests import BaseCase

from odoo.addons.g2p_spar_connector.controllers import dispatcher
from odoo.addons.g2p_spar_connector.g2p_connect import (
    directory_v2,
    envelope,
    items,
    members,
    text,
    values,
)
from odoo.addons.g2p_spar_fa_directory.financial_address import FA_MAX_LENGTH
from odoo.addons.g2p_spar_fa_directory.ids import ID_MAX_LENGTH

from .. import api
from ..models import g2p_spar_message_status, g2p_spar_rate_limit
from ..models.g2p_spar_exchange import TS_WINDOW_SECONDS
from ..openapi import document

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "integrator.md"
LIMITS = (
    api.MAX_BODY_BYTES,
    api.MAX_ITEMS,
    dispatcher.DEFAULT_MAX_CONTENT_LENGTH,
    dispatcher.FORM_MAX_FIELDS,
    members.IDENTIFIER_MAX_LENGTH,
    envelope.TRANSACTION_ID_MAX_LENGTH,
    envelope.URI_MAX_LENGTH,
    items.REFERENCE_ID_MAX_LENGTH,
    items.MESSAGE_MAX_LENGTH,
    ID_MAX_LENGTH,
    FA_MAX_LENGTH,
    values.NAME_MAX_LENGTH,
    values.PHONE_MAX_LENGTH,
    text.INFO_MAX_BYTES,
    text.INFO_MAX_DEPTH,
    TS_WINDOW_SECONDS,
    directory_v2.PAGE_MAX_SIZE,
    g2p_spar_message_status.WINDOW_MESSAGES,
    g2p_spar_message_status.WINDOW_ITEMS,
    g2p_spar_rate_limit.TOKENS_PER_ADDRESS,
    g2p_spar_rate_limit.TOKENS_PER_CLIENT,
    g2p_spar_rate_limit.REFUSED_SIGN_IN_COST,
    g2p_spar_rate_limit.HIT_COST,
    g2p_spar_rate_limit.MISS_COST,
    g2p_spar_rate_limit.REJECTED_WRITE_COST,
)


class TestGuide(BaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.guide = GUIDE.read_text(encoding="utf-8")

    def section(self, title):
        return self.guide.partition(f"\n{title}\n")[2].partition("\n## ")[0]

    def test_every_code_is_explained_as_the_api_explains_it(self):
        for table in document()["x-codes"].values():
            for code, meaning in table.items():
                cells = [f"`{code}`", meaning["when"], meaning["what_to_do"]]
                if "operations" in meaning:
                    cells.insert(1, ", ".join(meaning["operations"]))
                self.assertIn(f"| {' | '.join(cells)} |", self.section("## Answers"))

    def test_every_path_is_named(self):
        table = self.guide.partition("## Ten minutes")[0]
        for path in document()["paths"]:
            self.assertIn(f"`{path}`", table)

    def test_every_limit_is_told(self):
        section = self.section("## Limits")
        for limit in LIMITS:
            self.assertRegex(section, rf"\b{limit}\b")

    def test_every_link_within_leads_somewhere(self):
        titles = [line for line in self.guide.splitlines() if line.startswith("#")]
        anchors = {
            "".join(
                c for c in title.lstrip("# ").lower().replace(" ", "-") if c.isalnum() or c == "-"
            )
            for title in titles
        }
        for target in self.guide.split("](#")[1:]:
            self.assertIn(target.partition(")")[0], anchors)
