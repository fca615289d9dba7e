# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.http import Controller, Response, request, route

from ..g2p_connect import jsonio

PATH = "/.well-known/jwks.json"
MAX_AGE = 3600


class Jwks(Controller):
    @route(PATH, type="spar", content="none", auth="none", methods=["GET"], readonly=True)
    def jwks(self):
        """The public keys that we sign with, have signed with lately and will sign with next
        (RFC 7517)."""
        document = request.env["g2p.spar.signing.key"].published()
        return Response(
            jsonio.dumps(document),
            content_type="application/json",
            headers={"Cache-Control": f"public, max-age={MAX_AGE}"},
        )
