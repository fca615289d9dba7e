# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.http import Controller, Response, request, route

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.g2p_connect.values import OPERATIONS

from ..acknowledgement import as_acknowledgement
from ..api import MAX_BODY_BYTES, OPENG2P_1_ASYNC, STANDARD_ASYNC


class MapperAsync(Controller):
    """The mapper API: asynchronous operations of G2P-Connect (mapper_core_api 1.0.0), also under
    the names of OpenG2P 1.x."""

    @route(
        [f"{base}/{name}" for base in (STANDARD_ASYNC, OPENG2P_1_ASYNC) for name in OPERATIONS],
        type="spar",
        auth="spar_participant_async",
        methods=["POST"],
        readonly=False,
        max_content_length=MAX_BODY_BYTES,
    )
    def receive(self):
        """Acknowledge a message; what is acknowledged is on record and will be carried out."""
        operation = request.httprequest.path.rstrip("/").rpartition("/")[2]
        participant, operations = request.spar_caller
        if operation not in operations:
            raise SparHttpError(403, "err.request.forbidden", f"mapper.{operation} is not granted.")
        try:
            status, body, headers = request.env["g2p.spar.exchange"].receive(
                participant, operation, request.dispatcher
            )
        except SparHttpError as error:
            raise as_acknowledgement(error) from None
        return Response(body, status=status, content_type="application/json", headers=headers)
