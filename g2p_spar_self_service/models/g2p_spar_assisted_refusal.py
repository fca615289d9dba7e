# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2pSparAssistedRefusal(models.Model):
    """What an agent was refused, for supervisors. It goes with its assisted session."""

    _name = "g2p.spar.assisted.refusal"
    _description = "Refusal in an Assisted Session"
    _order = "id desc"
    _rec_name = "reason"
    _log_access = False
    _allow_sudo_commands = False

    assisted_session_id = fields.Many2one(
        "g2p.spar.assisted.session", required=True, readonly=True, index=True, ondelete="cascade"
    )
    happened_at = fields.Datetime("When", required=True, readonly=True)
    reason = fields.Selection(
        [
            ("own_id", "The Agent's Own ID"),
            ("own_contact", "Person With the Agent's E-mail Address or Telephone Number"),
            ("old_sign_in", "Sign-in of an Earlier Session"),
            ("own_account", "The Agent's Own Account"),
            ("own_on_hold", "The Agent's Own Record Is on Hold"),
            ("shared_account", "Account of Several People"),
        ],
        required=True,
        readonly=True,
    )
    account_masked = fields.Char("Account", readonly=True)
