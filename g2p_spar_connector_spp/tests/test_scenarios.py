# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.tests import tagged

from odoo.addons.g2p_spar_connector.tests.pbms_guard import Guards
from odoo.addons.g2p_spar_connector.tests.pbms_scenarios import Scenarios
from odoo.addons.g2p_spar_connector.tests.pbms_volume import Volume

from .common import OpenSPPWorld


@tagged("post_install", "-at_install")
class TestScenarios(Scenarios, OpenSPPWorld):
    """The scenarios that are the same for every PBMS."""


@tagged("post_install", "-at_install")
class TestGuards(Guards, OpenSPPWorld):
    """What others do to payments."""


@tagged("post_install", "-at_install")
class TestVolume(Volume, OpenSPPWorld):
    """Many payments."""
