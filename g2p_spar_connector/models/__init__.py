# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
# others inherit from it
from . import g2p_spar_sealed_secret  # isort: skip

from . import (
    g2p_spar_connector,
    g2p_spar_connector_partner,
    g2p_spar_connector_remote,
    g2p_spar_connector_token,
    g2p_spar_cycle,
    g2p_spar_erasure,
    g2p_spar_household,
    g2p_spar_id_rule,
    g2p_spar_lookup,
    g2p_spar_outbox,
    g2p_spar_outbox_lane,
    g2p_spar_payment,
    g2p_spar_payment_manager,
    g2p_spar_remote_message,
    g2p_spar_signing_key,
    ir_http,
    res_config_settings,
    res_partner,
    res_partner_payee,
)
