# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
{
    "name": "Stand-in: OpenG2P Registry, base",
    "summary": "What SPAR's glue touches of OpenG2P's module of that name: registrants, "
    "IDs, phone numbers. For tests only.",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "SPAR on Odoo",
    "license": "LGPL-3",
    "depends": ["mail", "contacts"],
    "data": [
        "security/g2p_registry_base_groups.xml",
        "security/ir.model.access.csv",
        "views/g2p_registry_base_menus.xml",
        "views/g2p_id_type_views.xml",
    ],
}
