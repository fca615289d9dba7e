# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Requests that schemathesis makes from our OpenAPI document, valid and not: each is answered as
the document says, never with a 5xx, and a worker's memory does not grow.

Schemathesis brings its own versions of what Odoo has: it lives in a virtual environment beside.
"""

import re
import subprocess
from pathlib import Path

import psutil
import pytest
from log_search import Logs
from mapper_client import Client, exchange
from spar_setup.state import State
from spar_setup.tool_env import ToolEnv

# its report is read, so no newer one
REQUIREMENTS = ["schemathesis>=4.32.5,<4.33"]
HOOKS = Path(__file__).parent / "generated_requests"
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_schema_conformance", "response_headers_conformance", "ignored_auth",
    "unsupported_method",
)  # fmt: skip
# Who calls what; every path is one's.
GROUPS = {
    r"^/spar/v1": "demo-strict",
    r"^/api/mapper/(sync|async)/": "demo-openg2p-1",
    r"^/api/(mapper/mapper|bene-portal)/": "demo-openg2p-2",
    r"^/(spar/oauth2|spar/health|spar/metrics|spar/docs|spar/openapi|\.well-known)": None,
}
GROWTH = 64 * 2**20


@pytest.fixture(scope="module")
def schemathesis():
    env = ToolEnv(State().root / "schemathesis", REQUIREMENTS, "schemathesis from PyPI")
    env.ensure()
    return env


def generate(schemathesis, server, paths, sender_id, folder, *options):
    """Send what schemathesis makes for these paths.

    :return: how many operations there were, and how many requests
    """
    client = Client(server, sender_id or "demo-strict")
    command = [
        schemathesis.bin / "schemathesis", "run", f"{server.url}/spar/openapi.json", "--no-color",
        "--include-path-regex", paths, "--checks", ",".join(CHECKS), "--warnings", "off",
        "--no-shrink", "--request-timeout", "60", *options,
    ]  # fmt: skip
    if sender_id:
        command += ["-H", f"Authorization: Bearer {client.token}"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **schemathesis.environment(),
            "PYTHONPATH": str(HOOKS),
            "SCHEMATHESIS_HOOKS": "spar_hooks",
            "SPAR_SENDER_ID": client.sender_id,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return (
        int(re.search(r"Tested: (\d+)", done.stdout)[1]),
        int(re.search(r"(\d+) generated, \1 passed", done.stdout)[1]),
    )


def memory(server):
    """Bytes of each worker, by process id."""
    return {pid: psutil.Process(pid).memory_info().rss for pid in server.worker_pids()}


def run(schemathesis, server, folder, *options):
    """All groups; how many operations and requests."""
    logs = Logs(server)
    document = exchange(server.url, "GET", "/spar/openapi.json").json
    documented = sum(len(methods) for methods in document["paths"].values())
    counts = [
        generate(schemathesis, server, paths, sender_id, folder, *options)
        for paths, sender_id in GROUPS.items()
    ]
    operations, requests = map(sum, zip(*counts, strict=True))
    assert operations == documented
    assert not logs.lines_with(" error ", " critical ", "traceback (most recent")
    return operations, requests


def test_a_few_of_each_operation(own_server, schemathesis, tmp_path):
    """A server of its own: the document's examples link IDs that other tests link too."""
    few = ("--phases", "examples,fuzzing", "--max-examples", "8", "--seed", "8")
    operations, requests = run(schemathesis, own_server, tmp_path, *few)
    assert requests > 5 * operations


@pytest.mark.long
def test_thousands(own_server, schemathesis, tmp_path):
    """With the boundaries of every member, and no memory kept."""
    warm = ("--phases", "examples,fuzzing", "--max-examples", "20")
    run(schemathesis, own_server, tmp_path, *warm)
    before = memory(own_server)
    phases = ("--phases", "examples,coverage,fuzzing", "--max-examples", "60")
    operations, requests = run(schemathesis, own_server, tmp_path, *phases)
    assert requests > 100 * operations
    after = memory(own_server)
    assert set(after) == set(before), "a worker has died"
    assert all(after[pid] < before[pid] + GROWTH for pid in before), (before, after)
