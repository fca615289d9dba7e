# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import g2p_id_type, g2p_phone_number, g2p_reg_id, res_partner
