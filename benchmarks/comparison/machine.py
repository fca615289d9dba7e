# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What the measurements depend on: machine and versions."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

from spar_setup.postgres import psql


def facts(installation, server, peer_env, wrk):
    """:rtype: dict[str, str]"""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    settings = "fsync synchronous_commit full_page_writes shared_buffers max_wal_size jit".split()
    shown = psql(
        server,
        "postgres",
        "SELECT string_agg(name || ' ' || current_setting(name), ', ') "
        f"FROM pg_settings WHERE name IN ({', '.join(repr(name) for name in settings)})",
    )
    [version] = psql(server, "postgres", "SHOW server_version")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{memory:.0f} GiB",
        "system": f"{_system()}, Linux {platform.release()}",
        "SPAR": f"Odoo {installation.odoo['version']}, Python {platform.python_version()}",
        "OpenG2P": peer_env.versions(),
        "PostgreSQL": f"{version}; {shown[0]}",
        "wrk": wrk.version,
    }


def processor():
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = re.search(r"^(?:model name|Hardware)\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def _system():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()
