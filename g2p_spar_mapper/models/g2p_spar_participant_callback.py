# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..callback_address import CallbackAddressRefused, CallbackPolicy, check_base, parse_hosts


class G2pSparParticipant(models.Model):
    """Where a participant gets the results of its asynchronous messages."""

    _inherit = "g2p.spar.participant"

    callback_url = fields.Char(
        "Callback Address",
        help="https://host/path, to which /on-link, /on-resolve and so on are added. It is used "
        "where a message names no address (sender_uri).",
    )
    callback_hosts = fields.Char(
        "Other Callback Hosts",
        help="Hosts that a message may name in its sender_uri, beside that of the address above; "
        "separated by blanks. With :port where it is not 443.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains("callback_url", "callback_hosts")
    def _check_callback(self):
        for participant in self:
            try:
                participant._callback_policy()
            except CallbackAddressRefused as error:
                raise ValidationError(
                    self.env._(
                        "Callbacks of %(name)s: %(problem)s.",
                        name=participant.name,
                        problem=str(error).rstrip("."),
                    )
                ) from None

    # === ACTIONS === #

    def action_test_callback(self):
        """Send a message that changes nothing to the callback address, and say what came of it."""
        self.ensure_one()
        self.check_access("write")
        outcome = self.env["g2p.spar.callback"].sudo().send_probe(self)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": self.env._("Test of the callback address"),
                "message": outcome.explanation,
                "type": "success" if outcome.delivered else "danger",
                "sticky": True,
            },
        }

    # === BUSINESS METHODS === #

    def _callback_policy(self):
        """:rtype: CallbackPolicy"""
        self.ensure_one()
        hosts = parse_hosts(self.callback_hosts or "")
        if not self.callback_url:
            return CallbackPolicy(None, hosts)
        return CallbackPolicy(self.callback_url, hosts | {check_base(self.callback_url)})
