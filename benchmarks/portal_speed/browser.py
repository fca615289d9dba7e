# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Browsers of people: as much of one as the pages need, at little cost of its own."""

import html
import http.client
import itertools
import re
import time
from urllib.parse import urlencode, urlsplit

from spar_setup.console import SetupError

START = "/my/financial-address"
HOME = f"{START}/address"
CHANGE = f"{START}/change"
TIMEOUT = 60
# Each browser has an address of its own: sign-ins are limited for each.
_addresses = itertools.count(2 << 16)
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
_CHOICE = re.compile(r'name="(?:provider|branch)_id" value="(\d+)"')
_SIGN_IN = re.compile(rf'action="({START}/sign-in/\d+)"')


class Answer:
    """:ivar str text: of the page :ivar str location: where it leads, or None"""

    def __init__(self, status, location, text):
        self.status = status
        self.location = location
        self.text = text

    @property
    def path(self):
        parts = urlsplit(self.location)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def one(self, pattern):
        found = pattern.search(self.text)
        if not found:
            raise SetupError(f"A page lacks {pattern.pattern}:\n{self.text[:2000]}")
        return html.unescape(found[1])


class Browser:
    """One person's.

    :param str url: of the server
    :param int person: number of the person, see `people`
    :param clock: called with the name of a step and the milliseconds that its answer took
    """

    def __init__(self, url, clock=lambda step, milliseconds: None):
        self.url = urlsplit(url)
        number = next(_addresses) % (1 << 24)
        self.address = f"127.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        self.clock = clock
        self.cookies = {}
        self.token = None

    def sign_in(self, subject):
        """From the landing page to one's own address: that page."""
        landing = self.get("landing", START)
        sent = self.post("begin to sign in", landing.one(_SIGN_IN))
        returned = self.visit(f"{sent.location}&{urlencode({'person': subject})}")
        back = self.get("return from the provider", returned.path, status=303)
        if urlsplit(back.location).path != HOME:
            raise SetupError(f"The return leads to {back.location}.")
        return self.get("my financial address", HOME)

    def link(self, number):
        """Choose an account at the bank whose branches fill many pages, and confirm."""
        self.get("choose a kind", CHANGE)
        self.post("choose a kind: sent", CHANGE, kind="bank")
        path = f"{CHANGE}/provider"
        self.get("choose a bank", path)
        self.post("search for a bank", path, query="benchmark bank 0", what="provider")
        found = self.get("banks that were found", path)
        self.post("choose a bank: sent", path, provider_id=found.one(_CHOICE))
        path = f"{CHANGE}/branch"
        self.get("choose a branch", path)
        self.post("search for a branch", path, query="town 17", what="branch")
        found = self.get("branches that were found", path)
        self.post("choose a branch: sent", path, branch_id=found.one(_CHOICE))
        path = f"{CHANGE}/number"
        self.get("enter the number", path)
        self.post("enter the number: sent", path, number=number)
        path = f"{CHANGE}/review"
        version = self.get("review", path).one(re.compile(r'name="version" value="([^"]+)"'))
        confirmed = self.post("confirm: linked", path, version=version)
        receipt = self.get("receipt", confirmed.path).text
        if "It took effect on" not in receipt:
            raise SetupError(f"The receipt does not tell of a link:\n{receipt[:2000]}")

    def sign_out(self):
        self.post("sign out", f"{START}/sign-out")

    def get(self, step, path, status=200):
        return self._timed(step, "GET", path, None, status)

    def post(self, step, path, status=303, **form):
        body = urlencode({"csrf_token": self.token, **form})
        return self._timed(step, "POST", path, body, status)

    def visit(self, address):
        """A page of the provider, which is not measured."""
        parts = urlsplit(address)
        return self._send(parts, "GET", f"{parts.path}?{parts.query}", None, 303, {})

    def _timed(self, step, method, path, body, status):
        began = time.perf_counter()
        headers = {"Accept-Language": "en"}
        if self.cookies:
            pairs = self.cookies.items()
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in pairs)
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = self._send(self.url, method, path, body, status, headers)
        self.clock(step, (time.perf_counter() - began) * 1000)
        found = _CSRF.search(answer.text)
        self.token = found[1] if found else self.token
        return answer

    def _send(self, place, method, path, body, status, headers):
        connection = http.client.HTTPConnection(
            place.hostname, place.port, timeout=TIMEOUT, source_address=(self.address, 0)
        )
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != status:
            raise SetupError(f"{method} {path}: {answer.status}, not {status}\n{text[:2000]}")
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _equals, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return Answer(answer.status, answer.headers["Location"], text)
