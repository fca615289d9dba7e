# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.tests import tagged

from odoo.addons.g2p_spar_connector.tests.pbms_contract import PbmsContract

from .. import names


@tagged("post_install", "-at_install")
class TestContract(PbmsContract):
    fields = {
        names.PAYMENT: {"dispatch_status": "selection sent"},
    }
    methods = {
        names.PAYMENT_MANAGER: {
            "_get_payee_fa": "payment",
            "_prepare_payments": "cycle entitlements",
            "_send_payments": "batches",
        },
    }
    views = {
        "g2p_payment_g2p_connect.view_payment_manager_g2p_connect_form": [
            "//field[@name='fa_source']"
        ],
    }

    def test_contract(self):
        self.check()

    def test_inherits_from_the_default_manager(self):
        """Fields and methods that are added to the default manager reach it."""
        default = self.env.registry["g2p.program.payment.manager.default"]
        self.assertTrue(issubclass(self.env.registry[names.PAYMENT_MANAGER], default))
