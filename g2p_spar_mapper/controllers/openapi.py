# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import SUPERUSER_ID
from odoo.http import Controller, Response, request, route

from ..api import DOCUMENT, PAGE

CACHE = "public, max-age=300"


class OpenApi(Controller):
    """The API's document, for everybody."""

    @route(DOCUMENT, type="spar", content="none", auth="none", methods=["GET"], readonly=True)
    def document(self):
        """OpenAPI 3.1."""
        body = request.env["g2p.spar.openapi"].json()
        return Response(body, content_type="application/json", headers={"Cache-Control": CACHE})

    @route(PAGE, type="spar", content="none", auth="none", methods=["GET"], readonly=True)
    def page(self):
        """The same as an HTML page."""
        request.update_env(user=SUPERUSER_ID)
        html, policy = request.env["g2p.spar.openapi"].page()
        headers = {
            "Cache-Control": CACHE,
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(html, content_type="text/html; charset=utf-8", headers=headers)
