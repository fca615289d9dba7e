# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .g2p_spar_access_log import RETENTION_DAYS as ACCESS_RETENTION_DAYS
from .g2p_spar_callback import FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS, MAX_TRIES
from .g2p_spar_exchange import TS_WINDOW_SECONDS
from .g2p_spar_message import RETENTION_DAYS as MESSAGE_RETENTION_DAYS
from .g2p_spar_rate_limit import REFUSED_SIGN_IN_COST, TOKENS_PER_ADDRESS, TOKENS_PER_CLIENT


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    g2p_spar_message_ts_window = fields.Integer(
        "Message Time Window (s)",
        config_parameter="g2p_spar.message_ts_window",
        default=TS_WINDOW_SECONDS,
        help="How far the time of a message may be from ours, in the strict profile.",
    )
    g2p_spar_receiver_id = fields.Char(
        "Receiver ID",
        config_parameter="g2p_spar.receiver_id",
        help="What this registry is called in the headers of messages. Participants that sign in "
        "by signature alone must name it in whatever changes a mapping.",
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

    g2p_spar_tokens_per_address = fields.Integer(
        "Tokens per Address and Minute",
        config_parameter="g2p_spar.tokens_per_address",
        default=TOKENS_PER_ADDRESS,
        help="Requests for a token from one address; one that is refused counts as "
        f"{REFUSED_SIGN_IN_COST}.",
    )
    g2p_spar_tokens_per_client = fields.Integer(
        "Tokens per Participant and Minute",
        config_parameter="g2p_spar.tokens_per_client",
        default=TOKENS_PER_CLIENT,
        help="How many tokens a participant gets.",
    )

    g2p_spar_callback_first_delay = fields.Integer(
        "Wait after the First Try (s)",
        config_parameter="g2p_spar.callback_first_delay",
        default=FIRST_DELAY_SECONDS,
        help="When a callback was not taken, it is tried again after this time, then after twice "
        "as long, and so on.",
    )
    g2p_spar_callback_max_delay = fields.Integer(
        "Longest Wait (s)",
        config_parameter="g2p_spar.callback_max_delay",
        default=MAX_DELAY_SECONDS,
    )
    g2p_spar_callback_max_tries = fields.Integer(
        "Tries",
        config_parameter="g2p_spar.callback_max_tries",
        default=MAX_TRIES,
        help="After that, a callback is parked until somebody sends it again.",
    )

    @api.constrains("g2p_spar_receiver_id")
    def _check_spar_receiver_id(self):
        for settings in self:
            receiver_id = settings.g2p_spar_receiver_id or ""
            # it stands in quotation marks in signatures of G2P-Connect
            if '"' in receiver_id or not receiver_id.isprintable():
                raise ValidationError(
                    self.env._("Receiver ID: no quotation marks or control characters.")
                )

    @api.constrains(
        "g2p_spar_message_ts_window",
        "g2p_spar_message_retention_days",
        "g2p_spar_access_retention_days",
        "g2p_spar_tokens_per_address",
        "g2p_spar_tokens_per_client",
        "g2p_spar_callback_first_delay",
        "g2p_spar_callback_max_delay",
        "g2p_spar_callback_max_tries",
    )
    def _check_spar_mapper(self):
        for settings in self:
            for name in (
                "g2p_spar_message_ts_window",
                "g2p_spar_message_retention_days",
                "g2p_spar_access_retention_days",
                "g2p_spar_tokens_per_address",
                "g2p_spar_tokens_per_client",
                "g2p_spar_callback_first_delay",
                "g2p_spar_callback_max_delay",
                "g2p_spar_callback_max_tries",
            ):
                if settings[name] < 1:
                    label = self._fields[name].string
                    raise ValidationError(self.env._("%s: must be 1 or more.", label))
