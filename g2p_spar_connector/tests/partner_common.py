# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.tests import TransactionCase, new_test_user

from odoo.addons.g2p_spar_fa_directory.ids import id_key

from ..g2p_connect.client import AWAY
from ..g2p_connect.values import Outcome, Result

GROUPS = "g2p_spar_fa_directory.group_"


class MemoryMapper:
    """A mapper behind the connector's hooks that keeps what it is told, and what it was asked."""

    def __init__(self):
        self.fas = {}
        self.suspended = set()
        self.ever = set()
        self.calls = []
        self.away = False
        self.capabilities = {"history"}

    def put(self, **fas):
        """Link IDs of the common form: 1="account:1@PAYB" is token:1@nationalId."""
        for number, fa in fas.items():
            self.link(f"token:{number.lstrip('n')}@nationalId", fa)

    def link(self, id_, fa):
        self.fas[id_key(id_)] = fa
        self.ever.add(id_)

    def call(self, connector, operation, actor, items, **options):
        self.calls.append((operation, actor, items, options))
        if self.away:
            return [Result(item.reference_id, Outcome.RETRY, AWAY, id=item.id) for item in items]
        results = [getattr(self, f"_{operation}")(item) for item in items]
        return connector._with_addresses(results) if options.get("parts") else results

    @property
    def asked(self):
        """The IDs of all items of all calls."""
        return [item.id for _operation, _actor, items, _options in self.calls for item in items]

    def _resolve(self, item):
        fa = self.fas.get(id_key(item.id))
        if fa is None:
            return Result(item.reference_id, Outcome.ID_NOT_FOUND, id=item.id)
        if item.id in self.suspended:
            return Result(item.reference_id, Outcome.ID_INACTIVE, id=item.id)
        details = {"fa": fa} if item.scope == "details" else {}
        return Result(item.reference_id, Outcome.ID_ACTIVE, id=item.id, **details)

    def _link(self, item):
        if id_key(item.id) in self.fas:
            return Result(item.reference_id, Outcome.ALREADY_LINKED, id=item.id)
        self.link(item.id, item.fa)
        return Result(item.reference_id, Outcome.DONE, id=item.id)

    def _update(self, item):
        if id_key(item.id) not in self.fas:
            return Result(item.reference_id, Outcome.NOT_LINKED, id=item.id)
        self.link(item.id, item.fa)
        return Result(item.reference_id, Outcome.DONE, id=item.id)

    def _unlink(self, item):
        outcome = Outcome.DONE if self.fas.pop(id_key(item.id), None) else Outcome.NOT_LINKED
        return Result(item.reference_id, outcome, id=item.id)


class PartnerCommon(TransactionCase):
    """A connector to a mapper in memory, an ID rule over the internal reference, and contacts."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["g2p.spar.connector"].search([]).action_archive()
        cls.env["g2p.spar.id.rule"].search([]).action_archive()
        cls.connectors = cls.env["g2p.spar.connector"]
        cls.connector = cls.connectors.create({"name": "Here"})
        cls.strategy = cls.env["g2p.fa.strategy"].create(
            {
                "name": "National ID for tests",
                "code": 9901,
                "strategy_type": "ID",
                "fa_type": False,
                "construct_pattern": "token:{sub}@nationalId",
            }
        )
        cls.rule = cls.env["g2p.spar.id.rule"].create(
            {"name": "Reference", "field_name": "ref", "strategy_id": cls.strategy.id}
        )
        cls.bank = cls._provider("PAYB", "bank", 101)
        cls.wallet = cls._provider("PAYW", "mobile_wallet", 102)
        cls.users = {
            name: new_test_user(cls.env, f"spar-contact-{name}", groups=groups)
            for name, groups in (
                ("viewer", f"{GROUPS}viewer"),
                ("officer", f"{GROUPS}officer"),
                ("manager", f"{GROUPS}manager"),
                ("employee", "base.group_user,base.group_partner_manager"),
                ("portal", "base.group_portal"),
            )
        }

    def setUp(self):
        super().setUp()
        self.mapper = mapper = MemoryMapper()
        model = type(self.connector)
        self.patch(model, "_call", lambda *args, **options: mapper.call(*args, **options))
        self.patch(model, "_capabilities", lambda connector: mapper.capabilities)
        self.patch(model, "_ever_linked", lambda connector, ids: mapper.ever & set(ids))

    @classmethod
    def _provider(cls, code, fa_type, strategy):
        return cls.env["g2p.fa.provider"].create(
            {
                "name": f"Provider {code}",
                "code": code,
                "fa_type": fa_type,
                "strategy_id": cls.env.ref(f"g2p_spar_fa_directory.g2p_fa_strategy_{strategy}").id,
            }
        )

    @classmethod
    def _contacts(cls, *references, **values):
        return cls.env["res.partner"].create(
            [{"name": f"Contact {ref}", "ref": ref, **values} for ref in references]
        )

    def as_user(self, name):
        return self.connectors.with_user(self.users[name])

    def lookups(self):
        return self.env["g2p.spar.lookup"].search([], order="id")
