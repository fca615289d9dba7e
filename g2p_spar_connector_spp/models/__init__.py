# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import (
    g2p_spar_id_rule,
    res_partner,
    spp_cycle,
    spp_payment,
    spp_program_payment_manager,
    spp_program_payment_manager_default,
    spp_registry_id,
)
