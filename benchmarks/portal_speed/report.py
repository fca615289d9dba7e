# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What was measured, as tables in Markdown."""

from statistics import mean, median

from comparison.report import number, table

MOST_MS = 60
LEAST_SHARE = 0.8
# What changes something is no page; that it is fast enough is told all the same.
GROUPS = ("server", "postgres", "provider", "load", "other")


def pages(steps, journeys):
    """Lines about each step. :param dict steps: of `Pages`"""
    yield f"{journeys} journeys, one request at a time"
    yield ""
    rows = []
    for name, measured in steps.items():
        times = sorted(milliseconds for milliseconds, _cpu in measured)
        p50, p99 = median(times), times[min(len(times) - 1, int(len(times) * 0.99))]
        cpu = 1000 * mean(seconds for _milliseconds, seconds in measured)
        verdict = told(p50 < MOST_MS, f"below {MOST_MS} ms")
        rows.append([name, number(p50), number(p99), number(cpu), verdict])
    headings = ["request", "median ms", "p99 ms", "CPU ms", "bar"]
    yield table(headings, rows, texts=1)
    yield ""


def sign_ins(rounds, most, options):
    """Lines about look-ups alone and beside sign-ins; medians over rounds.

    :param list rounds: pairs of `Burst`, without and with sign-ins
    :param float most: requests per second when look-ups come as fast as they can
    """
    yield (
        f"{len(rounds)} rounds of {options.seconds} s each; look-ups of 100 IDs, at most "
        f"{number(most)} requests/s, here {number(most / 2)}; {options.returning} returning and "
        f"{options.new} new sign-ins/s; medians"
    )
    yield ""
    headings = ["what", "per second", "p50 ms", "p99 ms", *(f"cores: {name}" for name in GROUPS)]
    alone, beside = zip(*rounds, strict=True)
    rows = [
        _row("look-ups alone", [burst.resolve for burst in alone], alone),
        _row("look-ups beside sign-ins", [burst.resolve for burst in beside], beside),
        *(
            _row(f"{kind} sign-ins", [burst.sign_ins[kind] for burst in beside])
            for kind in ("returning", "new")
        ),
    ]
    yield table(headings, rows, texts=1)
    yield ""
    share = median(with_.resolve.rate / without.resolve.rate for without, with_ in rounds)
    reached = told(share >= LEAST_SHARE, f"at least {LEAST_SHARE}")
    yield f"Rate of look-ups beside sign-ins / alone: {share:.3f} ({reached})"


def _row(name, outcomes, bursts=()):
    cells = [median(outcome.rate for outcome in outcomes)]
    cells += [median(outcome.percentile(percent) for outcome in outcomes) for percent in (50, 99)]
    cores = [
        f"{median(burst.cores[group] for burst in bursts):.2f}" if bursts else ""
        for group in GROUPS
    ]
    return [name, *map(number, cells), *cores]


def told(reached, bar):
    return f"{'reached' if reached else '**missed**'}: {bar}"
