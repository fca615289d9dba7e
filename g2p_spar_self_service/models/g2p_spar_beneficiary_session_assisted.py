# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from dataclasses import replace

import psycopg2

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Domain
from odoo.tools import get_lang

from odoo.addons.g2p_spar_connector.secret import digest

from .. import oidc
from .g2p_spar_beneficiary_session import PURGED_AT_ONCE, digest_of_person, moment
from .g2p_spar_change_draft import SESSION_ID_CHARS

WEB_SESSION_PURPOSE = "assisted web session"
ASSISTED_IDLE_MINUTES = 5
ASSISTED_MINUTES = 20


class AgentRefused(Exception):
    """An agent cannot help the person who has just signed in.

    :ivar reason: of a ``g2p.spar.assisted.refusal``
    """

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class AgentBusy(Exception):
    """The same agent begins another session at this moment."""


class G2pSparBeneficiarySession(models.Model):
    """Sessions that agents have begun for people who have signed in at the agent's screen.

    They are good for that agent alone, end sooner than others, and one agent has one at a time.
    """

    _inherit = "g2p.spar.beneficiary.session"

    agent_id = fields.Many2one("res.users", readonly=True, ondelete="restrict")
    web_digest = fields.Char(
        readonly=True, groups=fields.NO_ACCESS, help="Of the web session that it is good in."
    )

    _web_digest_idx = models.Index("(web_digest) WHERE ended_at IS NULL")
    _one_of_agent = models.UniqueIndex("(agent_id) WHERE agent_id IS NOT NULL AND ended_at IS NULL")

    # === BUSINESS METHODS === #

    @api.private
    @api.model
    def start_assisted(self, provider, identity, agent):
        """Begin a session for a person who has just signed in at an agent's screen.

        :param oidc.flow.Identity identity: just verified, of a sign-in after this attempt began
        :param agent: `res.users`
        :return: the session, and its handle for the web session
        :rtype: tuple[G2pSparBeneficiarySession, str]
        :raise AgentRefused: the agent must not help this person; supervisors see it
        :raise AgentBusy:
        :raise oidc.OidcProblem: what is told of the person makes no ID
        """
        person_id = provider._make_id({**identity.claims, "sub": identity.sub})
        assisted = self.env["g2p.spar.assisted.session"]
        self.env["g2p.spar.assisted.check"].note_own(agent)
        reason = self._refused(provider, identity, agent, person_id)
        if reason:
            assisted.begin(agent, provider, person_id).note_refusal(reason)
            raise AgentRefused(reason)
        self._of_agent(agent).end("replaced")
        with self.env.registry.cursor() as cr:
            now_open = self.sudo().browse(self.with_env(self.env(cr=cr))._of_agent(agent).ids)
        if now_open - now_open.exists():  # what this transaction does not know yet
            raise AgentBusy
        try:
            with self.env.cr.savepoint():
                session, handle = self._start_with(agent, provider, identity, person_id)
        except psycopg2.errors.UniqueViolation:  # not even a moment before
            raise AgentBusy from None
        assisted.begin(agent, provider, person_id, session)
        return session, handle

    def _start_with(self, agent, provider, identity, person_id):
        lang = self._lang_of(person_id)
        session, handle = self.with_context(lang=lang).start(provider, identity)
        lasts = self._limit("assisted_minutes", ASSISTED_MINUTES)
        session.write(
            {
                "agent_id": agent.id,
                "expires_at": session.started_at + lasts,
                "id_token_sealed": False,  # not for the agent's eyes
            }
        )
        return session, handle

    @api.private
    @api.model
    def recall(self, handle, seen=True):
        """Extension: a session of an agent is none of whoever else has its handle."""
        return super().recall(handle, seen).filtered(lambda session: not session.agent_id)

    @api.private
    @api.model
    def recall_assisted(self, handle, user, sid, seen=True):
        """The assisted session that a handle belongs to, empty where there is none that still
        holds. For anybody but its agent, and in another web session, it ends.

        :param handle: what the web session holds, or None
        :param user: who is logged in, `res.users`
        :param str sid: id of the web session
        :param bool seen: see `recall`
        """
        session = self._of_handle(handle, seen)
        if session.agent_id and session._is_with(user) and session._is_in(sid):
            return session
        if session.agent_id:
            session._end_now("log_out")
        return self.browse()

    @api.private
    def bind(self, sid):
        """Make this session good in this web session only.

        :param str sid: id of the web session, new: one that others may know is none
        """
        self.web_digest = _web_digest(sid)

    @api.private
    @api.model
    def id_digest_of(self, provider, identity):
        """Of the ID that a sign-in makes, as changes have it; empty where it makes none, and so
        begins no session.

        :param oidc.flow.Identity identity: verified
        """
        try:
            person_id = provider._make_id({**identity.claims, "sub": identity.sub})
        except oidc.OidcProblem:
            return ""
        return self.env["g2p.spar.change"].digest_of(person_id)

    @api.private
    @api.model
    def end_without_agent(self, provider, identity, since):
        """End sessions that were begun without an agent, with a sign-in at the screen of one.

        :param oidc.flow.Identity identity: of that sign-in
        :param datetime since: when the attempt began that it was for
        """
        alone = Domain("agent_id", "=", False) & Domain("ended_at", "=", False)
        sessions = self.sudo().search(alone & self._of_person(provider, identity))
        told = moment(identity.auth_time)
        sessions.filtered(
            lambda session: (
                session.auth_time == told if session.auth_time else session.started_at >= since
            )
        ).end()

    @api.private
    @api.model
    def end_with_log_out(self, sid):
        """End the assisted session of a web session whose user has logged out.

        :param str sid: id of the web session
        """
        self.flush_model()
        if not self.sudo().search_count(_of_web_session(sid), limit=1):
            return
        try:
            # the log-out may have a transaction that only reads
            with self.env.registry.cursor() as cr:
                env = self.env(cr=cr, user=SUPERUSER_ID)
                sessions = self.with_env(env).search(_of_web_session(sid))
                # but not those that this request itself has just ended, and so locked
                sessions.try_lock_for_update().end("log_out")
        except psycopg2.errors.SerializationFailure:
            return  # a page of theirs is being answered: without a log-in it is the last

    @api.private
    @api.model
    def assisted_limits(self):
        """Whole minutes without a click, and in all, after which an assisted session ends.

        :rtype: dict[str, int]
        """
        limits = {
            "idle": self._limit("assisted_idle_minutes", ASSISTED_IDLE_MINUTES),
            "whole": self._limit("assisted_minutes", ASSISTED_MINUTES),
        }
        return {name: int(limit.total_seconds() // 60) for name, limit in limits.items()}

    @api.private
    def person(self):
        """Extension: the person has an agent beside them."""
        person = super().person()
        return replace(person, kind="assisted", agent=self.agent_id) if self.agent_id else person

    @api.private
    def end(self, reason=None):
        """Extension: note for supervisors why.

        :param reason: of the assisted session; None: found out here
        """
        ending = self.filtered(lambda session: session.agent_id and not session.ended_at)
        reasons = {session.id: reason or session._why_over() for session in ending}
        result = super().end(reason)
        if reasons:
            self.env["g2p.spar.assisted.session"].close(reasons)
        return result

    def _idle_limit(self):
        if self.agent_id:
            return self._limit("assisted_idle_minutes", ASSISTED_IDLE_MINUTES)
        return super()._idle_limit()

    def _is_with(self, user):
        """Whether a user is the agent of this session, and may still be one."""
        return self.agent_id == user and self.env["g2p.spar.assisted.check"].is_agent(user)

    def _lang_of(self, person_id):
        """The language in which a person is told of changes: their own, not that of the agent."""
        known = self.env["g2p.spar.known.contact"]
        contacts = known.of_person(self.env["g2p.spar.change"].digest_of(person_id)).present()
        told = [contact.contact().get("lang") for contact in contacts]
        # it may not be installed any more
        return get_lang(self.env, next(filter(None, told), self.env.lang)).code

    def _is_in(self, sid):
        return self.web_digest == _web_digest(sid)

    def _of_agent(self, agent):
        return self.sudo().search([("agent_id", "=", agent.id), ("ended_at", "=", False)])

    def _refused(self, provider, identity, agent, person_id):
        if self._has_begun_another(provider, identity):
            return "old_sign_in"
        contacts = provider._person_values(identity.claims)
        return self.env["g2p.spar.assisted.check"].refused_person(agent, person_id, contacts)

    def _has_begun_another(self, provider, identity):
        """Whether the provider has told this very sign-in before: somebody who was not asked to
        sign in now is not there now."""
        told = Domain("auth_time", ">=", moment(identity.auth_time))
        told &= self._of_person(provider, identity)
        with self.env.registry.cursor() as cr:  # also while the provider was asked
            return bool(self.with_env(self.env(cr=cr)).sudo().search(told, limit=1))

    def _of_person(self, provider, identity):
        """Sessions of a person at an issuer, by subject or by ID: of one person, a provider may
        tell several clients a subject each."""
        of_subject = Domain("person_digest", "=", digest_of_person(identity.issuer, identity.sub))
        id_digest = self.id_digest_of(provider, identity)
        if not id_digest:
            return of_subject
        of_id = Domain("id_digest", "=", id_digest)
        return of_subject | (of_id & Domain("provider_id.issuer", "=", identity.issuer))

    def _why_over(self):
        if not self.agent_id.active:
            return "log_out"
        now = fields.Datetime.now()
        if self.expires_at <= now:
            return "limit"
        if self.seen_at <= now - self._idle_limit():
            return "idle"
        return "provider" if self._is_over() else "other"

    @api.model
    def _cron_end_assisted(self):
        """End what nobody has ended, soon after its time: nothing of the person stays at a screen
        that somebody else may use."""
        domain = [("agent_id", "!=", False), ("ended_at", "=", False)]
        sessions = self.sudo().search(domain, limit=PURGED_AT_ONCE)
        for session in sessions.filtered(lambda s: s._is_over() or not s._is_with(s.agent_id)):
            session.end()
            # a transaction for each, so that none waits for the page of another
            if not self.env["ir.cron"]._commit_progress(1):
                return
        self.env["g2p.spar.assisted.session"].close_lost()


def _web_digest(sid):
    return digest(WEB_SESSION_PURPOSE, sid[:SESSION_ID_CHARS]).hex()


def _of_web_session(sid):
    return [("web_digest", "=", _web_digest(sid)), ("ended_at", "=", False)]
