# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""setup/load-mappings: rows of a CSV file become mappings, whatever is among them and happens."""

import csv
import http.server
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from mapper_client import MARK, BackOffice, Client, new_fa, new_id, new_number, new_phone
from spar_setup import load_mappings
from spar_setup.console import SetupError
from spar_setup.mapper_api import MapperApi
from spar_setup.mapping_file import REPORT, MappingFile, RejectedRows

MAIN = Path(__file__).resolve().parents[1] / "setup" / "main.py"
COLUMNS = ("id_value", "fa_value", "name", "phone", "additional_info")
TIMEOUT = 120


def write(path, *rows, columns=COLUMNS):
    """A CSV file as PostgreSQL writes it; a row that is bytes stands as it is."""
    with path.open("wb") as handle:
        for row in (columns, *rows):
            if not isinstance(row, bytes):
                text = io.StringIO()
                csv.writer(text, lineterminator="\n").writerow(row)
                row = text.getvalue().encode()
            handle.write(row)
    return path


def start(client, path, *options, secret=None):
    known = client.credentials
    return subprocess.Popen(
        [sys.executable, MAIN, "load_mappings", path, "--url", client.url, *options,
         "--sender-id", known["sender_id"], "--client-id", known["client_id"]],
        env={**os.environ, "SPAR_CLIENT_SECRET": secret or known["client_secret"]},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def load(client, path, *options, **keywords):
    """Exit status, and what it printed; which never holds an ID or an address."""
    running = start(client, path, *options, **keywords)
    output, errors = running.communicate(timeout=TIMEOUT)
    assert MARK not in output + errors
    return running.returncode, output + errors


def counts(output):
    """Numbers of rows linked, linked before, and rejected."""
    found = re.search(r"(\d+) linked, (\d+) linked before, (\d+) rejected", output)
    return tuple(map(int, found.groups()))


def rejected(path):
    """(line, reason, other columns) of each row of the report."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as handle:
        _header, *rows = csv.reader(handle)
    return [(int(line), reason, rest) for line, reason, *rest in rows]


@pytest.mark.parametrize("sender", ["demo-strict", "demo-openg2p-1"])
def test_rows_become_mappings(server, tmp_path, sender):
    client = Client(server, sender)
    rows = [
        (new_id(), new_fa(), "", "", ""),
        (new_id(), f'{MARK} a "quoted", b', f"{MARK} Zoë,\nof two lines", new_phone(), ""),
        (new_id(), new_fa(), "", "", '[{"name": "n", "value": "Ж"}]'),
    ]
    path = write(tmp_path / "mappings.csv", *rows)
    status, output = load(client, path)
    assert (status, counts(output)) == (0, (3, 0, 0)), output
    reply = client.resolve([row[0] for row in rows])
    assert [item["fa"] for item in reply.items] == [row[1] for row in rows]
    assert reply.items[2]["additional_info"] == [{"name": "n", "value": "Ж"}]
    assert [file.name for file in tmp_path.iterdir()] == ["mappings.csv"]
    # a second time, in other batches, with other case
    path = write(path, *((row[0].upper(), row[1].upper(), *row[2:]) for row in rows))
    status, output = load(client, path, "--batch", "2", "--connections", "1")
    assert (status, counts(output)) == (0, (0, 3, 0)), output


def test_bad_rows_are_reported_and_cost_no_other(server, tmp_path):
    client = Client(server, "demo-openg2p-1")
    taken, suspended = new_id(), new_id()
    suspended_fa = new_fa()
    client.link([(taken, new_fa()), (suspended, suspended_fa)])
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE g2p_spar_mapping SET state = 'suspended' WHERE id_key = %s", [suspended.lower()]
        )
    good = [(new_id(), new_fa(), "", "", "") for _ in range(8)]
    rows = [
        good[0],
        (taken, new_fa(), "", "", ""),
        good[1],
        (suspended, suspended_fa, "", "", ""),
        (f"two words {MARK}", new_fa(), "", "", ""),
        (new_id(), "", "", "", ""),
        good[2],
        f'{new_id()},"open quote,,,\n'.encode(),
        good[3],
        f'{new_id()},"odd" quote,,,\n'.encode(),
        good[4],
        new_id().encode() + b",\xff\xfe,,,\n",
        (new_id(), new_fa()),
        good[5],
        (new_id(), new_fa(), "", "", "{not JSON"),
        (new_id(), new_fa(), "", "", '["\\ud800"]'),
        (new_id(), new_fa(), "", "", "NaN"),
        b"\n",
        good[6],
        (new_id(), f"{MARK}\x00", "", "", ""),
        good[7],
    ]
    path = write(tmp_path / "mappings.csv", *rows)
    report = tmp_path / "report.csv"
    status, output = load(client, path, "--rejected", str(report))
    assert status == 3, output
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    reasons = {line: reason for line, reason, _rest in rejected(report)}
    assert counts(output) == (8, 0, len(reasons))
    assert client.resolve([row[0] for row in good]).codes == ["succ.id.active"] * 8
    expected = {
        3: "id: is linked already, to another address",
        5: "id: is linked already, and suspended",
        6: "rjct.id.invalid id: must consist",
        7: "rjct.fa.invalid FA is null",
        9: "CSV: ",
        11: "CSV: ",
        13: "is not in UTF-8",
        14: "has 2 columns instead of 5",
        16: "additional_info: is not JSON",
        17: "HTTP 400",
        18: "HTTP 400",
        21: "rjct.fa.invalid fa: ",
    }
    assert reasons.keys() == expected.keys()
    for line, reason in expected.items():
        assert reasons[line].startswith(reason), (line, reasons[line])
    # bytes as they came, and the report itself can be loaded once it is mended
    assert b"\xff\xfe" in report.read_bytes()
    text = report.read_bytes().replace(b"{not JSON", b"{}")
    (tmp_path / "mended.csv").write_bytes(text)
    status, output = load(client, tmp_path / "mended.csv")
    assert counts(output)[0] == 1, output


def test_reasons_of_the_strict_profile(server, tmp_path):
    """Its code for an ID that is linked stands for other things too."""
    rows = [
        (new_id(), new_fa(), "", "0917", ""),
        (new_id(), new_fa(), "", "", '{"a": 1}'),
        (f"{MARK}-no-namespace", new_fa(), "", "", ""),
    ]
    path = write(tmp_path / "m.csv", *rows)
    status, output = load(Client(server), path)
    assert (status, counts(output)) == (3, (0, 0, 3)), output
    reasons = [reason for _line, reason, _rest in rejected(tmp_path / "m.csv.rejected.csv")]
    assert [reason.split(":")[0] for reason in sorted(reasons)] == [
        "rjct.id.invalid id",
        "rjct.mobile_number.invalid phone_number",
        "rjct.other.error additional_info",
    ]


def test_what_was_interrupted_goes_on(server, tmp_path):
    client = Client(server)
    pairs = [(new_id(), new_fa()) for _ in range(6000)]
    path = write(tmp_path / "mappings.csv", *((*pair, "", "", "") for pair in pairs))
    running = start(client, path, "--batch", "10")  # it takes its time
    deadline = time.monotonic() + TIMEOUT
    while client.resolve([pairs[1000][0]]).codes != ["succ.id.active"]:
        assert time.monotonic() < deadline
    running.send_signal(signal.SIGINT)
    _output, errors = running.communicate(timeout=TIMEOUT)
    assert running.returncode == 130
    assert MARK not in errors
    assert counts(errors)[0] < 6000, "it was through before it was interrupted"
    status, output = load(client, path)
    linked, before, refused = counts(output)
    assert (status, linked + before, refused) == (0, 6000, 0)
    assert linked and before >= 1000
    assert client.resolve([id_ for id_, _fa in pairs]).succeeded == [True] * 6000


@pytest.mark.parametrize("sender", ["demo-strict", "demo-openg2p-1"])
def test_workers_die_and_tokens_end_meanwhile(own_server, tmp_path, sender):
    """What may or may not have been done is asked, and nothing is lost or reported wrongly."""
    client = Client(own_server, sender)
    pairs = [(new_id(), new_fa()) for _ in range(6000)]
    path = write(tmp_path / "mappings.csv", *((*pair, "", "", "") for pair in pairs))
    running = start(client, path, "--batch", "100")
    for number in (500, 2500):
        deadline = time.monotonic() + TIMEOUT
        while client.resolve([pairs[number][0]]).codes != ["succ.id.active"]:
            assert time.monotonic() < deadline
        with own_server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM g2p_spar_access_token")
        for pid in own_server.worker_pids():
            os.kill(pid, signal.SIGKILL)
        client = Client(own_server, sender)
        _wait_for_workers(own_server)
    output, errors = running.communicate(timeout=TIMEOUT)
    assert running.returncode == 0, errors
    linked, before, refused = counts(output)
    assert (linked + before, refused) == (6000, 0)
    assert client.resolve([id_ for id_, _fa in pairs]).succeeded == [True] * 6000


def _wait_for_workers(server):
    deadline = time.monotonic() + TIMEOUT
    while len(server.worker_pids()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_addresses_of_the_directory_are_read(server, tmp_path):
    client = Client(server, "demo-openg2p-1")
    number = new_number()
    fa = (
        f"account_number:{number}.branch_name:X.branch_code:BYSB0001.bank_name:Y.bank_code:BYSB."
        "fa_type:BANK"
    )
    id_ = new_id()
    status, output = load(client, write(tmp_path / "m.csv", (id_, fa, "", "", "")))
    assert (status, counts(output)) == (0, (1, 0, 0))
    [item] = client.resolve([id_]).items
    assert item["account_provider_info"]["subcode"] == "BYSB0001"


def test_what_is_wrong_is_said(server, tmp_path):
    client = Client(server)
    path = write(tmp_path / "m.csv", *((new_id(), new_fa(), "", "", "") for _ in range(1001)))
    for problem, arguments in (
        ("Signing in failed: HTTP 401, invalid_client", (client, path)),
        ("names no column fa_value", (client, write(tmp_path / "n.csv", columns=("id_value",)))),
        (
            "names no column id_value and no fa_value",
            (client, write(tmp_path / "o.csv", columns=())),
        ),
        ("No such file", (client, tmp_path / "nothing.csv")),
        ("payer.example may not call link", (Client(server, "payer.example"), path)),
        ("Use a smaller --batch", (Client(server, "bayani.example"), path, "--batch", "1001")),
        ("--batch goes from", (client, path, "--batch", "0")),
        ("is no report", (client, path, "--rejected", str(tmp_path / "n.csv"))),
    ):
        secret = "wrong" if "Signing" in problem else None
        status, output = load(*arguments, secret=secret)
        assert status == 1, output
        assert problem in output
    assert len(path.read_bytes().splitlines()) == 1002


def test_report_that_cannot_be_written(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere" / "r.csv"):
        with pytest.raises(SetupError, match=re.escape(str(path))):
            RejectedRows(path, COLUMNS)


def test_report_never_replaces_what_is_read(tmp_path):
    """Not even a report that was mended, by which name ever."""
    path = write(tmp_path / "m.csv", (2, "reason", new_id(), new_fa()), columns=(*REPORT, *COLUMNS))
    (tmp_path / "link.csv").symlink_to(path)
    account = ("--url", "http://127.0.0.1:9", "--sender-id", "s", "--client-id", "c")
    for name in ("m.csv", "link.csv", "../" + tmp_path.name + "/m.csv"):
        with pytest.raises(SetupError, match="is the file to be read"):
            load_mappings.parse([str(path), *account, "--rejected", str(tmp_path / name)])
    options = load_mappings.parse([str(path), *account])
    assert options.rejected == tmp_path / "m.csv.rejected.csv"


def test_sign_in_that_fails_in_passing(restless):
    """A token is renewed in the course of a load as patiently as a message is sent."""
    restless.answers = ["token", 503, 502, None, "token", "link"]
    api = MapperApi(restless.url, "s", "c", "secret")
    api.sign_in("link")
    assert api.call("link", [{}]) == []
    assert restless.answers == []


def test_beyond_the_limit(restless):
    """As long as the server says, and as often: that is no failure."""
    restless.answers = ["token", *["token", "limit"] * 12, "limit", "token", "link"]
    api = MapperApi(restless.url, "s", "c", "secret")
    api.sign_in("link")
    assert api.call("link", [{}]) == []
    assert restless.answers == []


def test_beyond_the_participants_limit(server, tmp_path):
    client = Client(server)
    office = BackOffice(server)
    [participant] = office.find("g2p.spar.participant", ["sender_id", "=", "demo-strict"])
    path = write(tmp_path / "m.csv", *((new_id(), new_fa(), "", "", "") for _ in range(30)))
    office.must("g2p.spar.participant", "write", [participant], {"write_rate": 600, "burst": 1})
    try:
        status, output = load(client, path, "--batch", "10", "--connections", "1")
    finally:
        office.must("g2p.spar.participant", "write", [participant], {"write_rate": 0, "burst": 0})
    assert (status, counts(output)) == (0, (30, 0, 0)), output
    assert "beyond the participant's limit" in output


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (503, "HTTP 503"),
        (401, "HTTP 401"),
        ("limit", "HTTP 429, wait"),
        (None, "cannot be reached"),
    ],
)
def test_sign_in_that_fails_at_once(restless, answer, told):
    restless.answers = [answer]
    with pytest.raises(SetupError, match=told):
        MapperApi(restless.url, "s", "c", "secret").sign_in("link")


def test_credentials_that_end_meanwhile(restless):
    restless.answers = ["token", 401]
    api = MapperApi(restless.url, "s", "c", "secret")
    api.sign_in("link")
    with pytest.raises(SetupError, match="Signing in failed: HTTP 401"):
        api.call("link", [{}])


@pytest.fixture
def restless():
    """A server that gives the `answers` one by one: a token that ends at once, an empty link, 429
    with the time to wait, a status, or with None no answer at all."""
    bodies = {
        "token": {"access_token": "t", "expires_in": 0, "scope": "mapper.link"},
        "link": {"header": {"status": "succ"}, "message": {"link_response": []}},
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = self.server.answers.pop(0)
            assert answer == "limit" or (answer == "link") == self.path.endswith("/link")
            if answer == "limit":
                self.send_response(429)
                self.send_header("Retry-After", "0")
                self.end_headers()
            elif answer is not None:
                self.send_response(200 if answer in bodies else answer)
                self.end_headers()
                self.wfile.write(json.dumps(bodies.get(answer)).encode())

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_server_that_is_away(server, tmp_path):
    client = Client(server)
    path = write(tmp_path / "m.csv", (new_id(), new_fa(), "", "", ""))
    client.url = "http://127.0.0.1:9"
    status, output = load(client, path)
    assert status == 1
    assert "cannot be reached" in output and "Run the same command again" in output


def test_reading_holds_one_row_at_a_time(tmp_path):
    """A quote that is never closed takes no more in than a line."""
    lines = [b'a,"b\n', *(f"id{number},fa\n".encode() for number in range(50_000))]
    path = write(tmp_path / "m.csv", *lines, columns=COLUMNS[:2])
    rows = list(MappingFile(path))
    assert [row.line for row in rows] == list(range(2, 50_003))
    assert [row.line for row in rows if row.problem] == [2]
    assert rows[0].fields == ['a,"b']
