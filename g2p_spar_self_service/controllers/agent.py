# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import werkzeug.exceptions

from odoo.http import Controller, request, route

from ..web import AGENT_PATH, ASSISTED, HOME_PATH, REFUSED, redirect, site_company
from .pages import show
from .sign_in import begin, sign_out_members, signed_out


class Agent(Controller):
    """Where agents begin and end to help people; in between they are on the pages of the person,
    see ``_auth_method_spar_beneficiary``."""

    @route(AGENT_PATH, type="http", auth="user", methods=["GET"])
    def agent(self, ended="", **_parameters):
        """Whom the agent helps now, or how to begin; and what they have done today."""
        if not _is_agent():
            return _for_agents_only()
        helped = request.env["ir.http"]._spar_assisted()
        if not helped and request.session.pop(ASSISTED, None):
            ended = "1"  # by itself, just now
        providers = request.env["g2p.spar.signin.provider"].offered(site_company())
        refused = request.session.pop(REFUSED, None)
        assisted = request.env["g2p.spar.assisted.session"].of_today(request.env.user)
        end_there = _end_there(assisted[:1]) if ended and not helped else None
        values = {
            "helped": helped and helped.person(),
            "ended": ended and not helped,
            "refused": refused and request.env["g2p.spar.assisted.check"].text(refused),
            "end_there": end_there,
            "providers": providers,
            "sessions": assisted,
            "limits": request.env["g2p.spar.beneficiary.session"].assisted_limits(),
        }
        posts_to = providers.pages() + (end_there or {}).get("posts_to", [])
        return show("page_agent", values, posts_to=posts_to)

    @route(f"{AGENT_PATH}/begin/<int:provider_id>", type="http", auth="user", methods=["POST"])
    def begin_session(self, provider_id, **_parameters):
        """Send the person to a provider, at this screen."""
        if not _is_agent():
            return _for_agents_only()
        if request.env["ir.http"]._spar_assisted():
            return redirect(AGENT_PATH)
        request.session.pop(ASSISTED, None)
        offered = request.env["g2p.spar.signin.provider"].offered(site_company())
        provider = offered.filtered(lambda provider: provider.id == provider_id)
        if not provider:
            raise werkzeug.exceptions.NotFound()
        return begin(provider, HOME_PATH, agent=request.env.user)

    @route(f"{AGENT_PATH}/end", type="http", auth="user", methods=["POST"])
    def end_session(self, **_parameters):
        """End to help the person, and offer to sign them out at the provider."""
        session = request.env["ir.http"]._spar_assisted(seen=False)
        request.session.pop(ASSISTED, None)
        if not session:  # of two clicks, the browser shows what the second one gets
            return redirect(f"{AGENT_PATH}?ended=1")
        provider = session.provider_id
        # the id of the web session stays: the second click has it too
        session.end("agent")
        return signed_out("page_agent_ended", provider, reason=None)


def _is_agent():
    return request.env["g2p.spar.assisted.check"].is_agent(request.env.user)


def _for_agents_only():
    reason = request.env._("This page is for agents. Your account on this site is no agent's.")
    return show("page_refused", {"reason": reason}, status=403)


def _end_there(assisted):
    """A form that signs the person of a session at the provider out, which asks them first: the
    session has ended by itself, and nothing is known of them any more."""
    provider = assisted.sudo().session_id.provider_id
    members = sign_out_members(provider)
    if not members:
        return None
    return {
        "provider": provider,
        "action": provider.end_session_endpoint,
        "members": members,
        "posts_to": [provider.end_session_endpoint, provider.issuer],
    }
