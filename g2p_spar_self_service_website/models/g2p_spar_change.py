# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models


class G2pSparChange(models.Model):
    _inherit = "g2p.spar.change"

    def get_base_url(self):
        """Override: messages lead to the website of the company that they are from."""
        return self._company().get_base_url() if self else super().get_base_url()
