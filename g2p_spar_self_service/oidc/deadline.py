# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""How long the calls of one sign-in may take together: somebody waits, and so does a worker."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .problem import OidcProblem

CONNECT_SECONDS = 3.0
CALL_SECONDS = 10.0
_ends: ContextVar[float | None] = ContextVar("oidc_deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Calls of this block end by then."""
    token = _ends.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


def timeout() -> tuple[float, float]:
    """For the next call of the gateway: seconds for connecting and for everything together.

    :raise OidcProblem: no time is left
    """
    ends = _ends.get()
    left = CALL_SECONDS if ends is None else ends - time.monotonic()
    if left <= 0:
        raise OidcProblem("The provider takes too long, all calls together", "unavailable")
    return min(CONNECT_SECONDS, left), min(CALL_SECONDS, left)
