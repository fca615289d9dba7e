# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models

from .. import names


class G2PPayment(models.Model):
    _inherit = names.PAYMENT

    def _spar_is_open(self):
        """Override: what the bridge has taken is on its way."""
        return super()._spar_is_open() and self.dispatch_status != "sent"
