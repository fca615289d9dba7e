# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Statements and time of what is added to a PBMS's own work on many payments."""

import logging
import time
from typing import NamedTuple

import pytest

_logger = logging.getLogger(__name__)

METHOD = "_prepare_payments"
FEW = 50
# Records are read by the thousand, and people resolved by the five thousand.
STATEMENTS_PER_THOUSAND = 12


class Spent(NamedTuple):
    statements: int
    seconds: float


class Volume:
    """To be mixed into a test beside what a PBMS's glue makes of `PbmsWorld`."""

    def test_five_thousand(self):
        self.check(5_000)

    @pytest.mark.long
    def test_fifty_thousand(self):
        self.check(50_000)

    def check(self, many):
        of_few = self.measure(FEW, 100_000)
        of_many = self.measure(many, 200_000)
        for few, spent in zip(of_few, of_many, strict=True):
            self.assertLessEqual(
                spent.statements, few.statements + STATEMENTS_PER_THOUSAND * many / 1000
            )

    def measure(self, count, first):
        """Prepare and send payments of so many people, one in fifty of whom is not linked.

        :return: what both have cost beside what the PBMS's own method cost
        """
        people = self.make_people(count, first)
        linked = [number for number in range(first, first + count) if number % 50]
        self.mapper.link(*(f"{number}@test" for number in linked))
        self.cycle = self.make_cycle(f"{count} people")
        self.entitle(people, self.cycle)
        self.tag.max_batch_size = 500
        self.env.flush_all()
        self.env.invalidate_all()
        upstream = self.observe_upstream()
        prepare = self.clock(
            lambda: self.manager._prepare_payments(self.cycle, self.cycle.entitlement_ids)
        )
        self.check_payments(count, len(linked))
        self.env.invalidate_all()
        send = self.clock(lambda: self.manager._send_payments(self.cycle.payment_batch_ids))
        [own] = upstream
        added = Spent(prepare.statements - own.statements, prepare.seconds - own.seconds)
        _logger.runbot(
            "%s of %s people: %s statements and %.3f s per 1000 added to preparing (%.3f s by "
            "itself), %s statements and %.3f s per 1000 to sending",
            self.PAYMENT, count, added.statements, 1000 * added.seconds / count,
            1000 * own.seconds / count, send.statements, 1000 * send.seconds / count,
        )  # fmt: skip
        return added, send

    def check_payments(self, count, linked):
        payments = self.payments()
        resolved = payments.filtered(lambda payment: payment.spar_state == "resolved")
        self.assertEqual((len(payments), len(resolved)), (count, linked))
        self.assertEqual(self.cycle.payment_batch_ids.payment_ids, resolved)
        self.assertTrue(all(resolved.mapped("account_number")))
        self.assertFalse(any((payments - resolved).mapped("account_number")))

    def clock(self, call):
        statements, began = self.env.cr.sql_log_count, time.monotonic()
        call()
        self.env.flush_all()
        return Spent(self.env.cr.sql_log_count - statements, time.monotonic() - began)

    def observe_upstream(self):
        """:return: where what the PBMS's own method spends is going to be noted"""
        noted = []
        upstream = next(
            cls
            for cls in type(self.manager).__mro__
            if METHOD in vars(cls)
            and cls.__module__.startswith("odoo.addons.")
            and not cls.__module__.startswith("odoo.addons.g2p_spar_")
        )
        origin = vars(upstream)[METHOD]

        def observed(manager, *args):
            done = []
            noted.append(self.clock(lambda: done.append(origin(manager, *args))))
            return done[0]

        self.patch(upstream, METHOD, observed)
        return noted
