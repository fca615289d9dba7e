# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""From end to end: a person chooses on the portal where they are paid, a payer resolves the same ID
over the API, and a programme pays there; until the person removes the address."""

import pytest
from beneficiary import Beneficiary
from chromium import chromium
from log_search import Logs
from mapper_client import BackOffice, Client, new_number
from people import HOME
from registry_state import RegistryState
from test_changes import MAKE_DUE, await_lane
from test_programmes import programmes  # noqa: F401 - a fixture

NAME = "Gloria Ocampo"
ID = "token:2027000003@nationalId"
DEMONSTRATION = "g2p_spar_demo_programmes"


class Programme:
    """The programme of the demonstration, and what it has to pay to this person."""

    def __init__(self, server):
        self.office = BackOffice(server)
        self.cycle = self.office.reference(f"{DEMONSTRATION}.cycle")
        self.person = self.office.reference(f"{DEMONSTRATION}.person_gloria_ocampo")

    def prepare(self):
        self.office.must("g2p.cycle", "prepare_payment", [self.cycle])

    def send(self):
        self.office.must("g2p.cycle", "send_payment", [self.cycle])

    @property
    def payment(self):
        """Status, account number and what SPAR has told of the person's latest payment."""
        domain = [["cycle_id", "=", self.cycle], ["partner_id", "=", self.person]]
        names = ["status", "account_number", "spar_state", "spar_outcome"]
        [latest] = self.office.must(
            "g2p.payment", "search_read", domain, names, order="id desc", limit=1
        )
        return tuple(latest[name] for name in names)


@pytest.fixture
def gloria(programmes):  # noqa: F811 - a fixture
    programmes.await_evented()
    with chromium() as browser:
        person = Beneficiary(browser, programmes, NAME)
        yield person
        person.leave()


def test_from_the_portal_to_the_payment(programmes, gloria):  # noqa: F811 - a fixture
    payer, programme, number = Client(programmes), Programme(programmes), new_number()

    def resolved():
        [item] = payer.resolve([ID]).items
        return item["status_reason_code"], item.get("fa", "")

    programme.prepare()
    assert programme.payment == ("failed", False, "unresolved", "id_not_found")

    gloria.sign_in()
    gloria.follow("Choose where you are paid")
    gloria.come_to_review(number)
    gloria.submit("Confirm")
    assert "It took effect" in gloria.text
    code, address = resolved()
    assert code == "succ.id.active" and number in address
    programme.prepare()
    assert programme.payment == (False, number, "resolved", "id_active")

    gloria.open(HOME)
    gloria.follow("Remove this account")
    gloria.submit("Continue to remove it")
    gloria.sign_in_again()
    gloria.submit("Confirm the removal")
    assert "It takes effect on" in gloria.text
    assert resolved() == (code, address), "until then, nothing changes"
    state = RegistryState(programmes)
    state.query(MAKE_DUE)
    await_lane(programmes, lambda: resolved() == ("succ.id.not_found", ""))
    gloria.open(HOME)
    assert "No account or wallet is linked" in gloria.text

    programme.send()
    assert programme.payment == ("failed", False, "changed", "id_not_found")
    programme.prepare()
    assert programme.payment[:2] == ("failed", False)
    gloria.check()
    Logs(programmes).check_clean()
