# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models


class ResPartner(models.Model):
    _inherit = "res.partner"

    # === HOOKS === #

    def _spar_payees(self, rule=None):
        """Who is paid for each of these contacts, in a number of statements that does not depend
        on how many they are. To be extended where somebody else is, such as the head of a
        household; an empty recordset is nobody. Called in superuser mode.

        :param rule: the ``g2p.spar.id.rule`` that is used instead of those of the company
        :rtype: dict[int, res.partner]
        """
        return {partner.id: partner for partner in self}
