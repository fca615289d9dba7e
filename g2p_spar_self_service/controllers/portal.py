# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal


class SparPortal(CustomerPortal):
    def _prepare_portal_layout_values(self):
        """Override: which cards there are for us."""
        values = super()._prepare_portal_layout_values()
        rules = request.env["g2p.spar.id.rule"]
        return {
            **values,
            "spar_for_portal": rules.has_portal_rules(request.env.company),
            "spar_is_agent": request.env["g2p.spar.assisted.check"].is_agent(request.env.user),
        }
