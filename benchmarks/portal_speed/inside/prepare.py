# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Make the sign-in provider's record, and a directory in which people have to search.

`prepare.py CONFIGURATION`; standard input: JSON with `database`, `issuer`; standard output: JSON
with `client_id`, `client_jwk`, `path` (where people are sent back to).
"""

import json
import sys

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config

NAME = "Benchmark National ID"
CLIENT_ID = "spar-benchmark"
PROVIDERS = 300
BRANCHES = 5_000
BANK = "BNCH0"


def main():
    wanted = json.load(sys.stdin)
    config.parse_config(["-c", sys.argv[1], "-d", wanted["database"]])
    with Registry(wanted["database"]).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        fill_directory(env)
        provider = sign_in_provider(env, wanted["issuer"])
        told = {
            "client_id": CLIENT_ID,
            "client_jwk": json.loads(provider.client_jwk),
            "path": provider.signed_in_path(),
        }
    json.dump(told, sys.stdout)


def sign_in_provider(env, issuer):
    """In place of the demonstration's, which makes IDs in the same namespace."""
    providers = env["g2p.spar.signin.provider"]
    theirs = env.ref("g2p_spar_demo.signin_provider")
    theirs.active = False
    values = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
    }
    ours = providers.search([("client_id", "=", CLIENT_ID)])
    if ours:
        ours.write(values)
        return ours
    return providers.create(
        {
            **values,
            "name": NAME,
            "client_id": CLIENT_ID,
            "iss_in_redirect": True,
            "scopes": "openid profile email",
            "strategy_id": theirs.strategy_id.id,
            "namespace_id": theirs.namespace_id.id,
        }
    )


def fill_directory(env):
    providers = env["g2p.fa.provider"]
    if providers.search([("code", "=", BANK)]):
        return
    template = env.ref("g2p_spar_demo.provider_luzon")
    made = providers.create(
        [
            {
                "name": f"Benchmark Bank {number}",
                "code": f"BNCH{number}",
                "fa_type": "bank",
                "country_id": template.country_id.id,
                "strategy_id": template.strategy_id.id,
                "account_rule_id": template.account_rule_id.id,
            }
            for number in range(PROVIDERS)
        ]
    )
    env["g2p.fa.branch"].create(
        [
            {
                "provider_id": made[0].id,
                "name": f"Branch {number}",
                "code": f"BNCH0{number:06}",
                "city": f"Town {number % 400}",
            }
            for number in range(BRANCHES)
        ]
    )


if __name__ == "__main__":
    main()
