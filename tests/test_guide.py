# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The commands and the client of docs/integrator.md, as a reader would run them."""

import csv
import functools
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import participants
import pytest
from conftest import installed
from lanes import await_true
from mapper_client import BackOffice, Client, new_fa, new_id
from spar_setup.postgres import psql
from spar_setup.server import free_port

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "integrator.md"
FORMER = "spar_guide_former"


def blocks(title, language):
    """The blocks of code of one section."""
    section = GUIDE.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2]
    return re.findall(rf"^```{language}\n(.*?)^```$", section.partition("\n## ")[0], re.S | re.M)


def run(command, server, client, **keywords):
    known = client.credentials
    variables = {
        "PATH": os.environ["PATH"],
        "URL": server.url,
        "CLIENT_ID": known["client_id"],
        "CLIENT_SECRET": known["client_secret"],
        "SPAR_URL": server.url,
        "SPAR_SENDER_ID": known["sender_id"],
        "SPAR_CLIENT_ID": known["client_id"],
        "SPAR_CLIENT_SECRET": known["client_secret"],
    }
    return subprocess.run(
        command, env={**variables, **keywords.pop("env", {})}, capture_output=True, text=True,
        timeout=120, check=False, **keywords,
    )  # fmt: skip


def test_ten_minutes_with_curl(server):
    _start, _credentials, *rest = blocks("Ten minutes with curl", "sh")
    client = Client(server)
    done = run(["bash", "-euc", "\n".join(rest)], server, client)
    linked, resolved = map(json.loads, done.stdout.splitlines())
    client.remove(["token:4711@nationalId"])
    assert linked["message"]["link_response"][0]["status"] == "succ", done
    [shown] = blocks("Ten minutes with curl", "json")
    [item] = resolved["message"]["resolve_response"]
    [shown_item] = json.loads(shown)["message"]["resolve_response"]
    assert {**item, "timestamp": "..."} == shown_item


def test_the_client(server, tmp_path):
    """It resolves thousands, tells what cannot be paid, and says when it may not sign in."""
    client = Client(server)
    pairs = [(new_id(), new_fa()) for _ in range(2500)]
    assert all(client.link(pairs).succeeded)
    missing = new_id()
    [source] = blocks("With Python", "python")
    program = tmp_path / "spar_client.py"
    program.write_text(source, encoding="utf-8")
    ids = "\n".join([*(id_ for id_, _fa in pairs), missing])
    done = run([sys.executable, program], server, client, input=ids)
    assert done.returncode == 0, done.stderr
    assert [tuple(row) for row in csv.reader(done.stdout.splitlines())] == pairs
    assert done.stderr == f"{missing} cannot be paid: succ.id.not_found\n"
    done = run(
        [sys.executable, program], server, client, input=ids, env={"SPAR_CLIENT_SECRET": "wrong"}
    )
    assert done.returncode == 1
    assert "client id or secret is wrong" in done.stderr


def test_the_client_sends_again_with_the_same_message_id(server, tmp_path, monkeypatch):
    client = Client(server)
    [source] = blocks("With Python", "python")
    (tmp_path / "spar_client.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import spar_client

    known = client.credentials
    spar = spar_client.Spar(
        server.url, known["sender_id"], known["client_id"], known["client_secret"]
    )
    real, lost = spar._post, []

    def lose_the_first_answer(path, body, headers):
        answer = real(path, body, headers)
        if "mapper" in path and not lost:
            lost.append(json.loads(body)["header"]["message_id"])
            raise ConnectionResetError
        return answer

    spar._post = lose_the_first_answer
    id_, fa = new_id(), new_fa()
    [item] = spar.call("link", [{"id": id_, "fa": fa}])
    assert lost and item["status"] == "succ"
    assert [answer["fa"] for _id, answer in spar.resolve([id_])] == [fa]


# python3 is the one that runs the tests: it has the library that the guide asks for.
GUIDE_ENVIRONMENT = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
SIGNED_LINK = "A signed link with a callback, in half an hour"


def test_a_signed_link_with_a_callback(server, tmp_path):
    [program] = blocks(SIGNED_LINK, "python")
    (tmp_path / "spar_link.py").write_text(program, encoding="utf-8")
    make_key, receive, link, status = blocks(SIGNED_LINK, "sh")
    port = str(free_port())
    for old, new in (("http://localhost:8069", server.url), ("8100", port)):
        assert old in receive
        receive = receive.replace(old, new)
    settings = receive.splitlines()[0]

    def sh(command):
        return subprocess.run(
            ["bash", "-euc", f"{settings}\n{command}"],
            cwd=tmp_path, env=GUIDE_ENVIRONMENT, capture_output=True, text=True, timeout=120,
            check=True,
        ).stdout  # fmt: skip

    participants.set_parameters(server, receiver_id="registry.example")
    office = BackOffice(server)
    [record] = office.must(
        "g2p.spar.participant",
        "create",
        [
            {
                "name": "first.example",
                "sender_id": "first.example",
                "profile": "strict",
                "authentication": "signature",
                **dict.fromkeys(("may_link", "may_update", "may_unlink", "may_resolve"), True),
                "may_see_details": True,
                "fa_policy": "opaque",
                "signature_dialect": "g2p_connect",
                "sign_answers": True,
                "callback_url": f"http://127.0.0.1:{port}",
            }
        ],
    )
    public = sh(make_key)
    assert public.startswith("-----BEGIN PUBLIC KEY-----")
    dialog = office.must(
        "g2p.spar.participant.key.add",
        "create",
        [{"participant_id": record, "text": public, "kid": "key-1"}],
    )
    office.must("g2p.spar.participant.key.add", "action_add", dialog)
    with subprocess.Popen(
        ["bash", "-euc", receive.replace("python3 ", "exec python3 ")],
        cwd=tmp_path, env=GUIDE_ENVIRONMENT, stdout=subprocess.PIPE, text=True,
    ) as receiver:  # fmt: skip
        try:
            await_true(lambda: answers(port))
            told = office.must("g2p.spar.participant", "action_test_callback", [record])
            assert told["params"]["type"] == "success", told
            word, correlation_id = sh(link).split()
            assert word == "ACK"
            assert receiver.stdout.readline().split() == [correlation_id, "1", "succ"]
            assert receiver.stdout.readline().split()[:3] == [correlation_id, "2", "rjct"]
        finally:
            receiver.kill()
    asked = sh(status.replace("CORRELATION_ID", correlation_id))
    assert asked.split() == ["succ", "2"]
    Client(server).remove(["token:4712@nationalId"])


def answers(port):
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


@pytest.fixture
def former():
    """A function that asks an OpenG2P SPAR's database, which has two mappings."""
    _installation, postgres = installed()
    psql(postgres, "postgres", f"DROP DATABASE IF EXISTS {FORMER}")
    psql(postgres, "postgres", f"CREATE DATABASE {FORMER}")
    ask = functools.partial(psql, postgres, FORMER)
    ask(
        """CREATE TABLE id_fa_mappings (
            id serial, id_value text NOT NULL, fa_value text, name text, phone text,
            additional_info json, created_at timestamp NOT NULL, active boolean NOT NULL);
        INSERT INTO id_fa_mappings (id_value, created_at, active)
        VALUES ('a@n', now(), true), ('b@n', now(), true)"""
    )
    yield ask
    psql(postgres, "postgres", f"DROP DATABASE {FORMER}")


def test_the_way_back(former, tmp_path):
    """A file that cannot be opened costs nothing; the whole table is replaced by one that can."""
    _installation, postgres = installed()
    script = blocks("Moving from OpenG2P SPAR", "sh")[-1].replace("-d spardb", f"-d {FORMER}")
    environment = {**postgres.env.environment(), **postgres.variables}
    everything = "SELECT id_value, fa_value, additional_info, active FROM id_fa_mappings ORDER BY 1"
    before = former(everything)
    for status, after in ((3, before), (0, ['c@n|Ж, "x"|{"k": 1}|t'])):
        done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, check=False)
        assert done.returncode == status
        assert former(everything) == after
        with (tmp_path / "back.csv").open("w", encoding="utf-8") as handle:
            csv.writer(handle).writerow(["c@n", 'Ж, "x"', "", "", '{"k": 1}'])
