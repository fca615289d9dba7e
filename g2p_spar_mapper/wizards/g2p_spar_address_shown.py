# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2pSparAddressShown(models.AbstractModel):
    """A clear ID and address on screen, from the context, never in a table."""

    _name = "g2p.spar.address.shown"
    _description = "Clear Address"

    id = fields.Id()  # a form needs it for its first onchange
    id_value = fields.Char("Beneficiary ID", readonly=True)
    fa = fields.Char("Financial Address", readonly=True)
