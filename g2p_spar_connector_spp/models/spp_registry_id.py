# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models

from .. import names


class SppRegistryId(models.Model):
    _inherit = names.ID_DOCUMENT

    # whose document it is, whatever the case of its letters: asked at each click of portal users
    _spar_value_idx = models.Index('(lower(value COLLATE "C"))')
