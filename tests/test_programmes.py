# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Payments of a programme on the running product: with the mapper of its own database and with
another one over HTTP, and several people at work at the same time."""

import datetime
import functools

import pytest
from conftest import RunningServer, fresh_database, installed, template_database
from log_search import Logs
from mapper_client import (
    TOKEN_PATH,
    BackOffice,
    bank_fa,
    new_id,
    new_number,
    together,
)
from participants import register
from people import HOME, Browser
from spar_setup import template
from spar_setup.server import free_port

MANAGER = "g2p.program.payment.manager.default"
REGISTRY = "REGISTRY-"


@pytest.fixture(scope="module")
def programmes():
    """A `RunningServer` with the stand-ins of OpenG2P's programmes."""
    installation, postgres = installed()
    beside = template.ensure_pbms_template(installation, postgres, template_database(), "g2p")
    running = RunningServer(fresh_database("spar_programmes", beside))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def local(programmes):
    """A world whose mapper is the programmes' own database."""
    client, _participant_id = register(programmes)
    return World(programmes, programmes, client, backend="local")


@pytest.fixture(scope="module")
def remote(programmes, server):
    """A world whose mapper is another one."""
    client, _participant_id = register(server)
    return World(programmes, server, client, **remote_settings(server, client))


@pytest.fixture(params=["local", "remote"])
def world(request):
    """One after the other: each world takes over the one connector that programmes use."""
    chosen = request.getfixturevalue(request.param)
    chosen.take_over()
    return chosen


def remote_settings(server, client):
    return {
        "backend": "g2p_connect",
        "remote_profile": "strict",
        "remote_url": f"{server.url}/spar/v1.0.0",
        "remote_sender_id": client.sender_id,
        "remote_token_url": f"{server.url}{TOKEN_PATH}",
        "remote_client_id": client.credentials["client_id"],
        "remote_client_secret": client.credentials["client_secret"],
        "remote_tries": 1,
    }


class World:
    """A programme in one database, and the mapper that it asks.

    :param programmes: `RunningServer` of the programme
    :param mapper: `RunningServer` of the mapper
    :param client: `Client` of the mapper, that may do everything
    :param settings: of the connector
    """

    def __init__(self, programmes, mapper, client, **settings):
        self.office = BackOffice(programmes)
        self.mapper_office = BackOffice(mapper)
        self.client = client
        self.settings = settings
        self.is_local = settings["backend"] == "local"
        self._id_type = self.create("g2p.id.type", name=f"ID {client.sender_id} {self.is_local}")
        self.rule = self.create(
            "g2p.spar.id.rule",
            name="Document",
            source="id_document",
            g2p_id_type_id=self._id_type,
        )
        self._make_programme()

    def _make_programme(self):
        self.tag = self.create("g2p.payment.batch.tag", name="All", max_batch_size=10)
        self.programme = self.create("g2p.program", name="Programme", target_type="individual")
        [self.manager] = self.office.find(MANAGER, ["program_id", "=", self.programme])
        self.configure(
            fa_source="spar", spar_id_rule_id=self.rule, batch_tag_ids=[[6, 0, [self.tag]]]
        )

    def take_over(self):
        office = self.office
        others = office.find("g2p.spar.connector")
        office.must("g2p.spar.connector", "action_archive", others)
        self.connector = self.create("g2p.spar.connector", name="Theirs", **self.settings)

    def create(self, model, **values):
        [id_] = self.office.must(model, "create", [values])
        return id_

    def configure(self, **values):
        self.office.must(MANAGER, "write", [self.manager], values)

    # === PEOPLE === #

    def people(self, count):
        """Ids of the contacts, each with a document and a bank account, and their SPAR IDs."""
        ids = [new_id() for _ in range(count)]
        values = [
            {
                "name": "A Person",
                "is_registrant": True,
                "reg_ids": [[0, 0, {"id_type": self._id_type, "value": id_}]],
                "bank_ids": [[0, 0, {"acc_number": f"{REGISTRY}{new_number()}"}]],
            }
            for id_ in ids
        ]
        return self.office.must("res.partner", "create", values), ids

    def cycle(self, people):
        """A cycle in which these contacts are to be paid."""
        today = datetime.date.today().isoformat()
        cycle = self.create(
            "g2p.cycle",
            name="Cycle",
            program_id=self.programme,
            start_date=today,
            end_date=today,
            state="approved",
        )
        values = [
            {"partner_id": id_, "cycle_id": cycle, "initial_amount": 10, "state": "approved"}
            for id_ in people
        ]
        self.office.must("g2p.entitlement", "create", values)
        return cycle

    # === ADDRESSES === #

    def link(self, numbers):
        """Link IDs to bank accounts of these numbers."""
        _check(self.client.link([(id_, bank_fa(number)) for id_, number in numbers.items()]))

    def change(self, numbers):
        _check(self.client.update([(id_, bank_fa(number)) for id_, number in numbers.items()]))

    def remove(self, *ids):
        _check(self.client.remove(ids))

    def suspend(self, id_):
        [mapping] = self.mapper_office.find("g2p.spar.mapping", ["id_masked", "=", id_])
        dialog = self.mapper_office.must(
            "g2p.spar.mapping.change",
            "create",
            [{"operation": "suspend", "mapping_id": mapping, "reason": "Test"}],
        )
        self.mapper_office.must("g2p.spar.mapping.change", "action_apply", dialog)

    # === PAYMENTS === #

    def prepare(self, cycle, office=None):
        return (office or self.office).call("g2p.cycle", "prepare_payment", [cycle])

    def send(self, cycle, office=None):
        return (office or self.office).call("g2p.cycle", "send_payment", [cycle])

    def payments(self, cycle):
        """All payments of the cycle, the oldest first."""
        names = [
            "partner_id", "entitlement_id", "status", "account_number", "spar_state",
            "spar_outcome", "spar_handed_over_at",
        ]  # fmt: skip
        return self.office.must(
            "g2p.payment", "search_read", [["cycle_id", "=", cycle]], names, order="id"
        )

    def in_batches(self, cycle):
        """Ids of the payments that a payment manager is given."""
        batches = self.office.must(
            "g2p.payment.batch", "search_read", [["cycle_id", "=", cycle]], ["payment_ids"]
        )
        return {id_ for batch in batches for id_ in batch["payment_ids"]}


def _check(reply):
    """Every item has succeeded."""
    assert reply.items and all(reply.succeeded), reply.body


def latest(payments, people):
    """What there is to say of the last payment of each of these contacts."""
    of_person = {payment["partner_id"][0]: payment for payment in payments}
    names = ("spar_state", "spar_outcome", "status", "account_number")
    return [tuple(of_person[id_][name] for name in names) for id_ in people]


def test_same_outcome(world):
    """Prepared, changed meanwhile, sent, and prepared again: whatever mapper it is."""
    people, ids = world.people(6)
    numbers = [new_number() for _ in ids]
    world.link(dict(zip(ids[:5], numbers, strict=False)))
    world.remove(ids[4])
    cycle = world.cycle(people)
    assert world.prepare(cycle)[1] is None
    without = ("unresolved", "id_not_found", "failed", False)
    assert latest(world.payments(cycle), people) == [
        *(("resolved", "id_active", False, number) for number in numbers[:4]),
        without,
        without,
    ]
    other = new_number()
    world.change({ids[0]: other})
    world.remove(ids[1])
    world.suspend(ids[2])
    assert world.send(cycle)[1] is None
    payments = world.payments(cycle)
    assert latest(payments, people[:4]) == [
        ("changed", "address_changed", "failed", False),
        ("changed", "id_not_found", "failed", False),
        ("changed", "id_inactive", "failed", False),
        ("resolved", "id_active", False, numbers[3]),
    ]
    sent = [payment for payment in payments if payment["spar_handed_over_at"]]
    assert [payment["account_number"] for payment in sent] == [numbers[3]]
    assert world.in_batches(cycle) == {sent[0]["id"]}
    assert world.prepare(cycle)[1] is None
    assert latest(world.payments(cycle), people) == [
        ("resolved", "id_active", False, other),
        without,
        ("unresolved", "id_inactive", "failed", False),
        ("resolved", "id_active", False, numbers[3]),
        without,
        without,
    ]


def test_portal_user_with_an_id_document(programmes, local):
    """A registrant with a log-in reaches the own address; where two have the same document, it is
    nobody's."""
    world, office = local, local.office
    world.take_over()
    [person, other], [id_, _] = world.people(2)
    number = new_number()
    world.link({id_: number})
    login = "registrant"
    world.create(
        "res.users",
        login=login,
        password=login,
        partner_id=person,
        group_ids=[[6, 0, [office.reference("base.group_portal")]]],
    )
    office.must("g2p.spar.id.rule", "write", [world.rule], {"for_portal": True})
    browser = Browser(programmes.url)
    browser.log_in_as(programmes.database, login, login)
    try:
        page = browser.get(HOME)
        assert page.url.endswith(HOME) and number[-4:] in page.text, page.text
        documents = office.find("g2p.reg.id", ["partner_id", "=", other])
        office.must("g2p.reg.id", "write", documents, {"value": id_.upper()})
        page = browser.get(HOME)
        assert "no ID number that is yours" in page.text and number[-4:] not in page.text, page.text
        office.must("res.partner", "action_archive", [other])
        assert "no ID number that is yours" in browser.get(HOME).text
        office.must("g2p.reg.id", "unlink", documents)
        assert number[-4:] in browser.get(HOME).text
        # of another company's, by another rule
        office.must("res.partner", "write", [other], {"ref": id_, "active": True})
        rule = world.create(
            "g2p.spar.id.rule", name="Reference", field_name="ref", company_id=False
        )
        assert "no ID number that is yours" in browser.get(HOME).text
        office.must("g2p.spar.id.rule", "action_archive", [rule])
        assert number[-4:] in browser.get(HOME).text
        [document] = office.find("g2p.reg.id", ["partner_id", "=", person])
        office.must("g2p.reg.id", "write", [document], {"status": "invalid"})
        assert "no ID number that is yours" in browser.get(HOME).text
    finally:
        office.must("g2p.spar.id.rule", "write", [world.rule], {"for_portal": False})


def test_registry_for_those_never_linked(world):
    """The one thing in which mappers differ: one that cannot tell who was never linked never lets
    the registry stand in."""
    people, ids = world.people(3)
    world.link({id_: new_number() for id_ in ids[:2]})
    world.remove(ids[1])
    world.configure(fa_source="spar_then_registry")
    cycle = world.cycle(people)
    try:
        assert world.prepare(cycle)[1] is None
    finally:
        world.configure(fa_source="spar")
    states = [state for state, *_rest in latest(world.payments(cycle), people)]
    expected = "registry" if world.is_local else "unresolved"
    assert states == ["resolved", "unresolved", expected]
    for _state, _outcome, _status, number in latest(world.payments(cycle), people[1:2]):
        assert number is False


def test_mapper_away(remote):
    """Nothing is paid to a guess."""
    world = remote
    world.take_over()
    people, ids = world.people(2)
    world.link({id_: new_number() for id_ in ids})
    world.configure(fa_source="spar_then_registry")
    prepared, unprepared = world.cycle(people), world.cycle(people)
    assert world.prepare(prepared)[1] is None
    before = world.payments(prepared)
    away = f"http://127.0.0.1:{free_port()}"
    world.office.must("g2p.spar.connector", "write", [world.connector], {"remote_url": away})
    try:
        assert "Nothing was sent" in world.send(prepared)[1]
        assert world.payments(prepared) == before
        assert world.prepare(unprepared)[1] is None
    finally:
        world.configure(fa_source="spar")
    assert latest(world.payments(unprepared), people) == [
        ("unresolved", "unavailable", "failed", False)
    ] * len(people)
    assert not world.in_batches(unprepared)


def test_prepared_by_two_at_once(programmes, local):
    """Nobody gets two payments."""
    world = local
    world.take_over()
    offices = [BackOffice(programmes) for _ in range(4)]
    for _ in range(3):
        people, ids = world.people(40)
        world.link({id_: new_number() for id_ in ids[:30]})
        cycle = world.cycle(people)
        prepare = functools.partial(world.prepare, cycle)
        done = together([functools.partial(prepare, office) for office in offices])
        assert [problem for _result, problem in done] == [None] * len(offices)
        payments = world.payments(cycle)
        assert sorted(payment["partner_id"][0] for payment in payments) == sorted(people)


def test_prepared_and_sent_at_once_while_addresses_change(programmes, local):
    """However they mix: what may be paid has the person's own address, and nobody gets two."""
    world = local
    world.take_over()
    offices = [BackOffice(programmes) for _ in range(4)]
    people, ids = world.people(40)
    numbers = {id_: new_number() for id_ in ids}
    world.link(numbers)
    cycle = world.cycle(people)
    assert world.prepare(cycle)[1] is None
    for _ in range(4):
        changed = {id_: new_number() for id_ in ids[:10]}
        numbers |= changed
        done = together(
            [
                lambda changed=changed: world.change(changed),
                lambda: world.send(cycle, offices[0]),
                lambda: world.prepare(cycle, offices[1]),
                lambda: world.send(cycle, offices[2]),
                lambda: world.prepare(cycle, offices[3]),
            ]
        )
        assert [result[1] for result in done if result] == [None] * 4
        check_payments(world, cycle)
    for _ in range(2):  # handed over or not, by now everybody else waits for a decision
        assert world.send(cycle)[1] is None
    own = dict(zip(people, numbers.values(), strict=True))
    in_batches = world.in_batches(cycle)
    for payment in world.payments(cycle):
        if payment["id"] in in_batches:
            assert payment["account_number"] == own[payment["partner_id"][0]]


def check_payments(world, cycle):
    in_batches = world.in_batches(cycle)
    live = {}
    for payment in world.payments(cycle):
        if payment["status"] != "failed":
            assert live.setdefault(payment["entitlement_id"][0], payment["id"]) == payment["id"]
        stopped = payment["spar_state"] in ("changed", "unresolved")
        assert stopped == (payment["id"] not in in_batches)
        assert stopped == (payment["account_number"] is False)


def test_logs(programmes):
    """Neither IDs nor addresses were logged in all this."""
    Logs(programmes).check_clean()
