# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.http import Controller, Response, request, route

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError

from ..acknowledgement import as_acknowledgement
from ..api import MAX_BODY_BYTES, STATUS, STATUS_ASYNC


class TxnStatus(Controller):
    """What became of messages, for those who sent them (mapper_core_api 1.0.0)."""

    # Not from a replica: what has just been acknowledged is known.
    @route(
        list(STATUS),
        type="spar",
        auth="spar_participant",
        methods=["POST"],
        readonly=False,
        max_content_length=MAX_BODY_BYTES,
    )
    def status(self):
        """Tell at once."""
        participant, operations = request.spar_caller
        status, body, headers = request.env["g2p.spar.exchange"].answer_status(
            participant, operations, request.dispatcher
        )
        return Response(body, status=status, content_type="application/json", headers=headers)

    @route(
        list(STATUS_ASYNC),
        type="spar",
        auth="spar_participant_async",
        methods=["POST"],
        readonly=False,
        max_content_length=MAX_BODY_BYTES,
    )
    def receive_status(self):
        """Acknowledge; the status follows in a callback."""
        participant, operations = request.spar_caller
        try:
            status, body, headers = request.env["g2p.spar.exchange"].receive_status(
                participant, operations, request.dispatcher
            )
        except SparHttpError as error:
            raise as_acknowledgement(error) from None
        return Response(body, status=status, content_type="application/json", headers=headers)
