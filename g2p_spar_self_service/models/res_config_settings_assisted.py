# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .g2p_spar_assisted_link import SHARED_PARAMETER, SHARED_WITH
from .g2p_spar_beneficiary_session_assisted import ASSISTED_IDLE_MINUTES, ASSISTED_MINUTES


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    g2p_spar_assisted_idle_minutes = fields.Integer(
        "Idle Assisted Sessions End After (minutes)",
        config_parameter="g2p_spar.assisted_idle_minutes",
        default=ASSISTED_IDLE_MINUTES,
    )
    g2p_spar_assisted_minutes = fields.Integer(
        "Assisted Sessions End After (minutes)",
        config_parameter="g2p_spar.assisted_minutes",
        default=ASSISTED_MINUTES,
    )
    g2p_spar_assisted_shared_accounts = fields.Integer(
        "Others With the Same Account",
        help="That one agent may help to be paid to one account, such as that of a household. 0: "
        "nobody else.",
    )

    @api.constrains(
        "g2p_spar_assisted_idle_minutes",
        "g2p_spar_assisted_minutes",
        "g2p_spar_assisted_shared_accounts",
    )
    def _check_spar_assisted(self):
        for settings in self:
            idle = settings.g2p_spar_assisted_idle_minutes
            if not 1 <= idle <= settings.g2p_spar_assisted_minutes <= 60:
                raise ValidationError(
                    self.env._(
                        "Assisted sessions end after 1 to 60 minutes, and idle ones not later than "
                        "others."
                    )
                )
            if settings.g2p_spar_assisted_shared_accounts < 0:
                raise ValidationError(
                    self.env._("Others with the same account: must not be below 0.")
                )

    @api.model
    def get_values(self):
        value = self.env["ir.config_parameter"].sudo().get_param(SHARED_PARAMETER)
        shared = int(value) if value else SHARED_WITH
        return {**super().get_values(), "g2p_spar_assisted_shared_accounts": shared}

    def set_values(self):
        """A parameter of its own: Odoo keeps no 0."""
        result = super().set_values()
        shared = str(self.g2p_spar_assisted_shared_accounts)
        self.env["ir.config_parameter"].sudo().set_param(SHARED_PARAMETER, shared)
        return result
