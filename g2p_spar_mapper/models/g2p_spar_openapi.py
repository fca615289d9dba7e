# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import hashlib
import re

from odoo import api, models, tools

from odoo.addons.g2p_spar_connector.g2p_connect import jsonio

from ..openapi import document
from ..openapi_page import STYLE, page_values


class G2pSparOpenapi(models.AbstractModel):
    """The API's document, for programs and for people. Made once per registry."""

    _name = "g2p.spar.openapi"
    _description = "SPAR API Document"

    @api.private
    @tools.ormcache()
    def json(self):
        """OpenAPI 3.1.

        :rtype: bytes
        """
        return jsonio.dumps(document())

    @api.private
    @tools.ormcache()
    def page(self):
        """The same as one HTML page that needs nothing from elsewhere.

        :return: HTML, and the Content-Security-Policy under which it shows.
        :rtype: tuple[str, str]
        """
        html = self.env["ir.qweb"]._render("g2p_spar_mapper.openapi_page", page_values(document()))
        html = re.sub(r">\n\s*<", "><", html)  # a third of it
        digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
        policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        )
        return f"<!DOCTYPE html>\n{html}", policy
