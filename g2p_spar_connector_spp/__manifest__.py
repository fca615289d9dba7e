# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
{
    "name": "SPAR: Connector for OpenSPP",
    "summary": "Pay beneficiaries of OpenSPP programmes to the address that they chose",
    "version": "19.0.1.1.0",
    "category": "G2P",
    "author": "SPAR on Odoo",
    "license": "LGPL-3",
    "depends": ["g2p_spar_connector", "spp_programs"],
    "data": [
        "security/ir.model.access.csv",
        "views/g2p_spar_id_rule_views.xml",
        "views/spp_program_payment_manager_default_views.xml",
        "views/spp_payment_views.xml",
        "views/spp_cycle_views.xml",
        "views/res_partner_views.xml",
    ],
    "uninstall_hook": "uninstall_hook",
    "auto_install": True,
}
