# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
{
    "name": "Stand-in: OpenSPP2, security",
    "summary": "What SPAR's glue touches of OpenSPP2's module of that name. For tests only.",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "SPAR on Odoo",
    "license": "LGPL-3",
    "depends": ["base"],
    "data": [
        "security/groups.xml",
    ],
}
