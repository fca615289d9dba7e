# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Set the administrator's password, make scripts and styles, and the demonstration's credentials.

`prepare_database.py CONFIGURATION`; standard input: JSON with `database`, `password`, `demo`, and,
where the demonstration's agent is to log in, `agent` with `login` and `password`; standard output:
JSON list of the demonstration's participants.
"""

import json
import sys

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config


def main():
    wanted = json.load(sys.stdin)
    config.parse_config(["-c", sys.argv[1], "-d", wanted["database"]])
    with Registry(wanted["database"]).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        env.ref("base.user_admin").password = wanted["password"]
        if agent := wanted.get("agent"):
            env.ref("g2p_spar_demo.agent").write(agent)
        # Else the first visitor waits for them.
        env["ir.qweb"]._pregenerate_assets_bundles()
        participants = env["g2p.spar.demo"]._setup_credentials() if wanted["demo"] else []
    json.dump(participants, sys.stdout)


if __name__ == "__main__":
    main()
