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
    """Ids of the direct children; it and its threads may end meanwhile."""
    found = []
    tasks = Path(f"/proc/{pid}/task")
    try:
        threads = os.listdir(tasks)
    except FileNotFoundError:
        return found
    for thread in threads:
        try:
            text = (tasks / thread / "children").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += map(int, text.split())
    return found


def terminate(recorded, mark, patience=30):
    """End a recorded process that leads a session of its own, and what is left of its group.

    :param str mark: part of the command line of whatever belongs to it
    :param patience: seconds before it is ended the hard way
    :return: whether it was alive
    """
    pid = recorded["pid"]
    was_alive = is_alive(recorded)
    if was_alive:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + patience
        while is_alive(recorded) and time.monotonic() < deadline:
            reap(pid)
            time.sleep(0.1)
    # Workers outlive a killed master for a while.
    deadline = time.monotonic() + patience
    while (left := group(pid, mark)) and time.monotonic() < deadline:
        _kill(left)
        time.sleep(0.05)
    reap(pid)
    return was_alive


def _kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def group(leader, mark):
    """Ids of the living processes in the group of that id whose command line has the mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _parent, number, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z" and int(number) == leader and mark.encode() in command:
            found.append(int(folder.name))
    return found


def reap(pid):
    """Collect the process when it is a child of ours."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
