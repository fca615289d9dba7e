# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
{
    "name": "Stand-in: OpenG2P Registry, group membership",
    "summary": "What SPAR's glue touches of OpenG2P's module of that name: who belongs "
    "to a group, and its head. For tests only.",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "SPAR on Odoo",
    "license": "LGPL-3",
    "depends": ["g2p_registry_individual", "g2p_registry_group"],
    "data": [
        "security/ir.model.access.csv",
        "data/g2p_group_membership_kind.xml",
        "views/res_partner_views.xml",
    ],
}
