# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.tests import HttpCase, TransactionCase, tagged

from odoo.addons.g2p_spar_self_service.tests.translations import TranslationsMixin

from .test_identity_provider import BASE, RelyingParty

MODULE = "g2p_spar_demo"


class TestTranslations(TranslationsMixin, TransactionCase):
    module = MODULE
    back_office = ("loopback.py", "models/")

    def _is_read_by_people(self, place):
        """Also the name of the provider, on its button."""
        provider = "model:g2p.spar.signin.provider,name"
        return place.startswith(provider) or super()._is_read_by_people(place)


@tagged("post_install", "-at_install")
class TestLanguages(HttpCase):
    """The provider answers in the language that it is told (`ui_locales`), or the browser's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for code in ("fr_FR", "tl_PH"):
            cls.env["res.lang"]._activate_lang(code)
        cls.env["ir.module.module"]._load_module_terms([MODULE], ["fr_FR", "tl_PH"])

    def get(self, path, **options):
        return self.url_open(path, allow_redirects=False, **options)

    def test_told_by_the_site(self):
        for locales, lang, question in (
            ("fr-FR fr", "fr-FR", "Qui êtes-vous"),
            ("tl-PH tl fil", "tl-PH", "Sino po kayo?"),
            ("fil", "tl-PH", "Sino po kayo?"),
            ("de en", "en-US", "Who are you?"),
        ):
            with self.subTest(locales):
                party = RelyingParty(self)
                page = party.authorize(ui_locales=locales)
                self.assertIn(f'<html lang="{lang}"', page.text)
                self.assertIn(question, page.text)
                wrong = party.submit(page, "sign-in", person="2026000000", one_time_code="x")
                self.assertIn(f'<html lang="{lang}"', wrong.text, "as on the page before")

    def test_as_the_browser_asks(self):
        self.opener.headers["Accept-Language"] = "tl"
        page = RelyingParty(self).authorize()
        self.assertIn('<html lang="tl-PH"', page.text)
        page = self.get(f"{BASE}/end-session")
        self.assertIn("Naka-sign out na kayo.", page.text)
        page = self.get(f"{BASE}/end-session?ui_locales=fr")
        self.assertIn("Vous avez quitté votre session.", page.text)

    def test_which_it_knows(self):
        known = self.env["g2p.spar.demo.identity.provider"]._metadata()["ui_locales_supported"]
        self.assertLessEqual({"en-US", "fr-FR", "tl-PH"}, set(known))
