# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models

from odoo.addons.g2p_spar_fa_directory.trigram_index import trigram_index


class G2pFaBranch(models.Model):
    _inherit = "g2p.fa.branch"

    # People look for a place. Why minus: see ``name_search`` of the directory.
    _place_idx = models.Index(
        lambda registry: trigram_index(registry, "city", before="(-provider_id), ")
    )
