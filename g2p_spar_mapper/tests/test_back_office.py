# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import time
from unittest.mock import patch

from odoo.tests import HttpCase, new_test_user, tagged

from .common import MapperCommon


@tagged("post_install", "-at_install")
class TestBackOffice(MapperCommon, HttpCase):
    """The back end in a browser, as each role uses it."""

    def tour(self, role, action, groups):
        user = new_test_user(self.env, f"spar-{role}", groups=groups, password=f"spar-{role}")
        self.start_tour(
            f"/odoo/action-g2p_spar_mapper.{action}",
            f"g2p_spar_mapper_{role}",
            login=user.login,
            timeout=180,
        )

    def test_officer(self):
        """What is typed stays while the server takes its time to say what the provider asks for."""
        dialogs = type(self.env["g2p.spar.mapping.change"])
        onchange = dialogs.onchange

        def slow(dialog, values, field_names, fields_spec):
            time.sleep(1 if field_names else 0)
            return onchange(dialog, values, field_names, fields_spec)

        with patch.object(dialogs, "onchange", slow):
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
