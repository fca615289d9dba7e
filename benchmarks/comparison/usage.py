# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Processor time and memory of trees of processes, from /proc."""

import os
import re
import time
from pathlib import Path
from typing import NamedTuple

from spar_setup.process import children

TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid):
    """The process and all that descend from it."""
    found = [pid]
    for parent in found:
        found += children(parent)
    return found


def cpu_seconds(pid):
    """Processor time of a tree so far, including what has ended in it."""
    return sum(map(_ticks, tree(pid))) / TICKS


def _ticks(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(map(int, fields[11:15]))


def machine_cpu_seconds():
    """Processor time of everything on the machine so far."""
    fields = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()
    user, nice, system, _idle, _wait, irq, softirq = map(int, fields[1:8])
    return (user + nice + system + irq + softirq) / TICKS


class Meter:
    """How many cores groups of processes keep busy between `start` and `read`.

    :param dict pids: root of the tree of processes, by name of the group
    """

    def __init__(self, pids):
        self.pids = pids

    def start(self):
        self._before = self._now()
        self._machine, self._began = machine_cpu_seconds(), time.monotonic()

    def read(self, **others):
        """Cores by group; `other` is whatever else ran on the machine.

        :param others: processor seconds of groups that have ended, by name
        """
        took = time.monotonic() - self._began
        whole = machine_cpu_seconds() - self._machine
        seconds = {name: after - self._before[name] for name, after in self._now().items()}
        cores = {name: value / took for name, value in {**seconds, **others}.items()}
        return {**cores, "other": max(0, whole / took - sum(cores.values()))}

    def _now(self):
        return {name: cpu_seconds(pid) for name, pid in self.pids.items()}


class Memory(NamedTuple):
    """Of one process, in megabytes (10^6 bytes).

    :ivar float rss: resident now
    :ivar float pss: the same, pages that several processes share counted in part
    :ivar float peak: most that ever was resident
    """

    rss: float
    pss: float
    peak: float


def memory(pid):
    """:rtype: Memory"""
    folder = Path(f"/proc/{pid}")
    text = (folder / "smaps_rollup").read_text(encoding="utf-8")
    text += (folder / "status").read_text(encoding="utf-8")
    found = dict(re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE))
    return Memory(*(int(found[name]) * 1024 / 1e6 for name in ("Rss", "Pss", "VmHWM")))


def rests(pid):
    """Whether a tree does next to nothing for half a second."""
    before = cpu_seconds(pid)
    time.sleep(0.5)
    return cpu_seconds(pid) - before <= 0.02
