# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import binascii
import hmac
import urllib.parse

from odoo import SUPERUSER_ID
from odoo.http import Controller, request, route

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError

from ..api import SCOPE_PREFIX, TOKEN
from ..models.g2p_spar_access_token import sha256
from ..models.g2p_spar_rate_limit import TooManyRequests
from ..remote_address import charged_address


class OAuth2(Controller):
    """OAuth 2.0 client credentials (RFC 6749 section 4.4, scopes of the G2P authorization API)."""

    @route(
        TOKEN,
        type="spar",
        content="form",
        auth="none",
        methods=["POST"],
        readonly=False,
    )
    def token(self):
        """Give a participant a bearer token.

        Form fields ``grant_type`` (client_credentials), ``client_id``, ``client_secret`` (or both
        by HTTP Basic) and ``scope`` (blank-separated ``mapper.<operation>``; default: all that the
        participant may do). Errors are those of RFC 6749 section 5.2; which of client and secret
        was wrong is not told. Limits per address, and per client that has proven who it is, are
        told with 429.
        """
        request.update_env(user=SUPERUSER_ID)
        limits = request.env["g2p.spar.rate.limit"]
        address = charged_address(request.httprequest.environ)
        try:
            limits.check_address(address)
            participant, operations = _grant()
            limits.check_client(participant)
        except TooManyRequests as error:
            raise _too_many(error) from None
        except SparHttpError:
            limits.charge_refused(address)
            raise
        token = request.env["g2p.spar.access.token"].issue(participant, operations)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": participant.token_lifetime,
            "scope": " ".join(f"{SCOPE_PREFIX}{operation}" for operation in operations),
        }


def _grant():
    """Who asks, and what is granted."""
    form = _form()
    participant = _authenticate(*_credentials(form))
    if form.get("grant_type") != "client_credentials":
        raise _error(400, "unsupported_grant_type")
    return participant, _granted(participant, form.get("scope"))


def _form():
    try:
        form = request.dispatcher.payload
    except SparHttpError:
        raise _error(400, "invalid_request") from None
    if any("\x00" in value for value in form.values()):  # PostgreSQL takes none
        raise _error(400, "invalid_request")
    return form


def _credentials(form):
    """Client id and secret, from HTTP Basic or else from the form; never from both."""
    scheme, _, credentials = request.httprequest.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return form.get("client_id"), form.get("client_secret")
    if scheme.lower() != "basic" or "client_secret" in form:
        raise _error(400, "invalid_request")
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise _error(401, "invalid_client") from None
    client_id = urllib.parse.unquote_plus(user)
    if "\x00" in client_id:
        raise _error(401, "invalid_client")
    return client_id, urllib.parse.unquote_plus(password)


def _authenticate(client_id, client_secret):
    """The participant; compares in constant time, also when there is none."""
    participant = request.env["g2p.spar.participant"].search(
        [("client_id", "=", client_id or ""), ("authentication", "=", "token")]
    )
    expected = participant.client_secret_digest or sha256("")
    given = sha256(client_secret or "")
    if not hmac.compare_digest(expected, given) or not participant.client_secret_digest:
        raise _error(401, "invalid_client")
    return participant


def _granted(participant, scope):
    """The operations asked for that the participant may call, as bare words.

    Scopes of other services are passed over; when nothing is left, the scope is invalid.
    """
    allowed = participant.get_profile(participant.id).authority.operations
    wanted = {word.removeprefix(SCOPE_PREFIX) for word in scope.split()} if scope else allowed
    granted = sorted(allowed & wanted)
    if not granted:
        raise _error(400, "invalid_scope")
    return granted


def _too_many(error):
    told = _error(429, "temporarily_unavailable")
    told.headers.update(error.headers)
    return told


def _error(status, code):
    headers = {"WWW-Authenticate": 'Basic realm="SPAR"'} if status == 401 else None
    return SparHttpError(status, code, code, headers=headers, body={"error": code})
