# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from unittest.mock import patch

from odoo.tools import mute_logger

from ..g2p_connect.client import NoAnswer
from ..g2p_connect.values import AccountProvider, Outcome, Result
from ..models import g2p_spar_connector_partner
from .test_client import FakeMapper
from .test_connector_remote import LOGGER, RemoteCase

AWAY = NoAnswer("spar.example does not answer", passing=True, maybe_done=False)


class TestPartnerRemote(RemoteCase):
    """The interface for contacts with another mapper: the same answers as from the one here."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["g2p.spar.connector"].search([("id", "!=", cls.connector.id)]).action_archive()
        cls.env["g2p.spar.id.rule"].search([]).action_archive()
        cls.env["g2p.spar.id.rule"].create({"name": "Reference", "field_name": "ref"})
        cls.connector.write({"remote_tries": 1, "remote_max_items": 2})
        cls.bank = cls.env["g2p.fa.provider"].create(
            {
                "name": "Remote Bank",
                "code": "RMTB",
                "strategy_id": cls.env.ref("g2p_spar_fa_directory.g2p_fa_strategy_101").id,
            }
        )
        cls.contacts = cls.env["res.partner"].create(
            [{"name": "C", "ref": f"{name}@ns"} for name in ("known", "none", "stopped", "far")]
        )

    def answer(self, operation, item):
        name = item.id.partition("@")[0]
        if operation != "resolve":
            outcome = Outcome.ALREADY_LINKED if name == "known" else Outcome.DONE
            return Result(item.reference_id, outcome, id=item.id)
        if name == "none":
            return Result(item.reference_id, Outcome.ID_NOT_FOUND, id=item.id)
        if name == "stopped":
            return Result(item.reference_id, Outcome.ID_INACTIVE, id=item.id)
        code = "RMTB" if name == "known" else "ELSEWHERE"
        return Result(
            item.reference_id,
            Outcome.ID_ACTIVE,
            id=item.id,
            fa=f"account:123456789@{code}" if item.scope == "details" else None,
            provider=AccountProvider("Some Bank", code, "7"),
        )

    def resolve(self):
        results = self.env["g2p.spar.connector"].resolve_partners(self.contacts, purpose="Test")
        return [results[contact.id] for contact in self.contacts]

    def test_resolve(self):
        self.answering(FakeMapper(answer=self.answer))
        known, none, stopped, far = self.resolve()
        self.assertEqual(
            [result["outcome"] for result in (known, none, stopped, far)],
            ["id_active", "id_not_found", "id_inactive", "id_active"],
        )
        self.assertEqual(
            (known["number"], known["provider_name"], known["fa_parts"]["bank_code"]),
            ("123456789", "Remote Bank", "RMTB"),
        )
        self.assertIsNone(none["never_linked"], "the standard cannot tell")
        self.assertEqual(
            (far["fa"], far["number"], far["provider_code"], far["branch_code"]),
            ("account:123456789@ELSEWHERE", None, "ELSEWHERE", "7"),
        )
        self.assertEqual(
            self.env["g2p.spar.connector"].has_fa(self.contacts),
            self.contacts[0] + self.contacts[3],
        )

    def test_link(self):
        self.answering(FakeMapper(answer=self.answer))
        account = {"provider_id": self.bank.id, "number": "123456789"}
        results = self.env["g2p.spar.connector"].link_partners(
            [(contact, account) for contact in self.contacts[:2]], "new"
        )
        self.assertEqual([r["outcome"] for r in results], ["already_linked", "done"])

    def test_it_goes_away(self):
        """What was answered before stands; of the rest nothing is known, and no more is asked."""
        mapper = FakeMapper(answer=self.answer, plan=[None, AWAY])
        self.answering(mapper)
        with mute_logger(LOGGER), patch.object(g2p_spar_connector_partner, "CHUNK", 3):
            outcomes = [result["outcome"] for result in self.resolve()]
        self.assertEqual(outcomes, ["id_active", "id_not_found", "unavailable", "unavailable"])
        self.assertEqual(len(mapper.sent), 2)

    def test_its_secret_is_missing(self):
        self.connector.write(self.token_values(remote_client_secret=False))
        self.answering(FakeMapper(answer=self.answer))
        with mute_logger(LOGGER):
            self.assertEqual({result["outcome"] for result in self.resolve()}, {"unavailable"})
