# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What became of a try to deliver a callback. Plain Python without the ORM."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from odoo.addons.g2p_spar_connector import gateway
from odoo.addons.g2p_spar_connector.g2p_connect import jsonio
from odoo.addons.g2p_spar_connector.g2p_connect.ack import parse_ack

CONNECT_SECONDS = 3
TOTAL_SECONDS = 10
MAX_REPLY_BYTES = 100_000

_HINTS = {
    401: "the receiver does not know who is calling; does it want our signature (Sign Answers)?",
    403: "the receiver does not allow it; does it want our signature (Sign Answers)?",
    404: "the receiver has nothing at this address",
    405: "the receiver takes no POST at this address",
    413: "the receiver takes no body of this size",
    429: "the receiver asks for patience",
}


class Outcome(NamedTuple):
    """`problem` is None when it was delivered; it holds nothing of the address but its host, and
    nothing of what the receiver wrote. `final`: it is not tried again."""

    delivered: bool
    http_status: int
    problem: str | None
    unreachable: bool
    milliseconds: int
    acknowledged: bool = False
    final: bool = False

    @property
    def explanation(self) -> str:
        if not self.delivered:
            return f"Not delivered: {self.problem}."
        if self.acknowledged:
            return f"Delivered: the receiver acknowledged it ({self.milliseconds} ms)."
        return (
            f"Delivered: HTTP {self.http_status} ({self.milliseconds} ms). The receiver did not "
            "answer with an acknowledgement of G2P-Connect, which is fine."
        )


def deliver(url: str, body: bytes, headers: Mapping[str, str], hosts) -> Outcome:
    """Send a callback. Delivered is what is answered with 2xx and not with ERR."""
    began = time.monotonic()
    status, problem, unreachable, acknowledged = 0, None, False, False
    try:
        reply = gateway.post(
            url,
            body,
            {**headers, "Content-Type": "application/json", "Accept": "application/json"},
            hosts=hosts,
            timeout=(CONNECT_SECONDS, TOTAL_SECONDS),
            max_bytes=MAX_REPLY_BYTES,
        )
        status = reply.status
        problem, acknowledged = _read(reply)
    except gateway.GatewayError as error:
        problem, unreachable = str(error).rstrip("."), True
    milliseconds = int((time.monotonic() - began) * 1000)
    return Outcome(problem is None, status, problem, unreachable, milliseconds, acknowledged)


def _read(reply) -> tuple[str | None, bool]:
    """The problem, if any, and whether the reply is an acknowledgement."""
    if not 200 <= reply.status < 300:
        return f"HTTP {reply.status}{_hint(reply.status)}", False
    try:
        told = parse_ack(jsonio.loads(reply.body))
    except jsonio.MalformedJSON:
        told = None
    if told and told.status == "ERR":
        return (
            f"HTTP {reply.status}, and the receiver says ERR {told.error_code or ''}".strip(),
            True,
        )
    return None, told is not None


def _hint(status: int) -> str:
    if 300 <= status < 400:
        return ": redirects are not followed; name the address to which it leads"
    hint = _HINTS.get(status)
    return f": {hint}" if hint else ""
