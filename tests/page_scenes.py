# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Every page that people see, in every state, one scene after the other: to be checked
(`test_pages_browser.py`), and to have its picture taken (`screenshots.py`)."""

import contextlib
import re
from urllib.parse import parse_qs, urlsplit

from beneficiary import BANK, SIGN_IN, Beneficiary
from mapper_client import BackOffice, new_number
from people import HOME, RETURN, START
from registry_state import RegistryState

# More banks than are shown without a search.
LANGUAGES = ["fr_FR", "tl_PH"]
BANKS = ("Anahaw", "Batangas", "Cordillera", "Dagupan", "Escolta", "Fuego", "Guimaras", "Ilocos")
HELP = "Counter 3 of each municipal hall helps you with this page, on weekdays from 8 to 16 h."
CONTACT = "Telephone 1343, free of charge"
MINISTRY = "Ministry of Social Protection"
HINT = "9 to 18 digits, printed in your passbook."
AGENT = f"{START}/agent"
AGENTS = "g2p_spar_self_service.group_agent"
PASSWORD = "mangga-kalabasa-7"
HANDS_OFF = "**/provider_sign_out.js"
MAIL = "SELECT body_html FROM mail_mail WHERE body_html LIKE %s ORDER BY id DESC LIMIT 1"


class Stage:
    """Where the scenes are played.

    :param server: `RunningServer` that nobody else uses
    :param browser: of `chromium`
    :param show: called with a `Beneficiary` and the name of the page that they see
    :param options: of each `Beneficiary`
    """

    def __init__(self, server, browser, show, **options):
        self.server = server
        self.office = BackOffice(server)
        self.state = RegistryState(server)
        self._browser = browser
        self._show = show
        self._options = options
        self._set()

    def _set(self):
        """A country with many banks, and a ministry that has something to say."""
        office = self.office
        bank = office.reference("g2p_spar_demo.provider_bayani")
        hints = {"spar_number_hint": HINT, "spar_ask_holder_name": True}
        office.must("g2p.fa.provider", "write", [bank], hints)
        strategy = office.reference("g2p_spar_fa_directory.g2p_fa_strategy_2")
        banks = [
            {"name": f"{name} Bank", "code": f"{name[:3].upper()}B", "strategy_id": strategy}
            for name in BANKS
        ]
        office.must("g2p.fa.provider", "create", [{**one, "fa_type": "bank"} for one in banks])
        texts = {"name": MINISTRY, "spar_help": HELP, "spar_contact": CONTACT}
        office.must("res.company", "write", office.find("res.company"), texts)
        self._install_languages()

    def _install_languages(self):
        every = {"context": {"active_test": False}}
        ids = self.office.must("res.lang", "search", [["code", "in", LANGUAGES]], **every)
        dialog = self.office.must("base.language.install", "create", [{"lang_ids": [[6, 0, ids]]}])
        self.office.must("base.language.install", "lang_install", dialog)

    @contextlib.contextmanager
    def person(self, name):
        somebody = Beneficiary(self._browser, self.server, name, **self._options)
        yield somebody
        somebody.leave()

    @contextlib.contextmanager
    def without_mapper(self):
        """While the registry is away."""
        connectors = self.office.find("g2p.spar.connector")
        self.office.must("g2p.spar.connector", "write", connectors, {"backend": "none"})
        try:
            yield
        finally:
            self.office.must("g2p.spar.connector", "write", connectors, {"backend": "local"})

    def show(self, person, name, title=None, status=200):
        """Whoever looks at the pages sees this one.

        :param str name: of the page in this state
        :param title: that it has in English
        """
        page = person.page
        if title:
            page.get_by_role("heading", level=1, name=title, exact=True).wait_for()
        page.wait_for_load_state("load")
        assert person.status == status, name
        # the browser calls any status but 200 an error
        person.complaints = [text for text in person.complaints if f"of {status} " not in text]
        person.check()
        self._show(person, name)

    def cancel_path(self, receipt):
        """Where the link in a message about a change leads."""
        [[body]] = self.state.query(MAIL, f"%{receipt}%")
        return re.search(rf'href="[^"]*({START}/cancel/[\w-]+)"', body)[1]


def first_account(stage):
    """Somebody chooses for the first time where they are paid."""
    with stage.person("Gloria Ocampo") as gloria:
        gloria.open(START)
        stage.show(gloria, "start", "My financial address")
        gloria.submit(SIGN_IN)
        stage.show(gloria, "provider", "Demonstration identity provider")
        gloria.prove()
        stage.show(gloria, "address-none", "My financial address")
        gloria.follow("Choose where you are paid")
        stage.show(gloria, "kind", "Where do you want to be paid?")
        gloria.submit("Continue")
        stage.show(gloria, "kind-wrong", "Where do you want to be paid?", 422)
        gloria.choose_kind("Bank account")
        _find_bank(stage, gloria)
        _find_branch(stage, gloria)
        _enter_number(stage, gloria)
        stage.show(gloria, "review", "Check and confirm")
        gloria.submit("Confirm")
        stage.show(gloria, "receipt", "Receipt")
        gloria.follow("My financial address")
        stage.show(gloria, "address", "My financial address")


def _find_bank(stage, person):
    stage.show(person, "bank", "Which bank?")
    person.search("Name", "Zanzibar")
    stage.show(person, "bank-none", "Which bank?")
    person.search("Name", "sav")
    stage.show(person, "bank-found", "Which bank?")
    person.submit(BANK)


def _find_branch(stage, person):
    stage.show(person, "branch", "Which branch?")
    person.search("Name, code or place", "Zanzibar")
    stage.show(person, "branch-none", "Which branch?")
    person.search("Name, code or place", "Tacloban")
    stage.show(person, "branch-found", "Which branch?")
    person.submit("Tacloban Branch")


def _enter_number(stage, person):
    stage.show(person, "number", "Your account number")
    person.enter_number("Account number", "12345")
    stage.show(person, "number-wrong", "Your account number", 422)
    person.page.get_by_label("Name of the account holder").fill(person.name)
    person.enter_number("Account number", new_number())


def other_account(stage):
    """Somebody wants another account, and thinks better of it."""
    with stage.person("Dante Javier") as dante:
        dante.sign_in()
        dante.follow("Change")
        dante.choose_kind("Mobile wallet")
        stage.show(dante, "wallet", "Which wallet?")
        dante.submit("PesoGo")
        stage.show(dante, "number-mobile", "Your mobile number")
        dante.enter_number("Mobile number", "9171234567")
        stage.show(dante, "review-change", "Check and confirm")
        dante.sign_in_again()
        stage.show(dante, "review-signed-in", "Check and confirm")
        dante.submit("Confirm")
        stage.show(dante, "receipt-pending", "Receipt")
        receipt = dante.page.inner_text(".number")
        dante.open(HOME)
        stage.show(dante, "address-pending", "My financial address")
        with stage.without_mapper():
            dante.open(HOME)
            stage.show(dante, "address-pending-away", "My financial address", 503)
        dante.open(stage.cancel_path(receipt))
        stage.show(dante, "cancel", "Cancel a change")
        dante.submit("Cancel this change")
        stage.show(dante, "cancel-done", "Cancel a change")
        dante.open(f"{START}/cancel/no-such-link")
        stage.show(dante, "cancel-wrong", "Cancel a change", 404)
        # a link signs everybody out who uses that ID
        dante.open(HOME)
        stage.show(dante, "start-ended", "My financial address")


def removal(stage):
    """Somebody wants no account any more, cancels that, and signs out."""
    with stage.person("Katrina Rivera") as katrina:
        katrina.sign_in()
        katrina.follow("Remove this account")
        stage.show(katrina, "remove", "Remove this account?")
        katrina.submit("Continue to remove it")
        stage.show(katrina, "review-removal", "Check and confirm")
        katrina.name = "Tala Salonga"
        katrina.submit("Sign in again to confirm")
        katrina.prove()
        stage.show(katrina, "failed-person", "This did not work", 403)
        katrina.name = "Katrina Rivera"
        katrina.open(f"{START}/change/review")
        katrina.sign_in_again()
        katrina.submit("Confirm the removal")
        stage.show(katrina, "receipt-removal", "Receipt")
        katrina.submit("Cancel this change")
        stage.show(katrina, "receipt-cancelled", "Receipt")
        katrina.follow("History")
        stage.show(katrina, "history", "What you have asked for")
        katrina.page.route(HANDS_OFF, lambda route: route.fulfill(body=""))
        katrina.submit("Sign out")
        stage.show(katrina, "signed-out", "You are signed out here")
        katrina.page.unroute(HANDS_OFF)
        katrina.submit("Sign out at")
        stage.show(katrina, "start-again", "My financial address")


def nothing_to_be_done(stage):
    """Somebody whose address is on hold, and somebody whom no message can reach."""
    with stage.person("Simeon Javier") as simeon:
        simeon.sign_in()
        stage.show(simeon, "address-on-hold", "My financial address")
        simeon.open(f"{START}/history")
        stage.show(simeon, "history-empty", "What you have asked for")
    with stage.person("Pilar Tolentino") as pilar:
        pilar.sign_in()
        pilar.follow("Remove this account")
        stage.show(pilar, "refused", "This cannot be done now", 409)
        with stage.without_mapper():
            pilar.open(HOME)
            stage.show(pilar, "unavailable", "Not available now", 503)
        pilar.open(f"{START}/help")
        stage.show(pilar, "help", "Help")
        pilar.open(f"{START}/receipt/00000-00000")
        stage.show(pilar, "not-found", "There is no such page", 404)


def not_signed_in(stage):
    """What goes wrong on the way to the provider and back."""
    with stage.person("Tala Salonga") as tala:
        tala.open(START)
        tala.submit(SIGN_IN)
        query = parse_qs(urlsplit(tala.page.url).query)
        tala.page.get_by_label("One-time code").fill("000000")
        tala.submit("Sign in")
        stage.show(tala, "provider-wrong", "Demonstration identity provider")
        back = urlsplit(query["redirect_uri"][0]).path
        issuer = f"{stage.server.url}/demo-identity-provider"
        tala.open(f"{back}?error=access_denied&state={query['state'][0]}&iss={issuer}")
        stage.show(tala, "failed-declined", "You are not signed in", 403)
        tala.open(f"{RETURN}/1?code=any&state=unknown")
        stage.show(tala, "failed-restart", "You are not signed in", 400)
        providers = stage.office.find("g2p.spar.signin.provider")
        stage.office.must("g2p.spar.signin.provider", "write", providers, {"active": False})
        try:
            tala.open(START)
            stage.show(tala, "start-none", "My financial address")
        finally:
            stage.office.must("g2p.spar.signin.provider", "write", providers, {"active": True})


def portal_user(stage):
    """Somebody with an account on this site, who types their password to confirm."""
    _make_rule(stage.office)
    _make_user(stage.office, "jomar", "Jomar Hilario", ref="2027000004")
    with stage.person("Jomar Hilario") as jomar:
        jomar.open(START)
        stage.show(jomar, "start-portal", "My financial address")
        jomar.follow("Sign in with your account")
        _log_in(jomar, "jomar", HOME)
        jomar.follow("Choose where you are paid")
        jomar.choose_kind("E-mail wallet")
        jomar.submit("MailPeso")
        stage.show(jomar, "number-email", "Your e-mail address")
        jomar.enter_number("E-mail address", "jomar.hilario@example.org")
        stage.show(jomar, "review-password", "Check and confirm")
        jomar.page.get_by_label("Your password on this site").fill("wrong")
        jomar.submit("Confirm")
        stage.show(jomar, "review-password-wrong", "Check and confirm", 422)
        jomar.open(AGENT)
        stage.show(jomar, "agent-not", "This cannot be done now", 403)


def unknown_portal_user(stage):
    """Somebody with an account on this site that no ID goes with."""
    _make_rule(stage.office)
    _make_user(stage.office, "noli", "Noli Bautista")
    with stage.person("Noli Bautista") as noli:
        noli.open(f"/web/login?redirect={HOME}")
        _log_in(noli, "noli", START)
        stage.show(noli, "start-unknown", "My financial address")


def agent(stage):
    """Somebody is helped by an agent, at whose screen they sign in."""
    _make_user(stage.office, "corazon", "Corazon Reyes", AGENTS)
    with stage.person("Ofelia Dizon") as ofelia:
        ofelia.open(f"/web/login?redirect={AGENT}")
        _log_in(ofelia, "corazon", AGENT)
        stage.show(ofelia, "agent", "Help a person")
        ofelia.submit("The person signs in with")
        ofelia.prove()
        stage.show(ofelia, "agent-address", "My financial address")
        ofelia.follow("Choose where you are paid")
        ofelia.choose_kind("Mobile wallet")
        ofelia.submit("PesoGo")
        ofelia.enter_number("Mobile number", "9176543210")
        stage.show(ofelia, "agent-review", "Check and confirm")
        ofelia.sign_in_again()
        ofelia.submit("Confirm")
        stage.show(ofelia, "agent-receipt", "Receipt")
        ofelia.open(AGENT)
        stage.show(ofelia, "agent-busy", "Help a person")
        ofelia.page.route(HANDS_OFF, lambda route: route.fulfill(body=""))
        ofelia.submit("End this session")
        stage.show(ofelia, "agent-ended", "The session has ended")
        ofelia.follow("Back to the page for agents")
        stage.show(ofelia, "agent-again", "Help a person")


def agent_alone(stage):
    """An agent who would help themselves."""
    _make_rule(stage.office)
    _make_user(stage.office, "gloria", "Gloria Ocampo", AGENTS, ref="2027000003")
    with stage.person("Gloria Ocampo") as gloria:
        gloria.open(f"/web/login?redirect={AGENT}")
        _log_in(gloria, "gloria", AGENT)
        gloria.page.route(HANDS_OFF, lambda route: route.fulfill(body=""))
        gloria.submit("The person signs in with")
        gloria.prove()
        stage.show(gloria, "agent-refused", "You cannot help here")
        gloria.follow("Back to the page for agents")
        stage.show(gloria, "agent-refused-again", "Help a person")


def other_languages(stage):
    """Words are longer in other languages."""
    for code in LANGUAGES:
        tag = code.replace("_", "-")
        with stage.person("Tala Salonga") as tala:
            tala.open(f"{START}?lang={code}")
            assert tala.page.locator("html").get_attribute("lang") == tag
            stage.show(tala, f"{tag}-start")
            tala.page.locator("main button").click()
            tala.prove()
            tala.await_path(HOME)
            stage.show(tala, f"{tag}-address")
            for name in ("change", "remove", "history", "help"):
                tala.open(f"{START}/{name}")
                stage.show(tala, f"{tag}-{name}")


def _make_rule(office):
    """Portal users have the number of their national ID as reference of their contact."""
    rule = {"name": "Reference", "source": "field", "field_name": "ref", "for_portal": True}
    strategy = office.reference("g2p_spar_fa_directory.g2p_fa_strategy_1")
    office.must("g2p.spar.id.rule", "create", [{**rule, "strategy_id": strategy}])


def _make_user(office, login, name, *groups, ref=False):
    """A user of the portal, in these groups as well."""
    contact = {"name": name, "email": f"{login}@example.org", "ref": ref}
    [partner] = office.must("res.partner", "create", [contact])
    group_ids = list(map(office.reference, ("base.group_portal", *groups)))
    user = {"login": login, "password": PASSWORD, "partner_id": partner}
    office.must("res.users", "create", [{**user, "group_ids": [[6, 0, group_ids]]}])


def _log_in(person, login, path):
    """On Odoo's own page."""
    page = person.page
    page.locator("#login").fill(login)
    page.locator("#password").fill(PASSWORD)
    page.locator("form.oe_login_form button[type=submit]").click()
    person.await_path(path)
    person.complaints.clear()


SCENES = (
    first_account,
    other_account,
    removal,
    nothing_to_be_done,
    not_signed_in,
    portal_user,
    unknown_portal_user,
    agent,
    agent_alone,
    other_languages,
)
