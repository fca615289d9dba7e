# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""People who sign in to self service with a browser that runs no scripts, over real HTTP."""

import html
import re
from urllib.parse import urljoin

import requests
import signin_provider

START = "/my/financial-address"
HOME = f"{START}/address"
RETURN = f"{START}/signed-in"
DEMONSTRATION = "Demonstration National ID"
TIMEOUT = 60

_FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
_FIELD = re.compile(r"<input\b([^>]*)>")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


class Page:
    """What a browser shows.

    :param answer: of `requests`
    """

    def __init__(self, answer):
        self.status = answer.status_code
        self.url = answer.url
        self.headers = answer.headers
        self.source = answer.text
        # every redirect that led here
        self.steps = [step.headers.get("Location", "") for step in answer.history]

    @property
    def text(self):
        """What can be read on it, in one line."""
        body = re.sub(r"<(head|script|style)\b.*?</\1>", " ", self.source, flags=re.DOTALL)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())

    def form(self, words):
        """Address and hidden fields of the form in which these words can be read."""
        for head, body in _FORM.findall(self.source):
            if words in " ".join(re.sub(r"<[^>]+>", " ", body).split()):
                fields = [dict(_ATTRIBUTE.findall(field)) for field in _FIELD.findall(body)]
                action = html.unescape(dict(_ATTRIBUTE.findall(head))["action"])
                hidden = {
                    field["name"]: html.unescape(field["value"])
                    for field in fields
                    if field.get("type") == "hidden"
                }
                return urljoin(self.url, action), hidden
        raise AssertionError(f"no form with {words!r} on {self.url}: {self.text}")


class Browser:
    """One person's browser.

    :param str url: of the server
    """

    def __init__(self, url):
        self.url = url
        self.session = requests.Session()

    def get(self, address, **options):
        return Page(self.session.get(urljoin(self.url, address), timeout=TIMEOUT, **options))

    def log_in_as(self, database, login, password):
        """As a user of Odoo."""
        parameters = {"db": database, "login": login, "password": password}
        answer = self.json("/web/session/authenticate", parameters)
        assert answer["result"]["uid"], answer

    def json(self, path, parameters):
        call = {"jsonrpc": "2.0", "method": "call", "params": parameters}
        return self.session.post(f"{self.url}{path}", json=call, timeout=TIMEOUT).json()

    def submit(self, page, words, follow=True, **fields):
        """Fill in and send the form in which these words can be read."""
        address, hidden = page.form(words)
        form = {**hidden, **fields}
        return Page(self.session.post(address, form, timeout=TIMEOUT, allow_redirects=follow))

    def choose(self, provider):
        """The page of a provider that is chosen by its name on the start page."""
        return self.submit(self.get(START), provider)

    def sign_in(self, subject, follow=True):
        """At the demonstration identity provider."""
        return self.say_who(self.choose(DEMONSTRATION), subject, follow)

    def say_who(self, page, subject, follow=True):
        """Say who one is, on the page of the demonstration identity provider."""
        shown = re.search(r'id="shown-code">(\d{6})<', page.source)[1]
        fields = {"person": subject, "one_time_code": shown}
        return self.submit(page, "Who are you?", follow, **fields)

    def sign_in_at(self, provider, person, code=signin_provider.CODE, answer="yes"):
        """At npm oidc-provider; `provider` as it is named on the start page."""
        page = self.choose(provider)
        return self.submit(page, "Code", login=person, code=code, answer=answer)

    def sign_out(self):
        """Here; the page offers to do so at the provider."""
        return self.submit(self.get(HOME), "Sign out")
