# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import single_email_re

from odoo.addons.g2p_spar_connector.g2p_connect import jsonio
from odoo.addons.g2p_spar_connector.secret import (
    SealBroken,
    SecretKeyMissing,
    digest,
    seal,
    unseal,
)

SEAL_PURPOSE = "known contact"
DIGEST_PURPOSE = "known contact digest"
KNOWN_FOR = timedelta(days=400)
# Those known for longest as well as the latest ones: else many new ones would push out the owner's.
LONGEST, LATEST = 3, 3
# What is present is written down again after so long.
NOTED_EVERY = timedelta(hours=12)
GC_LIMIT = 10_000


class G2pSparKnownContact(models.Model):
    """Where a person can be told of a change: contacts that sign-ins have brought, the earlier ones
    too. Whoever takes somebody's sign-in over, or gives it another contact, is not alone with it.

    A contact is ``email``, ``phone`` and ``lang``, sealed. Present are those that came last; the
    others are former ones, of which each may stop one change (``has_stopped``) and is told after
    that.
    """

    _name = "g2p.spar.known.contact"
    _description = "Known Contact of a Person"
    _order = "id desc"
    _log_access = False
    _allow_sudo_commands = False

    person_digest = fields.Char(required=True, groups=fields.NO_ACCESS)
    contact_digest = fields.Char(required=True, groups=fields.NO_ACCESS)
    contact_sealed = fields.Text(required=True, groups=fields.NO_ACCESS)
    first_seen_at = fields.Datetime(required=True)
    seen_at = fields.Datetime(required=True)
    brought_at = fields.Datetime(help="By a sign-in; empty for what the mapper alone has told.")
    has_stopped = fields.Boolean(help="As a former contact, it has stopped a change.")

    _contact_unique = models.UniqueIndex("(person_digest, contact_digest)")
    _seen_idx = models.Index("(seen_at)")

    # === BUSINESS METHODS === #

    @api.private
    def note(self, person_digest, contacts, brought=True):
        """Remember contacts of a person.

        :param str person_digest: see `digest_of` of changes
        :param contacts: dicts of email, phone, lang; those with neither are left out
        :param bool brought: by a sign-in or visit of the person: they are the present ones now
        """
        contacts = [c for c in contacts if c.get("email") or c.get("phone")]
        if not contacts or (brought and self.is_noted(person_digest, contacts)):
            return
        now = fields.Datetime.now()
        for contact in contacts:
            self.env.cr.execute(
                """INSERT INTO g2p_spar_known_contact (person_digest, contact_digest,
                    contact_sealed, first_seen_at, seen_at, brought_at, has_stopped)
                VALUES (%(person)s, %(contact)s, %(sealed)s, %(now)s, %(now)s, %(brought)s, FALSE)
                ON CONFLICT (person_digest, contact_digest) DO UPDATE SET
                    seen_at = EXCLUDED.seen_at, contact_sealed = EXCLUDED.contact_sealed,
                    brought_at = coalesce(EXCLUDED.brought_at, g2p_spar_known_contact.brought_at),
                    has_stopped = EXCLUDED.brought_at IS NULL
                        AND g2p_spar_known_contact.has_stopped""",
                {
                    "person": person_digest,
                    "contact": contact_digest(contact),
                    "sealed": seal(jsonio.dumps(contact), SEAL_PURPOSE),
                    "now": now,
                    "brought": now if brought else None,
                },
                log_exceptions=False,
            )
        self.invalidate_model()
        known = self._known(person_digest)
        (known - known._told()).unlink()

    @api.private
    def is_noted(self, person_digest, contacts):
        """Whether just these are the present contacts of a person, and were brought lately.

        :param str person_digest: see `digest_of` of changes
        :param contacts: dicts of email, phone, lang
        """
        present = self._known(person_digest).present()
        since = fields.Datetime.now() - NOTED_EVERY
        return (
            all(known.seen_at > since for known in present)
            and not any(known.has_stopped for known in present)
            and {known._digest_and_lang() for known in present}
            == {(contact_digest(c), c.get("lang")) for c in contacts}
        )

    @api.private
    def note_person(self, person, person_digest):
        """Remember what a person has come with: verified by their provider or, of a user of this
        site, the e-mail addresses of login and contact."""
        self.note(person_digest, self.contacts_of(person))

    @api.private
    def contacts_of(self, person):
        """What a person has come with; see `note_person`.

        :return: dicts of email, phone, lang
        :rtype: list[dict]
        """
        if not person.user:
            return [{"email": person.email, "phone": person.phone, "lang": self.env.lang}]
        login = person.user.login or ""
        emails = [person.user.partner_id.email_normalized, login if _is_email(login) else ""]
        unique = {email.lower(): email for email in emails if email}
        return [{"email": email, "phone": "", "lang": self.env.lang} for email in unique.values()]

    @api.private
    def of_person(self, person_digest):
        """Whom to tell of a change.

        :rtype: G2pSparKnownContact
        """
        since = fields.Datetime.now() - KNOWN_FOR
        return self._known(person_digest).filtered(lambda known: known.seen_at >= since)._told()

    @api.private
    def present(self):
        """Of all the contacts of one person, those of the latest sign-in that brought any."""
        latest = max((known.brought_at for known in self if known.brought_at), default=None)
        return self.filtered(lambda known: latest and known.brought_at == latest)

    @api.private
    def may_stop(self):
        """Of all the contacts of one person, those that get a link which stops a change."""
        return self.present() | self.filtered(lambda known: not known.has_stopped)

    @api.private
    def contact(self):
        """:return: email, phone and lang; empty where it cannot be opened any more
        :rtype: dict
        """
        self.ensure_one()
        try:
            return jsonio.loads(unseal(self.contact_sealed, SEAL_PURPOSE))
        except (SealBroken, SecretKeyMissing):
            return {}

    @api.private
    def forget_people(self, person_digests):
        """Remove the contacts of these people.

        :return: how many there were
        :rtype: int
        """
        known = self.sudo().search([("person_digest", "in", person_digests)])
        count = len(known)
        known.unlink()
        return count

    def _digest_and_lang(self):
        """A person who has changed the language is told in that one from then on."""
        return self.contact_digest, self.contact().get("lang")

    def _known(self, person_digest):
        return self.sudo().search_fetch([("person_digest", "=", person_digest)])

    def _told(self):
        longest = self.sorted(lambda known: (known.first_seen_at, known.id))[:LONGEST]
        latest = self.sorted(lambda known: (known.seen_at, known.id), reverse=True)[:LATEST]
        return latest | longest

    @api.autovacuum
    def _gc(self):
        before = fields.Datetime.now() - KNOWN_FOR
        old = self.search([("seen_at", "<", before)], limit=GC_LIMIT)
        count = len(old)
        old.unlink()
        return count, count == GC_LIMIT


def contact_digest(contact):
    known = [(contact.get("email") or "").lower(), contact.get("phone") or ""]
    return digest(DIGEST_PURPOSE, jsonio.dumps(known).decode()).hex()


def _is_email(text):
    return bool(single_email_re.fullmatch(text))
