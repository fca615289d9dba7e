# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Bare Odoo: the smallest answer that our server has, by code of Odoo's own. What any request costs
before a line of ours runs."""

from . import load

PATH = "/web/health"


class Floor:
    """Odoo's answer to who asks whether it runs: no user, no session kept, no statement but those
    of every request.

    :param Ours ours: the server
    """

    name = "bare Odoo"

    def __init__(self, ours):
        self.ours = ours

    @property
    def pids(self):
        return {"server": self.ours.pid}

    def offers(self, operation):
        return operation.action == "resolve" and operation.items == 1

    def run(self, program, _items, seconds):
        """:rtype: Burst"""
        values = {"action": "health", "items": 1, "path": PATH, "threads": load.THREADS, "seed": 0}
        return load.run(program, self.ours.url, values, seconds)
