# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2PPayment(models.Model):
    _inherit = "g2p.payment"

    # Files of a storage backend upstream, attachments here.
    payment_file_ids = fields.Many2many("ir.attachment")
