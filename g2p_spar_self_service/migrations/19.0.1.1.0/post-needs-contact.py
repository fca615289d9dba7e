# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Whether somebody must be told of a change is said by each company, no more by one parameter."""

from odoo import SUPERUSER_ID, api

PARAMETER = "g2p_spar.change_needs_contact"


def migrate(cr, _version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    parameters = env["ir.config_parameter"].search([("key", "=", PARAMETER)])
    if parameters.value == "0":
        companies = env["res.company"].with_context(active_test=False).search([])
        companies.spar_change_needs_contact = False
    parameters.unlink()
