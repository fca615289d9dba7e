# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.g2p_spar_connector.tests.pbms_guard import Guards
from odoo.addons.g2p_spar_connector.tests.pbms_scenarios import Scenarios
from odoo.addons.g2p_spar_connector.tests.pbms_volume import Volume

from .common import OpenG2PWorld


@tagged("post_install", "-at_install")
class TestScenarios(Scenarios, OpenG2PWorld):
    """The scenarios that are the same for every PBMS."""

    def test_batch_that_has_started(self):
        """It tells of payments that were sent before anybody took notes of it."""
        people = self.make_people(1)
        self.entitle(people)
        self.mapper.link("1@test")
        self.manager.fa_source = "registry"
        payment = self.prepare()
        payment.batch_id.batch_has_started = True
        self.manager.fa_source = "spar"
        with self.assertRaisesRegex(UserError, "handed over before"):
            payment.action_spar_accept()
        self.assertEqual(self.send(), [])
        self.mapper.remove("1@test")
        payment.status = "failed"
        stopped = self.prepare()
        stopped.batch_id.batch_has_started = True
        self.mapper.link("1@test")
        stopped.action_spar_accept()
        self.assertEqual(self.send(), [(people, "1")])


@tagged("post_install", "-at_install")
class TestGuards(Guards, OpenG2PWorld):
    """What others do to payments."""


@tagged("post_install", "-at_install")
class TestVolume(Volume, OpenG2PWorld):
    """Many payments."""
