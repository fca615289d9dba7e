# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
{
    "name": "SPAR: Self Service on the Website",
    "summary": "Self service with the website's look, menu, block and languages",
    "version": "19.0.1.0.1",
    "category": "G2P",
    "author": "SPAR on Odoo",
    "license": "LGPL-3",
    "depends": ["g2p_spar_self_service", "website"],
    "data": [
        "data/website_menu.xml",
        "views/page_templates.xml",
        "views/snippets.xml",
    ],
    "assets": {
        "g2p_spar_self_service_website.look": [
            ("include", "web._assets_helpers"),
            ("include", "web._assets_frontend_helpers"),
            "g2p_spar_self_service_website/static/src/look.scss",
        ],
    },
    "auto_install": True,
}
