# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""benchmarks/compare: what it makes of wrk's and pgbench's output, and one small run."""

import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from comparison import floor, limit, load, operations, people, report, usage, wrk
from comparison.operations import OPERATIONS
from spar_setup.console import SetupError
from spar_setup.state import REPOSITORY, State

RESULT = {
    "requests": 200,
    "seconds": 4.0,
    "p50_ms": 5.0,
    "p99_ms": 9.0,
    "max_ms": 12.0,
    "connect": 0,
    "read": 0,
    "write": 0,
    "status": 0,
    "timeout": 0,
    "wrong": 0,
    "first_wrong": "",
    "sent_most": 102,
}


def output(**changes):
    """What wrk prints with our script: its own summary, and our line."""
    line = json.dumps({**RESULT, **changes})
    return f"Running 4s test @ http://127.0.0.1:1\n  2 threads\nRESULT {line}\n"


def measured(name, party, *rates, **cores):
    rounds = [
        report.Round(load.Burst(int(rate * 2), 2.0, 1.0, 2.0, 3.0, 0), cores) for rate in rates
    ]
    return report.Measured(OPERATIONS[name], party, rounds)


class TestLoad:
    def test_result(self):
        burst = load.parse(output())
        assert (burst.requests, burst.rate, burst.p99_ms, burst.sent_most) == (200, 50, 9, 102)

    @pytest.mark.parametrize("error", load.ERRORS)
    def test_any_error_fails(self, error):
        with pytest.raises(SetupError, match=f"3 {error}"):
            load.parse(output(**{error: 3}))

    def test_the_first_wrong_answer_is_told(self):
        with pytest.raises(SetupError, match="an address is missing"):
            load.parse(output(wrong=1, first_wrong="an address is missing: {}"))

    def test_no_result_fails(self):
        with pytest.raises(SetupError, match="unable to connect"):
            load.parse("unable to connect to 127.0.0.1:1 Connection refused\n")

    def test_lua_literals(self):
        value = {"name": 'say "1"', "none": None, "list": [["a", "b"], 2], "n": 387420489}
        assert load.to_lua(value) == (
            r'{name = "say \"1\"", list = {{"a", "b"}, 2}, n = 387420489}'
        )


class TestOperations:
    def test_order_is_fixed(self):
        assert operations.chosen([]) == list(OPERATIONS.values())
        names = [operation.name for operation in operations.chosen(["unlink-1", "link"])]
        assert names == ["link-1", "link-1000", "unlink-1"]

    def test_unknown(self):
        with pytest.raises(SetupError, match="resolve-7"):
            operations.chosen(["resolve-7"])


class TestReport:
    RESULTS = (
        measured("resolve-1000", "ours", 90, 70, 80, server=1.25),
        measured("resolve-1000", "peer", 10, 10, 30),
        measured("link-1", "ours", 300),
    )

    def test_median_of_rounds(self):
        ours = self.RESULTS[0]
        assert (ours.requests_per_second, ours.ids_per_second) == (80, 80_000)
        assert (ours.cores("server"), ours.cores("load")) == (1.25, 0)

    def test_ratio(self):
        assert report.ratio(self.RESULTS, OPERATIONS["resolve-1000"], "ours", "peer") == 8
        assert report.ratio(self.RESULTS, OPERATIONS["link-1"], "ours", "peer") is None

    @pytest.mark.parametrize(
        ("value", "text"),
        [(75_780.4, "75 800"), (592.6, "593"), (99.96, "100"), (15.53, "15.5"), (None, "-")],
    )
    def test_three_digits(self, value, text):
        assert report.number(value) == text

    def test_tables(self):
        speed = report.speed_table(self.RESULTS).splitlines()
        assert len(speed) == 2 + len(self.RESULTS)
        assert speed[2].startswith("| resolve-1000 | ours | 80 | 80 000 |")
        ratios = report.ratio_table(self.RESULTS, "ours", ("peer", "limit"))
        assert "| resolve-1000 | 8 | - |" in ratios
        memory = {"ours": [usage.Memory(rss=150.2, pss=119.9, peak=160.4)]}
        assert "| ours | 1 | 150 | 120 | 160 |" in report.memory_table(memory)

    def test_json(self):
        value = json.loads(json.dumps(self.RESULTS[0].as_dict()))
        assert value["requests_per_second"] == 80 and len(value["rounds"]) == 3


class TestFloor:
    def test_what_it_stands_beside(self):
        offered = filter(floor.Floor(None).offers, OPERATIONS.values())
        assert [operation.name for operation in offered] == ["resolve-1"]

    @pytest.mark.long
    def test_bad_health_fails_the_run(self):
        class Ill(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b'{"status": "fail"}')

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Ill)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ours = SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(SetupError, match="not in good health"):
            floor.Floor(ours).run(wrk.find(State()), 1, seconds=1)
        server.shutdown()


class TestLimit:
    @pytest.mark.parametrize("items", [1, 1000])
    def test_statement_is_that_of_resolve(self, items):
        statement = limit.lookup(items)
        assert "g2p_spar_mapping" in statement and statement.count("%s") == 1

    @pytest.mark.parametrize(("percent", "value"), [(50, 50), (99, 99), (100, 100), (0, 1)])
    def test_percentile(self, percent, value):
        assert limit.percentile(list(range(1, 101)), percent) == value

    def test_failed_transactions_fail(self):
        told = "number of failed transactions: 2 (0.1%)\ntps = 10.5 (without ...)\n"
        done = subprocess.CompletedProcess([], 0, told, "")
        with pytest.raises(SetupError, match="pgbench failed"):
            limit.burst(done, [1.0], 0, 1)
        done.stdout = told.replace(": 2", ": 0")
        assert limit.burst(done, [1.0] * 21, 0, 1).rate == pytest.approx(10.5)
        of_scripts = limit.burst(done, [1.0] * 21, 0, 50)
        assert of_scripts.rate == pytest.approx(525)
        assert of_scripts.p50_ms == pytest.approx(0.02)

    def test_script_asks_for_people_who_are_there(self):
        lines = limit.script(100, 7).splitlines()
        assert (lines[0], lines[-1]) == ("BEGIN;", "COMMIT;")
        assert len(lines) - 2 == limit.STATEMENTS[100]
        everybody = {people.id_key(number) for number in range(1, 8)}
        for line in lines[1:-1]:
            asked = re.search(r"'{(.*)}'::text\[\]", line)[1].split(",")
            assert len(asked) == 100 and set(asked) <= everybody


class TestPeople:
    def test_ids_and_accounts_are_distinct(self):
        """Coprime factors make permutations; products stay exact in Lua's numbers."""
        assert people.ID_FACTOR % 2 and people.ID_FACTOR % 5
        assert people.ACCOUNT_FACTOR % 2 and people.ACCOUNT_FACTOR % 3 and people.ACCOUNT_FACTOR % 5
        largest = max(people.ID_FACTOR, people.ACCOUNT_FACTOR) * people.MOST_PEOPLE
        assert largest < 2**53


class TestUsage:
    def test_busy_process(self):
        child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            meter = usage.Meter({"child": child.pid})
            meter.start()
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(timeout=1)
            assert 0.01 < meter.read()["child"] <= 1.1  # little, where others are busier
            assert not usage.rests(child.pid)
            memory = usage.memory(child.pid)
            assert 1 < memory.pss <= memory.rss <= memory.peak
        finally:
            child.kill()
            child.wait()


class Rejecting(BaseHTTPRequestHandler):
    """A mapper that rejects all, and counts that as completed like SPAR."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"header":{"completed_count":1},"message":{"r":[{"status":"rjct"}]}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.mark.long
def test_rejected_items_fail_the_run():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Rejecting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    party = SimpleNamespace(
        path=lambda operation: "/",
        sender_id=lambda operation: "",
        token=lambda operation: "",
        addresses=[("account:", "@B")],
    )
    values = load.settings(party, OPERATIONS["link-1"], rows=10, first=1)
    url = f"http://127.0.0.1:{server.server_port}"
    with pytest.raises(SetupError, match="not every item has succeeded"):
        load.run(wrk.find(State()), url, values, seconds=1)
    server.shutdown()


@pytest.mark.long
def test_small_run(tmp_path):
    """One command measures, on servers and databases that it makes itself."""
    file = tmp_path / "figures.json"
    names = ["resolve-1", "resolve-100", "resolve-1000-strict", "link-1", "update-1", "unlink-1"]
    done = subprocess.run(
        [REPOSITORY / "benchmarks/compare", "--rows", "2000", "--seconds", "1", "--rounds", "1",
         "--json", file, "--operations", *names],
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(file.read_text())
    measured = {(result["operation"], result["party"]) for result in figures["results"]}
    assert {(name, "SPAR") for name in names} <= measured
    assert {("resolve-100", "OpenG2P"), ("resolve-100", "bare look-up")} <= measured
    assert ("resolve-1", "bare Odoo") in measured
    assert all(result["requests_per_second"] > 0 for result in figures["results"])
    assert [len(workers) for workers in figures["memory_mb"].values()] == [2, 2]
    assert "| resolve-100 | SPAR |" in done.stdout
