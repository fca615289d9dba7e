# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What every page of ours has: where it is, and what a browser may do with it."""

import ipaddress
import re
from urllib.parse import urlsplit

from odoo.http import request
from odoo.tools import config

LANDING_PATH = "/my/financial-address"
HOME_PATH = f"{LANDING_PATH}/address"
SIGNED_IN_PATH = f"{LANDING_PATH}/signed-in"

# What the web session holds: a beneficiary session's handle, and what binds attempts to it.
HANDLE = "spar_beneficiary"
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


def page(template, values, status=200, posts_to=()):
    """A page of ours, rendered with our layout.

    :param posts_to: addresses elsewhere that a form of it leads to, at once or by a redirect
    """
    values = {
        "csrf_token": request.csrf_token,
        "html_lang": (request.env.lang or "en").replace("_", "-"),
        "person": getattr(request, "spar_person", None),
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


def redirect(path):
    """To a page of this site."""
    return no_store(request.redirect(path))


def local_path(path):
    """A path of our own pages to go on to, the start page for anything else."""
    is_local = isinstance(path, str) and len(path) <= 200 and _LOCAL.fullmatch(path)
    return path if is_local else HOME_PATH


def is_secure():
    """Whether what the browser and we tell each other is for nobody else's eyes: by https, or
    within this machine. What a request says of its host tells nothing."""
    httprequest = request.httprequest
    return httprequest.scheme == "https" or (not config["proxy_mode"] and _is_local(httprequest))


def site_url(path):
    """An address of this site as the browser has it: the provider knows each that may be used."""
    return f"{request.httprequest.host_url.rstrip('/')}{path}"


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
