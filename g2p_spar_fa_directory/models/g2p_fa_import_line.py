# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class G2pFaImportLine(models.Model):
    """One of the first rows of each kind, for the preview of an import."""

    _name = "g2p.fa.import.line"
    _description = "Directory Import Preview"
    _order = "id"
    _log_access = False

    import_id = fields.Many2one("g2p.fa.import", required=True, index=True, ondelete="cascade")
    kind = fields.Selection([("provider", "Provider"), ("branch", "Branch")], readonly=True)
    action = fields.Selection(
        [
            ("new", "New"),
            ("changed", "Changed"),
            ("returned", "Back in the list"),
            ("archived", "Gone: archived"),
            ("unchanged", "Unchanged"),
            ("rejected", "Rejected"),
        ],
        readonly=True,
    )
    place = fields.Char(string="In the File", readonly=True)
    provider_code = fields.Char(string="Bank", readonly=True)
    code = fields.Char(readonly=True)
    name = fields.Char(readonly=True)
    reason = fields.Char(readonly=True)
