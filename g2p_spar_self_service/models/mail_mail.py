# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class MailMail(models.Model):
    """Messages about changes, so that those about a person who is erased are found."""

    _inherit = "mail.mail"

    spar_change_id = fields.Many2one(
        "g2p.spar.change",
        "Change by a Person",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        groups=fields.NO_ACCESS,
    )
