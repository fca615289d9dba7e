# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What the provider remembers of people who have signed in at an agent's screen opens nothing."""

from urllib.parse import parse_qs, urlsplit

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..web import HOME_PATH
from .agent_common import AgentCase

_QUIET = ("odoo.http", "odoo.addons.g2p_spar_self_service.controllers.sign_in")
SIGN_INS = "g2p.spar.assisted.sign.in"


@tagged("post_install", "-at_install")
class TestSignInAfterAgent(AgentCase):
    """The provider's own cookie is in the agent's browser, and answers without asking anybody."""

    def setUp(self):
        super().setUp()
        self.as_agent()

    def silently(self, sub="alice", **claims):
        """An ordinary sign-in in a browser where the provider has somebody signed in still; the
        answer to the return."""
        with self.other_browser():
            answer = self.come_back(
                self.idp.authorize(self.begin(), sub, auth_time=self.idp.last_auth_time, **claims)
            )
            self.signed_in_there = self.get(HOME_PATH).status_code == 200
            if answer.status_code == 303 and self.idp.issuer in answer.headers["Location"]:
                self.assertAfresh(answer.headers["Location"])
                with mute_logger(*_QUIET):
                    back = self.idp.authorize(
                        answer.headers["Location"], sub, auth_time=self.idp.last_auth_time
                    )
                    self.assertNotSignedIn(self.come_back(back))
                self.afresh = self.come_back(self.idp.authorize(self._anew(sub, claims), sub))
                self.signed_in_afresh = self.get(HOME_PATH).status_code == 200
        return answer

    def _anew(self, sub, claims):
        back = self.idp.authorize(self.begin(), sub, auth_time=self.idp.last_auth_time, **claims)
        return self.come_back(back).headers["Location"]

    def assertAfresh(self, location):
        query = parse_qs(urlsplit(location).query)
        self.assertEqual((query["prompt"], query["max_age"]), (["login"], ["0"]))

    def assertAskedAgain(self, **claims):
        answer = self.silently(**claims)
        self.assertIn(self.idp.issuer, answer.headers["Location"])
        self.assertFalse(self.signed_in_there)
        # the person themselves, who signs in now, is let in
        self.assertTrue(self.signed_in_afresh)

    def test_after_the_end(self):
        self.help("alice")
        self.end()
        self.assertAskedAgain()

    def test_while_it_lasts(self):
        self.help("alice")
        self.assertAskedAgain()

    def test_sign_in_that_confirmed(self):
        self.help("alice", number="111122223333")
        self.choose(number="123456789012")
        self.show(self.sign_in_again("alice"))
        self.end()
        self.assertAskedAgain()

    def test_refused_person(self):
        self.show(self.arrive_with_agent("alice", email="ana@agents.example"))
        self.assertEqual(self.refusals(), ["own_contact"])
        self.assertAskedAgain()

    @mute_logger(*_QUIET)
    def test_somebody_else_confirms(self):
        self.help("bob", number="111122223333")
        self.choose(number="123456789012")
        self.assertEqual(self.sign_in_again("alice").status_code, 403)
        self.assertAskedAgain()

    @mute_logger(*_QUIET)
    def test_another_user_has_logged_in(self):
        location = self.begin_with_agent()
        self.env.ref("g2p_spar_self_service.group_agent").user_ids -= self.agent
        self.assertEqual(self.come_back(self.idp.authorize(location, "alice")).status_code, 403)
        self.assertAskedAgain()

    def test_time_that_is_not_told(self):
        """For a day: then no provider has them signed in still."""
        self.help("alice")
        self.end()
        self.idp.id_token = {"auth_time": None}
        with self.other_browser():
            answer = self.sign_in("alice")
            self.assertAfresh(answer.headers["Location"])
            self.env.cr.execute(
                "UPDATE g2p_spar_assisted_sign_in SET noted_at = noted_at - interval '25 hours'"
            )
            self.assertSignedIn(self.sign_in("alice"))

    def test_others_are_not_asked_again(self):
        self.help("alice")
        self.end()
        with self.other_browser():
            self.assertSignedIn(self.sign_in("bob"))
        with self.other_browser():
            self.assertSignedIn(self.sign_in("alice"))

    def test_at_an_agents_screen(self):
        """Whoever signs in there without help does so now: it may not be the one before."""
        self.assertAfresh(self.begin())
        with self.other_browser():
            self.assertNotIn("prompt", parse_qs(urlsplit(self.begin()).query))

    def test_kept_for_30_days(self):
        self.help("alice")
        sign_ins = self.env[SIGN_INS].sudo()
        self.assertEqual(len(sign_ins.search([])), 1)
        sign_ins._gc()
        self.assertEqual(len(sign_ins.search([])), 1)
        self.env.cr.execute(
            "UPDATE g2p_spar_assisted_sign_in SET noted_at = noted_at - interval '31 days'"
        )
        sign_ins._gc()
        self.assertFalse(sign_ins.search([]))
