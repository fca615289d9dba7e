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
        person = session.person()
        session.id_digest = self.env["g2p.spar.change"].digest_of(person.id)
        self.env.flush_all()
        try:
            with self.env.cr.savepoint():
                self.env["g2p.spar.known.contact"].note_person(person, session.id_digest)
        except psycopg2.errors.SerializationFailure:
            # this person signs in elsewhere at this moment and brings the same; an attempt is
            # used up by now, so Odoo must not try again
            self.env.invalidate_all()
        return session, handle

    @api.private
    def end(self):
        """Extension: what was in preparation is forgotten."""
        result = super().end()
        self.env["g2p.spar.change.draft"].forget(self)
        return result

    @api.private
    def end_all_of(self, id_digest):
        """End whatever sessions of a person are open, in whichever browser.

        :param str id_digest: see `digest_of` of changes
        """
        self.sudo().search([("id_digest", "=", id_digest), ("ended_at", "=", False)]).end()
