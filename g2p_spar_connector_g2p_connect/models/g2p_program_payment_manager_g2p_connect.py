# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models

from .. import names


class G2PProgramPaymentManagerG2PConnect(models.Model):
    _inherit = names.PAYMENT_MANAGER

    spar_send = fields.Selection(
        [
            ("id", "The ID, Which the Bridge Looks Up"),
            ("address", "The Address"),
        ],
        "Send to the Bridge",
        default="id",
        help="The address: then the benefit programme must be set up in the bridge without "
        "look-ups (id_mapper_resolution_required off), or it looks the address up once more.",
    )

    def _get_payee_fa(self, payment):
        """Override: what was filled in from SPAR, and checked there."""
        if not self._spar_is_asked():
            return super()._get_payee_fa(payment)
        if payment.sudo().spar_state == "registry":
            return super()._get_payee_fa(payment)
        snapshot = payment._spar_snapshot()
        return snapshot and snapshot["fa" if self.spar_send == "address" else "id"]

    def _spar_needs_number(self):
        """Override: IDs and whole addresses are sent."""
        return False
