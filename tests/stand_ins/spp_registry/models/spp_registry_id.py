# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class SPPRegistryID(models.Model):
    """An ID document of a registrant."""

    _name = "spp.registry.id"
    _description = "Registry ID"
    _order = "id desc"
    _rec_name = "value"

    partner_id = fields.Many2one(
        "res.partner", "Registrant", required=True, index=True, ondelete="cascade"
    )
    id_type_id = fields.Many2one("spp.vocabulary.code", "ID Type", required=True)
    namespace_uri = fields.Char(related="id_type_id.namespace_uri", store=True)
    value = fields.Char(size=100, index=True)
    expiry_date = fields.Date()
    status = fields.Selection([("invalid", "Invalid"), ("valid", "Valid")])
    description = fields.Char()

    _type_unique = models.UniqueIndex(
        "(partner_id, id_type_id) WHERE status IS DISTINCT FROM 'invalid'",
        "A registrant has one ID of a type only.",
    )
