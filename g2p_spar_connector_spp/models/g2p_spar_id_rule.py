# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models

from .. import names


class G2pSparIdRule(models.Model):
    _inherit = "g2p.spar.id.rule"

    source = fields.Selection(
        selection_add=[("id_document", "ID Document")], ondelete={"id_document": "cascade"}
    )
    spp_id_type_id = fields.Many2one(
        names.VOCABULARY_CODE,
        "ID Type",
        ondelete="restrict",
        help="Which of a registrant's ID documents.",
    )

    @api.private
    def make_ids(self, partners):
        """Override: a document that is invalid or has expired is a problem, unlike none."""
        ids, problems = super().make_ids(partners)
        left = partners.browse(set(partners.ids) - ids.keys() - problems.keys())
        if left and self.source == "id_document":
            spoiled = self._documents(left).filtered("value").partner_id
            problem = self.env._("the ID document is invalid or has expired")
            problems |= dict.fromkeys(spoiled.ids, problem)
        return ids, problems

    def _raw_values(self, partners):
        """Override: the number of the ID document, unless it is invalid or has expired."""
        if self.source != "id_document":
            return super()._raw_values(partners)
        today = fields.Date.context_today(self)
        return {
            document.partner_id.id: document.value
            for document in self._documents(partners)
            if document.value
            and document.status != "invalid"
            and not (document.expiry_date and document.expiry_date < today)
        }

    def _void_values(self, partners):
        """Override: the number of one that is invalid or has expired, where there is no other."""
        if self.source != "id_document":
            return super()._void_values(partners)
        values = self._raw_values(partners)
        documents = self._documents(partners).filtered("value")
        return {
            document.partner_id.id: document.value
            for document in documents
            if document.partner_id.id not in values
        }

    def _documents(self, partners):
        """The ID documents of this rule's type; without one, none."""
        if not self.spp_id_type_id:
            return self.env[names.ID_DOCUMENT]
        return self.env[names.ID_DOCUMENT].sudo().search_fetch(
            [("partner_id", "in", partners.ids), ("id_type_id", "=", self.spp_id_type_id.id)],
            ["partner_id", "value", "status", "expiry_date"],
        )  # fmt: skip
