#!/usr/bin/env python3
# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""How long directories of real size take to import, and to be searched by typing.

Run it in Odoo's shell, on a database of its own that has the directory:

    odoo shell -c odoo.conf -d some_database --no-http < benchmarks/directory.py

It imports the package files of ifsc (India: 257 banks, 176 918 branch codes) and of schwifty (all
47 countries, 11 000 banks), twice each, first into what the database holds. It fetches the versions
that have these with `npm pack` and `pip download`, unless IFSC and SCHWIFTY in the environment name
files. PLANS=1 prints PostgreSQL's plans of the searches.

A search is what the web client sends while somebody types into a field: `web_name_search` for 8
records, as a user of the group viewer. Each runs 15 times with nothing in Odoo's cache.
"""

import base64
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

IFSC, SCHWIFTY = "ifsc@2.0.50", "schwifty==2026.10.1"
TRIES = 15
# Common and rare texts, and for a bank those of its own codes and of others' codes.
PROVIDER_TEXTS = ("ban", "com", "spa", "dre", "und", "hdf", "sbi", "000", "ger", "xyz")
BRANCH_TEXTS = ("sbi", "hdf", "pun", "000", "123", "777", "999", "ako", "ban", "zzz")
BANKS = ("SBIN", "HDFC", "PUNB")


def fetch(folder):
    """Return the paths of the two package files."""
    if "IFSC" not in os.environ:
        subprocess.run(["npm", "pack", "--silent", IFSC], cwd=folder, check=True)
    if "SCHWIFTY" not in os.environ:
        command = ["pip", "download", "--quiet", "--no-deps", "--dest", folder, SCHWIFTY]
        subprocess.run(command, check=True)
    return (
        Path(os.environ.get("IFSC") or next(Path(folder).glob("ifsc-*.tgz"))),
        Path(os.environ.get("SCHWIFTY") or next(Path(folder).glob("schwifty-*.whl"))),
    )


def run_import(env, source, path, **values):
    values |= {"file": base64.b64encode(path.read_bytes()), "file_name": path.name}
    record = env["g2p.fa.import"].create({"source": source, **values})
    start = time.perf_counter()
    record.action_check()
    env.cr.commit()
    checked = time.perf_counter()
    record.action_run()
    env.cr.commit()
    record._run()
    done = time.perf_counter()
    assert record.state == "done", record.problem
    counts = {name: record[name] for name in record._fields if re.match("(provider|branch)_", name)}
    print(
        f"{path.name:36} preview {checked - start:5.1f} s, import {done - checked:5.1f} s, "
        f"together {done - start:5.1f} s  { {k: v for k, v in counts.items() if v} }"
    )


def import_all(env, ifsc, schwifty):
    from odoo.addons.g2p_spar_fa_directory.import_sources import archive  # noqa: PLC0415

    name = re.compile(r"schwifty/bank_registry/\w+_([a-z]{2})(?:\.v2)?\.json")
    members = archive.zip_members(schwifty.read_bytes(), name.fullmatch)
    codes = {name.fullmatch(member).group(1).upper() for member in members}
    countries = env["res.country"].search([("code", "in", list(codes))])
    for _again in range(2):
        run_import(env, "ifsc", ifsc)
        run_import(env, "schwifty", schwifty, country_ids=[(6, 0, countries.ids)])


def search(model, text, domain):
    return model.web_name_search(text, {"display_name": {}}, domain, "ilike", 8)


def plans(model, text, domain):
    """The plans of all statements of a search that look for records."""
    found, original = [], type(model)._search

    def explain(records, *args, **kwargs):
        query = original(records, *args, **kwargs)
        select = query.select()
        records.env.cr.execute("EXPLAIN ANALYZE " + select.code, select.params)
        found.append("\n".join(line for (line,) in records.env.cr.fetchall()))
        return query

    with patch.object(type(model), "_search", explain):
        search(model, text, domain)
    return found


def measure(model, title, text, domain):
    times = []
    for _try in range(TRIES):
        model.env.invalidate_all()
        start = time.perf_counter()
        found = search(model, text, domain)
        times.append(1000 * (time.perf_counter() - start))
    times.sort()
    explained = plans(model, text, domain)
    indexes = sorted(set(re.findall(r"using (\w+)|on (\w+_idx)", "\n".join(explained))))
    used = ", ".join(first or second for first, second in indexes) or "table"
    median, slowest = times[TRIES // 2], times[-1]
    print(f"{title:16}{text:6}{len(found):3} found{median:8.1f} ms{slowest:8.1f} ms  {used}")
    if os.environ.get("PLANS"):
        print("\n\n".join(explained), "\n")
    return median


def measure_all(env):
    viewer = env["res.users"].create(
        {
            "name": "Viewer",
            "login": "benchmark-viewer",
            "group_ids": [(6, 0, [env.ref("g2p_spar_fa_directory.group_viewer").id])],
        }
    )
    providers = env["g2p.fa.provider"].with_user(viewer)
    branches = env["g2p.fa.branch"].with_user(viewer)
    counts = providers.search_count([]), branches.search_count([])
    print(f"\n{counts[0]} providers, {counts[1]} branches; median and slowest of {TRIES}")
    slowest = max(measure(providers, "provider", text, []) for text in PROVIDER_TEXTS)
    print(f"slowest median: {slowest:.1f} ms\n")
    slowest = 0
    for code in BANKS:
        bank = providers.search([("code", "=", code), ("country_id.code", "=", "IN")])
        domain = [("provider_id", "=", bank.id)]
        title = f"{code} ({branches.search_count(domain)})"
        slowest = max(slowest, *(measure(branches, title, text, domain) for text in BRANCH_TEXTS))
    print(f"slowest median: {slowest:.1f} ms")
    env.cr.rollback()


with tempfile.TemporaryDirectory() as folder:
    import_all(env, *fetch(folder))  # noqa: F821 - Odoo's shell gives it
measure_all(env)  # noqa: F821
