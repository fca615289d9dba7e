# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import spp_vocabulary, spp_vocabulary_code
