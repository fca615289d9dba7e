# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models

from odoo.addons.g2p_spar_connector.payment_guard import guard, unguard

from .. import names


class G2PProgramPaymentManager(models.Model):
    _inherit = names.PAYMENT_MANAGER

    def _register_hook(self):
        """Override: every payment manager that a programme can have is guarded."""
        super()._register_hook()
        for model, _label in self._selection_manager_ref_id():
            if model in self.env:  # upstream names some that it does not have
                guard(self.env.registry[model], names.PBMS)

    def _unregister_hook(self):
        for model, _label in self._selection_manager_ref_id():
            if model in self.env:
                unguard(self.env.registry[model])
        return super()._unregister_hook()
