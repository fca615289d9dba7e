# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from typing import NamedTuple

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL, escape_psql

from odoo.addons.g2p_spar_connector.g2p_connect.directory_v2 import LISTINGS

_P, _B = "g2p_fa_provider", "g2p_fa_branch"
_PROVIDER = (f"{_P}.id", f"COALESCE({_P}.mnemonic, {_P}.code)", f"{_P}.name", f"{_P}.code")
_BRANCH = (f"{_B}.id", f"COALESCE({_B}.mnemonic, {_B}.code)", f"{_B}.name", f"{_B}.code")


class Source(NamedTuple):
    """Where a listing comes from: which active records of a model, the SQL of the members of a
    row (without a short name the code stands in: clients want a string), and of the order."""

    model: str
    domain: Domain
    columns: tuple[str, ...]
    order: str


SOURCES = {
    "banks": Source(
        "g2p.fa.provider", Domain("fa_type", "=", "bank"), _PROVIDER, f"{_P}.name, {_P}.id"
    ),
    "branches": Source(
        "g2p.fa.branch",
        Domain("provider_id.active", "=", True),
        (*_BRANCH, f"{_B}.provider_id"),
        # as their unique index has it: a page is read from there, and nothing is sorted
        f"{_B}.provider_id, lower({_B}.code)",
    ),
    "wallet_service_providers": Source(
        "g2p.fa.provider",
        Domain("fa_type", "in", ("mobile_wallet", "email_wallet")),
        (*_PROVIDER, f"upper({_P}.fa_type)"),
        f"{_P}.name, {_P}.id",
    ),
}


class G2pSparDirectory(models.AbstractModel):
    """Lists of active providers and branches, for participants. Nothing here is for RPC."""

    _name = "g2p.spar.directory"
    _description = "Directory for Participants"

    @api.private
    def page(self, listing, page):
        """Read one page, in two statements.

        :param str listing: a key of ``directory_v2.LISTINGS``.
        :param Page page: which rows; ``search_text`` is looked for in names and codes.
        :return: the rows, with the listing's members, and how many there are on all pages.
        :rtype: tuple[list[tuple], int]
        """
        source = SOURCES[listing]
        columns = dict(zip(LISTINGS[listing], source.columns, strict=True))
        query = self.env[source.model].sudo()._search(_domain(source, page))
        for name, value in page.filter_by.items():
            query.add_where(SQL("%s = %s", SQL(columns[name]), value))
        [(total,)] = self._rows(query.select("COUNT(*)"))
        if page.offset >= total:
            return [], total
        query.order = _order(source, columns, page)
        query.limit, query.offset = page.page_size, page.offset
        return self._rows(query.select(*source.columns)), total

    def _rows(self, query):
        """Unlike ``execute_query``, log no failing statement: people search for anything."""
        self.env.flush_query(query)
        self.env.cr.execute(query, log_exceptions=False)
        return self.env.cr.fetchall()


def _domain(source, page):
    if not page.search_text:
        return source.domain
    return source.domain & Domain("display_name", "ilike", escape_psql(page.search_text))


def _order(source, columns, page):
    if not page.sort_by:
        return source.order
    direction = "DESC" if page.descending else "ASC"
    return f"{columns[page.sort_by]} {direction}, {columns['id']} {direction}"
