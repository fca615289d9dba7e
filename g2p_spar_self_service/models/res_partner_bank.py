# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, models


class ResPartnerBank(models.Model):
    _inherit = "res.partner.bank"

    def write(self, vals):
        """Override: what was an agent's own is remembered."""
        if vals.keys() & {"acc_number", "partner_id"}:
            self._spar_note_own()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _spar_note_own(self):
        users = self.sudo().partner_id.user_ids
        self.env["g2p.spar.assisted.check"].note_own(users)
