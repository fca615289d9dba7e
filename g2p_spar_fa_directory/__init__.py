# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from . import models, wizards


def uninstall_hook(env):
    """Remove the setting, which no table of ours holds."""
    env["ir.config_parameter"].search([("key", "=", "g2p_spar.known_namespaces_only")]).unlink()
