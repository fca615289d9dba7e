# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import models
from odoo.http import request

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.g2p_connect.jsonio import MalformedJSON
from odoo.addons.g2p_spar_connector.transaction import read_committed

from ..acknowledgement import as_acknowledgement
from ..api import envelope_of
from ..remote_address import charged_address, client_address
from .g2p_spar_authenticator import Attempt


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _auth_method_spar_participant(cls):
        """A participant calls -> ``request.spar_caller``; the API's own user acts."""
        headers, environ = request.httprequest.headers, request.httprequest.environ
        if not headers.get("Authorization"):
            senders = request.env["g2p.spar.participant"].senders()
            request.dispatcher.limit_body(senders.max_body)
        request.spar_caller = request.env["g2p.spar.authenticator"].authenticate(
            Attempt(
                authorization=headers.get("Authorization", ""),
                signature=headers.get("Signature"),
                address=client_address(environ),
                charged_address=charged_address(environ),
                form=envelope_of(request.httprequest.path),
                body=request.dispatcher,
            )
        )
        # unlike ref(), from the cache: no statement
        user_id = request.env["ir.model.data"]._xmlid_to_res_id("g2p_spar_mapper.user_api")
        request.update_env(user=user_id)

    @classmethod
    def _auth_method_spar_participant_write(cls):
        """The same for routes that write, in a fresh READ COMMITTED transaction: racing batches
        wait for each other instead of failing."""
        read_committed(request.env.cr)
        cls._auth_method_spar_participant()

    @classmethod
    def _auth_method_spar_participant_async(cls):
        """The same for asynchronous paths, which tell some refusals by an acknowledgement."""
        try:
            cls._auth_method_spar_participant_write()
        except (SparHttpError, MalformedJSON) as error:
            raise as_acknowledgement(error) from None
