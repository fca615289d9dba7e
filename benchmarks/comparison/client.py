# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""One request, for checks: what the load itself checks is little."""

import json
import urllib.error
import urllib.request

from spar_setup.console import SetupError

from .operations import Operation

NOW = "2026-01-01T00:00:00Z"


def resolve(party, ids):
    """Addresses by ID, as the party answers.

    :raises SetupError: when it refuses
    """
    operation = Operation("resolve", len(ids))
    items = [
        {"reference_id": str(position), "timestamp": NOW, "id": id_, "scope": "details"}
        for position, id_ in enumerate(ids)
    ]
    header = {
        "version": "1.0.0",
        "message_id": "check",
        "message_ts": NOW,
        "action": "resolve",
        "sender_id": party.sender_id(operation),
        "total_count": len(ids),
    }
    message = {"transaction_id": "check", "resolve_request": items}
    answer = _post(party, operation, {"header": header, "message": message})
    return {item["id"]: item.get("fa") for item in answer["message"]["resolve_response"]}


def _post(party, operation, value):
    headers = {"Content-Type": "application/json"}
    token = party.token(operation)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    url = party.url + party.path(operation)
    request = urllib.request.Request(url, json.dumps(value).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SetupError(f"{party.name} refuses: {error}. {error.read(1000)}") from error
