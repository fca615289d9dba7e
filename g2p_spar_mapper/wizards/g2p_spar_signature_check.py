# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import UTC, datetime

from odoo import api, fields, models

from odoo.addons.g2p_spar_connector.g2p_connect import signature_check


class G2pSparSignatureCheck(models.TransientModel):
    """Tell whether a sample message's signature holds, and why not.

    The message is about people: it is stored sealed, until Odoo removes old dialogs.
    """

    _name = "g2p.spar.signature.check"
    _inherit = "g2p.spar.sealed.dialog"
    _description = "Verify a Sample Message"
    _typed_fields = ("body", "signature_header")
    _seal_purpose = "signature check"

    participant_id = fields.Many2one(
        "g2p.spar.participant", required=True, readonly=True, ondelete="cascade", index=True
    )
    dialect = fields.Selection(
        list(signature_check.NAMES.items()),
        required=True,
        compute="_compute_dialect",
        store=True,
        readonly=False,
        precompute=True,
    )
    body = fields.Text(
        compute="_compute_typed", readonly=False, help="The whole body, byte for byte as sent."
    )
    signature_header = fields.Text(
        "HTTP Header Signature", compute="_compute_typed", readonly=False
    )
    holds = fields.Boolean(readonly=True)
    result = fields.Text(readonly=True)

    @api.depends("participant_id")
    def _compute_dialect(self):
        for wizard in self:
            participant = wizard.participant_id
            by_profile = participant.profile if participant.profile != "strict" else "g2p_connect"
            wizard.dialect = participant.signature_dialect or by_profile

    def action_check(self):
        """Look into the sample, and show what there is to say."""
        self.ensure_one()
        self.participant_id.check_access("write")
        explanation = signature_check.explain(self._sample())
        self.write({"holds": explanation.holds, "result": "\n".join(explanation.lines)})
        return self._show()

    def _sample(self):
        keys = self.participant_id.key_ids
        valid = keys.filtered(lambda key: key.state in ("valid", "ending"))
        return signature_check.Sample(
            dialect=self.dialect,
            raw=(self.body or "").encode(errors="replace"),
            signature_header=_header_value(self.signature_header or ""),
            keys=[key.as_public_key() for key in valid],
            ended=[key.as_public_key() for key in keys - valid],
            now=datetime.now(UTC),
        )

    def _show(self):
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "name": self.env._("Verify a Sample Message"),
            "views": [(False, "form")],
            "target": "new",
        }


def _header_value(text):
    """What people copy may begin with the header's name."""
    name, colon, value = text.strip().partition(":")
    return value.strip() if colon and name.strip().lower() == "signature" else text.strip()
