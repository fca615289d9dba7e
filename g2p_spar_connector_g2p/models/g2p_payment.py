# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models

from .. import names


class G2PPayment(models.Model):
    _name = names.PAYMENT
    _inherit = ["g2p.spar.payment", names.PAYMENT]

    _spar_accepting_groups = names.ACCEPTING_GROUPS
