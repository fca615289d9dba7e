# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Work that comes at a fixed rate, whether or not what came before is done."""

import itertools
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """:ivar list milliseconds: of each piece, from when it was due :ivar float seconds: in all"""

    milliseconds: list = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self):
        """Pieces of work done per second."""
        return len(self.milliseconds) / self.seconds

    def percentile(self, percent):
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class Pace:
    """So many pieces per second of `do`, called with the number of the piece.

    :param int threads: how many may be under way at once; the next one is late, and that counts.
        All together must be fewer than the connections that a server keeps waiting (8 per worker).
    """

    def __init__(self, rate, seconds, do, threads):
        self.rate, self.do = rate, do
        self.count = round(rate * seconds)
        self.outcome = Outcome()
        self.problem = None
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def start(self):
        self._began = time.perf_counter()
        for thread in self._threads:
            thread.start()

    def wait(self):
        """:rtype: Outcome"""
        for thread in self._threads:
            thread.join()
        if self.problem:
            raise self.problem
        return self.outcome

    def _run(self):
        while not self.problem and (number := next(self._numbers)) < self.count:
            due = self._began + number / self.rate
            time.sleep(max(0, due - time.perf_counter()))
            try:
                self.do(number)
            except Exception as error:  # noqa: BLE001 - raised by `wait`
                self.problem = error
                return
            now = time.perf_counter()
            self.outcome.milliseconds.append((now - due) * 1000)
            self.outcome.seconds = max(self.outcome.seconds, now - self._began)
