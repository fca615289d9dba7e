# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import gzip
import io
import random
import re

import lxml.html
from PIL import Image

from odoo.tests import HttpCase, tagged

from odoo.addons.g2p_spar_self_service.web import LANDING_PATH

from ..models.website import LOOK_BUNDLE

PALETTE = "/website/static/src/scss/options/colors/user_color_palette.scss"
OURS = "#1f5f68"
SURFACE = "#f3f6f7"
NAMES = {"white": "#ffffff", "black": "#000000"}
FIRST_VISIT_BYTES = 150_000
FIRST_VISIT_REQUESTS = 8
_OUR_RULES = "g2p_spar_self_service_website/static/src/look.scss */"


def contrast(colour, other):
    """WCAG 2.2 contrast ratio of two colours."""
    lighter, darker = sorted((_luminance(colour), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour):
    digits = NAMES.get(colour, colour).lstrip("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def picture(width=900, height=300, noise=False):
    image = Image.new("RGB", (width, height), (20, 50, 80))
    if noise:
        image.putdata([(random.randrange(256),) * 3 for _ in range(width * height)])  # noqa: S311
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue())


@tagged("post_install", "-at_install")
class TestLook(HttpCase):
    def setUp(self):
        super().setUp()
        self.website = self.env["website"].get_current_website()

    def paint(self, **colours):
        """Choose colours in the editor."""
        editor = self.env["website.assets"].with_context(website_id=self.website.id)
        editor.make_scss_customization(PALETTE, colours)
        # which is newer by its time, that stands still in a test
        made = [("url", "=like", f"/web/assets/%{LOOK_BUNDLE}%")]
        self.env["ir.attachment"].sudo().search(made).unlink()

    def rules(self):
        """The colours that a page gets, as the browser reads them."""
        answer = self.url_open(self.website.spar_look().stylesheet)
        self.assertEqual(answer.status_code, 200)
        self.assertIn("immutable", answer.headers["Cache-Control"])
        self.assertNotRegex(answer.text, r"@import|url\(|https?:")
        return answer.text.partition(_OUR_RULES)[2]

    def brand(self):
        return re.search(r"--brand: ([^;]+);", self.rules())[1]

    def header(self):
        """(text, background) of the header."""
        rule = re.search(r"header\{([^}]*)\}", self.rules())[1]
        values = dict(re.findall(r"([a-z-]+): ([^;]+);", rule))
        return values["color"], values["background"]

    def landing(self):
        answer = self.url_open(LANDING_PATH)
        self.assertEqual(answer.status_code, 200)
        return answer, lxml.html.fromstring(answer.text)

    # === colours === #

    def test_colours_that_can_be_read(self):
        self.paint(**{"o-color-1": "#7a1f5c", "menu-custom": "#14324f"})
        self.assertEqual(self.brand(), "#7a1f5c")
        text, background = self.header()
        self.assertEqual(background, "#14324f")
        self.assertGreaterEqual(contrast(text, background), 4.5)

    def test_colours_that_cannot_be_read(self):
        """Ours stay in their place; the header keeps its background, with a text on it to read."""
        for brand, header in (("#ffd400", "#ffd400"), ("#8a8f94", "#777777"), ("#fff", "#808010")):
            with self.subTest(brand=brand, header=header):
                self.paint(**{"o-color-1": brand, "menu-custom": header})
                self.assertLess(contrast(brand, "#fff"), 4.5)
                self.assertEqual(self.brand(), OURS)
                text, background = self.header()
                self.assertEqual(_luminance(background), _luminance(header))
                self.assertGreaterEqual(contrast(text, background), 4.5)

    def test_colours_of_presets(self):
        """Whichever of Odoo's combinations the header has."""
        backgrounds = set()
        for preset in range(1, 6):
            with self.subTest(preset):
                self.paint(menu=str(preset), **{"menu-custom": "null"})
                text, background = self.header()
                self.assertGreaterEqual(contrast(text, background), 4.5)
                backgrounds.add(background)
        self.assertGreater(len(backgrounds), 2)

    def test_translucent_colours(self):
        self.paint(
            **{"menu-custom": "rgba(20, 50, 79, 0.2)", "o-color-1": "rgba(122, 31, 92, 0.4)"}
        )
        self.assertGreaterEqual(contrast(*self.header()), 4.5)
        self.assertEqual(self.brand(), OURS)

    def test_brand_on_all_our_backgrounds(self):
        """Barely dark enough on white is not dark enough on a notice."""
        brand = "#767676"
        self.assertGreaterEqual(contrast(brand, "#fff"), 4.5)
        self.assertLess(contrast(brand, SURFACE), 4.5)
        self.paint(**{"o-color-1": brand})
        self.assertEqual(self.brand(), OURS)

    def test_each_website_its_own(self):
        self.paint(**{"o-color-1": "#7a1f5c"})
        other = self.env["website"].create({"name": "Other"})
        mine, theirs = self.website.spar_look(), other.spar_look()
        self.assertNotEqual(mine.stylesheet, theirs.stylesheet)
        self.assertNotIn("#7a1f5c", self.url_open(theirs.stylesheet).text)

    # === logo === #

    def test_logo_and_name(self):
        self.website.write({"name": "Ministry of <Welfare>", "logo": picture()})
        _answer, page = self.landing()
        [link] = page.xpath("//header//a")
        self.assertEqual((link.get("href"), link.text_content().strip()), ("/", self.website.name))
        [image] = link.iter("img")
        self.assertEqual(image.get("alt"), "", "the name is said once")
        answer = self.url_open(image.get("src"))
        self.assertEqual(answer.headers["Content-Type"], "image/png")
        self.assertLessEqual(Image.open(io.BytesIO(answer.content)).size, (320, 96))

    def test_logos_that_are_not_shown(self):
        large = (
            b"<svg xmlns='http://www.w3.org/2000/svg'><path d='" + b"M0 0" * 20_000 + b"'/></svg>"
        )
        small = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'></svg>"
        for logo, is_shown in (
            (self.website._default_logo(), False),
            (False, False),
            (picture(noise=True), False),
            (base64.b64encode(large), False),
            (base64.b64encode(small), True),
        ):
            with self.subTest(is_shown):
                self.website.logo = logo
                self.assertEqual(bool(self.website.spar_look().logo), is_shown)

    # === size === #

    def test_first_visit_is_small(self):
        self.website.logo = picture()
        answer, page = self.landing()
        addresses = [
            *(link.get("href") for link in page.xpath("//link[@rel='stylesheet' or @rel='icon']")),
            *page.xpath("//img/@src | //script/@src"),
        ]
        self.assertTrue(any(self.website.spar_look().stylesheet == href for href in addresses))
        self.assertFalse([address for address in addresses if "assets_" in address])
        contents = [answer.content, *(self.url_open(address).content for address in addresses)]
        self.assertLessEqual(len(contents), FIRST_VISIT_REQUESTS)
        size = sum(len(gzip.compress(content, 6)) for content in contents)
        self.assertLessEqual(size, FIRST_VISIT_BYTES, addresses)
