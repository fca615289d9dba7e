# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The buckets, without Odoo; what comes of them over HTTP is in test_limits.py."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase

from .. import rate_limit
from ..rate_limit import SETS, SLOTS, Limit, RateTable, shared_table

LIMIT = Limit(rate=2.0, burst=10.0)
# Takes until it is refused, as often as it is told, and says how often it was let in.
TAKER = """
import sys
sys.path.insert(0, sys.argv[1])
from rate_limit import Limit, RateTable
table = RateTable(sys.argv[2], clock=lambda: 1000.0)
print("ready", flush=True)
sys.stdin.readline()
limit = Limit(0.001, float(sys.argv[3]))
print(sum(not table.take("shared", limit) for _ in range(int(sys.argv[4]))), flush=True)
"""
# Holds the lock on the bucket's set until it is killed.
HOLDER = """
import sys
sys.path.insert(0, sys.argv[1])
from rate_limit import Limit, RateTable
table = RateTable(sys.argv[2], clock=lambda: 1000.0)
with table._bucket("shared") as bucket:
    bucket.full_at = 99999.0
    print("ready", flush=True)
    sys.stdin.readline()
"""


class TestRateTable(BaseCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.mkdtemp(prefix="spar-limits-")
        self.addCleanup(shutil.rmtree, folder)
        self.path = Path(folder, "new", "host.limits")
        self.now = 1000.0
        self.table = self.open()

    def open(self):
        table = RateTable(self.path, clock=lambda: self.now)
        self.addCleanup(table.close)
        return table

    def process(self, code, *arguments):
        """A process of its own that has opened the table."""
        command = [sys.executable, "-c", code, Path(rate_limit.__file__).parent, self.path]
        process = subprocess.Popen(
            [*command, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    # === BUCKETS === #

    def test_a_burst_and_then_the_rate(self):
        let_in = [self.table.take("a", LIMIT) for _ in range(11)]
        self.assertEqual(let_in[:10], [0] * 10)
        self.assertGreater(let_in[10], 0)
        self.assertAlmostEqual(let_in[10], 0.5, places=6)
        self.now += 0.6  # 1.2 have flowed in
        self.assertEqual(self.table.take("a", LIMIT), 0)
        self.assertAlmostEqual(self.table.take("a", LIMIT), 0.4, places=6)

    def test_a_bucket_holds_no_more_than_its_burst(self):
        self.table.take("a", LIMIT)
        self.now += 1_000_000
        self.assertEqual([self.table.take("a", LIMIT) for _ in range(10)], [0] * 10)
        self.assertGreater(self.table.take("a", LIMIT), 0)

    def test_debt_is_paid_off(self):
        self.assertEqual(self.table.take("a", LIMIT), 0)
        self.table.charge("a", LIMIT, 29)  # 20 below zero, 2 a second
        wait = self.table.take("a", LIMIT)
        self.assertAlmostEqual(wait, 10.5, places=6)
        self.now += wait - 0.01
        self.assertGreater(self.table.take("a", LIMIT), 0)
        self.now += 0.02
        self.assertEqual(self.table.take("a", LIMIT), 0)

    def test_a_refusal_costs_nothing(self):
        self.table.charge("a", LIMIT, 12)
        for _ in range(100):
            self.assertAlmostEqual(self.table.take("a", LIMIT), 1.5, places=6)

    def test_asking_takes_nothing(self):
        self.assertEqual([self.table.wait("a", LIMIT) for _ in range(20)], [0] * 20)
        self.table.charge("a", LIMIT, 12)
        self.assertAlmostEqual(self.table.wait("a", LIMIT), 1.5, places=6)
        self.now += 1.6
        self.assertEqual(self.table.wait("a", LIMIT), 0)

    def test_keys_do_not_share(self):
        self.table.charge("a", LIMIT, 100)
        self.assertEqual(self.table.take("b", LIMIT), 0)

    @settings(database=None, deadline=None, max_examples=50)
    @given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 30)), max_size=30))
    def test_same_as_a_level_that_is_kept(self, steps):
        """Against the plain definition: a level that flows in, up to the burst."""
        key, level = os.urandom(8).hex(), LIMIT.burst
        for passed, cost in steps:
            self.now += passed
            level = min(LIMIT.burst, level + passed * LIMIT.rate)
            if abs(level - 1) < 1e-5:
                return  # which side it is on is rounding
            wait = self.table.take(key, LIMIT)
            self.assertEqual(not wait, level > 1)
            if wait:
                self.assertAlmostEqual(wait, (1 - level) / LIMIT.rate, places=5)
            else:
                self.table.charge(key, LIMIT, cost - 1)
                level -= cost

    def test_more_buckets_than_slots(self):
        """Those nearest to full give way: a debt outlives any number of others' single calls."""
        self.table.charge("debtor", LIMIT, 1000)
        for number in range(3 * SETS * SLOTS):
            self.assertEqual(self.table.take(f"other {number}", LIMIT), 0)
        self.assertGreater(self.table.take("debtor", LIMIT), 490)
        self.assertLess(self.path.stat().st_size, 1_000_000)

    # === THE FILE === #

    def test_two_tables_on_one_file(self):
        other = self.open()
        self.table.charge("a", LIMIT, 12)
        self.assertAlmostEqual(other.take("a", LIMIT), 1.5, places=6)

    def test_keys_cannot_be_read_from_it(self):
        self.table.take("client of a name", LIMIT)
        self.assertNotIn(b"client of a name", self.path.read_bytes())
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)

    def test_a_wrong_file_is_remade(self):
        self.table.take("a", LIMIT)
        good = self.path.read_bytes()
        for wrong in (
            b"",
            b"x" * len(good),
            good[:-1],
            good + b"\0",
            b"SPARLIM0" + good[8:],  # another release
            good[:16] + bytes(16) + good[32:],  # before the machine was started
        ):
            with self.subTest(length=len(wrong), begins=wrong[:40]):
                self.path.write_bytes(wrong)
                table = self.open()
                self.assertEqual(table.take("a", LIMIT), 0)
                self.assertEqual(self.path.stat().st_size, len(good))
        self.assertEqual([path.name for path in self.path.parent.iterdir()], ["host.limits"])

    def test_a_file_that_was_replaced_is_left(self):
        self.table.charge("a", LIMIT, 100)
        self.path.unlink()
        other = self.open()
        other.charge("a", LIMIT, 12)
        self.assertAlmostEqual(self.table.take("a", LIMIT), 1.5, places=6)

    def test_a_file_that_is_cut_short_is_left(self):
        self.table.take("a", LIMIT)
        for length in (0, 100, 5000):
            os.truncate(self.path, length)
            self.assertEqual(self.table.take("a", LIMIT), 0)
            self.assertGreater(self.path.stat().st_size, 5000)

    def test_files_of_hosts_that_are_no_more_are_removed(self):
        old = [self.path.with_name(f"{name}.limits") for name in ("gone", "gone.limits.12.ab")]
        kept = [self.path.with_name(name) for name in ("lately.limits", "gone.ndjson")]
        self.path.parent.mkdir()
        for path in (*old, *kept):
            path.touch()
            if path.name.startswith("gone"):
                os.utime(path, (0, 0))
        self.table.take("a", LIMIT)
        self.assertEqual(set(self.path.parent.iterdir()), {self.path, *kept})

    def test_a_file_that_cannot_be_made_is_an_error(self):
        blocked = RateTable(self.path.parent.parent / "file" / "x.limits")
        (self.path.parent.parent / "file").touch()
        with self.assertRaises(OSError):
            blocked.take("a", LIMIT)

    def test_one_per_host_and_name(self):
        folder = str(self.path.parent)
        self.assertIs(shared_table(folder, "one"), shared_table(folder, "one"))
        self.assertNotEqual(shared_table(folder, "one").path, shared_table(folder, "two").path)

    # === PROCESSES AND THREADS === #

    def test_threads_are_parted(self):
        let_in = []

        def take():
            let_in.append(sum(not self.table.take("t", Limit(0.001, 500)) for _ in range(200)))

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sum(let_in), 500)

    def test_processes_share_one_bucket(self):
        """Four processes ask 4 000 times for 1 500: no charge is lost and none counts twice, also
        while they all make the file or find a wrong one."""
        for there in (None, b"", None, b"wrong", None):
            if there is None:
                self.path.unlink(missing_ok=True)
            else:
                self.path.write_bytes(there)
            processes = [self.process(TAKER, 1500, 1000) for _ in range(4)]
            for process in processes:
                process.stdin.write("go\n")
                process.stdin.flush()
            let_in = [int(process.communicate(timeout=60)[0]) for process in processes]
            self.assertEqual(sum(let_in), 1500)

    def test_a_killed_process_leaves_no_lock(self):
        holder = self.process(HOLDER)
        holder.send_signal(signal.SIGKILL)
        holder.wait(timeout=10)
        self.assertEqual(holder.returncode, -signal.SIGKILL)
        taker = self.process(TAKER, 10, 20)
        self.assertEqual(taker.communicate("go\n", timeout=10)[0], "10\n")

    def test_a_killed_process_holds_nobody_up(self):
        """One waits for the lock while its holder is killed, and gets it."""
        holder = self.process(HOLDER)
        taker = self.process(TAKER, 10, 20)
        taker.stdin.write("go\n")
        taker.stdin.flush()
        with self.assertRaises(subprocess.TimeoutExpired):
            taker.wait(timeout=0.5)
        holder.kill()
        self.assertEqual(taker.communicate(timeout=10)[0], "10\n")

    def test_killed_amid_charges(self):
        """Whoever is killed while it charges leaves buckets that are whole."""
        self.table.charge("untouched", LIMIT, 12)
        for _ in range(3):
            process = self.process(TAKER, 1_000_000_000, 1_000_000_000)
            process.stdin.write("go\n")
            process.stdin.flush()
            threading.Event().wait(0.1)
            process.kill()
            process.wait(timeout=10)
            self.assertAlmostEqual(self.table.take("untouched", LIMIT), 1.5, places=6)
        self.assertGreater(self.table.take("shared", Limit(0.001, 1)), 0)
