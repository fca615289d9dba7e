# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .g2p_spar_signing_key import AHEAD, ROTATION_DAYS


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    g2p_spar_signing_key_days = fields.Integer(
        "Signing Keys Last (days)",
        config_parameter="g2p_spar.signing_key_days",
        default=ROTATION_DAYS,
        help="After that, the next key signs. It is published before.",
    )

    @api.constrains("g2p_spar_signing_key_days")
    def _check_spar_signing_key_days(self):
        for settings in self:
            if settings.g2p_spar_signing_key_days <= AHEAD.days:
                raise ValidationError(
                    self.env._("Signing keys last: must be more than %s days.", AHEAD.days)
                )
