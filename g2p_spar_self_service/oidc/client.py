# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from dataclasses import dataclass, field
from typing import Literal

from joserfc.jwk import RSAKey

from odoo.addons.g2p_spar_connector.g2p_connect.jwk import ALGORITHMS, PrivateKey


@dataclass(frozen=True, slots=True)
class Client:
    """Us as a client of one provider: what its record says, in plain Python.

    Names are those of OpenID Connect Discovery 1.0 and Dynamic Client Registration 1.0 where they
    have one. Secrets stay out of its `repr`.
    """

    issuer: str
    client_id: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    client_auth: Literal["private_key_jwt", "client_secret_basic", "client_secret_post"] = (
        "private_key_jwt"
    )
    client_key: PrivateKey | None = field(default=None, repr=False)
    client_secret: str = field(default="", repr=False)
    assertion_aud: Literal["token_endpoint", "issuer"] = "token_endpoint"
    scopes: str = "openid"
    acr_values: str = ""
    acr_required: frozenset[str] = frozenset()
    claims_request: str = ""
    userinfo_mode: Literal["none", "json", "jws", "jwe"] = "none"
    userinfo_key: RSAKey | None = field(default=None, repr=False)
    algorithms: frozenset[str] = frozenset(ALGORITHMS)
    clock_skew: int = 60  # seconds
    iss_in_redirect: bool = False
