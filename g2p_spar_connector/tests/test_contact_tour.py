# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import time
from unittest.mock import patch

from odoo.tests import HttpCase, tagged

from .partner_common import PartnerCommon

ID = "token:7001@nationalId"
FA = "account:888000222@PAYB"


@tagged("post_install", "-at_install")
class TestContactTour(PartnerCommon, HttpCase):
    """The tab of a contact in a browser."""

    def tour(self, role, name):
        contact = self._contacts("7001")
        user = self.users[role]
        user.password = user.login
        self.start_tour(
            f"/odoo/action-g2p_spar_connector.res_partner_action/{contact.id}",
            f"g2p_spar_connector_contact_{name}",
            login=user.login,
            timeout=180,
        )
        return self.env["g2p.spar.outbox"].search([("partner_id", "=", contact.id)])

    def test_officer(self):
        """What is typed stays while the server takes its time to say what the provider asks for."""
        dialogs = type(self.env["g2p.spar.partner.change"])
        onchange = dialogs.onchange

        def slow(dialog, values, field_names, fields_spec):
            time.sleep(1 if field_names else 0)
            return onchange(dialog, values, field_names, fields_spec)

        with patch.object(dialogs, "onchange", slow):
            self.assertFalse(self.tour("officer", "officer"))
        self.assertEqual(self.mapper.fas, {ID.lower(): FA})

    def test_viewer(self):
        self.mapper.link(ID, FA)
        self.tour("viewer", "viewer")

    def test_away(self):
        self.mapper.away = True
        change = self.tour("officer", "away")
        self.assertEqual((change.operation, change.reason), ("unlink", "has moved abroad"))
