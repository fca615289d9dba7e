# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from unittest.mock import patch

import lxml.html

from odoo.tests import new_test_user, tagged

from odoo.addons.g2p_spar_self_service.tests.pages_common import CHANGE_PATH, PagesCase
from odoo.addons.g2p_spar_self_service.web import HOME_PATH, LANDING_PATH

BLOCK = "g2p_spar_self_service_website.s_spar_choose_address"


class SiteCase(PagesCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.website = cls.env["website"].search([], limit=1)

    def browse(self, path, **headers):
        """Open a page as somebody with a browser of these request headers."""
        answer = self.url_open(path, headers=headers, allow_redirects=False)
        return answer, lxml.html.fromstring(answer.content or b"<html/>")


@tagged("post_install", "-at_install")
class TestSite(SiteCase):
    # === menu and block === #

    def test_menu(self):
        """On the websites that there are, and on those to come."""
        new = self.env["website"].create({"name": "New"})
        for website in self.website | new:
            menus = self.env["website.menu"].search([("website_id", "=", website.id)])
            self.assertEqual(menus.mapped("url").count(LANDING_PATH), 1, website.name)
        _answer, page = self.browse("/")
        links = page.xpath(f"//header//a[@href='{LANDING_PATH}']")
        self.assertTrue(links)
        self.assertIn("My Financial Address", links[0].text_content())

    def test_palette_of_the_editor(self):
        self.log_in("admin")
        call = {"model": "ir.ui.view", "method": "render_public_asset", "kwargs": {}}
        palette = self.make_jsonrpc_request(
            "/web/dataset/call_kw", {**call, "args": ["website.snippets"]}
        )
        page = lxml.html.fromstring(palette)
        [block] = page.xpath("//*[@data-oe-snippet-key='s_spar_choose_address']")
        self.assertEqual(block.get("data-o-group"), "content")
        self.assertEqual(block.get("name"), "Choose Where You Are Paid")
        self.assertEqual(len(block.xpath(f".//a[@href='{LANDING_PATH}']")), 1)

    def test_block_on_a_page(self):
        """As Chromium shows it: text and a link that can be seen and reached, and no scripts."""
        block = self.env["ir.qweb"]._render(BLOCK)
        self.assertNotRegex(block, r"<script|<img|<form|style=")
        view = self.env["ir.ui.view"].create(
            {
                "name": "Payments",
                "type": "qweb",
                "key": "website.payments",
                "arch": f"""<t t-name="website.payments"><t t-call="website.layout">
                    <div id="wrap" class="oe_structure">{block}</div></t></t>""",
            }
        )
        self.env["website.page"].create(
            {"view_id": view.id, "url": "/payments", "is_published": True, "website_id": False}
        )
        self.browser_js(
            "/payments",
            """
            const link = document.querySelector(".s_spar_choose_address a");
            const box = link.getBoundingClientRect();
            const heading = document.querySelector(".s_spar_choose_address h2");
            link.focus();
            const problems = [
                [new URL(link.href).pathname !== "/my/financial-address", link.href],
                [link.textContent.trim() !== "My financial address", link.textContent],
                [heading.checkVisibility() !== true, "heading"],
                [!link.checkVisibility() || box.width < 24 || box.height < 24, "size of the link"],
                [document.activeElement !== link, "focus"],
                [document.documentElement.scrollWidth > window.innerWidth, "width"],
            ].filter(([wrong]) => wrong);
            if (problems.length) {
                console.error(problems.map(([, what]) => what).join(", "));
            } else {
                console.log("test successful");
            }
            """,
            ready="document.readyState === 'complete'",
        )

    # === search engines and statistics === #

    def test_sitemap(self):
        answer = self.get("/sitemap.xml")
        self.assertEqual(answer.text.count("/my/financial-address"), 1)
        self.assertIn(f"{LANDING_PATH}</loc>", answer.text)

    def test_robots(self):
        for path, is_hidden in (
            (LANDING_PATH, False),
            (f"{LANDING_PATH}/help", True),
            (f"{LANDING_PATH}/nothing-here", True),
        ):
            with self.subTest(path):
                _answer, page = self.browse(path)
                robots = page.xpath("//meta[@name='robots']/@content")
                self.assertEqual(robots, ["noindex"] if is_hidden else [])

    def test_visitors_are_not_recorded(self):
        """Even where somebody has all pages tracked."""
        views = self.env["ir.ui.view"]
        views.search([("key", "=like", "g2p_spar_self_service%")]).track = True
        views.search([("key", "=", "web.login")]).track = True
        no_bots = patch.object(type(self.env["ir.http"]), "is_a_bot", lambda *args: False)
        self.startPatcher(no_bots)
        visitors = self.env["website.visitor"].sudo()
        before = visitors.search([])
        self.arrive("alice", number="111122223333")
        self.choose(number="999988887777")
        for path in (LANDING_PATH, f"{LANDING_PATH}/history", f"{LANDING_PATH}/nothing-here"):
            self.browse(path)
        self.assertEqual(visitors.search([]), before)
        self.browse("/web/login")
        self.assertGreater(visitors.search([]), before, "others are")

    # === around our pages === #

    def test_no_cookies_bar(self):
        """Nothing of ours asks for consent, or waits for it."""
        self.website.write({"cookies_bar": True, "block_third_party_domains": True})
        self.arrive("alice")
        self.assertFalse(self.page.xpath("//*[@id='website_cookies_bar']"))
        self.assertNotIn("cookies", self.answer.text)
        self.assertEqual(self.title, "My financial address")

    def test_files_stay_here(self):
        """Neither pages nor error pages take files from elsewhere: our policy would refuse them."""
        self.website.write({"cdn_activated": True, "cdn_url": "https://cdn.example.org/"})
        for path in (LANDING_PATH, f"{LANDING_PATH}/help", f"{LANDING_PATH}/nothing-here"):
            with self.subTest(path):
                answer, page = self.browse(path)
                self.assertIn("script-src 'self'", answer.headers["Content-Security-Policy"])
                self.assertTrue(page.xpath("//link[contains(@href, 'self_service.css')]"))
                self.assertNotIn("cdn.example.org", answer.text)

    def test_editors_see_what_others_see(self):
        """Somebody who may edit the website gets no editor on our pages."""
        self.log_in("admin")
        answer, _page = self.browse(LANDING_PATH)
        self.assertNotRegex(answer.text, r"data-oe-|o_frontend_to_backend|assets_")


@tagged("post_install", "-at_install")
class TestLanguages(SiteCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        languages = cls.env["res.lang"]
        english = languages._lang_get("en_US")
        cls.french, cls.german = map(languages._activate_lang, ("fr_FR", "de_DE"))
        cls.website.write(
            {
                "language_ids": [(6, 0, (english | cls.french).ids)],
                "default_lang_id": english.id,
            }
        )

    def lang_of(self, path, **headers):
        _answer, page = self.browse(path, **headers)
        return page.getroottree().getroot().get("lang")

    def test_languages_of_the_website(self):
        self.assertEqual(self.lang_of(LANDING_PATH, **{"Accept-Language": "fr"}), "fr-FR")
        german = {"Accept-Language": "de"}
        self.assertEqual(self.lang_of(LANDING_PATH, **german), "en-US")
        self.assertEqual(self.lang_of(f"{LANDING_PATH}?lang=de_DE", **german), "en-US")
        _answer, page = self.browse(LANDING_PATH)
        self.assertEqual(len(page.xpath("//nav[@class='languages']//li")), 2)

    def test_default_language(self):
        self.website.default_lang_id = self.french
        self.assertEqual(self.lang_of(LANDING_PATH, **{"Accept-Language": "de"}), "fr-FR")

    def test_from_a_french_page(self):
        """The language of the website's pages is that of ours, and is kept over the sign-in."""
        self.browse("/fr")
        self.assertEqual(self.opener.cookies["frontend_lang"], "fr_FR")
        self.assertEqual(self.lang_of(LANDING_PATH), "fr-FR")
        self.assertSignedIn(self.sign_in("alice"))
        self.assertEqual(self.lang_of(HOME_PATH), "fr-FR")

    def test_language_before_the_path(self):
        """`/fr/my/financial-address` is the page in French, and so are those that come after."""
        for path in (LANDING_PATH, f"{LANDING_PATH}/help"):
            with self.subTest(path), self.other_browser():
                self.assertEqual(self.lang_of(f"/fr{path}"), "fr-FR")
                self.assertEqual(self.lang_of(path), "fr-FR")
        answer, _page = self.browse(f"/en{LANDING_PATH}")
        self.assertEqual(answer.headers["Location"], LANDING_PATH)
        self.assertEqual(self.lang_of(f"/fr{LANDING_PATH}/nothing-here"), "fr-FR")

    def test_language_before_the_path_lets_nobody_in(self):
        answer, _page = self.browse(f"/fr{HOME_PATH}")
        self.assertEqual((answer.status_code, answer.headers["Location"]), (303, LANDING_PATH))
        answer = self.post(f"/fr{LANDING_PATH}/sign-in/{self.provider.id}")
        self.assertEqual(answer.status_code, 400, "no token against forged requests")


@tagged("post_install", "-at_install")
class TestTwoWebsites(SiteCase):
    """Two ministries with a website each, on one installation."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.spar_contact = "Call the first ministry"
        company = cls.env["res.company"].create(
            {"name": "Second Ministry", "spar_contact": "Call the second ministry"}
        )
        cls.provider.company_id = cls.env.company
        cls.shared, cls.foreign = (
            cls.new_provider(cls.idp, f"spar-{name}", name=name, company_id=company_id)
            for name, company_id in (("Shared ID", False), ("Second ID", company.id))
        )
        cls.second = cls.env["website"].create(
            {
                "name": "Second Website",
                "domain": "http://second.example.org",
                "company_id": company.id,
            }
        )

    def buttons(self, host=None):
        _answer, page = self.browse(LANDING_PATH, **({"Host": host} if host else {}))
        return [" ".join(b.text_content().split()) for b in page.xpath("//main//form//button")]

    def test_providers(self):
        names = ["Sign in with National ID", "Sign in with Shared ID", "Sign in with Second ID"]
        self.assertEqual(self.buttons(), names[:2])
        self.assertEqual(self.buttons("second.example.org"), names[1:])

    def test_button_of_another_website(self):
        token = self.csrf()
        path = f"{LANDING_PATH}/sign-in/{self.foreign.id}"
        self.assertEqual(self.post(path, csrf_token=token).status_code, 404)

    def test_user_of_another_company(self):
        """A portal user of one ministry is offered, on the website of the other, the other's."""
        new_test_user(self.env, "spar-portal", groups="base.group_portal")
        self.log_in("spar-portal")
        self.assertEqual(
            self.buttons("second.example.org"),
            ["Sign in with Shared ID", "Sign in with Second ID"],
        )

    def test_name_and_texts(self):
        for host, name, contact in (
            (None, self.website.name, "Call the first ministry"),
            ("second.example.org", "Second Website", "Call the second ministry"),
        ):
            with self.subTest(name):
                headers = {"Host": host} if host else {}
                _answer, page = self.browse(f"{LANDING_PATH}/help", **headers)
                self.assertIn(name, page.find(".//header").text_content())
                self.assertEqual(page.find_class("contact")[0].text_content(), contact)

    def test_addresses_to_register(self):
        """The provider of a ministry has those of its website on its record."""
        self.assertTrue(self.foreign.redirect_uri.startswith("http://second.example.org/my/"))

    def test_addresses_in_messages(self):
        """Those of the website of the company that they are from."""
        for company, base_url in (
            (self.second.company_id, "http://second.example.org"),
            (self.env.company, self.env.company.get_base_url()),
        ):
            self.connector.company_id = company
            change = self.env["g2p.spar.change"].new({"connector_id": self.connector.id})
            self.assertEqual(change.get_base_url(), base_url)

    def test_pages_after_the_sign_in(self):
        """Signed in on one website, nobody is on another: the cookie is of its host."""
        self.assertSignedIn(self.sign_in("alice"))
        self.visit(CHANGE_PATH)
        self.assertEqual(self.title, "Where do you want to be paid?")
        self.assertIn(self.website.name, self.page.find(".//header").text_content())
