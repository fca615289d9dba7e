# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2PPaymentFileConfig(models.Model):
    _name = "g2p.payment.file.config"
    _description = "Payment File Config"

    name = fields.Char(required=True)
    # A template of QWeb upstream; here `$partner`, `$account` and `$amount`.
    body_string = fields.Text()
