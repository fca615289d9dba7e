# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
{
    "name": "Stand-in: OpenSPP2, programmes",
    "summary": "What SPAR's glue touches of OpenSPP2's module of that name: programmes, cycles, "
    "entitlements, payments and the default payment manager. For tests only.",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "SPAR on Odoo",
    "license": "LGPL-3",
    "depends": ["spp_registry", "spp_banking"],
    "data": [
        "security/groups.xml",
        "security/ir.model.access.csv",
        "views/spp_programs_menus.xml",
        "views/payment_manager_views.xml",
        "views/program_views.xml",
        "views/program_membership_views.xml",
        "views/entitlement_views.xml",
        "views/payment_views.xml",
        "views/payment_batch_views.xml",
        "views/cycle_views.xml",
    ],
}
