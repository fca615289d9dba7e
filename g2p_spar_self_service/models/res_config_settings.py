# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .g2p_spar_beneficiary_session import IDLE_MINUTES, MINUTES
from .g2p_spar_signin_attempt import LIMITS


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    g2p_spar_session_idle_minutes = fields.Integer(
        "Idle Sessions End After (minutes)",
        config_parameter="g2p_spar.session_idle_minutes",
        default=IDLE_MINUTES,
    )
    g2p_spar_session_minutes = fields.Integer(
        "Sessions End After (minutes)",
        config_parameter="g2p_spar.session_minutes",
        default=MINUTES,
    )
    g2p_spar_signin_limit_browser = fields.Integer(
        "Sign-ins of a Browser",
        config_parameter="g2p_spar.signin_limit_browser",
        default=LIMITS["browser"],
        help="Begun within ten minutes. 0: any number.",
    )
    g2p_spar_signin_limit_address = fields.Integer(
        "Sign-ins from an Address",
        config_parameter="g2p_spar.signin_limit_address",
        default=LIMITS["address"],
        help="Begun within ten minutes. 0: any number. Many people share the address of their "
        "mobile operator.",
    )

    @api.constrains("g2p_spar_session_idle_minutes", "g2p_spar_session_minutes")
    def _check_spar_session_minutes(self):
        for settings in self:
            idle, whole = settings.g2p_spar_session_idle_minutes, settings.g2p_spar_session_minutes
            if not 1 <= idle <= whole <= 24 * 60:
                raise ValidationError(
                    self.env._(
                        "Sessions end after 1 minute to 24 hours, and idle ones not later than "
                        "others."
                    )
                )
