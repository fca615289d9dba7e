# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models

from .website import LOOK_BUNDLE


class IrQweb(models.AbstractModel):
    _inherit = "ir.qweb"

    def _get_bundles_to_pregenarate(self):
        """Override: the first visitor does not wait for the colours."""
        scripts, styles = super()._get_bundles_to_pregenarate()
        return scripts, styles | {LOOK_BUNDLE}
