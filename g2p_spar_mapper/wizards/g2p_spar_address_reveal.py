# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2pSparAddressReveal(models.TransientModel):
    """Ask for the reason before a clear address is shown."""

    _name = "g2p.spar.address.reveal"
    _description = "Show a Clear Address"

    mapping_id = fields.Many2one("g2p.spar.mapping", required=True, readonly=True, index=True)
    reason = fields.Char()

    def action_reveal(self):
        """Put the view on record, then show ID and address once; neither is stored."""
        self.ensure_one()
        id_value, fa = self.mapping_id.reveal(self.reason)
        return {
            "type": "ir.actions.act_window",
            "res_model": "g2p.spar.address.shown",
            "name": self.env._("Address"),
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_id_value": id_value, "default_fa": fa},
        }
