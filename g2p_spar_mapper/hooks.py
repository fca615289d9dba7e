# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.exceptions import UserError


def post_init_hook(env):
    """A connector to this registry. No data record, so that it stays when the mapper goes."""
    env["g2p.spar.connector"].create(
        {"name": "This registry", "backend": "local", "company_id": False}
    )


def uninstall_hook(env):
    """Refuse to uninstall while mappings exist: uninstalling drops their table. Without any, what
    they referred to is free again: the addons that brought it may go, too."""
    if _holds_mappings(env):
        raise UserError(
            env._("The mapper still holds mappings. Unlink or erase them before uninstalling it.")
        )
    env.cr.execute(
        "DROP FUNCTION IF EXISTS g2p_spar_keep_used(), g2p_spar_mapping_refers() CASCADE"
    )


def _holds_mappings(env):
    """Whether there are any now, not when Odoo has begun to uninstall: links that go on are waited
    for, and those that come later wait until the table is gone."""
    env.cr.execute("LOCK TABLE g2p_spar_mapping IN SHARE MODE")
    with env.registry.cursor() as cr:  # its snapshot is of now
        cr.execute("SELECT EXISTS (SELECT FROM g2p_spar_mapping)")
        return cr.fetchone()[0]
