# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.exceptions import AccessDenied
from odoo.tests import TransactionCase

from odoo.addons.g2p_spar_mapper.models.g2p_spar_access_token import sha256


class TestDemo(TransactionCase):
    def providers(self):
        data = self.env["ir.model.data"].search(
            [("module", "=", "g2p_spar_demo"), ("model", "=", "g2p.fa.provider")]
        )
        return self.env["g2p.fa.provider"].browse(data.mapped("res_id"))

    def test_providers(self):
        providers = self.providers()
        self.assertEqual(len(providers), 12)
        self.assertEqual(
            set(providers.mapped("fa_type")), {"bank", "mobile_wallet", "email_wallet"}
        )
        # integrators try opaque addresses at these names
        codes = {code.lower() for code in providers.mapped("code")}
        self.assertFalse(codes & {"bank", "national-bank"})

    def test_addresses_can_be_constructed(self):
        numbers = {
            "bank": "123456789",
            "mobile_wallet": "9171234567",
            "email_wallet": "tala@example.org",
        }
        for provider in self.providers():
            with self.subTest(provider=provider.name):
                address = self.env["g2p.fa.directory"].construct_fa(
                    provider, numbers[provider.fa_type], provider.branch_ids[:1]
                )
                self.assertEqual(address.provider_id, provider.id)

    def test_people(self):
        events = self.env["g2p.spar.mapping.event"].search([("operation", "=", "link")])
        events = events.filtered(lambda event: event.reason == "demonstration")
        self.assertEqual(len(events), 120)
        self.assertEqual(set(events.mapped("channel")), {"api", "portal", "back_office"})

    def test_agent(self):
        """Helps others, and can do nothing else; logs in with what is set at start alone."""
        agent = self.env.ref("g2p_spar_demo.agent")
        self.assertTrue(self.env["g2p.spar.assisted.check"].is_agent(agent))
        self.assertTrue(agent._is_portal())
        self.assertFalse(agent.has_group("g2p_spar_fa_directory.group_viewer"))
        credential = {"type": "password", "login": agent.login, "password": ""}
        with self.assertRaises(AccessDenied):
            agent.with_user(agent)._check_credentials(credential, {"interactive": True})

    def test_credentials(self):
        credentials = {
            participant["sender_id"]: participant
            for participant in self.env["g2p.spar.demo"]._setup_credentials()
        }
        self.assertEqual(len(credentials), 5)
        unrestricted = [p for p in credentials.values() if p["unrestricted"]]
        self.assertEqual(
            sorted(p["profile"] for p in unrestricted), ["openg2p_1", "openg2p_2", "strict"]
        )
        every = ["link", "resolve", "status", "unlink", "update"]
        for participant in unrestricted:
            self.assertEqual(participant["operations"], every)
        self.assertEqual(credentials["payer.example"]["operations"], ["resolve", "status"])
        for participant in credentials.values():
            record = self.env["g2p.spar.participant"].search(
                [("client_id", "=", participant["client_id"])]
            )
            self.assertEqual(
                record.sudo().client_secret_digest, sha256(participant["client_secret"])
            )
