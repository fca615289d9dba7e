# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
import time

import werkzeug.exceptions

from odoo.http import Controller, request, root, route

from odoo.addons.g2p_spar_connector.secret import SealBroken, SecretKeyMissing

from .. import languages, oidc
from ..models.g2p_spar_beneficiary_session_assisted import AgentBusy, AgentRefused
from ..models.g2p_spar_signin_attempt import TooManyAttempts, new_binding
from ..web import (
    AGENT_PATH,
    ASSISTED,
    BINDING,
    HANDLE,
    LANDING_PATH,
    REFUSED,
    SIGNED_IN_PATH,
    WAS_HERE,
    is_secure,
    local_path,
    no_store,
    only_reads,
    page,
    redirect,
    site_company,
    site_url,
)
from .pages import show

_logger = logging.getLogger(__name__)


class SignIn(Controller):
    @route(LANDING_PATH, type="http", auth="public", methods=["GET"], readonly=only_reads)
    def landing(self, return_to="", ended="", **_parameters):
        """Where people choose how to sign in."""
        if elsewhere := _with_the_agent():
            return elsewhere
        company, rules = site_company(), request.env["g2p.spar.id.rule"]
        user = request.env.user if request.session.uid else None
        known_user = bool(user and rules.portal_person(user))
        is_agent = request.env["g2p.spar.assisted.check"].is_agent(request.env.user)
        for_portal = rules.has_portal_rules(company)
        providers = request.env["g2p.spar.signin.provider"].offered(company)
        values = {
            "providers": providers,
            "return_to": local_path(return_to) if return_to else "",
            "ended": bool(ended),
            "unknown": bool(for_portal and user and not known_user and not is_agent),
            "signed_in": known_user or bool(request.session.get(HANDLE)),
            "is_agent": is_agent,
            "for_portal": for_portal,
            "logged_in": bool(user),
        }
        posts_to = providers.pages()
        return page("g2p_spar_self_service.page_landing", values, posts_to=posts_to)

    @route(
        f"{LANDING_PATH}/sign-in/<int:provider_id>", type="http", auth="public", methods=["POST"]
    )
    def sign_in(self, provider_id, return_to="", **_parameters):
        """Send the person to a provider."""
        if elsewhere := _with_the_agent():
            return elsewhere
        offered = request.env["g2p.spar.signin.provider"].offered(site_company())
        provider = offered.filtered(lambda provider: provider.id == provider_id)
        if not provider:
            raise werkzeug.exceptions.NotFound()
        # at an agent's screen, somebody else may be signed in there still
        is_agent = request.env["g2p.spar.assisted.check"].is_agent(request.env.user)
        # so it may be with a telephone that has gone to other hands
        return begin(
            provider, local_path(return_to), afresh=is_agent, asks_again=_somebody_was_here()
        )

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
            if _is_at_an_agents_screen(attempt):
                request.env["g2p.spar.assisted.sign.in"].note(
                    attempt.provider_id, identity, claimed.since
                )
            if attempt.purpose != "confirm":
                request.env["g2p.spar.beneficiary.session"].check_limit(identity)
            return _FINISH[attempt.purpose](attempt, identity)
        except oidc.OidcProblem as problem:
            _logger.info("Sign-in at provider %s: %s", attempt.provider_id.id, problem)
            return _failed(problem.kind, 503 if problem.kind == "unavailable" else 403)
        except TooManyAttempts:
            return _failed("too_many", 429)
        except (SealBroken, SecretKeyMissing) as error:
            _logger.error("Sign-in at provider %s: %s", attempt.provider_id.id, error)
            return _failed("unavailable", 503)

    @route(f"{LANDING_PATH}/sign-out", type="http", auth="public", methods=["POST"])
    def sign_out(self, **_parameters):
        """End the session here, and offer to do so at the provider."""
        session = _recall()
        provider, id_token = session.provider_id, session.id_token() if session else ""
        session.end("agent")
        _forget_everybody()
        if not provider.end_session_endpoint:
            return redirect(LANDING_PATH)
        return signed_out("page_signed_out", provider, id_token)


def signed_out(template, provider, id_token="", status=200, **values):
    """A page from which people sign out at a provider as well, where it offers that.

    :param str id_token: the provider's; without one, it asks the person first. Of whom an agent
        helps there is none: the agent could read it in the page
    """
    members = sign_out_members(provider, id_token)
    return show(
        template,
        {"provider": provider, "members": members, **values},
        status=status,
        posts_to=[provider.end_session_endpoint, provider.issuer] if members else (),
    )


def sign_out_members(provider, id_token=""):
    """What a form sends to a provider to sign a person out there; empty where it offers that not.

    :rtype: dict[str, str]
    """
    if not provider.end_session_endpoint:
        return {}
    locales = " ".join(languages.tags(request.env.lang))
    return oidc.logout.form(provider.client_id, id_token, site_url(LANDING_PATH), locales)


def begin(
    provider,
    return_path,
    session=None,
    purpose_ref=None,
    agent=None,
    afresh=False,
    asks_again=False,
):
    """Send the person to a provider; with a session, to confirm something by signing in anew.

    :param str return_path: already one of `local_path`
    :param session: of the person, `request.spar_person.session`
    :param str purpose_ref: what for; see `take_confirmation` of the session
    :param agent: `res.users` at whose screen the person signs in, to be helped
    :param bool afresh: see `begin` of attempts, as for `asks_again`
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
            agent=agent,
            afresh=afresh,
            asks_again=asks_again,
        )
    except TooManyAttempts:
        return _failed("too_many", 429)
    except (SealBroken, SecretKeyMissing) as error:
        _logger.error("Sign-in at provider %s: %s", provider.id, error)
        return _failed("unavailable", 503)
    return no_store(request.redirect(url, local=False))


def _identify(attempt, claimed, parameters):
    """Who has come back, all checks passed; raises `oidc.OidcProblem`."""
    provider = attempt.provider_id.recollect()
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
            afresh=attempt.purpose != "sign_in",
            last_auth_time=attempt.session_id.told_auth_time(),
            closely=bool(attempt.session_id.agent_id),
        ),
        request.env["g2p.spar.signin.key.set"].source(provider),
        time.time(),
    )


def _with_the_agent():
    """Where to go from where people sign in alone, while an agent helps somebody in this browser or
    has until just now; None where none does. It would begin a session that names no agent."""
    if request.env["ir.http"]._spar_assisted(seen=False):
        return redirect(AGENT_PATH)
    if request.session.pop(ASSISTED, None):
        return redirect(f"{AGENT_PATH}?ended=1")
    return None


def _is_at_an_agents_screen(attempt):
    helped_in = request.session.get(ASSISTED)
    return bool(helped_in or attempt.agent_id or attempt.session_id.agent_id)


def _start_session(attempt, identity):
    """Whoever was signed in before in this browser is not any more, users of Odoo included."""
    if elsewhere := _with_the_agent():
        return elsewhere
    if request.env["g2p.spar.assisted.sign.in"].covers(attempt.provider_id, identity):
        # of somebody whom an agent helped in this browser, and who has gone: who is there now?
        if attempt.purpose == "afresh":
            raise oidc.OidcProblem("The provider tells a sign-in at an agent's screen", "level")
        return begin(attempt.provider_id, attempt.return_path, afresh=True)
    before = _recall()
    sessions = request.env["g2p.spar.beneficiary.session"]
    _session, handle = sessions.start(attempt.provider_id, identity)
    before.end("replaced")
    _forget_everybody()
    request.session[HANDLE] = handle
    return redirect(attempt.return_path)


def _start_assisted(attempt, identity):
    """The agent stays logged in; who was helped before is not any more."""
    agent = attempt.agent_id
    if agent != request.env.user or not request.env["g2p.spar.assisted.check"].is_agent(agent):
        _logger.info("Return: another user is logged in than the agent who began this")
        return _refused(attempt, "other_user", 403)
    _recall().end("replaced")
    for name in (HANDLE, ASSISTED):
        request.session.pop(name, None)
    sessions = request.env["g2p.spar.beneficiary.session"]
    try:
        session, handle = sessions.start_assisted(attempt.provider_id, identity, agent)
    except AgentRefused as refusal:
        _rotate()
        return _refused(attempt, refusal.reason, 200)
    except AgentBusy:
        return _failed("restart", 400)
    _rotate()  # at once: this session is good with the new id alone
    session.bind(request.session.sid)
    request.session[ASSISTED] = handle
    return redirect(attempt.return_path)


def _confirm(attempt, identity):
    """Only who is signed in confirms, and only as who they are."""
    session = _recall()
    if not session or session != attempt.session_id:
        raise oidc.OidcProblem("The session that asked for a confirmation is over")
    if attempt.provider_id != session.provider_id or not session.is_of(identity):
        raise oidc.OidcProblem("Another person signed in to confirm", "person")
    session.confirm(attempt.purpose_ref, identity.auth_time)
    _rotate()
    if session.agent_id:
        session.bind(request.session.sid)
    return redirect(attempt.return_path)


def _rotate():
    """A new session id, as at every sign-in. Before that comes whatever may fail: if Odoo tries
    once more, the browser has the cookie of before."""
    request.env.flush_all()
    root.session_store.rotate(request.session, request.env)


def _refused(attempt, reason, status):
    """Whoever has signed in cannot be helped, and is signed out there. Why, is said here and, since
    the page leads on by itself, on the agent's page once more."""
    request.session[REFUSED] = reason
    text = request.env["g2p.spar.assisted.check"].text(reason)
    return signed_out("page_agent_ended", attempt.provider_id, status=status, reason=text)


def _recall():
    """The session at a provider that this web session has, with an agent's help or without; to be
    written."""
    if request.session.get(ASSISTED):
        return request.env["ir.http"]._spar_assisted(seen=False)
    sessions = request.env["g2p.spar.beneficiary.session"]
    return sessions.recall(request.session.get(HANDLE), seen=False)


def _somebody_was_here():
    """Whether somebody has signed in in this web session before."""
    return not request.session.keys().isdisjoint((HANDLE, WAS_HERE))


def _forget_everybody():
    """Leave nothing in the web session but the language and that somebody was here, under a new
    session id. What may fail comes before, see `_rotate`."""
    request.env.flush_all()
    lang, was_here = request.env.lang, _somebody_was_here()
    request.session.logout(keep_db=True)
    request.session.context["lang"] = lang
    if was_here:
        request.session[WAS_HERE] = True


def _failed(kind, status):
    if request.session.get(ASSISTED):  # whom the agent helps is said on every page
        request.spar_person = request.env["ir.http"]._spar_person()
    return page("g2p_spar_self_service.page_failed", {"kind": kind}, status=status)


# What a return leads to, by what the attempt was begun for.
_FINISH = {
    "sign_in": _start_session,
    "afresh": _start_session,
    "confirm": _confirm,
    "assisted": _start_assisted,
}
