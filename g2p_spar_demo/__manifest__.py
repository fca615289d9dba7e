# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
{
    "name": "SPAR: Demonstration",
    "summary": "Invented providers, people and participants to try SPAR with. Not for production.",
    "version": "19.0.1.1.1",
    "category": "G2P",
    "author": "SPAR on Odoo",
    "license": "LGPL-3",
    "depends": ["g2p_spar_mapper", "g2p_spar_self_service"],
    "data": [
        "security/ir.model.access.csv",
        "data/g2p.fa.provider.csv",
        "data/g2p.fa.branch.csv",
        "data/g2p_id_namespace.xml",
        "data/g2p_spar_participant.xml",
        "data/g2p.spar.demo.person.csv",
        "data/g2p_spar_demo_identity_key.xml",
        "data/g2p_spar_signin_provider.xml",
        "data/res_users.xml",
        "views/identity_provider_templates.xml",
    ],
    "post_init_hook": "post_init_hook",
    "uninstall_hook": "uninstall_hook",
}
