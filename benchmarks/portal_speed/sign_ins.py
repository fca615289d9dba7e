# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""People who sign in while others look addresses up."""

import itertools
import time
from dataclasses import dataclass

from comparison import usage

from .browser import Browser
from .pace import Outcome, Pace
from .registry import subject

# A browser may sign in twenty times within ten minutes: each is used again after so many seconds.
AGAIN_AFTER = 10
# Numbers of people who have never been here and have no address.
FIRST = 1_000_000
NO_ADDRESS = "No account or wallet is linked"


@dataclass
class Burst:
    """One burst of look-ups, with sign-ins beside or without.

    :ivar dict cores: how many were busy, by group
    """

    resolve: Outcome
    sign_ins: dict
    cores: dict


class SignIns:
    """:ivar list browsers: of those who return: signed in before, with an address"""

    def __init__(self, registry, options):
        self.registry = registry
        self.options = options
        self.seconds = options.seconds
        url = registry.ours.url
        # the last people that are linked
        linked = range(registry.rows, registry.rows - AGAIN_AFTER * options.returning, -1)
        self.browsers = [(Browser(url), subject(number)) for number in linked]
        self._strangers = itertools.count(registry.rows + FIRST)

    def prepare(self):
        for number in range(len(self.browsers)):
            self._return(number)

    def burst(self, rate, beside):
        """:param float rate: requests per second of look-ups :rtype: Burst"""
        # so many connections for each as requests: a sign-in makes four, one after the other
        paces = {"resolve": Pace(rate, self.seconds, self.registry.resolve, threads=8)}
        if beside:
            returning, new = self.options.returning, self.options.new
            paces["returning"] = Pace(returning, self.seconds, self._return, threads=4)
            paces["new"] = Pace(new, self.seconds, self._come, threads=2)
        meter = usage.Meter(self.registry.pids())
        own = time.process_time()
        meter.start()
        for pace in paces.values():
            pace.start()
        outcomes = {name: pace.wait() for name, pace in paces.items()}
        cores = meter.read(load=time.process_time() - own)
        return Burst(outcomes.pop("resolve"), outcomes, cores)

    def _return(self, number):
        browser, person = self.browsers[number % len(self.browsers)]
        page = browser.sign_in(person)
        assert "••••" in page.text, page.text

    def _come(self, _number):
        page = Browser(self.registry.ours.url).sign_in(subject(next(self._strangers)))
        assert NO_ADDRESS in page.text, page.text
