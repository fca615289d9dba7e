# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from unittest.mock import patch

from odoo.tests import new_test_user

from ..web import AGENT_PATH, HOME_PATH
from .pages_common import PagesCase

AGENT = "agent-ana"


class AgentCase(PagesCase):
    """An agent who is a user of the portal, and whose contact has the ID of `token:77`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agent = cls.new_agent(AGENT, name="Ana Agent", email="ana@agents.example")
        cls.env["g2p.spar.id.rule"].search([]).active = False
        cls.rule = cls.env["g2p.spar.id.rule"].create(
            {
                "name": "Reference",
                "source": "field",
                "field_name": "ref",
                "for_portal": True,
                "strategy_id": cls.strategy.id,
            }
        )
        cls.agent.partner_id.ref = "77"

    @classmethod
    def new_agent(cls, login, groups="base.group_portal", **values):
        groups = f"{groups},g2p_spar_self_service.group_agent"
        return new_test_user(cls.env, login, groups=groups, **values)

    def setUp(self):
        super().setUp()
        self.mapper.mappings["token:77@signin-test"] = ("account:777777777777@PLNB", None)
        # why sessions ended: what a request that is sent away writes in a transaction of its own is
        # undone with that request in a test, which has one transaction for all
        self.ended = []
        records = self.env.registry["g2p.spar.assisted.session"]
        close = records.close

        def note(self_, reasons):
            self.ended += reasons.values()
            close(self_, reasons)

        self.startPatcher(patch.object(records, "close", note))

    # --- the agent's browser --- #

    def as_agent(self, agent=None):
        self.log_in((agent or self.agent).login)

    def begin_with_agent(self, provider=None):
        """Where the browser is sent by the button of a provider on the agent's page."""
        path = f"{AGENT_PATH}/begin/{(provider or self.provider).id}"
        answer = self.post(path, csrf_token=self.csrf(AGENT_PATH))
        self.assertEqual(answer.status_code, 303, answer.text)
        return answer.headers["Location"]

    def arrive_with_agent(self, sub="alice", **claims):
        """The person signs in at the agent's screen; the answer to the return."""
        claims = {"email": f"{sub}@example.org", "email_verified": True, **claims}
        return self.come_back(self.idp.authorize(self.begin_with_agent(), sub, **claims))

    def help(self, sub="alice", number=None, **claims):
        """From the agent's page to the person's address."""
        if number:
            fa = f"account:{number}@PLNB"
            self.mapper.mappings[f"token:{sub}@signin-test"] = (fa, None)
        answer = self.arrive_with_agent(sub, **claims)
        self.assertEqual(answer.status_code, 303, answer.text)
        self.visit(HOME_PATH)
        self.assertEqual(self.answer.status_code, 200)
        return self.page

    def end(self):
        """Press the button that ends the session; the answer."""
        return self.post(f"{AGENT_PATH}/end", csrf_token=self.csrf(AGENT_PATH))

    def banner(self):
        return " ".join(
            part.text_content() for part in self.page.xpath("//section[@class='assisted']")
        )

    def link(self, sub, number, **more):
        """A person who has no address yet asks for one with the agent's help."""
        self.help(sub)
        self.choose(number=number, **more)
        self.confirm(sub)
        self.end()

    def confirm(self, sub="alice", **claims):
        """On the review page: the person signs in once more, and confirms."""
        claims = {"email": f"{sub}@example.org", "email_verified": True, **claims}
        self.show(self.sign_in_again(sub, **claims))
        self.press_button("Confirm")

    # --- what came of it --- #

    def assisted(self):
        """Sessions of agents, as a supervisor finds them."""
        self.env.invalidate_all()
        records = self.env["g2p.spar.assisted.session"].sudo()
        return records.search([("agent_id", "=", self.agent.id)], order="id")

    def refusals(self):
        return self.assisted().refusal_ids.sorted("id").mapped("reason")

    def assertNobodyHelped(self):
        """The agent's own address again, and nothing of anybody's."""
        self.visit(HOME_PATH)
        self.assertFalse(self.banner())
        self.assertIn("••••7777", self.text)
