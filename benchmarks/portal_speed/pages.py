# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Every page, one after the other, with nothing else to do for the server."""

from comparison import usage

from .browser import HOME, START, Browser
from .registry import subject

WARM_UP = 4
# Whose mapping is in none of the other loads.
FIRST = 5_000_000


class Pages:
    """:ivar dict steps: by name, in order: pairs of milliseconds and processor seconds"""

    def __init__(self, registry):
        self.registry = registry
        self.pids = [registry.ours.pid, registry.postgres_pid]
        self.steps = {}

    def run(self, journeys):
        for number in range(WARM_UP + journeys):
            if number == WARM_UP:
                self.steps.clear()
            self._journey(self.registry.rows + FIRST + number, f"1234567{number:05}")
        return self.steps

    def _journey(self, person, account):
        self._used = self._cpu()
        browser = Browser(self.registry.ours.url, self._clock)
        page = browser.sign_in(subject(person))
        assert "No account or wallet is linked" in page.text, page.text
        browser.get("help", f"{START}/help")
        browser.link(account)
        browser.get("history", f"{START}/history")
        page = browser.get("my financial address, linked", HOME)
        assert f"••••{account[-4:]}" in page.text, page.text
        browser.sign_out()

    def _clock(self, step, milliseconds):
        before, self._used = self._used, self._cpu()
        self.steps.setdefault(step, []).append((milliseconds, self._used - before))

    def _cpu(self):
        return sum(map(usage.cpu_seconds, self.pids))
