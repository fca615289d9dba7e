# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain


class G2pSparLargeTable(models.AbstractModel):
    """A table of ten million rows and more: users search what an index serves, and never group.

    A class lists in ``_searchable_fields`` what users may filter by; only these are offered on
    screen, and anything else is refused with the field's name. Superuser code is free.
    """

    _name = "g2p.spar.large.table"
    _description = "Table Too Large for Free Searches"

    _searchable_fields = frozenset({"id"})

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        description = super().fields_get(allfields, attributes)
        for name, attribute in description.items():
            restricted = {"groupable": False, "sortable": name == "id"}
            if name not in self._searchable_fields:
                restricted["searchable"] = False
            attribute.update((k, v) for k, v in restricted.items() if k in attribute)
        return description

    @api.model
    def _search(self, domain, offset=0, limit=None, order=None, **kwargs):
        if not self.env.su:
            for condition in self._parse_domain(domain).iter_conditions():
                self._check_searchable(condition.field_expr.split(".")[0])
            for term in (order or "").split(","):
                self._check_sortable(term.strip().split(" ")[0])
        return super()._search(domain, offset, limit, order, **kwargs)

    def _parse_domain(self, domain):
        try:
            return Domain(domain)
        except (TypeError, ValueError):
            # the text of the error holds what was searched for
            raise UserError(self.env._("This search cannot be read.")) from None

    def _check_searchable(self, name):
        if name not in self._searchable_fields:
            raise UserError(
                self.env._(
                    "%(model)s cannot be searched by %(field)s.",
                    model=self._description,
                    field=name,
                )
            )

    def _check_sortable(self, name):
        if name not in ("", "id"):
            raise UserError(
                self.env._(
                    "%(model)s cannot be sorted by %(field)s.", model=self._description, field=name
                )
            )

    @api.model
    def _read_group(self, domain, groupby=(), aggregates=(), *args, **kwargs):
        self._check_groupable()
        return super()._read_group(domain, groupby, aggregates, *args, **kwargs)

    @api.model
    def _read_grouping_sets(self, domain, grouping_sets, aggregates=(), *args, **kwargs):
        self._check_groupable()
        return super()._read_grouping_sets(domain, grouping_sets, aggregates, *args, **kwargs)

    def _check_groupable(self):
        if not self.env.su:
            raise UserError(
                self.env._("%(model)s: too many rows to group.", model=self._description)
            )
