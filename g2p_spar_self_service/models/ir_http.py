# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import werkzeug.exceptions

from odoo import models
from odoo.http import request
from odoo.tools.misc import get_lang

from ..web import HANDLE, LANDING_PATH, no_store


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _auth_method_spar_beneficiary(cls):
        """For our pages: whoever is before us is `request.spar_person`, and nobody else can be
        spoken for. Beneficiaries are the public user to Odoo; portal users stay themselves."""
        person = cls._spar_person()
        if not person:
            ended = "?ended=1" if request.session.pop(HANDLE, None) else ""
            werkzeug.exceptions.abort(no_store(request.redirect(f"{LANDING_PATH}{ended}")))
        request.spar_person = person

    @classmethod
    def _handle_error(cls, exception):
        """Override: errors below our pages are kept and framed by nobody either."""
        return _for_nobody_else(super()._handle_error(exception))

    @classmethod
    def _match(cls, path_info):
        """Override: another method than a page has; Odoo answers that without `_handle_error`."""
        try:
            return super()._match(path_info)
        except werkzeug.exceptions.MethodNotAllowed as error:
            error.error_response = _for_nobody_else(error)
            raise

    @classmethod
    def _post_dispatch(cls, response):
        """Override: by https, a cookie of our pages never travels without it."""
        result = super()._post_dispatch(response)
        httprequest = request.httprequest
        if httprequest.scheme == "https" and httprequest.path.startswith(LANDING_PATH):
            cookies = response.headers.getlist("Set-Cookie")
            response.headers.setlist("Set-Cookie", map(_for_https_only, cookies))
        return result

    @classmethod
    def _spar_person(cls):
        handle = request.session.get(HANDLE)
        is_public = request.env.uid in (None, *cls._get_public_users())
        cls._auth_method_public()
        # what a browser asks for need not be installed; Odoo looks at it later
        request.update_context(lang=get_lang(request.env).code)
        if is_public:
            session = request.env["g2p.spar.beneficiary.session"].recall(handle)
            return session.person() if session else None
        if handle:
            # a user has logged in since, maybe another person
            del request.session[HANDLE]
            request.env["g2p.spar.beneficiary.session"].recall(handle).end()
        return request.env["g2p.spar.id.rule"].portal_person(request.env.user)


def _for_https_only(cookie):
    return cookie if "; Secure" in cookie else f"{cookie}; Secure; SameSite=Lax"


def _for_nobody_else(response):
    """An error below our pages with the headers of our pages; any other as it is."""
    if not request.httprequest.path.startswith(LANDING_PATH):
        return response
    if isinstance(response, werkzeug.exceptions.HTTPException):
        response = response.get_response(request.httprequest.environ)
    is_ours = "Content-Security-Policy" in response.headers
    return response if is_ours else no_store(response)
