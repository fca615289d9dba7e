# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""HTTP for programs: `@route(type="spar")`.

A route of this type says with `content` what its body must be: "json" (the default), "form"
(URL-encoded) or "none", and with `max_content_length` how long (1 MB by default). Its method gets
path arguments only; the body is at `request.dispatcher.raw` (exact bytes) and `.payload`. It
returns a JSON value or a response.

Every error is answered with `{"errors": [{"code", "message"}]}` (HttpErrorResponse of
G2P-Connect 1.0.0) or with a body of the method's own (`SparHttpError`). No browser session is
read or written, nothing is cached, and of an unexpected exception neither the client nor the log
learns the text.
"""

import logging
from functools import cached_property
from urllib.parse import parse_qsl

from psycopg2 import OperationalError
from werkzeug.exceptions import HTTPException

from odoo.exceptions import AccessDenied, AccessError, ConcurrencyError
from odoo.http import Dispatcher, Response, SessionExpiredException

from ..g2p_connect import jsonio
from ..g2p_connect.errors import http_error_body
from ..safe_log import describe

_logger = logging.getLogger(__name__)

MIMETYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
FORM_MAX_FIELDS = 50
DEFAULT_MAX_CONTENT_LENGTH = 1_000_000

# Odoo logs an exception with its text at this level, which no logger lets pass.
SILENT = -1

_ERRORS = {
    400: ("err.request.bad", "The request cannot be read"),
    401: ("err.request.unauthorized", "Authentication is required"),
    403: ("err.request.forbidden", "Not allowed"),
    404: ("err.request.not_found", "There is nothing at this path"),
    405: ("err.request.bad", "This method is not allowed here"),
    408: ("err.request.timeout", "The request took too long"),
    413: ("err.request.bad", "The body is too large"),
    415: ("err.request.bad", "This content type or encoding is not supported"),
    429: ("err.request.too_many_requests", "Too many requests"),
    500: ("err.service.unavailable", "Internal error"),
    503: ("err.service.unavailable", "Busy; try again"),
}
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")


class SparHttpError(Exception):
    """Ends a request with an HTTP error.

    `code` is one of `g2p_connect.errors.ERROR_CODES`. `body`, a JSON value, replaces the usual
    error body.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: dict[str, str] | None = None,
        body: object = None,
    ):
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.body = body


class SparDispatcher(Dispatcher):
    routing_type = "spar"
    mimetypes = ("application/json",)

    @classmethod
    def is_compatible_with(cls, request) -> bool:
        return True  # we say 415 ourselves, in JSON

    def prepare(self, routing):
        """Learn what body the route takes: authentication may read it, before `pre_dispatch`."""
        self._content = routing.get("content", "json")
        limit = routing.get("max_content_length", DEFAULT_MAX_CONTENT_LENGTH)
        self.request.httprequest.max_content_length = limit

    def limit_body(self, max_bytes: int):
        """Take no longer body than this, be the route's limit higher; before it is read."""
        httprequest = self.request.httprequest
        httprequest.max_content_length = min(httprequest.max_content_length, max_bytes)

    def pre_dispatch(self, rule, args):
        self.request.session.can_save = False
        return super().pre_dispatch(rule, args)

    def dispatch(self, endpoint, args):
        if self._content != "none":
            self.raw  # noqa: B018 - a body that cannot be taken is refused before anything else
        self.request.params = dict(args)
        result = self.request.registry["ir.http"]._dispatch(endpoint)
        return result if isinstance(result, Response) else _json_response(result)

    def post_dispatch(self, response):
        response.headers.setdefault("Cache-Control", "no-store")
        return super().post_dispatch(response)

    @cached_property
    def raw(self) -> bytes:
        """The body, byte for byte; read once, also when Odoo tries the request again."""
        self._check_content_type()
        httprequest = self.request.httprequest
        try:
            raw = httprequest.get_data()
        except OSError:  # the client went away
            raise _http_error(400) from None
        # Werkzeug cuts a chunked body off at the limit without a word.
        if httprequest.content_length is None and len(raw) >= httprequest.max_content_length:
            raise _http_error(413)
        return raw

    @cached_property
    def payload(self) -> object:
        """The JSON value, or the fields of the form as a dictionary, or None.

        Raises `MalformedJSON`, which is answered with 400 unless the caller knows better.
        """
        if self._content == "json":
            return jsonio.loads(self.raw)
        return self._form() if self._content == "form" else None

    def _check_content_type(self):
        """Any Content-Encoding is refused: a body is bounded by what it takes up on the wire."""
        if self._content == "none":
            return
        httprequest = self.request.httprequest
        if httprequest.headers.get("Content-Encoding"):
            raise _http_error(415)
        if httprequest.mimetype != MIMETYPES[self._content]:
            raise _http_error(415)

    def _form(self) -> dict[str, str]:
        """RFC 6749 3.2: a parameter must not come twice."""
        try:
            fields = parse_qsl(
                self.raw.decode(), keep_blank_values=True, max_num_fields=FORM_MAX_FIELDS
            )
        except ValueError:
            raise _http_error(400) from None
        form = dict(fields)
        if len(form) != len(fields):
            raise SparHttpError(400, "err.request.bad", "A field comes twice")
        return form

    def handle_error(self, exc: Exception):
        error = _as_http_error(exc)
        if error is None:
            _logger.error("Unexpected: %s", describe(exc))
            error = _http_error(503 if _is_passing(exc) else 500)
        exc.loglevel = SILENT
        body = error.body
        if body is None:
            body = http_error_body(error.code, error.message)
        response = _json_response(body, error.status)
        response.headers.update(error.headers)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response


def _json_response(value: object, status: int = 200) -> Response:
    return Response(jsonio.dumps(value), status=status, content_type="application/json")


def _http_error(status: int, headers: dict[str, str] | None = None) -> SparHttpError:
    code, message = _ERRORS.get(status, _ERRORS[400 if status < 500 else 500])
    return SparHttpError(status, code, message, headers)


def _as_http_error(exc: Exception) -> SparHttpError | None:
    """The answer to an exception that is no surprise, else None."""
    if isinstance(exc, SparHttpError):
        return exc
    if isinstance(exc, jsonio.MalformedJSON):
        return SparHttpError(400, "err.request.bad", f"body: {exc}")
    if isinstance(exc, HTTPException):
        headers = {name: value for name, value in exc.get_headers() if name in _KEPT_HEADERS}
        return _http_error(exc.code if exc.code >= 400 else 404, headers)
    if isinstance(exc, SessionExpiredException):
        return _http_error(401)
    if isinstance(exc, (AccessDenied, AccessError)):
        return _http_error(403)
    return None


def _is_passing(exc: Exception) -> bool:
    """Whether the same request may well succeed a moment later."""
    return isinstance(exc, (OperationalError, ConcurrencyError))
