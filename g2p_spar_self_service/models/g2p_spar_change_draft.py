# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import hashlib
from datetime import timedelta

import psycopg2

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.g2p_spar_connector.g2p_connect import jsonio
from odoo.addons.g2p_spar_connector.secret import SealBroken, digest, seal, unseal

from ..current_address import CurrentAddress
from .g2p_spar_beneficiary_session import CONFIRMED_FOR

SEAL_PURPOSE = "change draft"
SESSION_PURPOSE = "change draft session"
LASTS = timedelta(minutes=30)
SEARCHES_PER_HOUR = 300
GC_LIMIT = 10_000
# Of the id of a web session what a rotation leaves as it is.
SESSION_ID_CHARS = 42


class DraftGone(UserError):
    """What was to be confirmed is not what is here: it has expired, or was changed in between."""


class NotConfirmed(UserError):
    """The person has to sign in once more, for this change."""


class G2pSparChangeDraft(models.Model):
    """What a person is about to ask for: one for each session, on the server alone.

    What was chosen and typed lies here sealed. ``version`` stands for exactly this content: the
    page on which it is confirmed carries it along, and a new sign-in confirms it and nothing else.
    Once used, a draft knows its change, so that a second click leads to the same receipt.
    """

    _name = "g2p.spar.change.draft"
    _description = "Change in Preparation"
    _log_access = False
    _allow_sudo_commands = False

    session_digest = fields.Char(required=True, groups=fields.NO_ACCESS)
    person_digest = fields.Char(required=True, groups=fields.NO_ACCESS)
    content_sealed = fields.Text(groups=fields.NO_ACCESS)
    expires_at = fields.Datetime(required=True)
    used_version = fields.Char(groups=fields.NO_ACCESS)
    change_id = fields.Many2one("g2p.spar.change", ondelete="cascade", index="btree_not_null")
    search_count = fields.Integer()
    searches_since = fields.Datetime()

    _session_unique = models.UniqueIndex("(session_digest)")
    _person_idx = models.Index("(person_digest)")
    _expires_idx = models.Index("(expires_at)")

    # === BUSINESS METHODS === #

    @api.private
    def of_session(self, person, session_key):
        """The draft of a session, whatever has become of it; empty where there is none.

        :param Person person: who is before us
        :param str session_key: what is this session's alone
        """
        draft = self.sudo().search([("session_digest", "=", _session_digest(session_key))])
        digest_of_person = self._digest_of(person)
        return draft.filtered(lambda draft: draft.person_digest == digest_of_person)

    @api.private
    def begin(self, person, session_key, **content):
        """A new draft in place of any other of this session.

        :rtype: G2pSparChangeDraft
        """
        session_digest = _session_digest(session_key)
        self.env.cr.execute(
            """INSERT INTO g2p_spar_change_draft (session_digest, person_digest, expires_at)
            VALUES (%s, %s, now() AT TIME ZONE 'UTC')
            ON CONFLICT (session_digest) DO UPDATE SET person_digest = EXCLUDED.person_digest,
                used_version = NULL, change_id = NULL
            RETURNING id""",
            [session_digest, self._digest_of(person)],
            log_exceptions=False,
        )
        draft = self.sudo().browse(self.env.cr.fetchone()[0])
        draft.invalidate_recordset()
        draft.put(content)
        return draft

    @api.private
    def content(self):
        """What was chosen and typed so far; empty once it is used or has expired.

        :rtype: dict
        """
        if not self or not self.content_sealed or self.expires_at < fields.Datetime.now():
            return {}
        try:
            return jsonio.loads(unseal(self.content_sealed, SEAL_PURPOSE))
        except SealBroken:  # sealed with a key before this one: as good as expired
            return {}

    @api.private
    def put(self, content):
        """Keep this content; whatever confirmed the one before is void."""
        self.ensure_one()
        self.write(
            {
                "content_sealed": seal(jsonio.dumps(content), SEAL_PURPOSE),
                "expires_at": fields.Datetime.now() + LASTS,
            }
        )

    @api.private
    def version(self):
        """Stands for this content and no other."""
        sealed = self.content_sealed
        return hashlib.sha256(sealed.encode()).hexdigest() if sealed else ""

    @api.private
    def needs_sign_in(self, person):
        """Whether the person has to sign in once more before this draft can be confirmed."""
        content = self.content()
        if "operation" not in content or not _needs_proof(person, content):
            return False
        session = person.session
        return not (
            session
            and session.confirmed_ref == self.version()
            and session.confirmed_at > fields.Datetime.now() - CONFIRMED_FOR
        )

    @api.private
    def confirm(self, person, version, has_proven=False):
        """Ask for what is in this draft, once.

        :param str version: of the draft that the person has seen
        :param bool has_proven: a user of this site has just typed the password once more
        :return: the change; of a second click, the one of the first
        :rtype: G2pSparChange
        :raise DraftGone, NotConfirmed, UserError:
        """
        self.ensure_one()
        self._wait_for_others()
        if self.change_id and self.used_version == version:
            return self.change_id
        content = self.content()
        if not content or version != self.version() or "operation" not in content:
            raise DraftGone(self._gone_text())
        changes = self.env["g2p.spar.change"]
        changes.lock_person(person.id)
        if changes.pending_of(person.id):
            raise UserError(
                self.env._(
                    "You have already asked for a change. Cancel it first if you want another one."
                )
            )
        changes.check_may_ask(person)
        is_confirmed = has_proven or (person.session and person.session.take_confirmation(version))
        if _needs_proof(person, content) and not is_confirmed:
            raise NotConfirmed(self.env._("Please sign in once more to confirm this change."))
        old = CurrentAddress(**content["old"]) if content["old"] else CurrentAddress("none")
        is_first = bool(content.get("is_first"))
        change = changes.ask(person, content["operation"], old, content["new"], is_first)
        self.write({"content_sealed": False, "used_version": version, "change_id": change.id})
        return change

    @api.private
    def count_search(self):
        """Count a search; False where the person has had enough for an hour, in all sessions."""
        self.ensure_one()
        limit = self.env["g2p.spar.change"]._setting("searches_per_hour", SEARCHES_PER_HOUR)
        self.env.cr.execute(
            """UPDATE g2p_spar_change_draft AS draft SET
                search_count = CASE WHEN is_new THEN 0 ELSE search_count END + 1,
                searches_since = CASE WHEN is_new THEN %(now)s ELSE searches_since END
            FROM (SELECT coalesce(searches_since < %(now)s - interval '1 hour', TRUE) AS is_new
                FROM g2p_spar_change_draft WHERE id = %(id)s) AS hour
            WHERE id = %(id)s""",
            {"id": self.id, "now": fields.Datetime.now()},
        )
        self.invalidate_recordset(["search_count", "searches_since"])
        self.env.cr.execute(
            """SELECT sum(search_count) FROM g2p_spar_change_draft
            WHERE person_digest = %s AND searches_since >= %s""",
            [self.person_digest, fields.Datetime.now() - timedelta(hours=1)],
        )
        return self.env.cr.fetchone()[0] <= limit

    @api.private
    def forget(self, sessions):
        """Wipe what was in preparation in sessions of beneficiaries; searches stay counted."""
        self._of_keys(map(beneficiary_key, sessions))._wipe()

    @api.private
    def forget_web_session(self, sid):
        """Wipe what a user of this site had in preparation, who has logged out."""
        self.flush_model()
        if not self._of_keys([web_session_key(sid)]):
            return
        try:
            # a log-in that is over is noticed in transactions that only read, too
            with self.env.registry.cursor() as cr:
                drafts = self.with_env(self.env(cr=cr, user=SUPERUSER_ID))
                # but not what is being confirmed at this moment: it is used up by that
                drafts._of_keys([web_session_key(sid)]).try_lock_for_update()._wipe()
        except psycopg2.errors.SerializationFailure:
            return  # likewise
        self.invalidate_model()

    def _of_keys(self, session_keys):
        digests = list(map(_session_digest, session_keys))
        return self.sudo().search([("session_digest", "in", digests)])

    def _wipe(self):
        self.write({"content_sealed": False, "expires_at": fields.Datetime.now()})
        self.flush_recordset()

    @api.private
    def forget_people(self, person_digests):
        """Remove what these people were about to ask for, in whichever session.

        :return: how many there were
        :rtype: int
        """
        drafts = self.sudo().search([("person_digest", "in", person_digests)])
        count = len(drafts)
        drafts.unlink()
        return count

    def _digest_of(self, person):
        return self.env["g2p.spar.change"].digest_of(person.id)

    def _wait_for_others(self):
        """Lock this draft: of two clicks, one comes after the other.

        :raise DraftGone: the person was erased, or signed out, at this moment
        """
        self.flush_recordset()
        self.env.cr.execute("SELECT FROM g2p_spar_change_draft WHERE id = %s FOR UPDATE", [self.id])
        self.invalidate_recordset()
        if not self.env.cr.rowcount:
            raise DraftGone(self._gone_text())

    def _gone_text(self):
        return self.env._("This page is out of date: please begin again. Nothing was changed.")

    @api.autovacuum
    def _gc(self):
        """Drafts that have expired; those whose searches are counted stay for that hour."""
        before = fields.Datetime.now() - timedelta(hours=1)
        old = self.search([("expires_at", "<", before)], limit=GC_LIMIT)
        count = len(old)
        old.unlink()
        return count, count == GC_LIMIT


def beneficiary_key(session):
    """What is a beneficiary session's alone."""
    return f"beneficiary {session.id}"


def web_session_key(sid):
    """What is the web session's alone in which a user of this site is logged in."""
    return f"portal {sid[:SESSION_ID_CHARS]}"


def _needs_proof(person, content):
    """Whether a fresh sign-in or the password is needed. A stolen cookie of a portal user may be
    old, and at an agent's screen it may be the agent who presses the button, so a first address
    needs it there too."""
    return bool(person.user or person.agent) or not content.get("is_first")


def _session_digest(session_key):
    return digest(SESSION_PURPOSE, session_key).hex()
