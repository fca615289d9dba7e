# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from . import (
    cycle,
    cycle_membership,
    entitlement,
    managers,
    payment,
    payment_batch,
    payment_batch_tag,
    program_membership,
    programs,
    res_partner,
)
