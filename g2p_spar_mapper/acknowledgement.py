# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""HTTP errors of the asynchronous paths."""

import uuid
from datetime import UTC, datetime

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.g2p_connect import ack
from odoo.addons.g2p_spar_connector.g2p_connect.jsonio import MalformedJSON

# What G2P-Connect 1.0.0 has told by an acknowledgement ERR. The others stay `HttpErrorResponse`:
# who has not signed in, or may not do this, gets none.
_TOLD_BY_ERR = frozenset(
    {
        "err.request.bad",
        "err.request.too_many_requests",
        "err.receiver_id.invalid",
        "err.sender_uri.invalid",
        "err.signature.missing",
        "err.signature.invalid",
        "err.encryption.invalid",
    }
)


def as_acknowledgement(error: SparHttpError | MalformedJSON) -> SparHttpError:
    """The same error, with the body that it has on an asynchronous path."""
    if isinstance(error, MalformedJSON):
        error = SparHttpError(400, "err.request.bad", f"body: {error}")
    if error.code not in _TOLD_BY_ERR or error.body is not None:
        return error
    body = ack.render_error(error.code, error.message, str(uuid.uuid4()), datetime.now(UTC))
    # with these the standard has another body
    status = 400 if error.status in (401, 403) else error.status
    return SparHttpError(status, error.code, error.message, error.headers, body)
