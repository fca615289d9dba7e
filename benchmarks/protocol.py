# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What reading and writing messages costs, against orjson alone on the same message.

    python benchmarks/protocol.py [ITEMS]

Needs neither Odoo nor a database. Times are the best of several runs, in milliseconds.
"""

import sys
import timeit
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "g2p_spar_connector"))

from g2p_connect import jsonio  # noqa: E402
from g2p_connect.envelope import parse_request, render_answer  # noqa: E402
from g2p_connect.values import PROFILES, AccountProvider, Outcome, Result  # noqa: E402

NOW = datetime.now(UTC)


def resolve_request(count: int) -> bytes:
    stamp = NOW.isoformat(timespec="milliseconds")
    items = [
        {
            "reference_id": f"6f2d3c1e-0000-4000-8000-{number:012}",
            "timestamp": stamp,
            "id": f"token:{number:010}@nationalId",
            "scope": "details",
            "locale": "en",
        }
        for number in range(count)
    ]
    header = {
        "version": "1.0.0",
        "message_id": "m1",
        "message_ts": stamp,
        "action": "resolve",
        "sender_id": "pbms.example.org",
        "total_count": count,
    }
    message = {"transaction_id": "t1", "resolve_request": items}
    return orjson.dumps({"header": header, "message": message})


def milliseconds(function) -> float:
    number = 20
    return min(timeit.repeat(function, number=number, repeat=7)) / number * 1000


def measure(profile: str, raw: bytes, count: int) -> None:
    def parse():
        return parse_request(
            jsonio.loads(raw),
            "resolve",
            profile,
            max_items=count,
            now=NOW,
            ts_window=timedelta(hours=1),
        )

    request = parse()
    provider = AccountProvider("Bank of Example", "BOEX", "0001")
    results = [
        Result(
            item.reference_id,
            Outcome.ID_ACTIVE,
            id=item.id,
            fa="account:001234567890@BOEX",
            provider=provider,
        )
        for item in request.items
    ]

    def render():
        return jsonio.dumps(render_answer(request, results, profile, now=NOW))

    answer = render()
    plain_in = milliseconds(lambda: orjson.loads(raw))
    value = orjson.loads(answer)
    plain_out = milliseconds(lambda: orjson.dumps(value))
    read, write = milliseconds(parse), milliseconds(render)
    ratio = (read + write) / (plain_in + plain_out)
    print(
        f"{profile:10}  read {read:7.2f} (orjson {plain_in:.2f})  "
        f"write {write:7.2f} (orjson {plain_out:.2f})  together {read + write:7.2f}  "
        f"{ratio:.1f} times orjson alone"
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    raw = resolve_request(count)
    print(f"resolve of {count} items, {len(raw)} bytes; milliseconds")
    loads = milliseconds(lambda: jsonio.loads(raw))
    print(f"jsonio.loads {loads:.2f} (orjson {milliseconds(lambda: orjson.loads(raw)):.2f})")
    for profile in PROFILES:
        measure(profile, raw, count)


if __name__ == "__main__":
    main()
