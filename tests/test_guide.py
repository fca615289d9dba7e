# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The commands and the client of docs/integrator.md, as a reader would run them."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from mapper_client import Client, new_fa, new_id

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "integrator.md"


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
