# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import (
    g2p_cycle,
    g2p_payment,
    g2p_program_payment_manager,
    g2p_program_payment_manager_default,
    g2p_reg_id,
    g2p_spar_id_rule,
    res_partner,
)
