# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What scenarios of payments need, whatever the PBMS: a mapper under the test's control; people,
programmes and payments by the names of a PBMS.
"""

from odoo import Command
from odoo.tests import TransactionCase, new_test_user

from ..g2p_connect.values import Address, Outcome, Result

PROVIDER = ("TESTBANK", "Bank of the Tests")


class ScriptedMapper:
    """A backend that answers from a dictionary.

    :ivar dict fas: FA by ID
    :ivar set suspended: IDs
    :ivar set ever: IDs that were linked at any time
    :ivar bool history: whether it can tell that
    :ivar bool away: it gives no answer
    :ivar set mute: IDs of which it says nothing
    :ivar list asked: how many items each call had
    """

    def __init__(self):
        self.fas, self.suspended, self.ever, self.mute = {}, set(), set(), set()
        self.history, self.away = True, False
        self.asked = []

    def link(self, *ids):
        for id_ in ids:
            self.fas[id_] = f"account_number:{_number(id_)}.bank_code:{PROVIDER[0]}"
        self.ever.update(ids)

    def change(self, id_):
        self.fas[id_] = f"account_number:9{_number(id_)}.bank_code:{PROVIDER[0]}"

    def remove(self, id_):
        del self.fas[id_]

    def number(self, id_):
        """The account number of an ID."""
        return _address(self.fas[id_]).number

    def patch_into(self, test):
        connectors = type(test.env["g2p.spar.connector"])
        test.patch(connectors, "_call", lambda _self, *args, **options: self._call(*args))
        test.patch(
            connectors, "_capabilities", lambda _self: {"history"} if self.history else set()
        )
        test.patch(connectors, "_ever_linked", lambda _self, ids: self.ever.intersection(ids))

    def _call(self, operation, _actor, items):
        assert operation == "resolve", operation
        self.asked.append(len(items))
        return [self._answer(item) for item in items]

    def _answer(self, item):
        if self.away:
            return Result(item.reference_id, Outcome.RETRY)
        if item.id in self.mute:
            return Result(item.reference_id, Outcome.OTHER, id=item.id)
        if item.id in self.suspended:
            return Result(item.reference_id, Outcome.ID_INACTIVE, id=item.id)
        fa = self.fas.get(item.id)
        if fa is None:
            return Result(item.reference_id, Outcome.ID_NOT_FOUND, id=item.id)
        return Result(item.reference_id, Outcome.ID_ACTIVE, id=item.id, fa=fa, address=_address(fa))


def _number(id_):
    return id_.partition("@")[0].strip("abcdefghijklmnopqrstuvwxyz-:")


def _address(fa):
    if not fa.startswith("account_number:"):
        return None
    number = fa.removeprefix("account_number:").partition(".")[0]
    return Address("bank", number, *PROVIDER)


class PbmsWorld(TransactionCase):
    """A programme with a default payment manager of a PBMS, and people to be paid.

    A PBMS's glue fills in the class attributes, and the methods that raise `NotImplementedError`.
    """

    PROGRAM = CYCLE = ENTITLEMENT = PAYMENT = TAG = None
    # The model that refers to payment managers of all models.
    WRAPPER = None
    # Groups of those who prepare and send payments, with and without the right to accept addresses.
    MANAGER_GROUP = FINANCE_GROUP = None
    # A group of those who see cycles and payment managers, and make no payments.
    READER_GROUP = None
    # Forms of registrants that do not show what other addons add to those of contacts.
    REGISTRANT_FORMS = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": True})
        cls.env["g2p.spar.connector"].search([]).action_archive()
        cls.env["g2p.spar.id.rule"].search([]).action_archive()
        cls.connector = cls.env["g2p.spar.connector"].create({"name": "Scripted"})
        cls.rule = cls.env["g2p.spar.id.rule"].create(
            {"name": "Document", "source": "id_document", **cls.id_rule_values()}
        )
        cls.program = cls.make_program()
        cls.manager = cls.program.get_manager(cls.program.MANAGER_PAYMENT)
        cls.tag = cls.env[cls.TAG].create({"name": "All", "max_batch_size": 10})
        cls.manager.write({"fa_source": "spar", "batch_tag_ids": [Command.set(cls.tag.ids)]})
        cls.cycle = cls.make_cycle()

    def setUp(self):
        super().setUp()
        self.mapper = ScriptedMapper()
        self.mapper.patch_into(self)

    # === PEOPLE === #

    @classmethod
    def make_people(cls, count, first=1):
        """Registrants with the ID documents 1@test, 2@test..., and with a bank account each."""
        people = cls.env["res.partner"].create(
            [cls.person_values(f"Person {number}") for number in range(first, first + count)]
        )
        cls.env["res.partner.bank"].create(
            [
                {"partner_id": person.id, "acc_number": f"REGISTRY{number}"}
                for number, person in enumerate(people, start=first)
            ]
        )
        cls.make_documents(people, [f"{number}@test" for number in range(first, first + count)])
        return people

    @classmethod
    def person_values(cls, name):
        return {"name": name, "is_registrant": True}

    @classmethod
    def make_group(cls, *heads):
        group = cls.env["res.partner"].create(
            {"name": "Household", "is_registrant": True, "is_group": True}
        )
        for head in heads:
            cls.make_head(group, head)
        return group

    def user(self, *groups):
        login = "-".join(group.split(".")[1] for group in groups) or "nobody"
        return new_test_user(self.env, f"test-{login}", groups=",".join(groups))

    # === PAYMENTS === #

    @classmethod
    def entitle(cls, people, cycle=None):
        cycle = cycle or cls.cycle
        return cls.env[cls.ENTITLEMENT].create(
            [
                {
                    "partner_id": person.id,
                    "cycle_id": cycle.id,
                    "initial_amount": 100,
                    "state": "approved",
                    "is_cash_entitlement": True,
                    **cls.entitlement_values(),
                }
                for person in people
            ]
        )

    def prepare(self):
        """:return: the payments that were made"""
        before = self.payments()
        self.cycle.prepare_payment()
        return self.payments() - before

    def payments(self):
        return self.env[self.PAYMENT].search([("cycle_id", "=", self.cycle.id)])

    def batches(self):
        self.cycle.invalidate_recordset(["payment_batch_ids"])
        return self.cycle.payment_batch_ids

    def payment_of(self, person):
        """The latest payment of somebody."""
        return self.payments().filtered(lambda payment: payment.partner_id == person)[:1]

    def send(self):
        """Send all batches of the cycle by a manager that keeps what it was given.

        :return: pairs of who was paid, and to which account number; who is in two batches is paid
            twice
        """
        sent = []

        def keep(_manager, batches):
            sent.extend(
                (payment.partner_id, payment.account_number)
                for batch in batches
                for payment in batch.payment_ids
            )

        self.override("_send_payments", keep)
        self.batches()
        self.cycle.send_payment()
        return sent

    def override(self, name, method):
        """Let the manager's model have a method that overrides all others, as that of an addon
        which knows nothing of SPAR would."""
        self.patch(type(self.manager), name, method)
        self.env[self.WRAPPER]._register_hook()

    # === THE PBMS === #

    @classmethod
    def make_program(cls):
        raise NotImplementedError

    @classmethod
    def make_cycle(cls, name="Cycle"):
        raise NotImplementedError

    @classmethod
    def entitlement_values(cls):
        return {}

    @classmethod
    def id_rule_values(cls):
        """Values of an ID rule for the type of document that `make_documents` makes."""
        raise NotImplementedError

    @classmethod
    def make_documents(cls, people, ids):
        raise NotImplementedError

    @classmethod
    def make_head(cls, group, individual):
        raise NotImplementedError

    @classmethod
    def spoil_documents(cls, invalid, expired):
        """Make the ID document of one person invalid, and let that of another one expire."""
        raise NotImplementedError

    def uninstall_hook(self):
        """Call that of the glue."""
        raise NotImplementedError

    @classmethod
    def enroll(cls, people):
        """Make people members of the cycle."""
        raise NotImplementedError
