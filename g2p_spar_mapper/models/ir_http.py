# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from typing import NamedTuple

from odoo import models
from odoo.http import request

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.transaction import read_committed

from ..authority import ParticipantProfile


class Caller(NamedTuple):
    """The participant behind a request, and what its token is good for."""

    participant: ParticipantProfile
    operations: frozenset


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _auth_method_spar_participant(cls):
        """Bearer token of a participant -> ``request.spar_caller``; the API's own user acts."""
        scheme, _, token = request.httprequest.headers.get("Authorization", "").partition(" ")
        found = None
        if scheme.lower() == "bearer" and token.strip().isascii():
            found = request.env["g2p.spar.access.token"].find(token.strip())
        if not found:
            raise SparHttpError(
                401,
                "err.request.unauthorized",
                "A valid bearer token is needed.",
                headers={"WWW-Authenticate": 'Bearer realm="SPAR"'},
            )
        participant, operations = found
        # unlike ref(), from the cache: no statement
        user_id = request.env["ir.model.data"]._xmlid_to_res_id("g2p_spar_mapper.user_api")
        request.update_env(user=user_id)
        request.spar_caller = Caller(participant, operations & participant.authority.operations)

    @classmethod
    def _auth_method_spar_participant_write(cls):
        """The same for routes that write, in a fresh READ COMMITTED transaction: racing batches
        wait for each other instead of failing."""
        read_committed(request.env.cr)
        cls._auth_method_spar_participant()
