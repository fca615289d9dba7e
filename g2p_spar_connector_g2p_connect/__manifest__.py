# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
{
    "name": "SPAR: Connector for OpenG2P Program Payment (G2P Connect)",
    "summary": "Send the ID of the ID rule, or the address that the person chose, to a G2P Bridge",
    "version": "19.0.1.0.0",
    "category": "G2P",
    "author": "SPAR on Odoo",
    "license": "LGPL-3",
    "depends": ["g2p_spar_connector_g2p", "g2p_payment_g2p_connect"],
    "data": ["views/g2p_program_payment_manager_g2p_connect_views.xml"],
    "auto_install": True,
}
