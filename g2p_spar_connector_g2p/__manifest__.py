# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
{
    "name": "SPAR: Connector for OpenG2P Programs",
    "summary": "Pay beneficiaries of OpenG2P programmes to the address that they chose",
    "version": "19.0.1.1.0",
    "category": "G2P",
    "author": "SPAR on Odoo",
    "license": "LGPL-3",
    "depends": [
        "g2p_spar_connector",
        "g2p_programs",
        "g2p_registry_individual",
        "g2p_registry_group",
        "g2p_registry_membership",
    ],
    "data": [
        "security/ir.model.access.csv",
        "views/g2p_spar_id_rule_views.xml",
        "views/g2p_program_payment_manager_default_views.xml",
        "views/g2p_payment_views.xml",
        "views/g2p_cycle_views.xml",
        "views/res_partner_views.xml",
    ],
    "uninstall_hook": "uninstall_hook",
    "auto_install": True,
}
