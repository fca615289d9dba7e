# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Paths, limits and scopes of the HTTP API: for its controllers and for its document."""

STANDARD = "/spar/v1.0.0/mapper/sync"
OPENG2P_1 = "/api/mapper/sync"
OPENG2P_2 = "/api/mapper/mapper"
STANDARD_ASYNC = "/spar/v1.0.0/mapper"
OPENG2P_1_ASYNC = "/api/mapper/async"
STATUS = (
    f"{STANDARD}/txn/status",
    "/spar/v1.0.0/registry/sync/txn/status",  # the standard's own, in its mapper's document
    f"{OPENG2P_1}/txn/status",
)
STATUS_ASYNC = (f"{STANDARD_ASYNC}/txn/status", f"{OPENG2P_1_ASYNC}/txn/status")
OPENG2P_2_DIRECTORY = "/api/bene-portal/dfsp"
TOKEN = "/spar/oauth2/client/token"  # noqa: S105 - a path
HEALTH = "/spar/health"
METRICS = "/spar/metrics"
DOCUMENT = "/spar/openapi.json"
PAGE = "/spar/docs"

# The operations that change mappings.
MUTATIONS = ("link", "update", "unlink")

# The path chooses the envelope: below these bases OpenG2P's of 2.x, else the standard's.
_OPENG2P_2_BASES = (f"{OPENG2P_2}/", f"{OPENG2P_2_DIRECTORY}/")


def envelope_of(path: str) -> str:
    """Which envelope the messages to a path have: "g2p_connect" or "openg2p_2"."""
    return "openg2p_2" if path.startswith(_OPENG2P_2_BASES) else "g2p_connect"


# Last part of a directory call's path, and what it lists.
LISTINGS = {
    "fetch-banks": "banks",
    "fetch-branches": "branches",
    "fetch-wallet-service-providers": "wallet_service_providers",
}

# The largest batch, 10 000 items of some 1.5 kB each.
MAX_BODY_BYTES = 16 * 1024 * 1024
# Items in a message, whatever the participant.
MAX_ITEMS = 10_000
# Of a body without a bearer token: what each item may take, and what is beside the items.
ITEM_BYTES = MAX_BODY_BYTES // MAX_ITEMS
ENVELOPE_BYTES = 64 * 1024

SCOPE_PREFIX = "mapper."
# Lets its holder ask what became of its messages, of every operation that it may call.
STATUS_SCOPE = "status"
OAUTH_ERRORS = (
    "invalid_request",
    "invalid_client",
    "unsupported_grant_type",
    "invalid_scope",
    "temporarily_unavailable",
)
