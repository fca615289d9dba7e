# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from urllib.parse import urlencode

from odoo import fields
from odoo.http import Controller, Response, request, route

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.g2p_connect import jsonio
from odoo.addons.g2p_spar_self_service import languages

from ..models.g2p_spar_demo_identity_provider import BASE, SIGN_IN_PATH
from ..models.g2p_spar_demo_sign_in import REMEMBERED
from ..oidc_request import OAuthError, parse

COOKIE = "demo_identity_provider"
# Forms are answered with a redirect to the relying party: no form-action.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
)


class IdentityProviderPages(Controller):
    """What people see of the demonstration identity provider."""

    @route(
        f"{BASE}/authorize",
        type="http",
        auth="demo_identity_provider",
        methods=["GET"],
        readonly=False,
    )
    def authorize(self, **parameters):
        """OpenID Connect Core 1.0 section 3.1.2: ask who is there, unless the browser tells."""
        provider = _provider()
        _speak(parameters.get("ui_locales", ""))
        redirect_uri = parameters.get("redirect_uri", "")
        if not provider._is_client(parameters.get("client_id")):
            problem = request.env._("client_id: no such client is known here.")
            return _page("error", status=400, problem=problem)
        if not provider._may_return_to(redirect_uri, provider._redirect_path()):
            problem = request.env._("redirect_uri: not registered here.")
            return _page("error", status=400, problem=problem)
        try:
            asked = parse(parameters, redirect_uri)
            sign_in, form = request.env["g2p.spar.demo.sign.in"]._begin(asked)
        except OAuthError as error:
            return _return(redirect_uri, parameters.get("state"), _as_answer(error))
        remembered = _remembered()
        if remembered and not asked.takes(_age(remembered)):
            remembered = remembered.browse()
        if "none" in asked.prompts:
            return _without_asking(sign_in, remembered)
        if remembered and not asked.prompts:
            return _page("remembered", form=form, person=remembered.person_id)
        return _ask(sign_in, form)

    @route(
        f"{BASE}/sign-in",
        type="http",
        auth="demo_identity_provider",
        methods=["POST"],
        readonly=False,
    )
    def sign_in(self, form="", person="", one_time_code="", **_other):
        """Check the one-time code."""
        sign_in = _open(form)
        if not sign_in:
            return _out_of_date()
        person = request.env["g2p.spar.demo.person"].search([("subject", "=", person)])
        if not sign_in._check_code(one_time_code) or not person:
            problem = request.env._("This is not the code that is shown.")
            return _ask(sign_in, form, problem=problem)
        browser = sign_in._authenticated(person)
        return _remember(_return_code(sign_in), browser, REMEMBERED)

    @route(
        f"{BASE}/continue",
        type="http",
        auth="demo_identity_provider",
        methods=["POST"],
        readonly=False,
    )
    def go_on(self, form="", **_other):
        """Sign in as who the browser is known for."""
        sign_in, remembered = _open(form), _remembered()
        if not sign_in or not remembered:
            return _out_of_date()
        sign_in._continue(remembered)
        return _return_code(sign_in)

    @route(
        f"{BASE}/another",
        type="http",
        auth="demo_identity_provider",
        methods=["POST"],
        readonly=False,
    )
    def another(self, form="", **_other):
        """Ask who is there, whoever the browser is known for."""
        sign_in = _open(form)
        if not sign_in:
            return _out_of_date()
        return _ask(sign_in, form)

    @route(
        f"{BASE}/end-session",
        type="http",
        auth="demo_identity_provider",
        methods=["GET", "POST"],
        csrf=False,  # the relying party's form
        readonly=False,
    )
    def end_session(
        self, id_token_hint="", post_logout_redirect_uri="", state="", ui_locales="", **_other
    ):
        """OpenID Connect RP-Initiated Logout 1.0. Who brings no ID token of ours is not sent
        anywhere."""
        _speak(ui_locales)
        provider = _provider()
        request.env["g2p.spar.demo.sign.in"]._sign_out(request.cookies.get(COOKIE, ""))
        known = provider._key()._has_signed(id_token_hint)
        if known and provider._may_return_to(post_logout_redirect_uri, SIGN_IN_PATH):
            response = _return(post_logout_redirect_uri, state, {})
        else:
            response = _page("signed_out")
        return _remember(response, "", 0)


class IdentityProviderApi(Controller):
    """What a relying party calls at the demonstration identity provider."""

    @route(
        f"{BASE}/.well-known/openid-configuration",
        type="spar",
        content="none",
        auth="demo_identity_provider",
        methods=["GET"],
        readonly=True,
    )
    def metadata(self):
        return _provider()._metadata()

    @route(
        f"{BASE}/jwks.json",
        type="spar",
        content="none",
        auth="demo_identity_provider",
        methods=["GET"],
        readonly=True,
    )
    def jwks(self):
        return {"keys": [_provider()._key()._public_jwk()]}

    @route(
        f"{BASE}/token",
        type="spar",
        content="form",
        auth="demo_identity_provider",
        methods=["POST"],
        readonly=False,
        max_content_length=20_000,
    )
    def token(self):
        """OpenID Connect Core 1.0 section 3.1.3."""
        provider = _provider()
        form = request.dispatcher.payload
        try:
            jti = provider._check_assertion(form)
            if form.get("grant_type") != "authorization_code":
                raise OAuthError("unsupported_grant_type", "grant_type must be authorization_code")
            sign_in, access_token = request.env["g2p.spar.demo.sign.in"]._redeem(
                form.get("code", ""),
                form.get("redirect_uri", ""),
                form.get("code_verifier", ""),
                jti,
            )
        except OAuthError as error:
            status = 401 if error.code == "invalid_client" else 400
            # No exception: what the attempt has ended stays ended.
            return Response(
                jsonio.dumps(_as_answer(error)), status=status, content_type="application/json"
            )
        return provider._tokens(sign_in, access_token)

    @route(
        f"{BASE}/userinfo",
        type="spar",
        content="none",
        auth="demo_identity_provider",
        methods=["GET"],
        readonly=True,
    )
    def userinfo(self):
        """OpenID Connect Core 1.0 section 5.3, signed; errors as RFC 6750 section 3 has them."""
        provider = _provider()
        scheme, _, token = request.httprequest.headers.get("Authorization", "").partition(" ")
        sign_in = request.env["g2p.spar.demo.sign.in"]._of_token(token.strip())
        if scheme.lower() != "bearer" or not sign_in:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise SparHttpError(
                401, "err.request.unauthorized", "The access token is not valid", challenge
            )
        return Response(provider._userinfo(sign_in), content_type="application/jwt")


def _provider():
    return request.env["g2p.spar.demo.identity.provider"]


def _open(form):
    sign_in = request.env["g2p.spar.demo.sign.in"]._of_form(form)
    _speak(sign_in.ui_locales or "")
    return sign_in


def _speak(ui_locales):
    """Answer in a language that the person reads, by the site's word or else the browser's."""
    accepted = [tag for tag, quality in request.httprequest.accept_languages if quality > 0]
    offered = [code for code, _name in request.env["res.lang"].get_installed()]
    lang = languages.best([*ui_locales.split(), *accepted], offered)
    if lang:
        request.update_context(lang=lang)


def _remembered():
    return request.env["g2p.spar.demo.sign.in"]._remembered(request.cookies.get(COOKIE, ""))


def _remember(response, browser, seconds):
    response.set_cookie(COOKIE, browser, max_age=seconds, path=BASE, httponly=True, samesite="Lax")
    return response


def _age(sign_in):
    return (fields.Datetime.now() - sign_in.auth_time).total_seconds()


def _without_asking(sign_in, remembered):
    if not remembered:
        error = OAuthError("login_required", "Nobody has signed in lately enough")
        return _return(sign_in.redirect_uri, sign_in.state, _as_answer(error))
    sign_in._continue(remembered)
    return _return_code(sign_in)


def _return_code(sign_in):
    return _return(sign_in.redirect_uri, sign_in.state, {"code": sign_in._give_code()})


def _return(address, state, answer):
    """Back to the relying party; an authorization response tells its issuer (RFC 9207)."""
    if answer:
        answer = {**answer, "iss": _provider()._issuer()}
    parameters = {**answer, **({"state": state} if state else {})}
    if parameters:
        address = f"{address}?{urlencode(parameters)}"
    response = request.redirect(address, code=303, local=False)
    response.headers["Cache-Control"] = "no-store"
    return response


def _as_answer(error):
    return {"error": error.code, "error_description": error.description}


def _ask(sign_in, form, problem=None):
    people = request.env["g2p.spar.demo.person"].search([])
    return _page(
        "sign_in",
        form=form,
        people=people,
        one_time_code=sign_in.one_time_code,
        claims=(sign_in.claims or "").split(),
        problem=problem,
    )


def _out_of_date():
    problem = request.env._("This page is out of date: begin again.")
    return _page("error", status=400, problem=problem)


def _page(name, status=200, **values):
    lang = request.env["res.lang"]._get_data(code=request.env.lang or "en_US")
    values = {
        "base": BASE,
        "problem": None,
        "html_lang": languages.tag(lang.code or "en"),
        "html_dir": lang.direction or "ltr",
        **values,
    }
    html = request.env["ir.qweb"]._render(f"g2p_spar_demo.identity_provider_{name}", values)
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": POLICY,
        "Content-Type": "text/html; charset=utf-8",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return request.make_response(f"<!DOCTYPE html>\n{html}", headers, status=status)
