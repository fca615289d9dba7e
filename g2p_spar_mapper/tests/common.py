# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import shutil
import tempfile
from unittest.mock import patch

from odoo.tests import TransactionCase

from odoo.addons.g2p_spar_connector.g2p_connect.values import (
    Actor,
    LinkItem,
    ResolveItem,
    UnlinkItem,
    UpdateItem,
)

from ..access_spool import AccessSpool


class MapperCommon(TransactionCase):
    """Two banks, a mobile wallet, and one participant of each kind of authority."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mapper = cls.env["g2p.spar.mapper"]
        strategy = cls.env.ref("g2p_spar_fa_directory.g2p_fa_strategy_101")
        rule = cls.env.ref("g2p_spar_fa_directory.g2p_fa_account_rule_3")
        cls.bank, cls.other_bank = cls.env["g2p.fa.provider"].create(
            [
                {
                    "name": name,
                    "code": code,
                    "fa_type": "bank",
                    "strategy_id": strategy.id,
                    "account_rule_id": rule.id,
                }
                for name, code in (("Testing Bank", "TSTB"), ("Other Bank", "OTHB"))
            ]
        )
        cls.wallet = cls.env["g2p.fa.provider"].create(
            {
                "name": "Testing Wallet",
                "code": "TSTW",
                "fa_type": "mobile_wallet",
                "strategy_id": cls.env.ref("g2p_spar_fa_directory.g2p_fa_strategy_102").id,
            }
        )
        cls.participant = cls._participant("free", fa_policy="opaque", may_override=True)
        cls.institution = cls._participant(
            "bank", institution_id=cls.bank.id, own_institution_only=True
        )
        cls.other_institution = cls._participant(
            "other", institution_id=cls.other_bank.id, own_institution_only=True
        )
        cls.free = cls._actor(cls.participant)
        cls.banker = cls._actor(cls.institution)
        cls.other_banker = cls._actor(cls.other_institution)
        cls.person = Actor("beneficiary", "portal", "A Person")
        cls.staff = Actor("staff", "back_office", "An Officer", cls.env.uid, reason="asked for")
        cls.spool_dir = tempfile.mkdtemp(prefix="spar-spool-")
        cls.addClassCleanup(shutil.rmtree, cls.spool_dir, ignore_errors=True)
        cls.spool = AccessSpool(cls.spool_dir)
        access_log = type(cls.env["g2p.spar.access.log"])
        cls.startClassPatcher(patch.object(access_log, "_spool", lambda self: cls.spool))

    @classmethod
    def _participant(cls, name, **values):
        return cls.env["g2p.spar.participant"].create(
            {
                "name": f"Participant {name}",
                "sender_id": f"{name}.test",
                "may_link": True,
                "may_update": True,
                "may_unlink": True,
                "may_resolve": True,
                "may_see_details": True,
                "max_items": 10_000,
                **values,
            }
        )

    @classmethod
    def _actor(cls, participant):
        return Actor(
            "participant", "api", participant.name, participant_id=participant.id, reason="test"
        )

    # === SHORTHANDS === #

    @staticmethod
    def fa(number="123456789", code="TSTB"):
        return f"account:{number}@{code}"

    @staticmethod
    def id_of(number):
        return f"token:{number}@nationalId"

    def link(self, actor, *pairs, **values):
        """Link (ID, FA) pairs; returns the outcomes."""
        items = [LinkItem(str(i), id_, fa, **values) for i, (id_, fa) in enumerate(pairs)]
        return [result.outcome for result in self.mapper.link_items(actor, items)]

    def update(self, actor, *pairs, **values):
        items = [UpdateItem(str(i), id_, fa, **values) for i, (id_, fa) in enumerate(pairs)]
        return [result.outcome for result in self.mapper.update_items(actor, items)]

    def remove(self, actor, *pairs):
        items = [UnlinkItem(str(i), id_, fa) for i, (id_, fa) in enumerate(pairs)]
        return [result.outcome for result in self.mapper.unlink_items(actor, items)]

    def suspend(self, *ids):
        items = [UnlinkItem(str(i), id_) for i, id_ in enumerate(ids)]
        return [result.outcome for result in self.mapper.suspend_items(self.staff, items)]

    def reactivate(self, *ids):
        items = [UnlinkItem(str(i), id_) for i, id_ in enumerate(ids)]
        return [result.outcome for result in self.mapper.reactivate_items(self.staff, items)]

    def erase(self, *ids):
        items = [UnlinkItem(str(i), id_) for i, id_ in enumerate(ids)]
        return [result.outcome for result in self.mapper.erase_items(self.staff, items)]

    def resolve(self, *ids, scope="details", actor=None):
        """Resolve by ID; returns the results."""
        items = [ResolveItem(str(i), id=id_, scope=scope) for i, id_ in enumerate(ids)]
        return self.mapper.resolve_items(actor or self.free, items)

    def mapping(self, id_value):
        self.env["g2p.spar.mapping"].invalidate_model()
        return self.env["g2p.spar.mapping"].search([("id_masked", "=", id_value)])

    def events(self, id_value):
        """The history of an ID, oldest first."""
        domain = [("id_lookup", "=", id_value)]
        return self.env["g2p.spar.mapping.event"].search(domain, order="id")

    def spooled(self):
        """The records that the access spool holds, oldest first; empties it."""
        records = []
        for path in self.spool.take():
            records += self.spool.records(path)
            path.unlink()
        return records
