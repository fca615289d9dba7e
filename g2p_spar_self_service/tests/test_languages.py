# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from urllib.parse import parse_qs, urlsplit

import polib

from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tests.common import Opener
from odoo.tools import mute_logger

from .. import languages
from ..web import HOME_PATH, LANDING_PATH
from .change_common import ChangeCommon
from .pages_common import CHANGE_PATH, REVIEW_PATH, PagesCase
from .translations import TranslationsMixin, folder

MODULE = "g2p_spar_self_service"
FRENCH, TAGALOG = "fr_FR", "tl_PH"
OURS = {FRENCH: "fr", TAGALOG: "tl"}


def speak(env, *codes):
    """Have these languages, with the translations of this addon."""
    for code in codes:
        env["res.lang"]._activate_lang(code)
    env["ir.module.module"]._load_module_terms([MODULE], [c for c in codes if c in OURS])


class TestCodes(TransactionCase):
    def test_web_has_them_otherwise(self):
        for code, tag in (
            ("fr_FR", "fr-FR"),
            ("tl_PH", "tl-PH"),
            ("ar_001", "ar-001"),
            ("sr@latin", "sr-Latn"),
            ("sr@Cyrl", "sr-Cyrl"),
            ("eo", "eo"),
        ):
            self.assertEqual(languages.tag(code), tag)
        self.assertEqual(languages.tags("tl_PH"), ["tl-PH", "tl", "fil"])
        self.assertEqual(languages.tags("eo"), ["eo"])

    def test_best(self):
        offered = ["en_US", "fr_FR", "fr_CA", "tl_PH", "sr@latin"]
        for wanted, code in (
            (["fr-CA"], "fr_CA"),
            (["fr-BE"], "fr_FR"),
            (["FR"], "fr_FR"),
            (["fil"], "tl_PH"),
            (["fil-PH"], "tl_PH"),
            (["tl"], "tl_PH"),
            (["de", "es-MX", "tl;"], None),
            (["de", "tl"], "tl_PH"),
            (["sr"], "sr@latin"),
            (["*", ""], None),
            ([], None),
        ):
            self.assertEqual(languages.best(wanted, offered), code, wanted)

    def test_own_names(self):
        self.assertEqual(
            languages.own_names({"en_US": "English (US)", "fr_FR": "French / Français"}),
            {"en_US": "English", "fr_FR": "Français"},
        )
        self.assertEqual(
            languages.own_names(
                {"fr_FR": "French / Français", "fr_CA": "French (CA) / Français (CA)"}
            ),
            {"fr_FR": "Français", "fr_CA": "Français (CA)"},
        )


class TestTranslations(TranslationsMixin, TransactionCase):
    module = MODULE
    back_office = (
        "models/g2p_spar_id_rule.py",
        "models/g2p_spar_signin_provider.py",
        "models/res_config_settings",
        "wizards/",
    )


@tagged("post_install", "-at_install")
class TestLanguages(PagesCase):
    """Which language a page is in, and how people choose another."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.only({"en_US"})
        speak(cls.env, FRENCH, TAGALOG)

    @classmethod
    def only(cls, codes):
        """Have no other languages than these."""
        others = cls.env["res.lang"].search([("code", "not in", list(codes))])
        cls.env["res.users"].with_context(active_test=False).search([]).lang = "en_US"
        others.active = False

    def accept(self, header):
        """A new browser that says which languages are read."""
        self.opener = Opener(self)
        self.opener.headers["Accept-Language"] = header

    @property
    def lang(self):
        return self.page.getroottree().getroot().get("lang")

    def links(self):
        [nav] = self.page.find_class("languages")
        return {a.text_content(): a for a in nav.iter("a")}

    def switch(self, name):
        """Follow a link of the chooser; redirects as a browser does."""
        address = self.links()[name].get("href")
        answer = self.get(address)
        self.assertNotEqual(answer.status_code, 303, address)
        return self.show(answer)

    # === which one === #

    def test_first_visit(self):
        for header, lang in (
            ("fr-FR,fr;q=0.9,en;q=0.8", "fr-FR"),
            ("fr-CA", "fr-FR"),
            ("de-DE,tl;q=0.3", "tl-PH"),
            ("fil-PH,fil;q=0.9", "tl-PH"),
            ("fr;q=0,tl;q=0.1", "tl-PH"),
            ("de", "en-US"),
            ("not a language!", "en-US"),
        ):
            with self.subTest(header):
                self.accept(header)
                self.visit(LANDING_PATH)
                self.assertEqual(self.lang, lang)

    def test_unknown_to_us_is_answered_as_the_company_speaks(self):
        self.env.company.partner_id.lang = FRENCH
        self.accept("de")
        self.visit(LANDING_PATH)
        self.assertEqual(self.lang, "fr-FR")

    def test_chooser(self):
        self.visit(LANDING_PATH)
        self.assertEqual(self.lang, "en-US")
        links = self.links()
        self.assertEqual(set(links), {"Français", "Filipino"})
        self.assertEqual(links["Français"].get("lang"), "fr-FR")
        [current] = self.page.xpath("//nav[@class='languages']//*[@aria-current]")
        self.assertEqual(current.text_content(), "English")
        self.switch("Français")
        self.assertEqual((self.lang, self.title), ("fr-FR", "Mon adresse financière"))
        self.visit(f"{LANDING_PATH}/help")
        self.assertEqual((self.lang, self.title), ("fr-FR", "Aide"))
        self.switch("Filipino")
        self.visit(LANDING_PATH)
        self.assertEqual((self.lang, self.title), ("tl-PH", "Ang aking financial address"))

    def test_one_language_needs_no_chooser(self):
        self.only({"en_US"})
        self.visit(LANDING_PATH)
        self.assertFalse(self.page.find_class("languages"))

    def test_kept_over_sign_in_and_sign_out(self):
        self.visit(LANDING_PATH)
        self.switch("Français")
        location = self.begin()
        self.assertEqual(
            parse_qs(urlsplit(location).query)["ui_locales"], ["fr-FR fr"], "told to the provider"
        )
        self.assertSignedIn(self.come_back(self.idp.authorize(location, "alice")))
        self.visit(HOME_PATH)
        self.assertEqual(self.lang, "fr-FR")
        answer = self.sign_out()
        self.assertIn("Votre session est fermée ici", answer.text)
        self.assertNotIn('class="languages"', answer.text, "the form on it is there once")
        self.assertIn('name="ui_locales" value="fr-FR fr"', answer.text)
        self.visit(LANDING_PATH)
        self.assertEqual(self.lang, "fr-FR")

    def test_what_is_not_offered_is_not_kept(self):
        for lang in ("de_DE", "xx", "", "en_US' or 1=1", "../fr", "FR_fr"):
            self.visit(f"{LANDING_PATH}?lang={lang}")
            self.assertEqual(self.lang, "en-US")
            self.assertNotIn("frontend_lang", self.opener.cookies)
        self.opener.cookies.set("frontend_lang", "de_DE")
        self.visit(LANDING_PATH)
        self.assertEqual((self.answer.status_code, self.lang), (200, "en-US"))

    def test_language_of_a_path(self):
        self.visit(f"/fr{LANDING_PATH}")
        self.assertEqual(self.lang, "fr-FR")
        self.visit(LANDING_PATH)
        self.assertEqual(self.lang, "fr-FR")

    def test_an_address_to_return_to_is_kept(self):
        self.visit(LANDING_PATH)
        self.show(self.get(f"{LANDING_PATH}?return_to={LANDING_PATH}/history"))
        self.switch("Français")
        [field] = self.page.xpath("//input[@name='return_to']")
        self.assertEqual(field.get("value"), f"{LANDING_PATH}/history")

    def test_users_of_the_site(self):
        user = new_test_user(self.env, "lang-portal", "base.group_portal", lang=TAGALOG)
        self.log_in("lang-portal")
        self.visit(f"{LANDING_PATH}/help")
        self.assertEqual(self.lang, "tl-PH", "as in their preferences")
        self.switch("Français")
        self.visit(f"{LANDING_PATH}/help")
        self.assertEqual(self.lang, "fr-FR")
        self.assertEqual(user.lang, TAGALOG, "their preferences stay")

    def test_right_to_left(self):
        self.env["res.lang"]._activate_lang("ar_001")
        self.visit(f"{LANDING_PATH}?lang=ar_001")
        root = self.page.getroottree().getroot()
        self.assertEqual((root.get("lang"), root.get("dir")), ("ar-001", "rtl"))
        self.switch("Français")
        self.assertEqual(self.page.getroottree().getroot().get("dir"), "ltr")

    # === on every page === #

    def test_on_the_answer_to_a_form(self):
        self.arrive("alice")
        self.choose(number="12x")
        self.assertEqual((self.answer.status_code, self.path), (422, f"{CHANGE_PATH}/number"))
        self.switch("Français")
        self.assertEqual((self.answer.status_code, self.path), (200, f"{CHANGE_PATH}/number"))
        self.assertEqual(self.title, "Votre numéro de compte")

    def test_where_a_page_is_there_once_the_way_leads_to_the_start(self):
        answer = self.come_back(f"{LANDING_PATH}/signed-in/{self.provider.id}?code=x&state=y")
        self.assertEqual(answer.status_code, 400)
        self.show(answer)
        self.switch("Français")
        self.assertEqual((self.answer.status_code, self.path), (200, LANDING_PATH))

    def test_errors_of_http_are_pages(self):
        self.visit(LANDING_PATH)
        self.switch("Français")
        with mute_logger("odoo.http", "odoo.addons.base.models.ir_http"):
            answers = {
                # Odoo puts the language before the path of what it does not find
                404: self.url_open(f"{LANDING_PATH}/nonsense"),
                405: self.post(f"{LANDING_PATH}/help", a="b"),
                400: self.post(f"{LANDING_PATH}/sign-out", csrf_token="stale"),
            }
        for status, answer in answers.items():
            with self.subTest(status):
                self.assertEqual(answer.status_code, status)
                self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
                self.assertEqual(answer.headers["Cache-Control"], "no-store")
                self.show(answer)
                self.assertEqual(self.lang, "fr-FR")
                title = "Cela n’a pas fonctionné" if status == 400 else "Cette page n’existe pas"
                self.assertEqual(self.title, title)
        self.assertIn("GET", answers[405].headers["Allow"])

    def test_our_own_mistakes(self):
        self.visit(LANDING_PATH)
        self.switch("Filipino")
        providers = self.env.registry["g2p.spar.signin.provider"]

        def fail(*_arguments):
            raise ValueError("broken")

        self.patch(providers, "offered", fail)
        logger = "odoo.addons.g2p_spar_connector.models.ir_http"
        with mute_logger("odoo.http"), self.assertLogs(logger, "ERROR") as log:
            answer = self.get(LANDING_PATH)
        self.assertEqual(answer.status_code, 500)
        self.assertNotIn("broken", answer.text + "".join(log.output))
        self.show(answer)
        self.assertEqual((self.lang, self.title), ("tl-PH", "May nagkamali"))

    def test_texts_of_the_ministry(self):
        company = self.env.company
        company.spar_help, company.spar_contact = "Come to the office", "Call 1"
        french = company.with_context(lang=FRENCH)
        french.spar_help, french.spar_contact = "Venez au bureau", "Appelez le 1"
        self.visit(f"{LANDING_PATH}/help?lang={FRENCH}")
        self.assertIn("Venez au bureau", self.text)
        self.assertIn("Appelez le 1", self.text)
        self.switch("English")
        self.assertIn("Come to the office", self.text)
        self.switch("Filipino")
        self.assertIn("Come to the office", self.text, "not translated: as in English")

    def test_they_are_written_in_settings(self):
        action = self.env["res.config.settings"].create({}).action_spar_texts()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("res.company", self.env.company.id)
        )
        arch = self.env["res.company"].get_view(action["views"][0][0], "form")["arch"]
        for name in ("spar_help", "spar_contact"):
            self.assertIn(f'name="{name}"', arch)
            self.assertTrue(self.env["res.company"]._fields[name].translate)


@tagged("post_install", "-at_install")
class TestJourneys(PagesCase):
    """Whole journeys in another language, on which nothing is in English."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        speak(cls.env, FRENCH, TAGALOG)
        cls.provider.button_label = False
        cls.provider.name = "ID-XYZ"

    def test_french(self):
        self._journey(FRENCH, "fr")

    def test_tagalog(self):
        self._journey(TAGALOG, "tl")

    def show(self, answer):
        page = super().show(answer)
        self._check_language()
        return page

    def _check_language(self):
        self.assertEqual(self.page.getroottree().getroot().get("lang"), languages.tag(self.code))
        texts = {" ".join(text.split()).rstrip(":. ") for text in self.page.itertext()}
        english = {term.rstrip(":. ") for term, said in self.said.items() if said != term}
        self.assertFalse(texts & english, f"in English on {self.path}")

    def _journey(self, code, language):
        self.code = code
        file = polib.pofile(str(folder(MODULE) / f"{language}.po"))
        self.said = said = {entry.msgid: entry.msgstr for entry in file if entry.msgstr}
        self.opener.headers["Accept-Language"] = language
        self.visit(LANDING_PATH)
        self.assertIn(said["Sign in with %s"] % "ID-XYZ", self.text)
        self.arrive("alice", name="Alice")
        self.assertIn(said["No account or wallet is linked to your ID yet."], self.text)
        self._choose_wrongly(said)
        self.press_button(said["Continue"], number="123456789012")
        self.assertEqual((self.path, self.title), (REVIEW_PATH, said["Check and confirm"]))
        self.press_button(said["Confirm"])
        self.assertEqual(self.title, said["Receipt"])
        self._change(said)
        self.visit(f"{LANDING_PATH}/history")
        self.visit(f"{LANDING_PATH}/help")
        self._read_notice(said)

    def _choose_wrongly(self, said):
        self.visit(CHANGE_PATH)
        self.press_button(said["Continue"], kind="nonsense")
        self.assertEqual(self.error_in_summary(), said["Choose one of these."])
        self.press_button(said["Continue"], kind="bank")
        self.press_button("Testing Bank")
        self.assertEqual(self.title, said["Which branch?"])
        self.press_button(said["Search"], query="no such branch")
        self.assertIn(said["Nothing was found. Try another part of the name."], self.text)
        token = self.form(said["Search"])[1]["csrf_token"]
        part = self.post(f"{CHANGE_PATH}/search", csrf_token=token, what="branch", query="zzz")
        self.assertIn(said["Nothing was found. Try another part of the name."], part.text)
        self.press_button(said["Search"], query="sagar")
        self.press_button("Main Street TB1, Sagar")
        self.press_button(said["Continue"], number="12")
        text = "At %(provider)s this has %(least)s to %(most)s characters; you have entered "
        expected = said[f"{text}%(typed)s."] % {
            "provider": "Testing Bank",
            "least": 9,
            "most": 18,
            "typed": 2,
        }
        self.assertEqual(self.error_of("number"), expected)

    def _change(self, said):
        """Another account, with a new sign-in and a delay."""
        self.visit(HOME_PATH)
        self.visit(CHANGE_PATH)
        self.press_button(said["Continue"], kind="mobile_wallet")
        self.press_button("Testing Wallet")
        self.press_button(said["Continue"], number="9170000001")
        action, values = self.form(said["Sign in again to confirm"])
        answer = self.post(action, **values)
        location = self.idp.authorize(
            answer.headers["Location"], "alice", email="alice@example.org", email_verified=True
        )
        self.show(self.come_back(location))
        self.press_button(said["Confirm"])
        self.assertIn("Testing Wallet: ••••001", self.text)
        self.visit(HOME_PATH)
        self.assertIn(said["A change is on its way"], self.text)

    def error_in_summary(self):
        [summary] = self.page.find_class("errors")
        return summary.find(".//li").text_content()

    def _read_notice(self, said):
        change = self.changes()[-1]
        [mail] = self.env["mail.mail"].sudo().search([("body_html", "ilike", change.number)])
        self.assertEqual(mail.subject, said["Where you are paid is about to change"])
        self.assertIn(
            said[
                "If this was not you, or you have changed your mind, cancel the change "
                "here. You need not sign in:"
            ],
            mail.body_html,
        )
        self.assertIn(f'lang="{languages.tag(self.code)}"', mail.body_html)
        link = next(part for part in mail.body_html.split('"') if "/cancel/" in part)
        with self.other_browser():
            self.opener.headers["Accept-Language"] = self.said and languages.tag(self.code)
            self.visit(urlsplit(link).path)
            self.press_button(said["Cancel this change"])


class TestNotices(ChangeCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        speak(cls.env, FRENCH, TAGALOG)

    def ask_in(self, lang):
        self.drafts = self.drafts.with_context(lang=lang)
        return self.ask(self.maria)

    def test_in_the_language_last_chosen(self):
        self.put_on_record(self.maria)
        person_digest = self.changes.digest_of(self.maria.id)
        self.known.with_context(lang=FRENCH).note_person(self.maria, person_digest)
        change = self.ask_in(TAGALOG)
        [(_to, subject, body)] = self.mails(change)
        self.assertEqual(subject, "Malapit nang magbago kung saan kayo binabayaran")
        self.assertIn('lang="tl-PH"', body)

    def test_a_language_that_is_gone_keeps_nobody_from_being_told(self):
        self.put_on_record(self.maria)
        change = self.ask_in(FRENCH)
        self.env["res.lang"]._activate_lang("en_US")
        self.env["res.lang"].search([("code", "=", FRENCH)]).active = False
        change.cancel("by_person")
        subjects = [subject for _to, subject, _body in self.mails(change)]
        self.assertEqual(subjects[-1], "Where you are paid stays as it was")
