# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""benchmarks/asynchronous: its table, and one small run."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from asynchronous_speed.__main__ import report
from spar_setup.state import REPOSITORY

RESULTS = {
    "ack, idle": [0.05, 0.2, 0.06],
    "ack, loaded": [0.5],
    "sync": [10, 10, 99],
    "async 1": [100, 20, 1],
    "async 2": [25, 40, 9],
}


def test_medians_and_verdicts():
    table = list(report(RESULTS, SimpleNamespace(rounds=3, messages=10, items=10_000)))
    assert table[4:] == [
        "| ack, idle, p50 | 60 ms | reached: below 100 ms |",
        "| ack, loaded, p50 | 500 ms |  |",
        "| synchronous, 2 connections | 10000 items/s | |",
        "| asynchronous to the callback, 1 participant | 5000 items/s, 0.50 of synchronous "
        "| reached: 5000 items/s and 0.35 of synchronous |",
        "| asynchronous to the callback, 2 participants | 4000 items/s, 0.40 of synchronous "
        "| **missed**: 5000 items/s and 0.35 of synchronous |",
    ]


@pytest.mark.long
def test_small_run():
    done = subprocess.run(
        [
            REPOSITORY / "benchmarks" / "asynchronous",
            *("--items", "50", "--messages", "2", "--rounds", "1"),
        ],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = re.findall(r"^\| .* \| [0-9]+ (?:ms|items/s)", done.stdout, re.MULTILINE)
    assert len(rows) == 5
