# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .g2p_spar_access_log import RETENTION_DAYS as ACCESS_RETENTION_DAYS
from .g2p_spar_exchange import TS_WINDOW_SECONDS
from .g2p_spar_message import RETENTION_DAYS as MESSAGE_RETENTION_DAYS


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    g2p_spar_message_ts_window = fields.Integer(
        "Message Time Window (s)",
        config_parameter="g2p_spar.message_ts_window",
        default=TS_WINDOW_SECONDS,
        help="How far the time of a message may be from ours, in the strict profile.",
    )
    g2p_spar_message_retention_days = fields.Integer(
        "Message Retention (days)",
        config_parameter="g2p_spar.message_retention_days",
        default=MESSAGE_RETENTION_DAYS,
        help="After that, bodies and answers of messages are purged; counts and times stay.",
    )
    g2p_spar_access_retention_days = fields.Integer(
        "Access Log Retention (days)",
        config_parameter="g2p_spar.access_retention_days",
        default=ACCESS_RETENTION_DAYS,
        help="After that, rows of the access log are purged.",
    )

    @api.constrains(
        "g2p_spar_message_ts_window",
        "g2p_spar_message_retention_days",
        "g2p_spar_access_retention_days",
    )
    def _check_spar_mapper(self):
        for settings in self:
            for name in (
                "g2p_spar_message_ts_window",
                "g2p_spar_message_retention_days",
                "g2p_spar_access_retention_days",
            ):
                if settings[name] < 1:
                    label = self._fields[name].string
                    raise ValidationError(self.env._("%s: must be 1 or more.", label))
