# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""A participant's calls of the mapper API, over HTTP. Uses the standard library only."""

import http.client
import json
import threading
import time
import urllib.parse
import uuid
from datetime import UTC, datetime

from .console import SetupError, say

TOKEN_PATH = "/spar/oauth2/client/token"  # noqa: S105 - a path
BASE_PATH = "/spar/v1.0.0/mapper/sync"
TIMEOUT = 120
ATTEMPTS = 8
LONGEST_PAUSE = 30
# The server may do the same a moment later; what was sent may have been done or not.
PASSING = (429, 500, 502, 503, 504)


class TooManyRequests(Exception):
    """The server lets nothing more in for so many `seconds`; nothing was done."""

    def __init__(self, seconds):
        super().__init__(f"HTTP 429, wait {seconds} s")
        self.seconds = seconds


class Unreadable(Exception):
    """The server cannot read a message, for a reason that lies in its items, or in their size."""


class MapperApi:
    """The API as one participant sees it. Can be shared by threads.

    A call that fails in passing is sent again with the same message_id, which the server carries
    out once; one beyond the participant's limit as soon as the server says. No text of an error
    repeats an ID or an address.
    """

    def __init__(self, url, sender_id, client_id, client_secret):
        self._address = urllib.parse.urlsplit(url)
        if self._address.scheme not in ("http", "https") or not self._address.hostname:
            raise SetupError(f"--url: {url} is no address.", "Like https://spar.example.org")
        self._sender_id = sender_id
        self._credentials = {"client_id": client_id, "client_secret": client_secret}
        self._connections = threading.local()
        self._lock = threading.Lock()
        self._token = None
        self._token_ends = 0
        self._stopping = threading.Event()

    def stop(self):
        """Let calls that wait for the server give up."""
        self._stopping.set()

    def sign_in(self, *operations):
        """Fetch a token; fail when the participant may not call all of these."""
        try:
            status, body = self._renew_token()
        except TooManyRequests as error:
            raise SetupError(f"Signing in failed: {error}.", _GO_ON) from None
        except (OSError, http.client.HTTPException) as error:
            raise SetupError(f"The server cannot be reached ({error}).", _GO_ON) from None
        if status != 200:
            raise _not_signed_in(status, body)
        granted = json.loads(body)["scope"].split()
        missing = [name for name in operations if f"mapper.{name}" not in granted]
        if missing:
            raise SetupError(
                f"{self._sender_id} may not call {', '.join(missing)}.",
                "Grant it: SPAR / Configuration / Participants",
            )

    def call(self, operation, items):
        """Carry out an operation.

        :param list[dict] items: as in the standard, but for reference_id and timestamp
        :return: the answered items, in the same order
        :rtype: list[dict]
        :raise Unreadable: nothing was done
        """
        now = _now()
        message = {
            "transaction_id": uuid.uuid4().hex,
            f"{operation}_request": [
                {"reference_id": str(number), "timestamp": now, **item}
                for number, item in enumerate(items)
            ],
        }
        header = {
            "version": "1.0.0",
            "message_id": uuid.uuid4().hex,
            "action": operation,
            "sender_id": self._sender_id,
            "total_count": len(items),
        }
        answer = self._until_answered(f"{BASE_PATH}/{operation}", header, message)
        if answer["header"]["status"] == "rjct":
            raise SetupError(
                f"The server refuses messages: {answer['header'].get('status_reason_message')}",
                _HINTS.get(answer["header"].get("status_reason_code"), ""),
            )
        return answer["message"][f"{operation}_response"]

    def _until_answered(self, path, header, message):
        status, attempt = None, 0
        while attempt < ATTEMPTS:
            body = {"header": {**header, "message_ts": _now()}, "message": message}
            try:
                status, answer = self._post_signed_in(path, json.dumps(body))
            except TooManyRequests as error:
                self._wait(error.seconds, "beyond the participant's limit")
                continue
            except (OSError, http.client.HTTPException) as error:
                status = type(error).__name__
            if status == 200:
                return json.loads(answer)
            if status in (400, 413):
                raise Unreadable(f"HTTP {status}, {_reason(answer)}")
            if status == 401:
                self._forget_token()
            elif isinstance(status, int) and status not in PASSING:
                raise SetupError(f"The server refuses messages: HTTP {status}, {_reason(answer)}.")
            self._wait(min(2**attempt - 1, LONGEST_PAUSE), f"no answer yet ({status})")
            attempt += 1
        raise SetupError(f"The server does not carry messages out ({status}).", _GO_ON)

    def _wait(self, seconds, reason):
        if seconds:
            say(f"{reason}; trying again in {seconds} s")
        if self._stopping.wait(seconds):
            raise SetupError("Stopped.", _GO_ON)

    # --- token ---

    def _post_signed_in(self, path, body):
        """HTTP status and body; of the token's renewal where that fails in passing."""
        with self._lock:
            if time.monotonic() > self._token_ends:
                status, answer = self._renew_token()
                if status in PASSING:
                    return status, answer
                if status != 200:
                    raise _not_signed_in(status, answer)
            authorization = f"Bearer {self._token}"
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        return self._post(path, body, **headers)

    def _forget_token(self):
        with self._lock:
            self._token_ends = 0

    def _renew_token(self):
        """Fetch a token; return HTTP status and body."""
        form = urllib.parse.urlencode({"grant_type": "client_credentials", **self._credentials})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, body = self._post(TOKEN_PATH, form, **headers)
        if status == 200:
            answer = json.loads(body)
            self._token = answer["access_token"]
            # Renewed when a tenth of its life is left.
            self._token_ends = time.monotonic() + answer["expires_in"] * 0.9
        return status, body

    # --- HTTP ---

    def _post(self, path, body, **headers):
        """HTTP status and body. Each thread keeps a connection of its own.

        :raise TooManyRequests: 429, and the server says how long to wait
        """
        connection = getattr(self._connections, "open", None)
        if connection is None:
            connection = self._connections.open = self._connect()
        try:
            connection.request("POST", self._address.path.rstrip("/") + path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except BaseException:
            connection.close()
            raise
        wait = answer.headers.get("Retry-After", "")
        if answer.status == 429 and wait.isdecimal():
            raise TooManyRequests(int(wait))
        return answer.status, content

    def _connect(self):
        secure = self._address.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        return kind(self._address.hostname, self._address.port, timeout=TIMEOUT)


_GO_ON = "Run the same command again: what is linked already counts as done."
_CREDENTIALS = "Check --client-id and the secret; make a new one with New Secret."
_HINTS = {
    "rjct.total_count.limit_exceeded": "Use a smaller --batch, or allow more items per message.",
    "rjct.message_ts.invalid": "Check the clocks of this machine and of the server.",
}


def _now():
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _not_signed_in(status, body):
    return SetupError(f"Signing in failed: HTTP {status}, {_reason(body)}.", _CREDENTIALS)


def _reason(body):
    """What the body of an error says, for people."""
    try:
        answer = json.loads(body)
        if "errors" in answer:
            return answer["errors"][0]["message"]
        return answer.get("error") or answer["header"]["status_reason_message"]
    except (ValueError, LookupError, TypeError, AttributeError):
        return "and says no more"
