# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import hashlib
import time
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from odoo import api, models
from odoo.tools import config

from odoo.addons.g2p_spar_connector.g2p_connect import jsonio
from odoo.addons.g2p_spar_self_service.languages import tag

from ..loopback import is_loopback
from ..oidc_request import ACR, CLAIMS, PROMPTS, SCOPE_CLAIMS, OAuthError
from .g2p_spar_demo_identity_key import ALGORITHM
from .g2p_spar_demo_sign_in import TOKEN_LIFETIME

HOST = "127.0.0.1"
BASE = "/demo-identity-provider"
SIGN_IN_PATH = "/my/financial-address"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = ["RS256", "PS256"]
CLIENT_ID = "spar-demo"  # as in data/g2p_spar_signin_provider.xml
LEEWAY = 5  # seconds, eSignet's


class G2pSparDemoIdentityProvider(models.AbstractModel):
    """An OpenID Connect provider that treats relying parties as eSignet 1.8 does.

    It has one client, the sign-in provider's record of the demonstration. People reach it where
    they reach Odoo; Odoo as its client calls it where a worker that waits for the answer is not in
    the way of the one who gives it: on the port of Odoo's evented process, which serves besides
    the workers, or among threads.
    """

    _name = "g2p.spar.demo.identity.provider"
    _description = "SPAR Demonstration Identity Provider"

    def _register_hook(self):
        """Servers begin with what they are configured for, and so do the provider's addresses."""
        super()._register_hook()
        if config["http_enable"] and not config["stop_after_init"]:
            self._publish_addresses()

    # === BUSINESS METHODS === #

    @api.model
    def _front(self):
        """Where browsers reach it, without a trailing slash."""
        return f"http://{HOST}:{config['http_port']}{BASE}"

    @api.model
    def _back(self):
        """Where its client calls it."""
        port = config["gevent_port"] if config["workers"] else config["http_port"]
        return f"http://{HOST}:{port}{BASE}"

    @api.model
    def _issuer(self):
        return self._front()

    @api.model
    def _addresses(self):
        """The addresses of OpenID Connect Discovery 1.0 section 3, by their names there."""
        front, back = self._front(), self._back()
        return {
            "issuer": self._issuer(),
            "authorization_endpoint": f"{front}/authorize",
            "token_endpoint": f"{back}/token",
            "userinfo_endpoint": f"{back}/userinfo",
            "jwks_uri": f"{back}/jwks.json",
            "end_session_endpoint": f"{front}/end-session",
        }

    @api.model
    def _discovery_url(self):
        return f"{self._back()}/.well-known/openid-configuration"

    @api.model
    def _metadata(self):
        """OpenID Connect Discovery 1.0."""
        return {
            **self._addresses(),
            "scopes_supported": list(SCOPE_CLAIMS),
            "claims_supported": ["sub", *CLAIMS],
            "claims_parameter_supported": True,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["pairwise"],
            "acr_values_supported": [ACR],
            "prompt_values_supported": list(PROMPTS),
            "ui_locales_supported": [
                tag(code) for code, _name in self.env["res.lang"].get_installed()
            ],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "userinfo_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    @api.model
    def _client(self):
        """The sign-in provider of the demonstration: what Odoo signs in with here."""
        provider = self.env.ref("g2p_spar_demo.signin_provider", raise_if_not_found=False)
        return provider or self.env["g2p.spar.signin.provider"]

    @api.model
    def _redirect_path(self):
        return self._client().signed_in_path()

    @api.model
    def _publish_addresses(self):
        """Tell the client where we are; nothing is written where it knows, or where it has become
        the record of another provider."""
        client = self._client()
        issuer = urlsplit(client.issuer or "")
        is_ours = issuer.path == BASE and is_loopback(issuer.hostname or "")
        if client.client_id != CLIENT_ID or not is_ours:
            return
        wanted = {**self._addresses(), "discovery_url": self._discovery_url()}
        changed = {name: value for name, value in wanted.items() if client[name] != value}
        if changed:
            client.write(changed)

    @api.model
    def _is_client(self, client_id):
        return bool(client_id) and client_id == self._client().client_id

    @api.model
    def _may_return_to(self, address, path):
        """Whether that is an address of the client: that path on this machine, on any port."""
        parts = urlsplit(address)
        here = parts.scheme in ("http", "https") and is_loopback(parts.hostname or "")
        return here and parts.path == path and not (parts.query or parts.fragment or parts.username)

    @api.model
    def _check_assertion(self, form):
        """Authenticate the client (RFC 7523 section 3).

        :return: the assertion's `jti`
        :raise OAuthError: it is not our client's, or not fresh
        """
        client = self._client()
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise OAuthError("invalid_client", f"client_assertion_type must be {ASSERTION_TYPE}")
        try:
            key = RSAKey.import_key(jsonio.loads((client.client_jwk or "{}").encode()))
            assertion = form.get("client_assertion", "")
            claims = jwt.decode(assertion, key, algorithms=ASSERTION_ALGORITHMS).claims
            self._assertion_rules().validate(claims)
        except (JoseError, ValueError) as error:
            raise OAuthError("invalid_client", f"client_assertion: {error}") from None
        jti = claims["jti"]
        if not isinstance(jti, str) or form.get("client_id", client.client_id) != client.client_id:
            raise OAuthError("invalid_client", "client_id or jti is not as it must be")
        return jti

    def _assertion_rules(self):
        client_id = self._client().client_id
        audiences = [self._addresses()["token_endpoint"], self._issuer()]
        return jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": client_id},
            sub={"essential": True, "value": client_id},
            aud={"essential": True, "values": audiences},
            exp={"essential": True},
            iat={"essential": True},
            jti={"essential": True},
        )

    @api.model
    def _tokens(self, sign_in, access_token):
        """The answer of the token endpoint (OpenID Connect Core 1.0 sections 2, 3.1.3.3)."""
        now = int(time.time())
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        id_token = {
            "iss": self._issuer(),
            "sub": sign_in.person_id.subject,
            "aud": self._client().client_id,
            "exp": now + TOKEN_LIFETIME,
            "iat": now,
            "auth_time": int(sign_in.auth_time.timestamp()),
            "nonce": sign_in.nonce,
            "acr": ACR,
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
        }
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFETIME,
            "id_token": self._key()._sign(id_token),
        }

    @api.model
    def _userinfo(self, sign_in):
        """A signed answer (OpenID Connect Core 1.0 section 5.3.2)."""
        claims = sign_in.person_id._claims(sign_in.claims.split() if sign_in.claims else ())
        own = {
            "iss": self._issuer(),
            "aud": self._client().client_id,
            "sub": sign_in.person_id.subject,
        }
        return self._key()._sign({**claims, **own})

    @api.model
    def _key(self):
        return self.env["g2p.spar.demo.identity.key"]._current()
