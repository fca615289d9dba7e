# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Triggers take the place of the foreign keys of mappings: see ``g2p.spar.referenced``."""

from odoo.tools import SQL

REFERRED = {
    "provider_id": "g2p_fa_provider",
    "branch_id": "g2p_fa_branch",
    "participant_id": "g2p_spar_participant",
}


def migrate(cr, _version):
    for column, table in REFERRED.items():
        cr.execute(
            SQL(
                """UPDATE %s SET used = TRUE
                WHERE used IS NOT TRUE AND id IN (SELECT %s FROM g2p_spar_mapping)""",
                SQL.identifier(table),
                SQL.identifier(column),
            )
        )
        name = f"g2p_spar_mapping_{column}_fkey"
        cr.execute(
            SQL("ALTER TABLE g2p_spar_mapping DROP CONSTRAINT IF EXISTS %s", SQL.identifier(name))
        )
        cr.execute("DELETE FROM ir_model_constraint WHERE name = %s", (name,))
