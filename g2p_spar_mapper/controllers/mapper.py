# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.http import Controller, Response, request, route

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError

from ..api import MAX_BODY_BYTES, MUTATIONS, OPENG2P_1, OPENG2P_2, STANDARD, envelope_of

BASES = (STANDARD, OPENG2P_1, OPENG2P_2)


def _paths(*operations):
    """The standard's path, OpenG2P 1.x's and OpenG2P 2.x's of each operation."""
    return [f"{base}/{operation}" for operation in operations for base in BASES]


class Mapper(Controller):
    """The mapper API: synchronous operations of G2P-Connect (mapper_core_api 1.0.0), and the
    same in the envelope of OpenG2P 2.x."""

    @route(
        _paths(*MUTATIONS),
        type="spar",
        auth="spar_participant_write",
        methods=["POST"],
        readonly=False,
        max_content_length=MAX_BODY_BYTES,
    )
    def mutate(self):
        """Link, update or unlink; what is answered has been committed."""
        return self._answer()

    @route(
        _paths("resolve"),
        type="spar",
        auth="spar_participant",
        methods=["POST"],
        readonly=True,
        max_content_length=MAX_BODY_BYTES,
    )
    def resolve(self):
        """Resolve, from a replica where there is one."""
        return self._answer()

    def _answer(self):
        path = request.httprequest.path
        operation = path.rstrip("/").rpartition("/")[2]
        participant, operations = request.spar_caller
        if operation not in operations:
            raise SparHttpError(403, "err.request.forbidden", f"mapper.{operation} is not granted.")
        status, body, headers = request.env["g2p.spar.exchange"].answer(
            participant, operation, request.dispatcher, envelope_of(path)
        )
        return Response(body, status=status, content_type="application/json", headers=headers)
