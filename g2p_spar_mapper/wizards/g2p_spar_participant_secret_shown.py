# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2pSparParticipantSecretShown(models.AbstractModel):
    """A new secret on screen, from the context, never in a table."""

    _name = "g2p.spar.participant.secret.shown"
    _description = "Client Secret"

    id = fields.Id()  # a form needs it for its first onchange
    client_id = fields.Char("Client ID", readonly=True)
    client_secret = fields.Char(readonly=True)
