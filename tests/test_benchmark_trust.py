# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""benchmarks/trust: its table, and one small run."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from spar_setup.state import REPOSITORY
from trust_cost.__main__ import report


def series(variant, *milliseconds, items=1000):
    return {
        "operation": "resolve",
        "items": items,
        "profile": "strict",
        "variant": variant,
        "milliseconds": list(milliseconds),
    }


def test_what_is_added_is_told_by_turns():
    """A slow turn hits both, and counts for neither."""
    table = list(
        report(
            [
                series("token", 10, 90, 20),
                series("signature, limit", 11, 91, 22),
                series("signature, limit, answer signed", 14, 94, 24),
                series("token", 2, 2, 2, items=1),
                series("signature, limit", 3.5, 2.5, 3.5, items=1),
            ],
            SimpleNamespace(requests=3),
        )
    )
    assert table[4:] == [
        "| resolve 1000 | strict | token | 20.00 | +0.00 | +0.0 |  |",
        "| resolve 1000 | strict | signature, limit | 22.00 | +1.00 | +5.0 | below 15 % |",
        "| resolve 1000 | strict | signature, limit, answer signed | 24.00 | +4.00 | +20.0 "
        "| **above** 15 % |",
        "| resolve 1 | strict | token | 2.00 | +0.00 | +0.0 |  |",
        "| resolve 1 | strict | signature, limit | 3.50 | +1.50 | +75.0 | **above** 1 ms |",
    ]


@pytest.mark.long
def test_small_run():
    done = subprocess.run(
        [REPOSITORY / "benchmarks" / "trust", "--requests", "3", "--batch", "20"],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = re.findall(r"^\| (resolve|update) (\d+) \|", done.stdout, re.MULTILINE)
    kinds = {("resolve", "20"): 12, ("resolve", "1"): 12, ("update", "1"): 12}
    assert {kind: rows.count(kind) for kind in rows} == kinds
