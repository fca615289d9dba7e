# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    g2p_spar_known_namespaces_only = fields.Boolean(
        string="Known ID Namespaces Only",
        config_parameter="g2p_spar.known_namespaces_only",
        help="Refuse new mappings of IDs whose namespace is not on record.",
    )
