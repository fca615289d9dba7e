# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class SPPPaymentBatchTag(models.Model):
    _name = "spp.payment.batch.tag"
    _description = "Payment Batch Tag"
    _order = "order asc"

    name = fields.Char(required=True)
    order = fields.Integer()
    # On spp.entitlement.
    domain = fields.Text(default="[]")
    max_batch_size = fields.Integer(default=500)
