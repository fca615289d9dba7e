# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models

from .. import names


class G2PProgramPaymentManagerDefault(models.Model):
    """Reaches the managers that are made after the model of the default one, too."""

    _name = names.DEFAULT_PAYMENT_MANAGER
    _inherit = ["g2p.spar.payment.manager", names.DEFAULT_PAYMENT_MANAGER]
