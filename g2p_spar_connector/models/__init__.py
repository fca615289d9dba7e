# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import (
    g2p_spar_connector,
    g2p_spar_connector_remote,
    g2p_spar_connector_token,
    g2p_spar_remote_message,
    g2p_spar_signing_key,
    ir_http,
    res_config_settings,
)
