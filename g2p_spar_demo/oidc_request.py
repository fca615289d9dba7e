# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What a relying party may ask the demonstration identity provider for.

OpenID Connect Core 1.0 section 3.1.2.1 as eSignet narrows it: code flow, PKCE with S256, a nonce
that must be new, claims by scope and by the parameter `claims`.
"""

import re
from typing import NamedTuple

from odoo.addons.g2p_spar_connector.g2p_connect import jsonio

ACR = "mosip:idp:acr:generated-code"
SCOPE_CLAIMS = {
    "openid": (),
    "profile": ("name", "given_name", "family_name", "gender", "birthdate"),
    "email": ("email",),
    "phone": ("phone_number",),
}
CLAIMS = ("individual_id", *(claim for claims in SCOPE_CLAIMS.values() for claim in claims))
PROMPTS = ("none", "login", "consent", "select_account")
MAX_LENGTH = 256
MAX_CLAIMS_LENGTH = 10_000

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256 in base64url
_SECONDS = re.compile(r"[0-9]{1,9}")


class OAuthError(Exception):
    """`code` is one of the standard's (RFC 6749, OpenID Connect Core 1.0 section 3.1.2.6)."""

    def __init__(self, code: str, description: str):
        super().__init__(description)
        self.code = code
        self.description = description


class AuthorizationRequest(NamedTuple):
    """A request whose client and redirect URI are known to be good."""

    redirect_uri: str
    state: str
    nonce: str
    code_challenge: str
    prompts: frozenset[str]
    max_age: int | None  # seconds since the person proved who they are
    claims: tuple[str, ...]  # that user-info will tell, in the order of `CLAIMS`
    ui_locales: str  # languages that the person reads, BCP 47, the dearest first

    def takes(self, age: float) -> bool:
        """Whether somebody who signed in so many seconds ago need not do so again."""
        return "login" not in self.prompts and (self.max_age is None or age < self.max_age)


def parse(parameters: dict[str, str], redirect_uri: str) -> AuthorizationRequest:
    """:raise OAuthError: to be told to the relying party"""
    for name in ("request", "request_uri"):
        if name in parameters:
            raise OAuthError(f"{name}_not_supported", f"{name} is not supported")
    if parameters.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code")
    scopes = parameters.get("scope", "").split()
    if "openid" not in scopes:
        raise OAuthError("invalid_scope", "scope must have openid")
    return AuthorizationRequest(
        redirect_uri,
        _text(parameters, "state"),
        _text(parameters, "nonce"),
        _challenge(parameters),
        _prompts(parameters),
        _max_age(parameters),
        _claims(parameters, scopes),
        parameters.get("ui_locales", "")[:MAX_LENGTH],
    )


def _text(parameters, name):
    text = parameters.get(name, "")
    if not 0 < len(text) <= MAX_LENGTH:
        raise OAuthError("invalid_request", f"{name} must have 1 to {MAX_LENGTH} characters")
    return text


def _challenge(parameters):
    if parameters.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "code_challenge_method must be S256")
    challenge = parameters.get("code_challenge", "")
    if not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge must be a SHA-256 in base64url")
    return challenge


def _prompts(parameters):
    prompts = frozenset(parameters.get("prompt", "").split())
    if prompts - set(PROMPTS) or ("none" in prompts and len(prompts) > 1):
        raise OAuthError("invalid_request", "prompt has a value that is not supported")
    return prompts


def _max_age(parameters):
    if "max_age" not in parameters:
        return None
    if not _SECONDS.fullmatch(parameters["max_age"]):
        raise OAuthError("invalid_request", "max_age must be a number of seconds")
    return int(parameters["max_age"])


def _claims(parameters, scopes):
    asked = {claim for scope in scopes for claim in SCOPE_CLAIMS.get(scope, ())}
    text = parameters.get("claims", "")
    if text:
        asked.update(_userinfo_claims(text))
    return tuple(claim for claim in CLAIMS if claim in asked)


def _userinfo_claims(text):
    try:
        value = jsonio.loads(text.encode()) if len(text) <= MAX_CLAIMS_LENGTH else None
    except jsonio.MalformedJSON:
        value = None
    userinfo = value.get("userinfo", {}) if isinstance(value, dict) else None
    if not isinstance(userinfo, dict):
        raise OAuthError("invalid_request", "claims must be a JSON object of section 5.5")
    return userinfo
