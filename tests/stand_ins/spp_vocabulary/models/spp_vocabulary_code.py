# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class SPPVocabularyCode(models.Model):
    _name = "spp.vocabulary.code"
    _description = "Vocabulary Code"
    _rec_name = "display"

    vocabulary_id = fields.Many2one("spp.vocabulary", required=True, ondelete="cascade")
    namespace_uri = fields.Char(related="vocabulary_id.namespace_uri", store=True, index=True)
    code = fields.Char(required=True, index=True)
    display = fields.Char(required=True)
