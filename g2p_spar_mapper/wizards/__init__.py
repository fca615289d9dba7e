# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import (
    g2p_spar_address_reveal,
    g2p_spar_address_shown,
    g2p_spar_mapping_change,
    g2p_spar_participant_key_add,
    g2p_spar_participant_secret,
    g2p_spar_participant_secret_shown,
    g2p_spar_signature_check,
)
