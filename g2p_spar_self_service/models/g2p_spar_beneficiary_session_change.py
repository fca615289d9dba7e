# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import psycopg2

from odoo import api, fields, models


class G2pSparBeneficiarySession(models.Model):
    """What a sign-in means for changes: it brings contacts, and its draft goes with it."""

    _inherit = "g2p.spar.beneficiary.session"

    id_digest = fields.Char(
        readonly=True, groups=fields.NO_ACCESS, help="Of the ID, as changes have it."
    )

    _id_digest_idx = models.Index("(id_digest) WHERE ended_at IS NULL")

    @api.private
    @api.model
    def start(self, provider, identity):
        """Extension: remember the contacts that the provider vouches for."""
        session, handle = super().start(provider, identity)
        person, known = session._person_values(), self.env["g2p.spar.known.contact"]
        contact = {"email": person["email"], "phone": person["phone"], "lang": self.env.lang}
        if known.is_noted(session.id_digest, [contact]):  # nearly always
            return session, handle
        try:
            with self.env.cr.savepoint():
                known.note(session.id_digest, [contact])
        except psycopg2.errors.SerializationFailure:
            # this person signs in elsewhere at this moment and brings the same; an attempt is
            # used up by now, so Odoo must not try again
            self.env.invalidate_all()
        return session, handle

    def _start_values(self, person_id):
        id_digest = self.env["g2p.spar.change"].digest_of(person_id)
        return {**super()._start_values(person_id), "id_digest": id_digest}

    @api.private
    def end(self, reason=None):
        """Extension: what was in preparation is forgotten, and first: whoever is confirming it at
        this moment has locked it before the session."""
        self.env["g2p.spar.change.draft"].forget(self)
        return super().end(reason)

    @api.private
    def end_all_of(self, id_digest):
        """End whatever sessions of a person are open, in whichever browser.

        :param str id_digest: see `digest_of` of changes
        """
        self._open_of([id_digest]).end("stopped")

    @api.private
    def forget_people(self, id_digests):
        """End whatever sessions of people are open: then nothing tells any more who it was.

        :return: how many there were
        :rtype: int
        """
        sessions = self._open_of(id_digests)
        sessions.end()
        return len(sessions)

    def _open_of(self, id_digests):
        return self.sudo().search([("id_digest", "in", id_digests), ("ended_at", "=", False)])
