# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Indexes for finding records by any part of a text."""

from odoo.modules.db import FunctionStatus


def trigram_index(registry, *columns, before=""):
    """Return the definition of one index for searches in any of the columns.

    The columns are as Odoo's searches compare them; ``index="trigram"``, which makes an index for
    one column, has them like this as well. Every search reads the list of pending entries, so it
    is kept shorter than PostgreSQL's 4 MB; without one an import would take ten times as long.

    :param str before: expressions to have before the texts, with a comma at the end
    """
    if registry.has_unaccent == FunctionStatus.INDEXABLE:
        columns = [registry.unaccent(column) for column in columns]
    texts = ", ".join(f"({column}) gin_trgm_ops" for column in columns)
    return f"USING gin ({before}{texts}) WITH (gin_pending_list_limit = 512)"
