# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.http import Controller, request, route

from ..api import HEALTH


class Health(Controller):
    @route(HEALTH, type="spar", content="none", auth="none", methods=["GET"], readonly=True)
    def health(self):
        """``{"status": "up"}`` when a worker answers and its database does. Anything but 200 is
        down: without a database Odoo itself answers, in HTML."""
        request.env.cr.execute("SELECT 1")
        return {"status": "up"}
