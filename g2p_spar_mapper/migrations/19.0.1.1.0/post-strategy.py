# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Say of each mapping by which strategy its address is read, and its branch's code."""

from odoo import SUPERUSER_ID, api

from odoo.addons.g2p_spar_fa_directory.financial_address import PROVIDER_CODE_FIELD, fa_key

BATCH = 20_000


def migrate(cr, version):
    strategies = _strategies(cr)
    last_id = 0
    while rows := _rows_after(cr, last_id):
        last_id = rows[-1][0]
        found = [(row_id, *_read(strategies, *row)) for row_id, *row in rows]
        _write(cr, [values for values in found if values[1]])
    cr.execute(
        """UPDATE g2p_fa_strategy SET used = TRUE
        WHERE used IS NOT TRUE AND id IN (SELECT strategy_id FROM g2p_spar_mapping)"""
    )


def _strategies(cr):
    """All FA strategies, active ones first, each in order of code: the order of reading."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    active = set(env["g2p.fa.strategy"]._fa_strategies())
    strategies = env["g2p.fa.strategy"].fa_strategies_by_id().values()
    return sorted(strategies, key=lambda strategy: (strategy not in active, strategy.code))


def _rows_after(cr, last_id):
    cr.execute(
        """SELECT mapping.id, mapping.fa, mapping.fa_type, provider.code, branch.code
        FROM g2p_spar_mapping AS mapping
        JOIN g2p_fa_provider AS provider ON provider.id = mapping.provider_id
        LEFT JOIN g2p_fa_branch AS branch ON branch.id = mapping.branch_id
        WHERE mapping.id > %s AND mapping.strategy_id IS NULL
        ORDER BY mapping.id LIMIT %s""",
        [last_id, BATCH],
    )
    return cr.fetchall()


def _read(strategies, fa, fa_type, provider_code, branch_code):
    """The first strategy that finds the mapping's own provider in its address, and the branch."""
    for strategy in strategies:
        if strategy.fa_type != fa_type:
            continue
        parts = strategy.pattern.deconstruct(fa)
        if parts and fa_key(parts[PROVIDER_CODE_FIELD[fa_type]]) == fa_key(provider_code):
            return strategy.id, branch_code or parts.get("branch_code") or None
    return None, None


def _write(cr, found):
    row_ids, strategy_ids, branch_codes = zip(*found, strict=True) if found else ((), (), ())
    cr.execute(
        """UPDATE g2p_spar_mapping AS mapping
        SET strategy_id = given.strategy_id, branch_code = given.branch_code
        FROM unnest(%s::int[], %s::int[], %s::text[]) AS given(id, strategy_id, branch_code)
        WHERE mapping.id = given.id""",
        [list(row_ids), list(strategy_ids), list(branch_codes)],
    )
