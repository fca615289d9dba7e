# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
{
    "name": "Stand-in: OpenG2P Program Payment, files",
    "summary": "What SPAR's glue touches of OpenG2P's module of that name: the payment manager "
    "that writes files when payments are prepared. For tests only.",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "SPAR on Odoo",
    "license": "LGPL-3",
    "depends": ["g2p_programs"],
    "data": [
        "security/ir.model.access.csv",
        "views/payment_manager_views.xml",
    ],
}
