# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2pSparCallbackTry(models.Model):
    """One try to deliver a callback; on record before anything is sent."""

    _name = "g2p.spar.callback.try"
    _description = "Delivery of a Callback"
    _order = "id desc"
    _log_access = False
    _allow_sudo_commands = False
    _rec_name = "started_at"

    callback_id = fields.Many2one(
        "g2p.spar.callback", required=True, index=True, ondelete="cascade"
    )
    started_at = fields.Datetime("When", required=True)
    milliseconds = fields.Integer("Took (ms)")
    http_status = fields.Integer("HTTP Status", help="0: there was no answer.")
    delivered = fields.Boolean()
    problem = fields.Char(help="Empty: none, or the try was interrupted.")

    # === BUSINESS METHODS === #

    def _note(self, outcome):
        """:param Outcome outcome: of the try."""
        self.env.cr.execute(
            """UPDATE g2p_spar_callback_try SET delivered = %s, http_status = %s, problem = %s,
                milliseconds = %s WHERE id = %s""",
            (
                outcome.delivered,
                outcome.http_status,
                outcome.problem,
                outcome.milliseconds,
                self.id,
            ),
        )
