# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .g2p_spar_beneficiary_session import IDLE_MINUTES, MINUTES
from .g2p_spar_signin_attempt import LIMITS
from .g2p_spar_signin_key_set import KEYS_MINUTES

KEYS_MINUTES_AT_MOST = 24 * 60


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
        help="Begun within ten minutes. 0: any number.",
    )
    g2p_spar_signin_limit_address = fields.Integer(
        "Sign-ins from an Address",
        help="Begun within ten minutes. 0: any number. Many people share the address of their "
        "mobile operator.",
    )
    g2p_spar_signin_limit_person = fields.Integer(
        "Sign-ins of a Person",
        help="Sessions begun within ten minutes. 0: any number.",
    )
    g2p_spar_signin_keys_minutes = fields.Integer(
        "Keys of Sign-in Providers Hold (minutes)",
        config_parameter="g2p_spar.signin_keys_minutes",
        default=KEYS_MINUTES,
        help="A key that a provider has withdrawn is trusted no longer than this; nobody can sign "
        "in where its keys cannot be fetched for as long. They are fetched anew after half of it.",
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

    @api.constrains(
        *(f"g2p_spar_signin_limit_{name}" for name in LIMITS), "g2p_spar_signin_keys_minutes"
    )
    def _check_spar_signin(self):
        for settings in self:
            if min(settings[f"g2p_spar_signin_limit_{name}"] for name in LIMITS) < 0:
                raise ValidationError(
                    self.env._(
                        "Sign-ins of a browser, from an address, of a person: must not be below 0."
                    )
                )
            if not 2 <= settings.g2p_spar_signin_keys_minutes <= KEYS_MINUTES_AT_MOST:
                raise ValidationError(
                    self.env._("Keys of sign-in providers hold for 2 minutes to 24 hours.")
                )

    @api.model
    def get_values(self):
        limits = self.env["g2p.spar.signin.attempt"].limits().items()
        limits = {f"g2p_spar_signin_limit_{name}": limit for name, limit in limits}
        return {**super().get_values(), **limits}

    def set_values(self):
        """Parameters of their own: Odoo keeps no 0."""
        result = super().set_values()
        parameters = self.env["ir.config_parameter"].sudo()
        for name in LIMITS:
            limit = self[f"g2p_spar_signin_limit_{name}"]
            parameters.set_param(f"g2p_spar.signin_limit_{name}", str(limit))
        return result
