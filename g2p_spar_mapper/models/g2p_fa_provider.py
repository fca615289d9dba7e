# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models


class G2pFaProvider(models.Model):
    _name = "g2p.fa.provider"
    _inherit = ["g2p.fa.provider", "g2p.spar.referenced"]

    def action_view_mappings(self):
        """The mappings at this provider; not counted, since there may be millions."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "g2p.spar.mapping",
            "name": self.env._("Mappings"),
            "view_mode": "list,form",
            "domain": [("provider_id", "=", self.id)],
        }
