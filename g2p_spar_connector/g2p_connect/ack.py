# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The acknowledgement `Response` of the asynchronous paths (G2P-Connect mapper API 1.0.0).

- ACK: the message passed the checks of its envelope, and a callback will follow
- NACK: it passed them as well, and no callback will follow
- ERR: it did not; `error` tells why
"""

from datetime import datetime
from typing import Literal, NamedTuple

from .errors import ERROR_CODES

CORRELATION_ID_MAX_LENGTH = 99
MESSAGE_MAX_LENGTH = 999
STATUSES = ("ACK", "NACK", "ERR")


class Ack(NamedTuple):
    """What the other side said to a message. `error_code` is one of `ERROR_CODES`, or None."""

    status: Literal["ACK", "NACK", "ERR"]
    correlation_id: str | None = None
    error_code: str | None = None


def render_ack(status: str, correlation_id: str, now: datetime) -> dict:
    """ACK or NACK. `now` needs a time zone."""
    return {
        "message": {
            "ack_status": status,
            "timestamp": now.isoformat(timespec="milliseconds"),
            "correlation_id": correlation_id,
        }
    }


def render_error(code: str, message: str, correlation_id: str, now: datetime) -> dict:
    """ERR. `code` is one of `ERROR_CODES`."""
    response = render_ack("ERR", correlation_id, now)
    response["message"]["error"] = {"code": code, "message": message[:MESSAGE_MAX_LENGTH]}
    return response


def parse_ack(payload: object) -> Ack | None:
    """Read what a receiver answers; None when it is no acknowledgement.

    The text of an error is left out: it may quote what it complains about.
    """
    message = payload.get("message") if isinstance(payload, dict) else None
    if not isinstance(message, dict) or message.get("ack_status") not in STATUSES:
        return None
    correlation_id, error = message.get("correlation_id"), message.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return Ack(
        message["ack_status"],
        correlation_id if isinstance(correlation_id, str) else None,
        code if isinstance(code, str) and code in ERROR_CODES else None,
    )
