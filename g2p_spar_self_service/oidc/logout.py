# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Signing out at the provider as well (OpenID Connect RP-Initiated Logout 1.0)."""


def form(client_id: str, id_token: str, return_uri: str, ui_locales: str = "") -> dict[str, str]:
    """Members of a form to be posted to the end-session endpoint by the person's browser: the ID
    token must not come into an address, where logs would keep it."""
    members = {
        "id_token_hint": id_token,
        "client_id": client_id,
        "post_logout_redirect_uri": return_uri,
        "ui_locales": ui_locales,
    }
    return {name: value for name, value in members.items() if value}
