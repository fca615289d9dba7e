# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging

import werkzeug.exceptions

from odoo import models
from odoo.http import request
from odoo.service import security

from odoo.addons.g2p_spar_connector.safe_log import describe

from .. import languages
from ..web import (
    AGENT_PATH,
    ASSISTED,
    HANDLE,
    LANDING_PATH,
    WAS_HERE,
    error_page,
    no_store,
)

_logger = logging.getLogger(__name__)

LANG_COOKIE = "frontend_lang"
# The other one is for everybody.
LOG_OUT_PATH = "/web/session/destroy"


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _auth_method_spar_beneficiary(cls):
        """For our pages: whoever is before us is `request.spar_person`, and nobody else can be
        spoken for. Beneficiaries are the public user to Odoo; portal users stay themselves, and
        so do agents: while they help somebody, the person before us is that one and nobody else."""
        person = cls._spar_person()
        if not person:
            if request.session.pop(ASSISTED, None):
                werkzeug.exceptions.abort(no_store(request.redirect(f"{AGENT_PATH}?ended=1")))
            ended = "?ended=1" if request.session.get(HANDLE) else ""
            cls._spar_forget_handle()
            werkzeug.exceptions.abort(no_store(request.redirect(f"{LANDING_PATH}{ended}")))
        request.spar_person = person

    @classmethod
    def _spar_forget_handle(cls):
        """Whoever signs in next in this browser may be somebody else."""
        if request.session.pop(HANDLE, None):
            request.session[WAS_HERE] = True

    @classmethod
    def _auth_method_public(cls):
        """Extension: of the public user, pages of ours need what the worker has in its memory. Odoo
        would read everything about it at each request."""
        is_ours = request.httprequest.path.startswith(LANDING_PATH)
        if is_ours and request.env.uid is None:
            request.update_env(user=cls._spar_visitor())
        result = super()._auth_method_public()
        if is_ours and request.env.uid in cls._get_public_users():
            request.env.user.spar_recollect()
        return result

    @classmethod
    def _auth_method_user(cls):
        """Extension: while an agent helps somebody, that person is at the agent's screen, and finds
        nothing there that is open to the agent but these pages."""
        result = super()._auth_method_user()
        if cls._spar_is_beside_help():
            werkzeug.exceptions.abort(no_store(request.redirect(AGENT_PATH)))
        return result

    @classmethod
    def _authenticate_explicit(cls, auth):
        """Extension: and what is open to everybody, likewise, is so as to anybody else. Not in
        `_auth_method_public`: where website is installed, that is not asked of who is logged in."""
        result = super()._authenticate_explicit(auth)
        cls._spar_set_agent_aside()
        return result

    @classmethod
    def _serve_fallback(cls):
        """Extension: pages without a route, too."""
        cls._spar_set_agent_aside()
        return super()._serve_fallback()

    @classmethod
    def _handle_error(cls, exception):
        """Override: errors below our pages are pages of ours, kept and framed by nobody either."""
        return cls._spar_error(super()._handle_error(exception))

    @classmethod
    def _match(cls, path_info):
        """Override: another method than a page has; Odoo answers that without `_handle_error`."""
        try:
            return super()._match(path_info)
        except werkzeug.exceptions.MethodNotAllowed as error:
            error.error_response = cls._spar_error(error)
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
    def _pre_dispatch(cls, rule, args):
        """Override: pages of ours speak the language that the person reads."""
        if not request.httprequest.path.startswith(LANDING_PATH):
            return super()._pre_dispatch(rule, args)
        cls._spar_speak()
        cls._spar_keep_lang()
        return super()._pre_dispatch(rule, args)

    @classmethod
    def _spar_visitor(cls):
        """Whom Odoo takes people without a log-in for. To be overridden where there are several
        sites.

        :return: database id of a `res.users`
        :rtype: int
        """
        return request.env["ir.model.data"]._xmlid_to_res_id("base.public_user")

    @classmethod
    def _spar_company(cls):
        """See `site_company`. To be overridden where there are several sites."""
        if request.session.get(ASSISTED):  # what holds for this person does not depend on the agent
            return request.env.ref("base.public_user").sudo().company_id
        return request.env.company.sudo()

    @classmethod
    def _spar_error(cls, response):
        """An error below our pages as a page of ours; anything else as it is.

        :type response: Response | werkzeug.exceptions.HTTPException
        """
        if not request.httprequest.path.startswith(LANDING_PATH):
            return response
        if isinstance(response, werkzeug.exceptions.HTTPException):
            response = response.get_response(request.httprequest.environ)
        if response.status_code < 400:
            return response if "Content-Security-Policy" in response.headers else no_store(response)
        try:
            if not request.env.uid:
                cls._auth_method_public()
            request.env.cr.rollback()
            if request.session.get(ASSISTED) and cls._spar_is_logged_in():
                # whom the agent helps is said on every page
                request.spar_person = cls._spar_person()
            cls._spar_speak()
            cls._spar_keep_lang()
            page = error_page(response.status_code)
        except Exception as error:  # noqa: BLE001 - the plain answer is better than none
            _logger.error("Error page: %s", describe(error))
            return no_store(response)
        if "Allow" in response.headers:
            page.headers["Allow"] = response.headers["Allow"]
        return request._inject_future_response(page)

    @classmethod
    def _spar_is_logged_in(cls):
        """Whether the log-in of this web session holds; Odoo has not looked where it has found no
        page."""
        uid = request.session.uid
        return bool(uid and security.check_session(request.session, request.env))

    @classmethod
    def _spar_is_beside_help(cls):
        """Whether an agent helps somebody in this browser, and the page is none of ours."""
        path = request.httprequest.path
        is_ours = path.startswith(LANDING_PATH) or path == LOG_OUT_PATH
        return bool(request.session.get(ASSISTED)) and not is_ours

    @classmethod
    def _spar_set_agent_aside(cls):
        if cls._spar_is_beside_help() and request.env.uid == request.session.uid:
            request.update_env(user=cls._spar_visitor())

    @classmethod
    def _spar_speak(cls):
        # Odoo begins with what the browser asks for, and reads nothing where that is not installed
        cls._spar_set_lang("en_US")
        cls._spar_set_lang(cls._spar_lang())

    @classmethod
    def _spar_set_lang(cls, lang):
        if request.env.context.get("lang") != lang:  # a new environment takes its time
            request.update_context(lang=lang)

    @classmethod
    def _spar_languages(cls):
        """Languages that pages of ours are offered in. To be overridden where a site has its own.

        :return: `res.lang` data by code, in the order in which they are shown
        :rtype: Mapping[str, LangData]
        """
        return request.env["res.lang"]._get_frontend()

    @classmethod
    def _spar_lang(cls):
        """The language of a page of ours: as asked for just now (`?lang=`, or `/fr/` before the
        path), as kept, as a user of this site has it, as the browser asks for it; or the company's.

        :rtype: str
        """
        offered, session = cls._spar_languages(), request.session
        known = (
            cls._spar_asked_lang(),
            request.cookies.get(LANG_COOKIE),
            session.uid and session.context.get("lang"),
        )
        for code in known:
            if code in offered:
                return code
        accepted = request.httprequest.accept_languages
        wanted = [tag for tag, quality in accepted if quality > 0]
        best = languages.best(wanted, offered)
        if best:
            return best
        defaults = (cls._spar_default_lang(), "en_US", *offered)
        return next(code for code in defaults if code in offered)

    @classmethod
    def _spar_default_lang(cls):
        """The language of people whose own is unknown or not offered."""
        return cls._spar_company().partner_id.lang

    @classmethod
    def _spar_asked_lang(cls):
        # of a path that began with a language, Odoo has put it there
        in_path = None if getattr(request, "is_frontend", False) else getattr(request, "lang", None)
        return request.httprequest.args.get("lang") or (in_path and in_path.code)

    @classmethod
    def _spar_keep_lang(cls):
        """Keep a language that was asked for, for all pages of this site, over sign-in and sign-out
        too: in the cookie in which Odoo keeps it."""
        lang = request.env.lang
        if cls._spar_asked_lang() == lang and request.cookies.get(LANG_COOKIE) != lang:
            request.future_response.set_cookie(LANG_COOKIE, lang)
            if not request.session.uid:  # who logs in next reads it there
                request.session["context"] = {**request.session.context, "lang": lang}

    @classmethod
    def _post_logout(cls):
        """Extension: what a user of this site was about to ask for goes with the log-in, and whom
        an agent helps. A log-in that is over is noticed where only reading is allowed, too."""
        result = super()._post_logout()
        if request.env.uid not in cls._get_public_users():
            request.env["g2p.spar.beneficiary.session"].end_with_log_out(request.session.sid)
            request.env["g2p.spar.change.draft"].forget_web_session(request.session.sid)
        return result

    @classmethod
    def _spar_assisted(cls, seen=True):
        """The session of the person whom the user of this web session helps; empty where that is
        over, or somebody else has logged in. Superuser mode.

        :param bool seen: see `recall` of sessions
        """
        sessions = request.env["g2p.spar.beneficiary.session"]
        return sessions.recall_assisted(
            request.session.get(ASSISTED), request.env.user, request.session.sid, seen
        )

    @classmethod
    def _spar_person(cls):
        handle = request.session.get(HANDLE)
        is_public = request.env.uid in (None, *cls._get_public_users())
        cls._auth_method_public()
        cls._spar_speak()
        if request.session.get(ASSISTED):
            # one that is over does not lead to the agent's own address on the same click
            session = cls._spar_assisted()
            return session.person() if session else None
        if is_public:
            session = request.env["g2p.spar.beneficiary.session"].recall(handle)
            return session.person() if session else None
        if handle:
            # a user has logged in since, maybe another person
            cls._spar_forget_handle()
            request.env["g2p.spar.beneficiary.session"].recall(handle, seen=False).end()
        return request.env["g2p.spar.id.rule"].portal_person(request.env.user)


def _for_https_only(cookie):
    return cookie if "; Secure" in cookie else f"{cookie}; Secure; SameSite=Lax"
