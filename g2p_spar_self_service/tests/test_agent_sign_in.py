# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What the provider remembers of people who have signed in at an agent's screen opens nothing."""

import time
from unittest.mock import patch
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

    def test_longer_ago_than_is_noted(self):
        """Whether it was at an agent's screen is not known any more: everybody signs in afresh."""
        with self.other_browser():
            answer = self.sign_in("alice", auth_time=int(time.time()) - 31 * 24 * 3600)
            self.assertAfresh(answer.headers["Location"])
            answer = self.sign_in("alice", auth_time=int(time.time()) - 29 * 24 * 3600)
            self.assertSignedIn(answer)

    def test_two_clients_of_one_provider(self):
        """Each is told another subject, and the same ID."""
        self.provider.id_claim = "national_id"
        second = self.new_provider(self.idp, "spar-two", id_claim="national_id")
        self.help("alice", national_id="2026000001")
        self.end()
        for subject, national_id, is_asked in (
            ("alice-two", "2026000001", True),
            ("bob-two", "2026000002", False),
        ):
            with self.other_browser():
                told = {"auth_time": self.idp.last_auth_time, "national_id": national_id}
                answer = self.sign_in(subject, provider=second, **told)
                if is_asked:
                    self.assertAfresh(answer.headers["Location"])
                else:
                    self.assertSignedIn(answer)

    # === a session that came first === #

    def _alone(self, sub="alice", **claims):
        """Begin an ordinary session in another browser; it."""
        with self.other_browser():
            self.assertSignedIn(self.sign_in(sub, **claims))
        return self.sessions()[-1]

    def test_session_that_came_first(self):
        """The agent holds the return back until the same sign-in has begun a session alone."""
        location = self.begin_with_agent()
        before = self._alone()
        back = self.idp.authorize(location, "alice")
        alone = self._alone(auth_time=self.idp.last_auth_time)
        other = self._alone("bob", auth_time=self.idp.last_auth_time)
        self.show(self.come_back(back))
        self.assertEqual(self.refusals(), ["old_sign_in"])
        self.env.invalidate_all()
        self.assertTrue(alone.ended_at)
        self.assertFalse(alone.sudo().person_sealed)
        self.assertFalse(before.ended_at or other.ended_at, "other sign-ins, and other people")

    def test_session_that_came_first_without_a_time(self):
        self.idp.id_token = {"auth_time": None}
        before = self._alone()
        self.env.cr.execute(
            "UPDATE g2p_spar_beneficiary_session SET started_at = started_at - interval '1 hour'"
            " WHERE id = %s",
            [before.id],
        )
        location = self.begin_with_agent()
        alone = self._alone()
        self.idp.id_token = {}
        self.show(self.come_back(self.idp.authorize(location, "alice")))
        self.env.invalidate_all()
        self.assertTrue(alone.ended_at)
        self.assertFalse(before.ended_at)

    def test_what_the_transaction_does_not_know(self):
        """It began before the provider was asked. Whoever notes a sign-in at this moment waits; in
        a test, whatever is opened beside a cursor shares its transaction."""
        sign_ins, registry = self.env[SIGN_INS], self.env.registry
        covers, opened, locks = registry[SIGN_INS].covers, [], []

        def note(model, provider, identity):
            with patch.object(registry, "cursor", wraps=registry.cursor) as cursor:
                result = covers(model, provider, identity)
            opened.append(cursor.call_count)
            model.env.cr.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                " AND pid = pg_backend_pid() AND granted"
            )
            locks.append(model.env.cr.fetchone()[0])
            return result

        with patch.object(registry[SIGN_INS], "covers", note):
            self._alone("carol")
        self.assertEqual(opened, [1])
        self.assertEqual(locks, [2], "by subject, and by ID")
        self.assertFalse(sign_ins.sudo().search([]))

    # === a sign-in that confirms === #

    def _confirm_with_one_before(self, seconds):
        """The person has signed in so long before this is to be confirmed."""
        self.choose(number="123456789012")
        action, values = self.form("Sign in again to confirm")
        location = self.post(action, **values).headers["Location"]
        told = int(time.time()) - seconds
        return self.come_back(self.idp.authorize(location, "alice", auth_time=told))

    @mute_logger(*_QUIET)
    def test_sign_in_for_another_change(self):
        """The agent holds its return back, and has something else confirmed with it."""
        self.help("alice", number="111122223333")
        self.env.cr.execute(
            "UPDATE g2p_spar_beneficiary_session SET auth_time = auth_time - interval '90 seconds'"
            " WHERE agent_id = %s",
            [self.agent.id],
        )
        self.assertEqual(self._confirm_with_one_before(seconds=20).status_code, 403)
        self.assertEqual(self._confirm_with_one_before(seconds=0).status_code, 303)

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
        noted = sign_ins.search([])
        self.assertTrue(noted)
        sign_ins._gc()
        self.assertEqual(sign_ins.search([]), noted)
        self.env.cr.execute(
            "UPDATE g2p_spar_assisted_sign_in SET noted_at = noted_at - interval '31 days'"
        )
        sign_ins._gc()
        self.assertFalse(sign_ins.search([]))
