# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
{
    "name": "SPAR: Demonstration of Programmes",
    "summary": "An invented programme on the stand-ins of OpenG2P, ready to pay by SPAR.",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "SPAR on Odoo",
    "license": "LGPL-3",
    "depends": ["g2p_spar_demo", "g2p_spar_connector_g2p"],
    "data": [
        "data/g2p_id_type.xml",
        "data/res.partner.csv",
        "data/g2p.reg.id.csv",
        "data/res.partner.bank.csv",
        "data/g2p_group_membership.xml",
        "data/g2p_program.xml",
    ],
    "post_init_hook": "post_init_hook",
}
