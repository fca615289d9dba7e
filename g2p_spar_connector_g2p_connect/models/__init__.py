# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import g2p_payment, g2p_program_payment_manager_g2p_connect
