# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.tests import HttpCase, new_test_user, tagged

from .common import MapperCommon


@tagged("post_install", "-at_install")
class TestBackOffice(MapperCommon, HttpCase):
    """The back end in a browser, as each role uses it."""

    def tour(self, role, action, groups):
        user = new_test_user(self.env, f"spar-{role}", groups=groups, password=f"spar-{role}")
        self.start_tour(
            f"/odoo/action-g2p_spar_mapper.{action}", f"g2p_spar_mapper_{role}", login=user.login
        )

    def test_officer(self):
        self.tour(
            "officer",
            "g2p_spar_mapping_action",
            "g2p_spar_fa_directory.group_officer,g2p_spar_mapper.group_show_address",
        )
        operations = self.events("token:31415926@nationalId").mapped("operation")
        self.assertEqual(operations, ["link", "suspend"])

    def test_manager(self):
        self.assertFalse(self.participant.client_secret_set_at)
        self.tour("manager", "g2p_spar_participant_action", "g2p_spar_fa_directory.group_manager")
        self.assertTrue(self.participant.client_secret_set_at)

    def test_viewer(self):
        self.link(self.free, ("token:31415926@nationalId", self.fa()))
        self.tour("viewer", "g2p_spar_mapping_action", "g2p_spar_fa_directory.group_viewer")
