# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
# others inherit from it
from . import g2p_spar_large_table  # isort: skip

from . import (
    g2p_fa_provider,
    g2p_spar_access_log,
    g2p_spar_access_token,
    g2p_spar_connector,
    g2p_spar_directory,
    g2p_spar_exchange,
    g2p_spar_mapper,
    g2p_spar_mapping,
    g2p_spar_mapping_event,
    g2p_spar_message,
    g2p_spar_openapi,
    g2p_spar_participant,
    ir_http,
    res_config_settings,
)
