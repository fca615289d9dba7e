# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What every page of ours has: where it is, and what a browser may do with it."""

import ipaddress
import re
from urllib.parse import urlencode, urlsplit

from odoo.http import request
from odoo.tools import config

from . import languages, sentences

LANDING_PATH = "/my/financial-address"
HOME_PATH = f"{LANDING_PATH}/address"
SIGNED_IN_PATH = f"{LANDING_PATH}/signed-in"
AGENT_PATH = f"{LANDING_PATH}/agent"

# What the web session holds: a beneficiary session's handle, whether there was one before, the
# handle of one which an agent has begun for somebody, why an agent could not begin one, and what
# binds attempts to it.
HANDLE = "spar_beneficiary"
WAS_HERE = "spar_was_here"
ASSISTED = "spar_assisted"
REFUSED = "spar_refused"
BINDING = "spar_binding"

_LOCAL = re.compile(rf"{LANDING_PATH}(?:/[A-Za-z0-9_-]+)*")
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # addresses hold codes on the way back from a provider
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action {form_action}"
)
# What proxies add. A request with one of these did not come straight from its sender.
_FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")


def only_reads(_controller, _rule, _arguments):
    """For routes of pages (`readonly`): nothing is written for people who are no users of this
    site. What is noted of their session is so in a transaction of its own.

    Whoever has signed in reads nothing from a replica that may lag behind: neither the session
    that has just begun or ended, nor the change that was just asked for."""
    signed_in = bool(request.session.get(HANDLE))
    return not request.session.uid and (not signed_in or _replica_is_the_server())


def _replica_is_the_server():
    replica, server = ((config[f"{db}_host"], config[f"{db}_port"]) for db in ("db_replica", "db"))
    return not replica[0] or replica == server


def page(template, values, status=200, posts_to=()):
    """A page of ours, rendered with our layout.

    :param posts_to: addresses elsewhere that a form of it leads to, at once or by a redirect
    """
    company = site_company().recollect()
    values = {
        "contact_text": company.spar_contact,
        "csrf_token": request.csrf_token,
        "person": getattr(request, "spar_person", None),
        **_language_values(),
        **sentences.ALL,
        **values,
    }
    html = request.env["ir.qweb"]._render(template, values)
    response = request.make_response(
        f"<!DOCTYPE html>\n{html}", [("Content-Type", "text/html; charset=utf-8")], status=status
    )
    return no_store(response, form_action=_form_action(posts_to))


def no_store(response, form_action="'self'"):
    """An answer that nobody keeps, frames, or learns of by a referrer."""
    response.headers.extend(_HEADERS)
    response.headers["Content-Security-Policy"] = _POLICY.format(form_action=form_action)
    return response


def error_page(status):
    """What a person reads instead of an error of HTTP.

    :param int status: from 400 on
    """
    return page("g2p_spar_self_service.page_error", {"status": status}, status=status)


def redirect(path):
    """To a page of this site."""
    return no_store(request.redirect(path))


def local_path(path):
    """A path of our own pages to go on to, the start page for anything else."""
    is_local = isinstance(path, str) and len(path) <= 200 and _LOCAL.fullmatch(path)
    return path if is_local else HOME_PATH


def site_company():
    """The company whose site this is: its providers and texts are shown; superuser mode."""
    return request.env["ir.http"]._spar_company()


def is_secure():
    """Whether what the browser and we tell each other is for nobody else's eyes: by https, or
    within this machine. What a request says of its host tells nothing."""
    httprequest = request.httprequest
    return httprequest.scheme == "https" or (not config["proxy_mode"] and _is_local(httprequest))


def site_url(path):
    """An address of this site as the browser has it: the provider knows each that may be used."""
    return f"{request.httprequest.host_url.rstrip('/')}{path}"


def _language_values():
    """The language of a page, and links to the others; none where there is only one."""
    offered = request.env["ir.http"]._spar_languages()
    current = request.env.lang or "en_US"
    names = languages.own_names({code: data.name for code, data in offered.items()})
    here = _here()
    return {
        "html_lang": languages.tag(current),
        "html_dir": request.env["res.lang"]._get_data(code=current).direction or "ltr",
        "languages": [
            {
                "tag": languages.tag(code),
                "name": name,
                "href": None if code == current else f"{here}{urlencode({'lang': code})}",
            }
            for code, name in names.items()
            if len(names) > 1
        ],
    }


def _here():
    """Where a page is to be had in another language, up to the parameter that says in which."""
    httprequest = request.httprequest
    path = httprequest.path
    if httprequest.method not in ("GET", "HEAD"):
        routes = request.env["ir.http"].routing_map().bind_to_environ(httprequest.environ)
        if "GET" not in routes.allowed_methods(path):
            path = LANDING_PATH
    if path.startswith(SIGNED_IN_PATH):  # a return is good once
        path = LANDING_PATH
    return_to = path == LANDING_PATH and httprequest.args.get("return_to")
    query = f"{urlencode({'return_to': return_to})}&" if return_to else ""
    return f"{path}?{query}"


def _is_local(httprequest):
    if any(name in httprequest.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(httprequest.remote_addr or "").is_loopback
    except ValueError:
        return False


def _form_action(addresses):
    """Browsers hold redirects against it too: those of a provider lead to its own pages."""
    origins = {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, addresses)}
    return " ".join(["'self'", *sorted(origins)])
