# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models
from odoo.fields import Domain

from .. import names


class G2pSparIdRule(models.Model):
    _inherit = "g2p.spar.id.rule"

    source = fields.Selection(
        selection_add=[("id_document", "ID Document")], ondelete={"id_document": "cascade"}
    )
    g2p_id_type_id = fields.Many2one(
        names.ID_TYPE, "ID Type", ondelete="restrict", help="Which of a registrant's ID documents."
    )

    def _documents(self, domain):
        """Override: those of this registry."""
        if not self.g2p_id_type_id:
            return super()._documents(domain)
        domain &= Domain("id_type", "=", self.g2p_id_type_id.id)
        return (
            self.env[names.ID_DOCUMENT]
            .sudo()
            .search_fetch(domain, ["partner_id", "value", "status", "expiry_date"])
        )
