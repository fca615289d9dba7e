# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.exceptions import UserError


def post_init_hook(env):
    """A connector to this registry. No data record, so that it stays when the mapper goes."""
    env["g2p.spar.connector"].create(
        {"name": "This registry", "backend": "local", "company_id": False}
    )


def uninstall_hook(env):
    """Refuse to uninstall while mappings exist: uninstalling drops their table."""
    if env["g2p.spar.mapping"].sudo().search_count([], limit=1):
        raise UserError(
            env._("The mapper still holds mappings. Unlink or erase them before uninstalling it.")
        )
