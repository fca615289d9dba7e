# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models

from odoo.addons.bus.websocket import wsrequest

from ..web import ASSISTED


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    @classmethod
    def _authenticate(cls):
        """Extension: see `_authenticate_explicit` of ``ir.http``."""
        result = super()._authenticate()
        if wsrequest.session.get(ASSISTED):
            wsrequest.update_env(user=wsrequest.env.ref("base.public_user").id)
        return result
