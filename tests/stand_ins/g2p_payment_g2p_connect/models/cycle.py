# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2PCycle(models.Model):
    _inherit = "g2p.cycle"

    disbursement_envelope_id = fields.Char()
