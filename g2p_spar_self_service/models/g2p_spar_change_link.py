# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import hashlib
import secrets
from datetime import timedelta

from odoo import api, fields, models

# A link tells so long what has become of its change.
TELLS_FOR = timedelta(days=30)
GC_LIMIT = 10_000


class G2pSparChangeLink(models.Model):
    """The link that cancels one change, in the notice to one contact. It is good once."""

    _name = "g2p.spar.change.link"
    _description = "Link that Cancels a Change"
    _log_access = False
    _allow_sudo_commands = False

    change_id = fields.Many2one("g2p.spar.change", required=True, index=True, ondelete="cascade")
    token_hash = fields.Char(required=True, groups=fields.NO_ACCESS, help="SHA-256 of the token.")
    contact_digest = fields.Char(required=True, groups=fields.NO_ACCESS)

    _token_unique = models.UniqueIndex("(token_hash)")

    @api.private
    def new_token(self, change, contact_digest):
        """A new link of one contact.

        :return: its token, which is stored nowhere
        :rtype: str
        """
        token = secrets.token_urlsafe(32)
        self.sudo().create(
            {
                "change_id": change.id,
                "token_hash": token_hash(token),
                "contact_digest": contact_digest,
            }
        )
        return token

    @api.private
    def of_token(self, token):
        """The link with a token; empty where there is none, or its change ended long ago."""
        link = self.sudo().search([("token_hash", "=", token_hash(token))])
        since = fields.Datetime.now() - TELLS_FOR
        ended_at = link.change_id.ended_at
        return link if not ended_at or ended_at >= since else self.browse()

    @api.private
    def cancel(self):
        """Cancel the change, as the contact that has this link.

        :return: whether it is cancelled now
        :raise UserError: see `cancel` of the change
        """
        self.ensure_one()
        known = self.env["g2p.spar.known.contact"]._known(self.change_id.person_digest)
        mine = known.filtered(lambda contact: contact.contact_digest == self.contact_digest)
        if not self.change_id.cancel("by_link", contact=mine.contact() if mine else None):
            return False
        if mine not in known.present():
            mine.has_stopped = True
        return True

    @api.autovacuum
    def _gc(self):
        before = fields.Datetime.now() - TELLS_FOR
        old = self.search([("change_id.ended_at", "<", before)], limit=GC_LIMIT)
        count = len(old)
        old.unlink()
        return count, count == GC_LIMIT


def token_hash(token):
    return hashlib.sha256(token.encode()).hexdigest()
