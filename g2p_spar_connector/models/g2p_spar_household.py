# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models


class G2pSparHousehold(models.AbstractModel):
    """Households and other groups of a registry, and who is paid for them. For glue to inherit from
    beside ``res.partner``.
    """

    _name = "g2p.spar.household"
    _description = "Payee of a Household"

    # === BUSINESS METHODS === #

    def _spar_payees(self, rule=None):
        """Override: a group is paid itself, or through its head if no ID rule finds a reference of
        its own. One that is of no use, such as an expired document, is no reason to pay the head:
        an address that the group has chosen may be linked to it."""
        payees = super()._spar_payees(rule=rule)
        heads = self._spar_heads()
        if heads:
            groups = self.browse(heads)
            led = groups._spar_without_reference(rule)
            payees |= {group_id: heads[group_id] for group_id in led}
        return payees

    def _spar_without_reference(self, rule):
        """Ids of those in whom no rule of their company, or not the given one, finds a reference;
        not of those whose company's rules are not the user's to ask."""
        connectors = self.env["g2p.spar.connector"].sudo()
        by_company = connectors._by_company(self.sudo())
        ids, problems = connectors._identify(by_company, rule)
        asked = {partner_id for _company, groups in by_company for partner_id in groups.ids}
        return asked - ids.keys() - problems.keys()

    # === HOOKS === #

    def _spar_heads(self):
        """The head of each group among these contacts, in a number of statements that does not
        depend on how many they are; an empty recordset where there is none, or more than one.

        :rtype: dict[int, res.partner]
        """
        return {}
