# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import secrets
import time
from dataclasses import replace
from unittest.mock import patch

from odoo import fields
from odoo.tests import TransactionCase

from odoo.addons.g2p_spar_connector.secret import seal

from ..models import g2p_spar_beneficiary_session, g2p_spar_change_lane
from ..person import Person
from .fake_mapper import FakeMapper

BANK_STRATEGY = "g2p_spar_fa_directory.g2p_fa_strategy_101"
WALLET_STRATEGY = "g2p_spar_fa_directory.g2p_fa_strategy_102"


class DirectoryMixin:
    """A bank with branches, one without, and a wallet of each kind."""

    @classmethod
    def make_directory(cls):
        directory = "g2p_spar_fa_directory"
        cls.env["g2p.fa.provider"].search([]).action_archive()
        values = [
            ("Testing Bank", "TSTB", "bank", f"{directory}.g2p_fa_strategy_2", 3),
            ("Plain Bank", "PLNB", "bank", BANK_STRATEGY, 3),
            ("Testing Wallet", "TSTW", "mobile_wallet", WALLET_STRATEGY, 5),
            ("Testing Mail", "TSTM", "email_wallet", f"{directory}.g2p_fa_strategy_3", 7),
        ]
        cls.bank, cls.plain_bank, cls.wallet, cls.mail_wallet = cls.env["g2p.fa.provider"].create(
            [
                {
                    "name": name,
                    "code": code,
                    "fa_type": kind,
                    "strategy_id": cls.env.ref(strategy).id,
                    "account_rule_id": cls.env.ref(f"{directory}.g2p_fa_account_rule_{rule}").id,
                }
                for name, code, kind, strategy, rule in values
            ]
        )
        cls.branch, cls.other_branch = cls.env["g2p.fa.branch"].create(
            [
                {"provider_id": cls.bank.id, "name": "Main Street", "code": "TB1", "city": "Sagar"},
                {"provider_id": cls.bank.id, "name": "Harbour", "code": "TB2", "city": "Nilgiri"},
            ]
        )


class ChangeCommon(DirectoryMixin, TransactionCase):
    """A directory, a mapper in memory, and two people who have signed in."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service = cls.env["g2p.spar.self.service"]
        cls.changes = cls.env["g2p.spar.change"]
        cls.drafts = cls.env["g2p.spar.change.draft"]
        cls.links = cls.env["g2p.spar.change.link"].sudo()
        cls.known = cls.env["g2p.spar.known.contact"].sudo()
        cls.connector = cls.env["g2p.spar.connector"].create(
            {"name": "Test", "sequence": -1, "company_id": cls.env.company.id}
        )
        cls.make_directory()
        cls._make_provider()

    @classmethod
    def _make_provider(cls):
        # that of a demonstration makes IDs in the same namespace
        cls.env["g2p.spar.signin.provider"].search([]).active = False
        namespace = cls.env["g2p.id.namespace"].search([("name", "=ilike", "nationalId")])
        cls.provider = cls.env["g2p.spar.signin.provider"].create(
            {
                "name": "Test ID",
                "issuer": "https://id.example.org",
                "strategy_id": cls.env.ref("g2p_spar_fa_directory.g2p_fa_strategy_1").id,
                "namespace_id": (namespace or namespace.create({"name": "nationalId"})).id,
            }
        )

    def setUp(self):
        super().setUp()
        self.mapper = FakeMapper(self.env)
        self.patch(type(self.connector), "_call", lambda *args, **kw: self.mapper.call(*args, **kw))
        self.maria = self.person("maria", email="maria@example.org", phone="+639170000001")
        self.juan = self.person("juan", email="juan@example.org")

    # === SHORTHANDS === #

    def person(self, sub, email="", phone=""):
        """Somebody who has signed in just now."""
        now = fields.Datetime.now()
        session = (
            self.env["g2p.spar.beneficiary.session"]
            .sudo()
            .create(
                {
                    "provider_id": self.provider.id,
                    "handle_digest": secrets.token_hex(32),
                    "trust_version": 1,
                    "person_digest": sub,
                    "person_sealed": seal(b"{}", g2p_spar_beneficiary_session.PURPOSE),
                    "started_at": now,
                    "seen_at": now,
                    "expires_at": fields.Datetime.add(now, hours=1),
                }
            )
        )
        return Person(
            id=f"token:{sub}@nationalId",
            kind="beneficiary",
            name=sub.title(),
            email=email,
            phone=phone,
            session=session,
            user=self.env["res.users"],
            connector=self.connector,
        )

    def put_on_record(self, person, number="111122223333", provider=None):
        fa = self.service.make_address(provider or self.plain_bank, None, number)["fa"]
        self.mapper.mappings[person.id.lower()] = (fa, None)
        return fa

    def draft(self, person, number="123456789012", provider=None, key=None, remove=False):
        """A draft ready to be confirmed: of another account, or of a removal."""
        key = key or f"session {person.session.id}"
        draft = self.drafts.begin(person, key)
        if remove:
            self.service.prepare_removal(person, draft)
        else:
            provider = provider or self.plain_bank
            draft.put({"kind": provider.fa_type, "provider_id": provider.id})
            self.service.prepare(person, draft, number)
        return draft

    def sign_in_again(self, draft, person):
        person.session.confirm(draft.version(), time.time())

    def ask(self, person, number="123456789012", provider=None, remove=False, **kw):
        """A change that was asked for; signed in once more where that is needed."""
        draft = self.draft(person, number, provider, remove=remove, **kw)
        if draft.needs_sign_in(person):
            self.sign_in_again(draft, person)
        return draft.confirm(person, draft.version())

    def apply(self, change):
        """A try, as the scheduled action makes it, without its commits."""
        self.env.cr.execute(
            "UPDATE g2p_spar_change SET try_count = try_count + 1, trying = TRUE WHERE id = %s",
            [change.id],
        )
        change.invalidate_recordset()
        change._carry_out()
        change.invalidate_recordset()
        return change.state

    def apply_due(self):
        """A run of the scheduled action, all in the transaction of the test."""
        self.startPatcher(patch.object(g2p_spar_change_lane, "read_committed"))
        jobs = type(self.env["ir.cron"])
        with patch.object(jobs, "_commit_progress", lambda *args, **kw: float("inf")):
            self.changes._cron_apply()
        self.changes.invalidate_model()

    def mails(self, change):
        """(recipient, subject, text) of the messages about a change."""
        domain = [("body_html", "ilike", change.number)]
        return [
            (mail.email_to, mail.subject, mail.body_html)
            for mail in self.env["mail.mail"].sudo().search(domain, order="id")
        ]

    def without_contacts(self, person):
        return replace(person, email="", phone="")
