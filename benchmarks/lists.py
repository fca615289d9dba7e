#!/usr/bin/env python3
# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""How long the back end's list of mappings takes on a registry of real size.

Run it in Odoo's shell, on a database of its own that has the mapper; it seeds ROWS mappings
(10 000 000 unless the environment says otherwise; some minutes and 5 GB) when there are fewer:

    odoo shell -c odoo.conf -d some_database --no-http < benchmarks/lists.py

Each search is what the web client sends for a page of 80 (`web_search_read`, counting up to
10 001), as a user of the group viewer. The reference is the first row, the unfiltered list.
"""

import os
import time

ROWS = int(os.environ.get("ROWS", "10000000"))
SEED = """
INSERT INTO g2p_fa_provider (name, code, fa_type, active)
SELECT 'Bank ' || n, 'BK' || n, 'bank', true FROM generate_series(1, 300) n;
INSERT INTO g2p_spar_mapping (id_value, id_key, fa, fa_key, fa_masked, fa_type, provider_id, name,
    state, channel, actor_kind, linked_at, changed_at)
SELECT 'token:' || md5(n::text) || '@nationalId', 'token:' || md5(n::text) || '@nationalid',
    'account:' || n || '@BK' || n %% 300, 'account:' || n || '@bk' || n %% 300,
    'BK ••••' || n %% 10000, 'bank', provider.id, 'Person ' || n,
    CASE WHEN n %% 5000 = 0 THEN 'suspended' ELSE 'active' END,
    CASE WHEN n %% 1000 = 0 THEN 'portal' ELSE 'api' END, 'participant', now(), now()
FROM generate_series(1, %s) n
JOIN g2p_fa_provider provider ON provider.code = 'BK' || (1 + n %% 300);
ANALYZE g2p_spar_mapping;
"""
SPECIFICATION = dict.fromkeys(
    ("id_masked", "fa_masked", "fa_type", "name", "channel", "changed_at", "state"), {}
) | dict.fromkeys(("provider_id", "participant_id"), {"fields": {"display_name": {}}})


def seed(env):
    env.cr.execute("SELECT reltuples FROM pg_class WHERE relname = 'g2p_spar_mapping'")
    if env.cr.fetchone()[0] < ROWS / 2:
        env.cr.execute(SEED, [ROWS])
        env.cr.commit()


def searches(env):
    provider = env["g2p.fa.provider"].search([("code", "=", "BK7")]).id
    env.cr.execute("SELECT id_value FROM g2p_spar_mapping LIMIT 1")
    [id_value] = env.cr.fetchone()
    return {
        "everything": [],
        "suspended": [("state", "=", "suspended")],
        "channel, common": [("channel", "=", "api")],
        "channel, rare": [("channel", "=", "portal")],
        "channel, none": [("channel", "=", "import")],
        "provider": [("provider_id", "=", provider)],
        "provider by name": [("provider_id", "ilike", "Bank 7")],
        "provider and suspended": [("provider_id", "=", provider), ("state", "=", "suspended")],
        "whole ID": [("id_masked", "=", id_value)],
        "unknown ID": [("id_masked", "=", "nobody@nationalId")],
    }


def measure(env):
    viewer = env["res.users"].create(
        {
            "name": "Viewer",
            "login": "benchmark-viewer",
            "group_ids": [(6, 0, [env.ref("g2p_spar_fa_directory.group_viewer").id])],
        }
    )
    mappings = env["g2p.spar.mapping"].with_user(viewer)
    reference = None
    for name, domain in searches(env).items():
        times = []
        for _try in range(5):
            env.invalidate_all()
            start = time.perf_counter()
            found = mappings.web_search_read(domain, SPECIFICATION, limit=80, count_limit=10_001)
            times.append(time.perf_counter() - start)
        median = sorted(times)[2]
        reference = reference or median
        print(f"{name:24}{1000 * median:8.1f} ms {median / reference:6.2f} x  {found['length']}")
    env.cr.rollback()


seed(env)  # noqa: F821 - Odoo's shell gives it
measure(env)  # noqa: F821
