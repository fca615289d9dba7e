# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import (
    g2p_spar_demo,
    g2p_spar_demo_identity_key,
    g2p_spar_demo_identity_provider,
    g2p_spar_demo_person,
    g2p_spar_demo_sign_in,
    ir_http,
)
