# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import g2p_group_kind, res_partner
