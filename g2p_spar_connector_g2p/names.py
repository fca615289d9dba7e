# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""All that this addon takes for granted of OpenG2P (`g2p_programs` and the registry modules), apart
from the external ids in its XML files. `tests/test_contract.py` compares it with what is installed.
"""

PBMS = "g2p_programs"
PROGRAM = "g2p.program"
CYCLE = "g2p.cycle"
PAYMENT = "g2p.payment"
PAYMENT_MANAGER = "g2p.program.payment.manager"
DEFAULT_PAYMENT_MANAGER = "g2p.program.payment.manager.default"
ID_DOCUMENT = "g2p.reg.id"
ID_TYPE = "g2p.id.type"
MEMBERSHIP = "g2p.group.membership"
HEAD = "g2p_registry_membership.group_membership_kind_head"

ADMIN_GROUP = "g2p_registry_base.group_g2p_admin"
MANAGER_GROUP = "g2p_programs.g2p_program_manager"
FINANCE_GROUP = "g2p_programs.g2p_finance_validator"
# Who may accept an address that has changed since a payment was prepared.
ACCEPTING_GROUPS = (ADMIN_GROUP, MANAGER_GROUP)
