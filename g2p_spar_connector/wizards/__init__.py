# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
# others inherit from it
from . import g2p_spar_sealed_dialog  # isort: skip

from . import (
    g2p_spar_id_rule_try,
    g2p_spar_partner_bulk_link,
    g2p_spar_partner_bulk_link_line,
    g2p_spar_partner_change,
    g2p_spar_readiness,
    g2p_spar_readiness_line,
)
