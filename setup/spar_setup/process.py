# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Processes by id, told apart from others that were given the same id later."""

import os
import signal
import time
from pathlib import Path


def start_time(pid):
    """Clock ticks since boot at which the process began; None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else int(fields[18])


def identity(pid):
    """What to record in order to know the process again."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    return {"pid": pid, "started": start_time(pid), "boot": boot}


def is_alive(recorded):
    """Whether the recorded process still runs."""
    return bool(recorded and recorded["started"]) and identity(recorded["pid"]) == recorded


def children(pid):
    """Ids of the direct children."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text(encoding="utf-8").split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def terminate(recorded, patience=30):
    """End a recorded process that leads a session of its own, and what it started.

    :param patience: seconds before it is ended the hard way
    :return: whether it was alive
    """
    if not is_alive(recorded):
        return False
    pid = recorded["pid"]
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while is_alive(recorded) and time.monotonic() < deadline:
        reap(pid)
        time.sleep(0.1)
    # Workers, and Odoo itself when it did not end: its group bears its id as long as one is left.
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    reap(pid)
    return True


def reap(pid):
    """Collect the process when it is a child of ours."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
