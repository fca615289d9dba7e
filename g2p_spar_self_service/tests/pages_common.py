# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from unittest.mock import patch
from urllib.parse import urlsplit

import lxml.html

from ..web import HOME_PATH, LANDING_PATH
from .change_common import DirectoryMixin
from .common import SignInCase
from .fake_mapper import FakeMapper

CHANGE_PATH = f"{LANDING_PATH}/change"
REVIEW_PATH = f"{CHANGE_PATH}/review"


class PagesCase(DirectoryMixin, SignInCase):
    """A browser without JavaScript: it follows redirects, and fills in the forms that it sees."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_directory()

    def setUp(self):
        super().setUp()
        self.mapper = FakeMapper(self.env)
        connectors = self.env.registry["g2p.spar.connector"]
        calls = patch.object(connectors, "_call", lambda *args, **kw: self.mapper.call(*args, **kw))
        self.startPatcher(calls)

    # --- the browser ---

    def visit(self, path):
        """Open a page, redirects followed; it is `self.page` then."""
        return self.show(self.get(path))

    def show(self, answer):
        while answer.status_code == 303:
            location = urlsplit(answer.headers["Location"])
            self.assertIn(location.netloc, ("", urlsplit(self.base_url()).netloc))
            answer = self.get(location.path)
        self.answer = answer
        self.page = lxml.html.fromstring(answer.text)
        self.path = urlsplit(answer.url).path
        return self.page

    def form(self, button):
        """The form with this button, and what it sends when that is pressed."""
        for candidate in self.page.iter("button"):
            if " ".join(candidate.text_content().split()) == button:
                break
        else:
            self.fail(f"No button {button!r} on:\n{self.text}")
        [form] = candidate.iterancestors("form")
        values = {
            field.get("name"): field.get("value", "")
            for field in form.iter("input")
            if field.get("type") != "radio"
        }
        if candidate.get("name"):
            values[candidate.get("name")] = candidate.get("value")
        return form.get("action"), values

    def press_button(self, button, **typed):
        """Press a button of the page, with these fields filled in; redirects are followed."""
        action, values = self.form(button)
        return self.show(self.post(action, **{**values, **typed}))

    @property
    def text(self):
        [main] = self.page.iter("main")
        return " ".join(main.text_content().split())

    @property
    def title(self):
        return self.page.findtext(".//h1").strip()

    def error_of(self, field):
        """What the page says beside a field, by the field's own word where it says that."""
        [element] = self.page.xpath(f"//input[@name='{field}']")
        self.assertEqual(element.get("aria-invalid"), "true")
        for described in element.get("aria-describedby").split():
            if described.endswith("-error"):
                return self.page.get_element_by_id(described).text_content().strip()
        return None

    # --- journeys ---

    def arrive(self, sub="alice", number=None, **claims):
        """Sign in with a verified e-mail address; with a number, somebody who has that account at
        Plain Bank on record."""
        claims = {"email": f"{sub}@example.org", "email_verified": True, **claims}
        if number:
            fa = f"account:{number}@PLNB"
            self.mapper.mappings[f"token:{sub}@signin-test"] = (fa, None)
        self.assertSignedIn(self.sign_in(sub, **claims))
        return self.visit(HOME_PATH)

    def choose(
        self, kind="bank", provider="Plain Bank", branch=None, number="123456789012", **more
    ):
        """From the start of a change to its review."""
        self.visit(CHANGE_PATH)
        self.press_button("Continue", kind=kind)
        self.press_button(provider)
        if branch:
            self.press_button(branch)
        return self.press_button("Continue", number=number, **more)

    def sign_in_again(self, sub="alice", **claims):
        """Press the button for it on the review page, and come back from the provider."""
        action, values = self.form("Sign in again to confirm")
        answer = self.post(action, **values)
        self.assertEqual(answer.status_code, 303, answer.text)
        return self.come_back(self.idp.authorize(answer.headers["Location"], sub, **claims))

    def changes(self):
        self.env["g2p.spar.change"].invalidate_model()
        return self.env["g2p.spar.change"].sudo().search([], order="id")
