# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models

# What somebody can do something about comes first.
KINDS = [
    ("no_id", "No ID"),
    ("no_account", "No account or number on record"),
    ("bank", "Bank not in the directory"),
    ("phone", "Telephone number without country code"),
    ("refused", "Account or number refused"),
    ("same_id", "Same ID as another contact"),
    ("waits", "Waits in the outbox already"),
    ("mapper", "Not taken by the mapper"),
    ("suspended", "Suspended"),
    ("linked", "Linked already"),
]


class G2pSparPartnerBulkLinkLine(models.TransientModel):
    """A contact that will not be linked, and why."""

    _name = "g2p.spar.partner.bulk.link.line"
    _description = "Contact That Will Not Be Linked"
    _order = "id"

    dialog_id = fields.Many2one(
        "g2p.spar.partner.bulk.link", required=True, ondelete="cascade", index=True
    )
    partner_id = fields.Many2one("res.partner", "Contact", required=True, ondelete="cascade")
    kind = fields.Selection(KINDS, "Why Not", required=True)
    why = fields.Char("Details")
