# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

from ..ids import id_key, id_problem


class G2pIdNamespace(models.Model):
    """A known ID namespace: the part of an ID after its last "@"."""

    _name = "g2p.id.namespace"
    _inherit = "g2p.spar.kept"
    _description = "ID Namespace"
    _order = "name"

    name = fields.Char(
        required=True, help="What IDs of this namespace have after their last @, such as nationalId"
    )
    case_sensitive = fields.Boolean(
        string="Case Matters",
        help="Two IDs may not differ by case only. If case matters, an ID in another spelling "
        "than the stored one is unknown instead of the same.",
    )
    note = fields.Text()

    _name_unique = models.UniqueIndex("(lower(name))", "This ID namespace is known already.")

    # === CONSTRAINT METHODS === #

    @api.constrains("name")
    def _check_name(self):
        for namespace in self:
            problem = id_problem(namespace.name)
            if not problem and "@" in namespace.name:
                problem = self.env._("must not contain an @, since it is what follows the last one")
            if problem:
                raise ValidationError(
                    self.env._(
                        "ID namespace “%(name)s”, name: %(problem)s.",
                        name=namespace.name,
                        problem=problem,
                    )
                )

    # === BUSINESS METHODS === #

    @api.private
    def case_sensitive_names(self):
        """Return the namespaces in which case matters, in lower case.

        :rtype: frozenset[str]
        """
        return self._names()[1]

    @api.private
    def known_names(self):
        """Return all namespaces on record, in lower case.

        :rtype: frozenset[str]
        """
        return self._names()[0]

    @tools.ormcache()
    def _names(self):
        namespaces = self.sudo().search_fetch([], ["name", "case_sensitive"])
        case_sensitive = namespaces.filtered("case_sensitive")
        return (
            frozenset(id_key(namespace.name) for namespace in namespaces),
            frozenset(id_key(namespace.name) for namespace in case_sensitive),
        )
