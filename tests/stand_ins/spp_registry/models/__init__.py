# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import res_partner, spp_group_membership, spp_phone_number, spp_registry_id
