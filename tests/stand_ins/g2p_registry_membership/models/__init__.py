# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import g2p_group_membership, g2p_group_membership_kind, res_partner
