# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, models

# Drafts first: whoever is confirming one at this moment has locked it before anything else.
KEEPS = (
    "g2p.spar.change.draft",
    "g2p.spar.beneficiary.session",
    "g2p.spar.known.contact",
    "g2p.spar.change",
    "g2p.spar.assisted.session",
    "g2p.spar.assisted.link",
)


class G2pSparErasure(models.AbstractModel):
    _inherit = "g2p.spar.erasure"

    @api.private
    def forget(self, ids):
        """Extension: sign these people out, and forget what they have asked for and where they are
        told of it. Numbers of receipts, times and digests stay: they say nothing to others."""
        changes = self.env["g2p.spar.change"]
        digests = [changes.digest_of(id_) for id_ in ids]
        count = sum(self.env[model].forget_people(digests) for model in KEEPS)
        return super().forget(ids) + count
