# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models

from .. import names


class G2PCycle(models.Model):
    _name = names.CYCLE
    _inherit = ["g2p.spar.cycle", names.CYCLE]
