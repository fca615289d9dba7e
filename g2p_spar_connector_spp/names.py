# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""All that this addon takes for granted of OpenSPP2 (`spp_programs`, the registry modules), apart
from the external ids in its XML files. `tests/test_contract.py` compares it with what is installed.
"""

PBMS = "spp_programs"
PROGRAM = "spp.program"
CYCLE = "spp.cycle"
PAYMENT = "spp.payment"
PAYMENT_MANAGER = "spp.program.payment.manager"
DEFAULT_PAYMENT_MANAGER = "spp.program.payment.manager.default"
ID_DOCUMENT = "spp.registry.id"
VOCABULARY_CODE = "spp.vocabulary.code"
MEMBERSHIP = "spp.group.membership"
# The code of the vocabulary that makes a member the head of a group.
HEAD_CODE = "head"

ADMIN_GROUP = "spp_security.group_spp_admin"
MANAGER_GROUP = "spp_programs.group_programs_manager"
OFFICER_GROUP = "spp_programs.group_programs_officer"
# Who may accept an address that has changed since a payment was prepared.
ACCEPTING_GROUPS = (ADMIN_GROUP, MANAGER_GROUP)
