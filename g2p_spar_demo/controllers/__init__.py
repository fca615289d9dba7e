# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.addons.g2p_spar_connector.controllers import dispatcher  # isort: skip - type "spar"

from . import identity_provider
