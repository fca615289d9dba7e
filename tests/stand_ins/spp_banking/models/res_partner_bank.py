# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class ResPartnerBank(models.Model):
    _inherit = "res.partner.bank"

    # Upstream computes it from country, BIC and account number.
    iban = fields.Char("IBAN")
