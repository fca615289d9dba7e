# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
import time

import werkzeug.exceptions

from odoo.http import Controller, request, route

from odoo.addons.g2p_spar_connector.secret import SealBroken, SecretKeyMissing

from .. import oidc
from ..models.g2p_spar_signin_attempt import TooManyAttempts, new_binding
from ..web import (
    BINDING,
    HANDLE,
    LANDING_PATH,
    SIGNED_IN_PATH,
    is_secure,
    local_path,
    no_store,
    page,
    redirect,
    site_url,
)

_logger = logging.getLogger(__name__)


class SignIn(Controller):
    @route(LANDING_PATH, type="http", auth="public", methods=["GET"])
    def landing(self, return_to="", ended="", **_parameters):
        """Where people choose how to sign in."""
        providers = request.env["g2p.spar.signin.provider"].offered(request.env.company)
        values = {
            "providers": providers,
            "return_to": local_path(return_to) if return_to else "",
            "ended": bool(ended),
            "signed_in": bool(request.session.get(HANDLE) or request.session.uid),
            "for_portal": request.env["g2p.spar.id.rule"].has_portal_rules(request.env.company),
        }
        posts_to = providers.pages()
        return page("g2p_spar_self_service.page_landing", values, posts_to=posts_to)

    @route(
        f"{LANDING_PATH}/sign-in/<int:provider_id>", type="http", auth="public", methods=["POST"]
    )
    def sign_in(self, provider_id, return_to="", **_parameters):
        """Send the person to a provider."""
        offered = request.env["g2p.spar.signin.provider"].offered(request.env.company)
        provider = offered.filtered(lambda provider: provider.id == provider_id)
        if not provider:
            raise werkzeug.exceptions.NotFound()
        return begin(provider, local_path(return_to))

    @route(f"{SIGNED_IN_PATH}/<int:provider_id>", type="http", auth="public", methods=["GET"])
    def signed_in(self, provider_id, **_parameters):
        """Where a provider sends people back to: each to an address of its own, so that the code
        of one never goes to another (RFC 9700 section 4.4.2.2)."""
        parameters = request.httprequest.args.to_dict(flat=False)
        attempts = request.env["g2p.spar.signin.attempt"]
        state = oidc.authorization.state_of(parameters)
        claimed = attempts.claim(state, request.session.get(BINDING))
        if not claimed:
            return _failed("restart", 400)
        attempt = attempts.sudo().browse(claimed.attempt_id)
        try:
            if attempt.provider_id.id != provider_id:
                raise oidc.OidcProblem("Return: to the address of another provider")
            identity = _identify(attempt, claimed, parameters)
            finish = _confirm if attempt.purpose == "confirm" else _start_session
            return finish(attempt, identity)
        except oidc.OidcProblem as problem:
            _logger.info("Sign-in at provider %s: %s", attempt.provider_id.id, problem)
            return _failed(problem.kind, 503 if problem.kind == "unavailable" else 403)
        except (SealBroken, SecretKeyMissing) as error:
            _logger.error("Sign-in at provider %s: %s", attempt.provider_id.id, error)
            return _failed("unavailable", 503)

    @route(f"{LANDING_PATH}/sign-out", type="http", auth="public", methods=["POST"])
    def sign_out(self, **_parameters):
        """End the session here, and offer to do so at the provider."""
        session = request.env["g2p.spar.beneficiary.session"].recall(request.session.get(HANDLE))
        provider, id_token = session.provider_id, session.id_token() if session else ""
        session.end()
        _forget_everybody()
        if not (id_token and provider.end_session_endpoint):
            return redirect(LANDING_PATH)
        lang = (request.env.lang or "").replace("_", "-")
        members = oidc.logout.form(provider.client_id, id_token, site_url(LANDING_PATH), lang)
        values = {"provider": provider, "members": members}
        return page(
            "g2p_spar_self_service.page_signed_out",
            values,
            posts_to=[provider.end_session_endpoint, provider.issuer],
        )


def begin(provider, return_path, session=None, purpose_ref=None):
    """Send the person to a provider; with a session, to confirm something by signing in anew.

    :param str return_path: already one of `local_path`
    :param session: of the person, `request.spar_person.session`
    :param str purpose_ref: what for; see `take_confirmation` of the session
    """
    if not is_secure():
        return _failed("insecure", 403)
    binding = request.session.get(BINDING)
    if not binding:
        binding = request.session[BINDING] = new_binding()
    try:
        url = request.env["g2p.spar.signin.attempt"].begin(
            provider,
            binding,
            request.httprequest.remote_addr or "",
            site_url(provider.signed_in_path()),
            return_path,
            session=session,
            purpose_ref=purpose_ref,
        )
    except TooManyAttempts:
        return _failed("too_many", 429)
    except (SealBroken, SecretKeyMissing) as error:
        _logger.error("Sign-in at provider %s: %s", provider.id, error)
        return _failed("unavailable", 503)
    return no_store(request.redirect(url, local=False))


def _identify(attempt, claimed, parameters):
    """Who has come back, all checks passed; raises `oidc.OidcProblem`."""
    provider = attempt.provider_id
    if not provider.active or provider.problem:
        raise oidc.OidcProblem("The provider is not offered any more", "unavailable")
    client = provider.client()
    return oidc.flow.complete(
        client,
        oidc.authorization.code_of(parameters, client),
        claimed.secrets.verifier,
        attempt.redirect_uri,
        oidc.id_token.Expected(
            claimed.secrets.nonce,
            claimed.since,
            afresh=attempt.purpose == "confirm",
            last_auth_time=attempt.session_id.told_auth_time(),
        ),
        request.env["g2p.spar.signin.key.set"].source(provider),
        time.time(),
    )


def _start_session(attempt, identity):
    """Whoever was signed in before in this browser is not any more, users of Odoo included."""
    sessions = request.env["g2p.spar.beneficiary.session"]
    session, handle = sessions.start(attempt.provider_id, identity)
    (sessions.recall(request.session.get(HANDLE)) - session).end()
    _forget_everybody()
    request.session[HANDLE] = handle
    return redirect(attempt.return_path)


def _confirm(attempt, identity):
    """Only who is signed in confirms, and only as who they are."""
    session = request.env["g2p.spar.beneficiary.session"].recall(request.session.get(HANDLE))
    if not session or session != attempt.session_id:
        raise oidc.OidcProblem("The session that asked for a confirmation is over")
    if attempt.provider_id != session.provider_id or not session.is_of(identity):
        raise oidc.OidcProblem("Another person signed in to confirm", "person")
    session.confirm(attempt.purpose_ref, identity.auth_time)
    # a new session id, as at every sign-in
    request.session.should_rotate = True
    return redirect(attempt.return_path)


def _forget_everybody():
    """Leave nothing in the web session but the language, under a new session id."""
    lang = request.env.lang
    request.session.logout(keep_db=True)
    request.session.context["lang"] = lang


def _failed(kind, status):
    return page("g2p_spar_self_service.page_failed", {"kind": kind}, status=status)
