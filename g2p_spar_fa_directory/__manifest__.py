# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
{
    "name": "SPAR: Financial Address Directory",
    "version": "19.0.1.0.0",
    "category": "G2P",
    "summary": "Banks, wallets, branches, and the forms of IDs and financial addresses",
    "author": "SPAR on Odoo",
    "license": "LGPL-3",
    "depends": ["base_setup", "base_import"],
    "external_dependencies": {"python": ["google-re2", "python-stdnum"]},
    "data": [
        "security/g2p_spar_groups.xml",
        "security/ir.model.access.csv",
        "data/g2p_fa_strategy_data.xml",
        "data/g2p_fa_account_rule_data.xml",
        "wizards/g2p_fa_strategy_try_views.xml",
        "views/g2p_fa_branch_views.xml",
        "views/g2p_fa_provider_views.xml",
        "views/g2p_fa_strategy_views.xml",
        "views/g2p_fa_account_rule_views.xml",
        "views/g2p_id_namespace_views.xml",
        "views/res_config_settings_views.xml",
        "views/g2p_spar_menus.xml",
    ],
    "assets": {
        "web.assets_tests": ["g2p_spar_fa_directory/static/tests/tours/**/*"],
    },
    "uninstall_hook": "uninstall_hook",
}
