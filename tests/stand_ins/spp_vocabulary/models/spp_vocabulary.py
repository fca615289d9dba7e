# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class SPPVocabulary(models.Model):
    _name = "spp.vocabulary"
    _description = "Vocabulary"

    name = fields.Char(required=True)
    namespace_uri = fields.Char("Namespace URI", required=True, index=True)
    code_ids = fields.One2many("spp.vocabulary.code", "vocabulary_id")
