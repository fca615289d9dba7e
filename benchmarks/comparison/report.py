# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Medians over rounds, ratios, and tables in Markdown."""

from dataclasses import dataclass, field
from statistics import median

from . import people


@dataclass
class Round:
    """One burst with the processor time it took.

    :ivar dict cores: cores busy by group (`server`, `postgres`, `load`, `other`)
    """

    burst: object
    cores: dict = field(default_factory=dict)


@dataclass
class Measured:
    """One operation of one party over all rounds."""

    operation: object
    party: str
    rounds: list

    def median(self, name):
        return median(getattr(round_.burst, name) for round_ in self.rounds)

    @property
    def requests_per_second(self):
        return self.median("rate")

    @property
    def ids_per_second(self):
        return self.requests_per_second * self.operation.items

    def cores(self, group):
        return median(round_.cores.get(group, 0) for round_ in self.rounds)

    @property
    def cpu_ms(self):
        """Processor time per request of server and PostgreSQL: less moved by a busy machine."""
        return 1000 * (self.cores("server") + self.cores("postgres")) / self.requests_per_second

    def as_dict(self):
        return {
            "operation": self.operation.name,
            "party": self.party,
            "requests_per_second": self.requests_per_second,
            "ids_per_second": self.ids_per_second,
            "p50_ms": self.median("p50_ms"),
            "p99_ms": self.median("p99_ms"),
            "cpu_ms": self.cpu_ms,
            "rounds": [
                {**vars(round_.burst), "rate": round_.burst.rate, "cores": round_.cores}
                for round_ in self.rounds
            ],
        }


def ratio(results, operation, party, other):
    """Requests per second of one party over another's; None where either was not measured."""
    rates = {
        result.party: result.requests_per_second
        for result in results
        if result.operation.name == operation.name
    }
    if party not in rates or other not in rates:
        return None
    return rates[party] / rates[other]


def number(value):
    """Three significant digits, thousands parted by blanks: 75 800, 15.5, 0.42."""
    if value is None:
        return "-"
    if value >= 100:
        digits = len(str(int(value))) - 3
        return people.count(int(round(value, -digits)))
    return f"{value:.3g}"


def table(headings, rows, texts):
    """A Markdown table, whose first so many columns are texts and the others numbers."""
    align = ["---"] * texts + ["---:"] * (len(headings) - texts)
    lines = [headings, align, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def speed_table(results):
    headings = ["operation", "party", "requests/s", "IDs/s", "p50 ms", "p99 ms",
                "CPU ms/request", "cores: server", "PostgreSQL", "load", "other"]  # fmt: skip
    rows = [
        [
            result.operation.name,
            result.party,
            number(result.requests_per_second),
            number(result.ids_per_second),
            number(result.median("p50_ms")),
            number(result.median("p99_ms")),
            number(result.cpu_ms),
            *(f"{result.cores(group):.2f}" for group in ("server", "postgres", "load", "other")),
        ]
        for result in results
    ]
    return table(headings, rows, texts=2)


def ratio_table(results, ours, others):
    """Rates of ours over the others'."""
    rows = [
        [operation.name, *(number(ratio(results, operation, ours, other)) for other in others)]
        for operation in dict.fromkeys(result.operation for result in results)
    ]
    return table(["operation", *(f"{ours} / {other}" for other in others)], rows, texts=1)


def memory_table(memory):
    """:param dict memory: by party, the `Memory` of each worker"""
    rows = [
        [party, str(position), *(f"{value:.0f}" for value in worker)]
        for party, workers in memory.items()
        for position, worker in enumerate(workers, 1)
    ]
    return table(["party", "worker", "RSS MB", "PSS MB", "peak RSS MB"], rows, texts=2)
