# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.http import Controller, Response, request, route

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError

# The largest batch, 10 000 items of some 1.5 kB each.
MAX_BODY_BYTES = 16 * 1024 * 1024
MUTATIONS = ("link", "update", "unlink")


def _paths(*operations):
    """The standard's path and OpenG2P 1.x's of each operation."""
    return [
        f"{base}/{operation}"
        for operation in operations
        for base in ("/spar/v1.0.0/mapper/sync", "/api/mapper/sync")
    ]


class Mapper(Controller):
    """The G2P-Connect mapper API, synchronous operations (mapper_core_api 1.0.0)."""

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
        operation = request.httprequest.path.rstrip("/").rpartition("/")[2]
        participant, operations = request.spar_caller
        if operation not in operations:
            raise SparHttpError(
                403, "err.request.forbidden", f"mapper.{operation} is not granted to this token."
            )
        status, body = request.env["g2p.spar.exchange"].answer(
            participant, operation, request.dispatcher.raw
        )
        return Response(body, status=status, content_type="application/json")
