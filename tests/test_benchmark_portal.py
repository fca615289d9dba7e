# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""benchmarks/portal: its tables, its pace, and one small run."""

import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from portal_speed import report
from portal_speed.pace import Outcome, Pace
from portal_speed.sign_ins import Burst
from spar_setup.state import REPOSITORY

CORES = {"server": 1, "postgres": 0.5, "provider": 0.1, "load": 0.2, "other": 0}


def test_medians_of_pages():
    steps = {"landing": [(10, 0.004), (90, 0.008), (20, 0.006)], "receipt": [(61, 0.01)] * 3}
    [_title, _blank, table, _end] = report.pages(steps, 3)
    assert table.splitlines()[2:] == [
        "| landing | 20 | 90 | 6 | reached: below 60 ms |",
        "| receipt | 61 | 61 | 10 | **missed**: below 60 ms |",
    ]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(12, "0.833 (reached: at least 0.8)"), (13, "0.769 (**missed**: at least 0.8)")],
)
def test_look_ups_alone_and_beside_sign_ins(seconds, told):
    alone = Burst(Outcome([10.0] * 100, 10), {}, CORES)
    sign_ins = {name: Outcome([50.0] * 10, 10) for name in ("returning", "new")}
    beside = Burst(Outcome([20.0] * 100, seconds), sign_ins, CORES)
    options = SimpleNamespace(seconds=10, returning=1, new=1)
    lines = list(report.sign_ins([(alone, beside)], 20, options))
    rows = lines[2].splitlines()
    assert rows[2] == "| look-ups alone | 10 | 10 | 10 | 1.00 | 0.50 | 0.10 | 0.20 | 0.00 |"
    assert rows[4] == "| returning sign-ins | 1 | 50 | 50 |  |  |  |  |  |"
    assert lines[-1] == f"Rate of look-ups beside sign-ins / alone: {told}"


def test_work_that_waits_is_late():
    """What is slow makes those late that come after it; none is left out."""
    done = []

    def work(number):
        done.append(number)
        time.sleep(0.02)

    pace = Pace(rate=100, seconds=0.3, do=work, threads=1)
    began = time.monotonic()
    pace.start()
    outcome = pace.wait()
    took = time.monotonic() - began
    assert done == list(range(30))
    assert outcome.percentile(99) > outcome.percentile(50) > 100
    assert 30 / took <= outcome.rate < 55


def test_a_problem_ends_it():
    pace = Pace(rate=1000, seconds=1, do=lambda number: 1 / (3 - number), threads=2)
    pace.start()
    with pytest.raises(ZeroDivisionError):
        pace.wait()


@pytest.mark.long
def test_small_run():
    done = subprocess.run(
        [
            REPOSITORY / "benchmarks" / "portal",
            *("--rows", "2000", "--journeys", "2", "--seconds", "2", "--rounds", "1"),
            *("--returning", "2", "--new", "1"),
        ],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(re.findall(r"^\| .* \| (?:reached|\*\*missed\*\*)", done.stdout, re.MULTILINE)) > 20
    assert re.search(r"^\| look-ups beside sign-ins \| [0-9.]+ \|", done.stdout, re.MULTILINE)
    assert re.search(r"^Rate of look-ups beside sign-ins / alone: \d", done.stdout, re.MULTILINE)
