# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.http import Controller, Response, request, route

from ..api import LISTINGS, OPENG2P_2_DIRECTORY


class Directory(Controller):
    """The directory calls of OpenG2P 2.x."""

    @route(
        [f"{OPENG2P_2_DIRECTORY}/{name}" for name in LISTINGS],
        type="spar",
        auth="spar_participant",
        methods=["POST"],
        readonly=True,
    )
    def fetch(self):
        """Active banks, branches or wallet operators, for any active participant."""
        name = request.httprequest.path.rstrip("/").rpartition("/")[2]
        participant, _operations = request.spar_caller
        status, body, headers = request.env["g2p.spar.exchange"].list_directory(
            participant, LISTINGS[name], request.dispatcher
        )
        return Response(body, status=status, content_type="application/json", headers=headers)
