# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.addons.g2p_spar_connector.controllers import dispatcher  # registers type "spar"

from . import directory, health, mapper, mapper_async, metrics, oauth2, openapi, txn_status
