# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class G2PRegID(models.Model):
    """An ID document of a registrant. The value is neither indexed nor unique, as upstream."""

    _name = "g2p.reg.id"
    _description = "Registrant ID"
    _order = "id desc"
    _rec_name = "value"

    partner_id = fields.Many2one(
        "res.partner", "Registrant", required=True, index=True, ondelete="cascade"
    )
    id_type = fields.Many2one("g2p.id.type", "ID Type", required=True)
    id_type_as_str = fields.Char(related="id_type.name")
    value = fields.Char(size=100)
    expiry_date = fields.Date()
    status = fields.Selection([("invalid", "Invalid"), ("valid", "Valid")])
    description = fields.Char()

    _type_unique = models.UniqueIndex(
        "(partner_id, id_type)", "A registrant has one ID of a type only."
    )

    @api.constrains("value", "id_type")
    def _check_value(self):
        for record in self:
            pattern = record.id_type.id_validation
            if record.value and pattern and not re.match(pattern, record.value):
                raise ValidationError(
                    self.env._("The ID does not match the format of %s.", record.id_type.name)
                )
