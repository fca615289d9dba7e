# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models


class G2pFaBranch(models.Model):
    _name = "g2p.fa.branch"
    _inherit = ["g2p.fa.branch", "g2p.spar.referenced"]
