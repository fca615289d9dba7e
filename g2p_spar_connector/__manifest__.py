# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
{
    "name": "SPAR: Connector",
    "version": "19.0.1.1.0",
    "category": "G2P",
    "summary": "Talk to a mapper of IDs to financial addresses, here or elsewhere",
    "author": "SPAR on Odoo",
    "license": "LGPL-3",
    "depends": ["g2p_spar_fa_directory"],
    "external_dependencies": {"python": ["cryptography", "joserfc", "orjson"]},
    "data": [
        "security/ir.model.access.csv",
        "security/g2p_spar_connector_rules.xml",
        "data/ir_cron.xml",
        "views/g2p_spar_connector_views.xml",
        "views/g2p_spar_remote_message_views.xml",
        "views/g2p_spar_signing_key_views.xml",
        "views/res_config_settings_views.xml",
    ],
    "post_init_hook": "post_init_hook",
}
