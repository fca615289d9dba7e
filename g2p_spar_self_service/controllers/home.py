# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.http import request, route

from odoo.addons.web.controllers.home import Home

from ..web import AGENT_PATH, ASSISTED, redirect


class SparHome(Home):
    """The web client finds out itself who is logged in: see `_auth_method_user` of ``ir.http``."""

    @route()
    def web_client(self, s_action=None, **kw):
        """Override: none of the agent's beside whom they help."""
        if request.session.get(ASSISTED):
            return redirect(AGENT_PATH)
        return super().web_client(s_action, **kw)
