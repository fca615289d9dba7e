# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What is kept and told of changes that agents help with."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from odoo.addons.g2p_spar_fa_directory.financial_address import FinancialAddress

from ..web import AGENT_PATH, HOME_PATH
from .agent_common import AgentCase
from .pages_common import CHANGE_PATH, REVIEW_PATH

SESSIONS = "g2p.spar.beneficiary.session"
# Of account 532013000.
IBAN = "DE89370400440532013000"


@tagged("post_install", "-at_install")
class TestAgentChanges(AgentCase):
    def setUp(self):
        super().setUp()
        self.as_agent()

    def digest(self, sub):
        return self.env["g2p.spar.change"].digest_of(f"token:{sub}@signin-test")

    def links(self):
        self.env.invalidate_all()
        return self.env["g2p.spar.assisted.link"].sudo().search([("agent_id", "=", self.agent.id)])

    # === the agent's own === #

    def test_own_short_number(self):
        """Where telephone numbers have seven digits, and the person's is told with its prefix."""
        self.agent.partner_id.phone = "123-4567"
        claims = {"phone_number": "+632 1234567", "phone_number_verified": True}
        self.show(self.arrive_with_agent("alice", **claims))
        self.assertEqual(self.refusals(), ["own_contact"])
        checks = self.env["g2p.spar.assisted.check"]
        for number, is_own in (("1234567", True), ("1234568", False)):
            address = FinancialAddress(
                "any", fa_type="mobile_wallet", provider_code="TSTW", number=number
            )
            self.assertEqual(checks._is_own_number(self.agent, address), is_own)

    def test_own_number_in_a_login(self):
        """An e-mail address is none, though it may begin with the number of somebody else."""
        wallet = FinancialAddress(
            "any", fa_type="mobile_wallet", provider_code="TSTW", number="9170000001"
        )
        checks = self.env["g2p.spar.assisted.check"]
        for login, is_own in (("09170000001@agents.example", False), ("09170000001", True)):
            agent = self.new_agent(login, email="any@agents.example")
            self.assertEqual(checks._is_own_number(agent, wallet), is_own)

    def test_own_iban(self):
        """Its number alone is the same account, and the other way round."""
        checks = self.env["g2p.spar.assisted.check"]
        for own, typed in ((IBAN, "0532013000"), ("532013000", IBAN)):
            bank = self.env["res.partner.bank"].create(
                {"partner_id": self.agent.partner_id.id, "acc_number": own}
            )
            address = FinancialAddress("any", fa_type="bank", provider_code="X", number=typed)
            other = FinancialAddress("any", fa_type="bank", provider_code="X", number="532013001")
            self.assertTrue(checks._is_own_number(self.agent, address), typed)
            self.assertFalse(checks._is_own_number(self.agent, other))
            # and when it was removed
            bank.unlink()
            self.assertTrue(checks._is_own_number(self.agent, address), typed)
            self.env.cr.execute("DELETE FROM g2p_spar_agent_own")

    def test_iban_on_record(self):
        self._iban_bank()
        self.mapper.mappings["token:77@signin-test"] = (f"account:{IBAN}@IBNB", None)
        self.help("alice")
        self.choose(number="532013000")
        self.assertIn("This account is yours", self.error_of("number"))

    def _iban_bank(self):
        rules = self.env["g2p.fa.account.rule"]
        rule = rules.search([("check_method", "=", "iban")], limit=1)
        self.plain_bank.copy({"name": "Iban Bank", "code": "IBNB", "account_rule_id": rule.id})

    # === what is counted === #

    def test_iban_and_its_number(self):
        """They are one account; the same number at another bank is another one."""
        self.env["ir.config_parameter"].set_param("g2p_spar.assisted_shared_accounts", "0")
        self._iban_bank()
        self.plain_bank.copy({"name": "Other Bank", "code": "OTHB"})
        self.link("alice", IBAN, provider="Iban Bank")
        self.help("bob")
        self.choose(number="532013000")
        self.assertIn("several other people asked to be paid", self.error_of("number"))
        self.end()
        self.link("carol", "987654321")
        self.link("dave", "987654321", provider="Other Bank")
        self.assertEqual(len(self.changes()), 3)
        self.assertEqual(len({link.person_digest for link in self.links()}), 3)

    def test_one_wallet_at_several_providers(self):
        self.env["ir.config_parameter"].set_param("g2p_spar.assisted_shared_accounts", "0")
        self.wallet.copy({"name": "Other Wallet", "code": "OTHW"})
        number = "9170000001"
        self.link("alice", number, kind="mobile_wallet", provider="Testing Wallet")
        self.help("bob")
        self.choose(kind="mobile_wallet", provider="Other Wallet", number=number)
        self.assertIn("several other people asked to be paid", self.error_of("number"))

    def test_what_is_refused_is_not_counted(self):
        """Nobody can be told of the change, as it turns out when it is asked for."""
        company = self.env.ref("base.public_user").company_id
        company.spar_change_needs_contact = False
        self.help("alice", number="111122223333", email="")
        self.choose(number="123456789012")
        company.spar_change_needs_contact = True
        self.confirm("alice", email="")
        self.assertEqual(self.answer.status_code, 409, self.text)
        self.assertIn("no e-mail address of yours", self.text)
        self.assertFalse(self.changes())
        self.assertFalse(self.links())

    # === who decides, in which language === #

    def test_the_company_of_the_site_decides(self):
        """Not the one that the agent works for."""
        company = self.env["res.company"].create({"name": "Other Ministry"})
        company.spar_change_needs_contact = False
        self.agent.write({"company_ids": [(6, 0, company.ids)], "company_id": company.id})
        site = self.env.ref("base.public_user").company_id
        site.spar_change_needs_contact = True
        self.provider.company_id = False
        self.env["g2p.spar.connector"].search([]).company_id = False
        self.help("alice", number="111122223333", email="")
        self.visit(CHANGE_PATH)
        self.assertEqual(self.answer.status_code, 409, self.text)
        self.assertIn("no e-mail address of yours", self.text)

    def test_the_persons_language_stays(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        known = self.env["g2p.spar.known.contact"].sudo()
        french = {"email": "alice@example.org", "phone": "", "lang": "fr_FR"}
        known.note(self.digest("alice"), [french])
        self.help("alice", number="111122223333")
        self.choose(number="123456789012")
        self.confirm("alice")
        [change] = self.changes()
        self.assertEqual(change.lang, "fr_FR")
        [contact] = known.of_person(self.digest("alice"))
        self.assertEqual(contact.contact()["lang"], "fr_FR")

    # === how agents are named === #

    def test_name_in_messages(self):
        """It is the agent's to edit: it leads nobody anywhere."""
        self.agent.name = "Call 0917 000 0001 or https://evil.example"
        self.help("alice", number="111122223333")
        self.choose(number="123456789012")
        self.confirm("alice")
        [change] = self.changes()
        mail = self.env["mail.mail"].sudo().search([("spar_change_id", "=", change.id)])
        self.assertIn("The agent Call or httpsevil. example helped you with it.", mail.body_html)
        self.assertIn("The agent Call or httpsevil. example helped you with it.", self.text)
        self.assertEqual(change.agent_name, "Call 0917 000 0001 or https://evil.example")

    def test_name_of_digits(self):
        self.agent.name = "12345"
        self.help("alice", number="111122223333")
        self.choose(number="123456789012")
        self.confirm("alice")
        self.assertIn("An agent helped you with it.", self.text)

    def test_another_name_is_no_other_agent(self):
        self.help("alice")
        self.end()
        self.agent.name = "Bea Agent"
        with self.other_browser():
            self.as_agent()
            self.help("bob")
        view = self.env.ref("g2p_spar_self_service.g2p_spar_assisted_session_view_search")
        self.assertIn("{'group_by': 'agent_id'}", view.arch)
        assisted = self.assisted()
        self.assertEqual(assisted.mapped("agent_name"), ["Ana Agent", "Bea Agent"])
        domain = [("agent_id", "ilike", "bea")]
        groups = assisted.web_read_group(domain, ["agent_id"], ["__count"])["groups"]
        self.assertEqual([group["__count"] for group in groups], [2])

    # === how sessions end === #

    def test_drafts_before_sessions(self):
        """In the order in which a confirmation locks them, else each waits for the other."""
        self.help("alice", number="111122223333")
        self.choose(number="123456789012")
        session, stored = self.sessions()[-1].sudo(), []
        drafts = self.env.registry["g2p.spar.change.draft"]
        wipe = drafts._wipe

        def note(draft):
            wipe(draft)
            self.env.cr.execute(
                """SELECT s.ended_at, d.content_sealed
                FROM g2p_spar_beneficiary_session s, g2p_spar_change_draft d
                WHERE s.id = %s AND d.id = %s""",
                [session.id, draft.id],
            )
            stored.extend(self.env.cr.fetchall())

        with patch.object(drafts, "_wipe", note):
            session.end()
        self.assertEqual(stored, [(None, None)], "the draft is written, the session not yet")
        self.assertTrue(session.ended_at)

    def test_a_transaction_for_each(self):
        self.help("alice")
        self.agent = self.new_agent("agent-second")
        with self.other_browser():
            self.as_agent()
            self.help("bob")
        sessions = self.env[SESSIONS].sudo().search([("agent_id", "!=", False)])
        self.assertEqual(len(sessions), 2)
        now = fields.Datetime.now() + timedelta(minutes=6)
        ended, left = [], [1, 0]

        def commit(_jobs, processed=0, **_other):
            ended.append(len(sessions.filtered("ended_at")))
            return left.pop(0)

        jobs = self.env.registry["ir.cron"]
        with (
            patch.object(fields.Datetime, "now", lambda: now),
            patch.object(jobs, "_commit_progress", commit),
        ):
            self.env[SESSIONS]._cron_end_assisted()
        self.assertEqual(ended, [1, 2])

    def test_what_has_not_ended_is_found_by_an_index(self):
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        self.env.cr.execute(
            """EXPLAIN SELECT id FROM g2p_spar_assisted_session
            WHERE session_id IS NULL AND ended_at IS NULL ORDER BY id DESC"""
        )
        plan = "\n".join(row[0] for row in self.env.cr.fetchall())
        self.assertIn("g2p_spar_assisted_session_open_idx", plan)

    def test_log_out_has_a_transaction_of_its_own(self):
        """It may be noticed where only reading is allowed. In a test, whatever is opened beside a
        cursor shares its transaction."""
        self.visit(AGENT_PATH)
        self.visit(HOME_PATH)
        self.choose(number="123456789012")
        drafts = self.env["g2p.spar.change.draft"].sudo()
        [draft] = drafts.search([("person_digest", "=", self.digest("77"))])
        self.assertTrue(draft.content_sealed)
        self.assertEqual(self.path, REVIEW_PATH)
        registry = self.env.registry
        with patch.object(registry, "cursor", wraps=registry.cursor) as cursor:
            drafts.forget_web_session(self.web_session.sid)
        cursor.assert_called_once_with()
        self.assertFalse(draft.content_sealed)
