# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""People of the demonstration sign in and choose where they are paid in French and in Tagalog: here
and at the provider, which are told of each other's language by OpenID Connect alone."""

import re

import pytest
from conftest import RunningServer, fresh_database
from people import HOME, START, Browser
from spar_setup.start import LANGUAGES

CHANGE = f"{START}/change"
PEOPLE = {
    "fr": {
        "html": "fr-FR",
        "landing": "Mon adresse financière",
        "provider": "Se connecter avec Identité nationale de démonstration",
        "who": "Qui êtes-vous",
        "nothing": "Aucun compte ni portefeuille",
        "continue": "Continuer",
        "wrong": "il faut de 9 à 18 caractères",
        "confirm": "Confirmer",
        "done": "Cela a pris effet le",
        "date": r"\d{1,2} [a-zéû]+ 20\d\d",
        "out": "Se déconnecter",
        "signed_out": "Votre session est fermée ici",
        "person": "2027000001",
    },
    "fil": {
        "html": "tl-PH",
        "landing": "Ang aking financial address",
        "provider": "Mag-sign in gamit ang Pang-demonstrasyong National ID",
        "who": "Sino po kayo?",
        "nothing": "Wala pang account o e-wallet",
        "continue": "Magpatuloy",
        "wrong": "9 hanggang 18 na karakter ito",
        "confirm": "Kumpirmahin",
        "done": "Nagkabisa ito noong",
        "date": r"[A-Z][a-z]+ \d{1,2}, 20\d\d",
        "out": "Mag-sign out",
        "signed_out": "Naka-sign out na kayo rito",
        "person": "2027000002",
    },
}


@pytest.fixture(scope="module")
def speaking():
    """A server with the languages that setup/start gives the demonstration."""
    database = fresh_database("spar_languages")
    database.ensure(demo=True, languages=LANGUAGES)
    running = RunningServer(database)
    running.await_evented()
    yield running
    running.stop()


@pytest.mark.parametrize("accepted", PEOPLE)
def test_a_first_address(speaking, accepted):
    words = PEOPLE[accepted]
    browser = Browser(speaking.url)
    browser.session.headers["Accept-Language"] = accepted
    page = browser.get(START)
    assert f'<html lang="{words["html"]}" dir="ltr">' in page.source
    assert words["landing"] in page.text

    page = browser.submit(page, words["provider"])
    assert f'<html lang="{words["html"]}"' in page.source and words["who"] in page.text
    code = re.search(r'id="shown-code">(\d{6})<', page.source)[1]
    page = browser.submit(page, words["who"], person=words["person"], one_time_code=code)
    assert page.url.endswith(HOME) and words["nothing"] in page.text

    page = browser.submit(browser.get(CHANGE), words["continue"], kind="bank")
    page = browser.submit(page, "Pearl Cooperative Bank", provider_id=_id_of(page, "Pearl"))
    page = browser.submit(page, words["continue"], number="12")
    assert page.status == 422 and words["wrong"] in page.text
    page = browser.submit(page, words["continue"], number="1234 5678 9012")
    page = browser.submit(page, words["confirm"])
    assert words["done"] in page.text and re.search(words["date"], page.text)

    assert words["signed_out"] in browser.submit(browser.get(HOME), words["out"]).text
    assert words["landing"] in browser.get(START).text


def test_the_choice_stays(speaking):
    """Of somebody whose browser speaks English."""
    browser = Browser(speaking.url)
    page = browser.get(START)
    link = re.search(r'<a href="([^"]+)" lang="fr-FR"[^>]*>Français</a>', page.source)
    page = browser.get(link[1])
    assert PEOPLE["fr"]["landing"] in page.text
    page = browser.submit(browser.get(START), PEOPLE["fr"]["provider"])
    assert PEOPLE["fr"]["who"] in page.text, "the provider was told"


def _id_of(page, name):
    """What the button with this name sends."""
    return re.search(rf'value="(\d+)"[^>]*>\s*<span>{name}', page.source)[1]
