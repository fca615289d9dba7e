# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import hashlib
import json
import re
import secrets
from datetime import UTC, datetime, timedelta

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.g2p_spar_connector.secret import (
    SealBroken,
    SecretKeyMissing,
    digest,
    seal,
    unseal,
)
from odoo.addons.g2p_spar_fa_directory.ids import mask_id

from ..person import MAPPER_SECONDS, Person
from .g2p_spar_signin_attempt import PER, TooManyAttempts

PURPOSE = "beneficiary session"
IDLE_MINUTES = 15
MINUTES = 60
CONFIRMED_FOR = timedelta(minutes=10)
KEPT = timedelta(days=30)
PURGED_AT_ONCE = 10_000
# A page that is opened sooner after the last one writes nothing; or than a quarter of what an idle
# session lasts, where that is less.
SEEN_EVERY = timedelta(seconds=60)
_HANDLE = re.compile(r"[A-Za-z0-9_-]{43}")


class G2pSparBeneficiarySession(models.Model):
    """A person who has signed in at a provider. It is no user of Odoo and no contact.

    The web session holds a handle of 256 random bits, of which the digest alone is here. Who the
    person is lies here sealed, and is wiped when the session ends.
    """

    _name = "g2p.spar.beneficiary.session"
    _description = "Beneficiary Session"
    _order = "id desc"
    _log_access = False
    _allow_sudo_commands = False

    provider_id = fields.Many2one(
        "g2p.spar.signin.provider", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="provider_id.company_id")
    handle_digest = fields.Char(required=True, readonly=True, groups=fields.NO_ACCESS)
    person_digest = fields.Char(
        required=True, readonly=True, groups=fields.NO_ACCESS, help="Of issuer and sub, keyed."
    )
    person_sealed = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    id_token_sealed = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    id_masked = fields.Char("Person (masked ID)", compute="_compute_id_masked")
    acr = fields.Char("ACR", readonly=True, help="How the person signed in.")
    auth_time = fields.Datetime("Signed In There", readonly=True)
    trust_version = fields.Integer(
        readonly=True, groups=fields.NO_ACCESS, help="Of the provider, when the session began."
    )
    started_at = fields.Datetime("Started", required=True, readonly=True)
    seen_at = fields.Datetime("Last Seen", required=True, readonly=True)
    expires_at = fields.Datetime("Ends at the Latest", required=True, readonly=True)
    ended_at = fields.Datetime("Ended", readonly=True)
    confirmed_ref = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    confirmed_at = fields.Datetime(readonly=True, groups=fields.NO_ACCESS)

    _handle_unique = models.UniqueIndex("(handle_digest)")
    _person_idx = models.Index("(person_digest)")
    _expires_idx = models.Index("(expires_at)")

    # === COMPUTE METHODS === #

    @api.depends("person_sealed")
    def _compute_id_masked(self):
        for session in self:
            values = session.sudo()._person_values()
            session.id_masked = mask_id(values["id"]) if values else False

    @api.depends("provider_id", "started_at")
    def _compute_display_name(self):
        for session in self:
            session.display_name = f"{session.provider_id.name}, {session.started_at}"

    # === ACTIONS === #

    def action_end(self):
        """End sessions now, for instance because a telephone was stolen."""
        if not self.env.user.has_group("g2p_spar_fa_directory.group_manager"):
            raise UserError(self.env._("Your role does not allow this."))
        self.check_access("read")
        self.sudo().end("supervisor")

    # === BUSINESS METHODS === #

    @api.private
    @api.model
    def start(self, provider, identity):
        """Begin a session for a person whom a provider vouches for.

        :param oidc.flow.Identity identity: just verified
        :return: the session, and its handle for the web session
        :rtype: tuple[G2pSparBeneficiarySession, str]
        :raise oidc.OidcProblem: what is told of the person makes no ID
        """
        person = {
            "sub": identity.sub,
            "id": provider._make_id({**identity.claims, "sub": identity.sub}),
            **provider._person_values(identity.claims),
        }
        handle = secrets.token_urlsafe(32)
        now = fields.Datetime.now()
        session = self.sudo().create(
            {
                "provider_id": provider.id,
                "handle_digest": _sha256(handle),
                "person_digest": digest_of_person(identity.issuer, identity.sub),
                "person_sealed": seal(json.dumps(person).encode(), PURPOSE),
                "id_token_sealed": seal(identity.id_token.encode(), PURPOSE),
                "acr": identity.acr[:255],
                "auth_time": moment(identity.auth_time),
                "trust_version": provider.sudo().trust_version,
                "started_at": now,
                "seen_at": now,
                "expires_at": now + self._limit("session_minutes", MINUTES),
                **self._start_values(person["id"]),
            }
        )
        return session, handle

    @api.private
    @api.model
    def check_limit(self, identity):
        """
        :param oidc.flow.Identity identity: verified
        :raise TooManyAttempts: this person has begun very many sessions within `PER`
        """
        limit = self.env["g2p.spar.signin.attempt"].limits()["person"]
        person_digest = digest_of_person(identity.issuer, identity.sub)
        since = fields.Datetime.now() - PER
        lately = [("person_digest", "=", person_digest), ("started_at", ">", since)]
        if limit and self.sudo().search_count(lately, limit=limit) >= limit:
            raise TooManyAttempts

    def _start_values(self, person_id):
        """What else a session begins with. To be extended.

        :param str person_id: the ID
        """
        return {}

    @api.private
    @api.model
    def recall(self, handle, seen=True):
        """The session that a handle belongs to, empty where there is none that still holds.

        :param handle: what the web session holds, or None
        :param bool seen: note that it was used; whoever writes it in this transaction does not,
            since that is done in another one
        """
        return self._of_handle(handle, seen)

    def _of_handle(self, handle, seen):
        """Whether an agent has begun it or not."""
        if not isinstance(handle, str) or not _HANDLE.fullmatch(handle):
            return self.browse()
        session = self.sudo().search_fetch([("handle_digest", "=", _sha256(handle))])
        session.provider_id.recollect()
        if not session._holds():
            if session and not session.ended_at and session._is_over():
                session._end_now()
            return self.browse()
        if seen:
            session._note_seen()
        return session

    @api.private
    def person(self):
        """Who it is, for `request.spar_person`.

        :rtype: Person
        """
        self.ensure_one()
        values = self._person_values()
        company = self.provider_id.company_id or None
        connector = self.env["g2p.spar.connector"]._get_default(company)
        return Person(
            id=values["id"],
            kind="beneficiary",
            name=values["name"],
            email=values["email"],
            phone=values["phone"],
            session=self,
            user=self.env["res.users"],
            connector=connector.within(MAPPER_SECONDS),
        )

    @api.private
    def is_of(self, identity):
        """Whether this session is of the same person at the same issuer.

        :param oidc.flow.Identity identity: verified
        """
        self.ensure_one()
        return self.person_digest == digest_of_person(identity.issuer, identity.sub)

    @api.private
    def told_auth_time(self):
        """When the person signed in at the provider last, by its clock.

        :return: whole seconds since 1970, None where it has not told
        :rtype: float | None
        """
        return self.auth_time.replace(tzinfo=UTC).timestamp() if self.auth_time else None

    @api.private
    def confirm(self, ref, auth_time):
        """Note that the person has signed in once more, for this one thing and for no other.

        :param float auth_time: when, by the provider's clock, in seconds since 1970
        """
        self.ensure_one()
        self.write(
            {
                "confirmed_ref": ref,
                "confirmed_at": fields.Datetime.now(),
                "seen_at": fields.Datetime.now(),
                "auth_time": moment(auth_time),
            }
        )

    @api.private
    def take_confirmation(self, ref):
        """Whether the person has just signed in once more for this thing. It is good once."""
        self.ensure_one()
        holds = (
            bool(ref)
            and self.confirmed_ref == ref
            and self.confirmed_at > fields.Datetime.now() - CONFIRMED_FOR
        )
        if holds:
            self.write({"confirmed_ref": False, "confirmed_at": False})
        return holds

    @api.private
    def id_token(self):
        """The ID token, to sign out at the provider with; empty when the session has ended."""
        self.ensure_one()
        sealed = self.id_token_sealed
        return unseal(sealed, PURPOSE).decode() if sealed else ""

    @api.private
    def end(self, reason=None):
        """End, and forget who it was.

        :param str | None reason: why, where that is known; see ``g2p.spar.assisted.session``
        """
        self.filtered(lambda session: not session.ended_at).write(
            {
                "ended_at": fields.Datetime.now(),
                "person_sealed": False,
                "id_token_sealed": False,
                "confirmed_ref": False,
                "confirmed_at": False,
            }
        )

    def _holds(self):
        return (
            bool(self) and not self.ended_at and not self._is_over() and bool(self._person_values())
        )

    def _is_over(self):
        now = fields.Datetime.now()
        return (
            self.expires_at <= now
            or self.seen_at <= now - self._idle_limit()
            or not self.provider_id.active
            or self.provider_id.trust_version != self.trust_version
        )

    def _idle_limit(self):
        return self._limit("session_idle_minutes", IDLE_MINUTES)

    def _end_now(self, reason=None):
        """In a transaction of its own: that of a page nobody is let in to is rolled back."""
        try:
            with self.env.registry.cursor() as cr:
                self.with_env(self.env(cr=cr)).end(reason)
        except psycopg2.errors.SerializationFailure:
            return  # another page does it
        self.invalidate_recordset()

    def _person_values(self):
        """Who it is; nothing when that was wiped, or cannot be opened any more."""
        try:
            return json.loads(unseal(self.person_sealed, PURPOSE)) if self.person_sealed else {}
        except (SealBroken, SecretKeyMissing):
            return {}

    def _note_seen(self):
        """In a transaction of its own, so that two pages opened at once do not clash."""
        now = fields.Datetime.now()
        if self.seen_at > now - min(SEEN_EVERY, self._idle_limit() / 4):
            return
        try:
            with self.env.registry.cursor() as cr:
                cr.execute(
                    """UPDATE g2p_spar_beneficiary_session SET seen_at = %s
                    WHERE id = %s AND ended_at IS NULL""",
                    (now, self.id),
                    log_exceptions=False,
                )
        except psycopg2.errors.SerializationFailure:
            return  # another page has noted it

    def _limit(self, name, default):
        parameter = self.env["ir.config_parameter"].sudo().get_param(f"g2p_spar.{name}", default)
        return timedelta(minutes=int(parameter))

    @api.autovacuum
    def _gc_sessions(self):
        """Forget who it was in sessions that are over, and later the sessions."""
        now = fields.Datetime.now()
        over = [("expires_at", "<=", now), ("ended_at", "=", False)]
        sessions = self.sudo().search(over, limit=PURGED_AT_ONCE, order="expires_at")
        sessions.end()
        old = [("expires_at", "<=", now - KEPT)]
        old_sessions = self.sudo().search(old, limit=PURGED_AT_ONCE, order="expires_at")
        old_sessions.unlink()
        count = max(len(sessions), len(old_sessions))
        return count, count == PURGED_AT_ONCE


def moment(seconds):
    """Of seconds since 1970, or of None, what a field holds."""
    if not seconds:
        return False
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None, microsecond=0)


def _sha256(handle):
    return hashlib.sha256(handle.encode("ascii")).hexdigest()


def digest_of_person(issuer, subject):
    return digest("sign-in person", json.dumps([issuer, subject])).hex()
