# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Errors of transport and of the envelope (G2P-Connect 1.0.0: `Error`, `HttpErrorResponse`).

Errors of single items are no exceptions: they are results.
"""

from .values import Header

# AckStatus error codes. HttpErrorResponse leaves codes free; these are used there as well.
ERROR_CODES = frozenset(
    {
        "err.request.bad",
        "err.request.unauthorized",
        "err.request.forbidden",
        "err.request.not_found",
        "err.request.timeout",
        "err.version.not_supported",
        "err.request.too_many_requests",
        "err.sender_id.invalid",
        "err.sender_uri.invalid",
        "err.receiver_id.invalid",
        "err.signature.missing",
        "err.signature.invalid",
        "err.encryption.invalid",
        "err.service.unavailable",
    }
)


def http_error_body(code: str, message: str) -> dict:
    """HttpErrorResponse."""
    return {"errors": [{"code": code, "message": message}]}


class EnvelopeError(Exception):
    """The envelope cannot be read: HTTP 400, answered with a header only.

    `message` names the member at fault and never repeats its value. `header_echo` holds what
    could be read of the header; `code` is one of `ERROR_CODES`.
    """

    def __init__(
        self, message: str, header_echo: Header | None = None, code: str = "err.request.bad"
    ):
        super().__init__(message)
        self.message = message
        self.header_echo = header_echo or Header()
        self.code = code


class HeaderRejected(Exception):
    """The envelope can be read, and its header says no: HTTP 200, `status` rjct.

    `code` is one of `codes.HEADER_CODES`. OpenG2P 2.x repeats the `transaction_id` as well.
    """

    def __init__(
        self, code: str, message: str, header_echo: Header, transaction_id: str | None = None
    ):
        super().__init__(message)
        self.code = code
        self.message = message
        self.header_echo = header_echo
        self.transaction_id = transaction_id


class StillRunning(Exception):
    """The very same message is being carried out at this moment: HTTP 200, `status` pdng."""

    def __init__(self):
        super().__init__("This message is being carried out; send it again for its answer")
