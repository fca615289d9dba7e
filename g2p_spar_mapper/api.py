# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Paths, limits and scopes of the HTTP API: for its controllers and for its document."""

STANDARD = "/spar/v1.0.0/mapper/sync"
OPENG2P_1 = "/api/mapper/sync"
OPENG2P_2 = "/api/mapper/mapper"
OPENG2P_2_DIRECTORY = "/api/bene-portal/dfsp"
TOKEN = "/spar/oauth2/client/token"  # noqa: S105 - a path
HEALTH = "/spar/health"
DOCUMENT = "/spar/openapi.json"
PAGE = "/spar/docs"

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

SCOPE_PREFIX = "mapper."
OAUTH_ERRORS = ("invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope")
