# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The line to another mapper: messages out through the gateway, with token and signature as it
wants, answers in. Plain Python without the ORM."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from urllib.parse import urlencode

from . import gateway
from .g2p_connect import jsonio
from .g2p_connect.client import NoAnswer
from .g2p_connect.errors import ERROR_CODES
from .g2p_connect.jwk import PublicKey
from .g2p_connect.signature import HTTP_HEADER, SignatureProblem, Signed, verify

CONNECT_SECONDS = 3
# A token that ends in a moment is not used any more.
TOKEN_MARGIN = 30
# Where the answer does not say how long its token holds (RFC 6749 section 5.1).
TOKEN_SECONDS = 300
TOKEN_MAX_LENGTH = 8192
TOKEN_MAX_BYTES = 50_000
LONGEST_WAIT = 3600

_HINTS = {
    400: "it cannot read the message",
    401: "it does not know who is calling",
    403: "it does not allow this to us",
    404: "there is nothing at this address; is the base address right?",
    405: "it takes no messages at this address; is the base address right?",
    413: "the message is too large; lower the items per message",
    415: "it takes no JSON at this address",
}


class Token(NamedTuple):
    """An access token, and for how many seconds it may be used."""

    value: str
    seconds: int


class Tokens(Protocol):
    """Where tokens come from."""

    def current(self) -> str | None:
        """The one kept from before, if it still holds."""

    def renew(self, seconds: float) -> str:
        """A new one, within so many seconds; raises `NoAnswer`."""


class Credentials(NamedTuple):
    """OAuth 2.0 client credentials (RFC 6749 section 4.4)."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str | None = None


class Line:
    """:param base_url: what paths are appended to
    :param tokens: for a mapper that wants a bearer token
    :param sign: writes and signs a message, for one that wants signatures
    :param check: raises `SignatureProblem` for an answer (bytes, JSON value, HTTP header) that is
        not signed as it should be
    """

    def __init__(
        self,
        base_url: str,
        tokens: Tokens | None = None,
        sign: Callable[[dict], Signed] | None = None,
        check: Callable[[bytes, dict, str | None], None] | None = None,
    ):
        self._base_url = base_url.rstrip("/")
        self._origin = gateway.parse_url(base_url).origin
        self._tokens = tokens
        self._sign = sign
        self._check = check

    def send(self, path: str, body: dict, seconds: float, max_bytes: int) -> object:
        """A `client.Send`. A token that the mapper takes no more is renewed once."""
        deadline = time.monotonic() + seconds
        kept = self._tokens.current() if self._tokens else None
        token = kept or (self._tokens.renew(seconds) if self._tokens else None)
        reply = self._post(path, body, token, deadline, max_bytes)
        if reply.status == 401 and kept:
            token = self._tokens.renew(_left(deadline))
            reply = self._post(path, body, token, deadline, max_bytes)
        if reply.status != 200:
            raise _refused(self._origin, reply)
        return self._read(reply)

    def _post(self, path, body, token, deadline, max_bytes) -> gateway.Reply:
        # signed anew each time: a signature holds for some minutes only
        raw, headers = self._sign(body) if self._sign else (jsonio.dumps(body), {})
        if token:
            headers = {**headers, "Authorization": f"Bearer {token}"}
        headers = {**headers, "Content-Type": "application/json", "Accept": "application/json"}
        return post(self._base_url + path, raw, headers, _left(deadline), max_bytes)

    def _read(self, reply: gateway.Reply) -> object:
        try:
            payload = jsonio.loads(reply.body)
        except jsonio.MalformedJSON as error:
            raise self._unbelievable(f"its answer is no JSON ({error})") from None
        if self._check:
            try:
                self._check(reply.body, payload, reply.headers.get(HTTP_HEADER))
            except SignatureProblem as problem:
                text = problem.message.rstrip(".")
                raise self._unbelievable(f"the signature of its answer: {text}") from None
        return payload

    def _unbelievable(self, what: str) -> NoAnswer:
        return NoAnswer(f"{self._origin}: {what}", passing=False, maybe_done=True)


def checker(dialect: str, keys: Sequence[PublicKey]) -> Callable[[bytes, dict, str | None], None]:
    """A `check` for `Line`: an answer must be signed in that dialect with one of the keys."""

    def check(raw: bytes, payload: dict, signature_header: str | None) -> None:
        verify(dialect, raw, payload, signature_header, keys, datetime.now(UTC))

    return check


def fetch_token(credentials: Credentials, seconds: float) -> Token:
    """Ask for a token; raises `NoAnswer`. Nothing was carried out then."""
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
    }
    if credentials.scope:
        form["scope"] = credentials.scope
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    url = credentials.token_url
    origin = gateway.parse_url(url).origin
    try:
        reply = post(url, urlencode(form).encode(), headers, seconds, TOKEN_MAX_BYTES)
    except NoAnswer as trouble:
        trouble.maybe_done = False
        raise
    if reply.status != 200:
        raise _no_token(origin, reply)
    token = _read_token(reply.body)
    if token is None:
        why = f"{origin}: its token endpoint answers with no bearer token"
        raise NoAnswer(why, passing=False, maybe_done=False)
    return token


def _read_token(body: bytes) -> Token | None:
    try:
        answer = jsonio.loads(body)
    except jsonio.MalformedJSON:
        return None
    if not isinstance(answer, dict):
        return None
    value, kind = answer.get("access_token"), answer.get("token_type", "Bearer")
    if not isinstance(value, str) or not 0 < len(value) <= TOKEN_MAX_LENGTH:
        return None
    # RFC 6750 section 2.1; what goes into a header must not end it
    if not value.isascii() or not value.isprintable() or " " in value:
        return None
    if not isinstance(kind, str) or kind.lower() != "bearer":
        return None
    return Token(value, max(_seconds(answer.get("expires_in")) - TOKEN_MARGIN, 0))


def _seconds(value: object) -> int:
    """G2P-Connect's authorization API has a string where RFC 6749 has a number."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return min(value, 10**9)
    return TOKEN_SECONDS


def post(url, body: bytes, headers, seconds: float, max_bytes: int) -> gateway.Reply:
    """Through the gateway, to the host of that very URL; raises `NoAnswer`."""
    try:
        return gateway.post(
            url,
            body,
            headers,
            hosts=[gateway.parse_url(url).origin],
            timeout=(min(CONNECT_SECONDS, seconds), seconds),
            max_bytes=max_bytes,
        )
    except gateway.GatewayRefused as refusal:
        raise NoAnswer(str(refusal), passing=False, maybe_done=False) from None
    except gateway.GatewayFailed as failure:
        raise NoAnswer(str(failure), passing=True, maybe_done=failure.maybe_sent) from None


def _refused(origin: str, reply: gateway.Reply) -> NoAnswer:
    """Statuses that say "not now" are worth another try. After the others, and after "too many
    requests", nothing was carried out."""
    status = reply.status
    later = status == 429
    failed = status >= 500 or status == 408
    why = f"{origin}: HTTP {status}{_hint(status)}{_code(reply.body)}"
    return NoAnswer(
        why, passing=later or failed, maybe_done=failed, wait=_wait(reply) if later else None
    )


def _no_token(origin: str, reply: gateway.Reply) -> NoAnswer:
    passing = reply.status == 429 or reply.status >= 500
    why = f"{origin}: its token endpoint answers with HTTP {reply.status}"
    if reply.status in (400, 401, 403):
        why += ": it does not accept the client ID and secret, or the scope"
    elif 300 <= reply.status < 400 or reply.status in (404, 405):
        why += ": is its address right?"
    return NoAnswer(why, passing=passing, maybe_done=False, wait=_wait(reply) if passing else None)


def _hint(status: int) -> str:
    if 300 <= status < 400:
        return ": redirects are not followed; name the address to which it leads"
    if status >= 500:
        return ": it has failed, or is being restarted"
    hint = _HINTS.get(status)
    return f": {hint}" if hint else ""


def _code(body: bytes) -> str:
    """Which of the standard's error codes an answer names, if any; nothing else of it is kept."""
    text = body[:10_000].decode(errors="replace")
    named = sorted(code for code in ERROR_CODES if code in text)
    return f" ({', '.join(named)})" if named else ""


def _wait(reply: gateway.Reply) -> float | None:
    text = (reply.headers.get("Retry-After") or "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 7:
        return min(int(text), LONGEST_WAIT)
    return None


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise NoAnswer("There was no time left", passing=True, maybe_done=False)
    return left
