# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""One burst of load by wrk, and what came of it."""

import json
import os
import random
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from spar_setup.console import SetupError

from . import people

SCRIPT = Path(__file__).parent / "inside" / "load.lua"
THREADS = 2
CONNECTIONS = 4
# Seconds: OpenG2P's update of 1 000 items is slow.
TIMEOUT = 120
ERRORS = ("connect", "read", "write", "status", "timeout", "wrong")


@dataclass
class Burst:
    """What wrk saw.

    :ivar int requests: answered
    :ivar float seconds: from first to last
    :ivar int sent_most: requests that the busiest thread has begun
    :ivar float cpu_seconds: of wrk itself
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    sent_most: int
    cpu_seconds: float = 0.0

    @property
    def rate(self):
        """Requests per second."""
        return self.requests / self.seconds


def parse(output):
    """Read what `load.lua` has printed.

    :raises SetupError: where it is incomplete, or any request or item went wrong
    """
    lines = [line for line in output.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise SetupError(f"wrk told no result: {output.strip()[-500:]}")
    values = json.loads(lines[-1].removeprefix("RESULT "))
    errors = {name: values.pop(name) for name in ERRORS}
    first = values.pop("first_wrong")
    if any(errors.values()):
        told = ", ".join(f"{count} {name}" for name, count in errors.items() if count)
        raise SetupError(f"The load met errors: {told}. {first}".strip())
    return Burst(**values)


def settings(party, operation, rows, first, ids_path=None):
    """What `load.lua` needs to know, by name."""
    return {
        "action": operation.action,
        "items": operation.items,
        "path": party.path(operation),
        "sender_id": party.sender_id(operation),
        "token": party.token(operation),
        "rows": rows,
        "first": first,
        "ids_path": ids_path,
        "threads": THREADS,
        "seed": random.randrange(2**31),
        "addresses": party.addresses,
        "namespace": people.NAMESPACE,
        "id_factor": people.ID_FACTOR,
        "id_range": people.ID_RANGE,
        "account_factor": people.ACCOUNT_FACTOR,
        "account_range": people.ACCOUNT_RANGE,
        "account_first": people.ACCOUNT_FIRST,
    }


def to_lua(value):
    """A Lua literal of texts without control characters, numbers, lists and dicts."""
    if isinstance(value, dict):
        known = {name: member for name, member in value.items() if member is not None}
        return "{" + ", ".join(f"{name} = {to_lua(known[name])}" for name in known) + "}"
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(map(to_lua, value)) + "}"
    return json.dumps(value, ensure_ascii=False)


def run(wrk, url, values, seconds):
    """Drive the server for so many seconds.

    :param Wrk wrk: the program
    :param dict values: of `settings`
    :rtype: Burst
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as file:
        file.write(f"return {to_lua(values)}\n")
        file.flush()
        command = [
            wrk.path, f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s",
            f"--timeout={TIMEOUT}s", "-s", SCRIPT, url,
        ]  # fmt: skip
        environment = {**wrk.environment(), "BENCHMARK_LOAD": file.name}
        done, cpu_seconds = run_program(command, environment)
    if done.returncode:
        raise SetupError(f"wrk failed: {(done.stderr or done.stdout).strip()[-500:]}")
    burst = parse(done.stdout)
    burst.cpu_seconds = cpu_seconds
    return burst


def run_program(command, environment):
    """Run a program to its end.

    :return: (`CompletedProcess`, processor seconds it took)
    """
    before = os.times()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    after = os.times()
    user = after.children_user - before.children_user
    return done, user + after.children_system - before.children_system
