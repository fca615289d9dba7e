# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2pSparParticipantSecret(models.TransientModel):
    """Ask before the secret of a participant is replaced."""

    _name = "g2p.spar.participant.secret"
    _description = "New Client Secret"

    participant_id = fields.Many2one("g2p.spar.participant", required=True, readonly=True)

    def action_rotate(self):
        """Replace the secret and show the new one once; only its digest is stored."""
        self.ensure_one()
        self.participant_id.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "res_model": "g2p.spar.participant.secret.shown",
            "name": self.env._("New Client Secret"),
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_client_id": self.participant_id.client_id,
                "default_client_secret": self.participant_id.rotate_secret(),
            },
        }
