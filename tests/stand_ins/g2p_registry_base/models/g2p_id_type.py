# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2PIDType(models.Model):
    _name = "g2p.id.type"
    _description = "ID Type"
    _order = "id desc"

    name = fields.Char(required=True)
    id_validation = fields.Char("ID Validation Regex")

    _name_unique = models.UniqueIndex("(lower(name))", "This ID type already exists.")
