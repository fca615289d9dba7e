# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Make the participants, their mappings, and the signed requests that are to be sent.

`prepare.py CONFIGURATION`; standard input: JSON with `database`, `batch`, `messages`; standard
output: JSON list of series, see `series`. Signatures hold for five minutes.
"""

import base64
import json
import random
import sys
import uuid
from datetime import UTC, datetime

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config

MAPPINGS = 10_000
RECEIVER = "spar.benchmark"
BATCH_BODIES = 10  # a resolve may be sent again as it is
LIMIT = 1_000_000_000  # far from being used up, and charged like any other
# Profile, path, algorithm of the keys.
PROFILES = (
    ("strict", "/spar/v1.0.0/mapper/sync", "g2p_connect", "EdDSA"),
    ("openg2p_1", "/api/mapper/sync", "openg2p_1", "RS256"),
    ("openg2p_2", "/api/mapper/mapper", "openg2p_2", "RS256"),
)
SIGNED = {"authentication": "signature", "resolve_rate": LIMIT, "write_rate": LIMIT}
VARIANTS = {
    "token": {},
    "token, limit": {"resolve_rate": LIMIT, "write_rate": LIMIT},
    "signature, limit": SIGNED,
    "signature, limit, answer signed": {**SIGNED, "sign_answers": True},
}


def main():
    wanted = json.load(sys.stdin)
    config.parse_config(["-c", sys.argv[1], "-d", wanted["database"]])
    with Registry(wanted["database"]).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        env["ir.config_parameter"].set_param("g2p_spar.receiver_id", RECEIVER)
        env["g2p.spar.signing.key"]._cron_rotate()  # not before its job comes round
        ids = link(env)
        told = [
            one
            for profile, path, dialect, algorithm in PROFILES
            for variant, values in VARIANTS.items()
            for one in series(
                env, wanted, ids, (profile, path, dialect), (variant, values), algorithm
            )
        ]
    json.dump(told, sys.stdout)


def link(env):
    """IDs that are linked, to addresses of the demonstration's first bank."""
    from odoo.addons.g2p_spar_connector.g2p_connect.values import Actor, LinkItem  # noqa: PLC0415

    ids = [f"token:{number * 387_420_489 % 10**10:010}@benchmark" for number in range(MAPPINGS)]
    actor = Actor("staff", "back_office", "Benchmark", SUPERUSER_ID, reason="benchmark")
    items = [
        LinkItem(str(number), id_, f"account:{10**11 + number}@BYSB")
        for number, id_ in enumerate(ids)
    ]
    env["g2p.spar.mapper"].link_items(actor, items)
    return ids


def series(env, wanted, ids, place, variant, algorithm):
    """What is sent as one participant: dicts of `profile`, `variant`, `operation`, `items`,
    `path`, and `requests`, pairs of headers and body in base64."""
    profile, path, dialect = place
    participant, key = make_participant(env, profile, dialect, variant, algorithm)
    headers = {"Content-Type": "application/json"}
    if not key:
        token = env["g2p.spar.access.token"].issue(participant, ["resolve", "update"])
        headers["Authorization"] = f"Bearer {token}"
    for operation, items, bodies in (
        ("resolve", wanted["batch"], BATCH_BODIES),
        ("resolve", 1, BATCH_BODIES),
        ("update", 1, wanted["messages"]),
    ):
        requests = []
        for _ in range(bodies):
            chosen = random.sample(ids, items)
            body = message(profile, participant.sender_id, operation, chosen)
            raw, more = sign(dialect, body, key, participant.sender_id)
            requests.append([{**headers, **more}, base64.b64encode(raw).decode()])
        yield {
            "profile": profile,
            "variant": variant[0],
            "operation": operation,
            "items": items,
            "path": f"{path}/{operation}",
            "requests": requests,
        }


def make_participant(env, profile, dialect, variant, algorithm):
    """The participant, and what it signs with (None where it does not)."""
    from odoo.addons.g2p_spar_connector.g2p_connect import jwk  # noqa: PLC0415

    name, values = variant
    participants = env["g2p.spar.participant"]
    sender_id = f"{profile}.{name.replace(', ', '-').replace(' ', '-')}"
    participant = participants.search([("sender_id", "=", sender_id)])
    signs = values.get("authentication") == "signature"
    if not participant:
        participant = participants.create(
            {
                "name": sender_id,
                "sender_id": sender_id,
                "profile": profile,
                "may_resolve": True,
                "may_update": True,
                "may_see_details": True,
                "may_override": True,
                "max_items": 10_000,
                "signature_dialect": dialect if signs else False,
                **values,
            }
        )
    if not signs:
        return participant, None
    participant.key_ids.action_revoke()
    key = jwk.generate(algorithm)
    participant.register_keys(jwk.parse(json.dumps(jwk.public_jwk(key))))
    return participant, key


def message(profile, sender_id, operation, ids):
    now = datetime.now(UTC).isoformat()
    items = [
        {"reference_id": str(number), "timestamp": now, "id": id_, "scope": "details"}
        for number, id_ in enumerate(ids)
    ]
    if operation == "update":
        for item in items:
            del item["scope"]
            item["fa"] = address(profile)
    payload = {"transaction_id": uuid.uuid4().hex, f"{operation}_request": items}
    if profile == "openg2p_2":
        header = {
            "sender_app_mnemonic": sender_id,
            "sender_app_url": "",
            "request_id": uuid.uuid4().hex,
            "request_timestamp": now,
        }
        return {"request_header": header, "request_body": {"request_payload": payload}}
    header = {
        "version": "1.0.0",
        "message_id": uuid.uuid4().hex,
        "message_ts": now,
        "action": operation,
        "sender_id": sender_id,
        "receiver_id": RECEIVER,
        "total_count": len(items),
        "is_msg_encrypted": False,
    }
    return {"header": header, "message": payload}


def address(profile):
    number = str(random.randrange(10**11, 10**12))
    if profile != "openg2p_2":
        return f"account:{number}@BYSB"
    return {
        "strategy_id": 2,
        "fa_type": "BANK",
        "bank_name": "Bayani Savings Bank",
        "bank_code": "BYSB",
        "branch_name": "Tacloban Branch",
        "branch_code": "BYSB0001",
        "account_number": number,
    }


def sign(dialect, body, key, sender_id):
    from odoo.addons.g2p_spar_connector.g2p_connect import signature  # noqa: PLC0415

    if not key:
        return json.dumps(body).encode(), {}
    return signature.sign(dialect, body, key, sender_id, datetime.now(UTC))


if __name__ == "__main__":
    main()
