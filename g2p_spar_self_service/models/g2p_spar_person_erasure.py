# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2pSparPersonErasure(models.Model):
    """That somebody has erased a person from self service by the dialog, and why. Whether anything
    was kept here of this person is not told."""

    _name = "g2p.spar.person.erasure"
    _description = "Erasure of a Person from Self Service"
    _order = "id desc"
    _rec_name = "reason"
    _log_access = False
    _allow_sudo_commands = False

    happened_at = fields.Datetime("When", required=True, readonly=True)
    # a copied name too: this is history
    user_id = fields.Many2one("res.users", readonly=True, ondelete="set null")
    user_name = fields.Char("Who", required=True, readonly=True)
    reason = fields.Char(required=True, readonly=True)
    person_digest = fields.Char(
        required=True, groups=fields.NO_ACCESS, help="Of the ID, as changes have it."
    )

    _person_idx = models.Index("(person_digest)")
