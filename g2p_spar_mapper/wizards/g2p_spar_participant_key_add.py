# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.g2p_spar_connector.g2p_connect import jwk


class G2pSparParticipantKeyAdd(models.TransientModel):
    """Register public keys of a participant from pasted text.

    Text that holds no public keys, such as a private key pasted by mistake, is never stored.
    """

    _name = "g2p.spar.participant.key.add"
    _description = "Add Keys"

    participant_id = fields.Many2one(
        "g2p.spar.participant", required=True, readonly=True, ondelete="cascade", index=True
    )
    text = fields.Text("Public Key", required=True, help="PEM, certificate, JWK or JWKS.")
    kid = fields.Char(
        "Key ID", help="How messages call the key. Empty: as the key says, else its fingerprint."
    )
    algorithm = fields.Selection(
        [("RS256", "RS256"), ("PS256", "PS256")],
        "RSA Algorithm",
        help="For RSA keys that do not say theirs. Empty: RS256.",
    )
    found = fields.Text("This Is", compute="_compute_found")

    @api.depends("text", "kid", "algorithm")
    def _compute_found(self):
        for wizard in self:
            try:
                keys = wizard._keys() if wizard.text else []
            except jwk.KeyProblem as problem:
                wizard.found = str(problem)
            else:
                wizard.found = "\n".join(map(_describe, keys))

    @api.constrains("text", "kid", "algorithm")
    def _check_text(self):
        for wizard in self:
            try:
                wizard._keys()
            except jwk.KeyProblem as problem:
                raise ValidationError(str(problem)) from None

    def action_add(self):
        self.ensure_one()
        self.participant_id.register_keys(self._keys())
        return {"type": "ir.actions.act_window_close"}

    def _keys(self):
        return jwk.parse(self.text, kid=(self.kid or "").strip(), algorithm=self.algorithm or "")


def _describe(key):
    return f"{key.kid}: {key.algorithm}, fingerprint {jwk.fingerprint(key)}"
