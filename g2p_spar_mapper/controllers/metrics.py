# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import hmac
import ipaddress
import urllib.parse

from odoo import SUPERUSER_ID
from odoo.http import Controller, Response, request, route

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.settings import get_setting

from ..api import METRICS
from ..prometheus import CONTENT_TYPE

# Any of them, or another that begins with X-Forwarded, says that a proxy asks for somebody else.
_FORWARDED = {"forwarded", "via", "x-real-ip"}


class Metrics(Controller):
    @route(METRICS, type="spar", content="none", auth="none", methods=["GET"], readonly=True)
    def metrics(self):
        """Prometheus' text, for programs on this machine and for those that have the token
        ``metrics_token`` of the configuration."""
        if not (_has_token() or _is_local()):
            raise SparHttpError(
                401,
                "err.request.unauthorized",
                "Metrics are for this machine, or for who has their token.",
                headers={"WWW-Authenticate": 'Bearer realm="SPAR metrics"'},
            )
        request.update_env(user=SUPERUSER_ID)
        return Response(request.env["g2p.spar.metrics"].text(), content_type=CONTENT_TYPE)


def _has_token():
    expected = get_setting("metrics_token")
    scheme, _, token = request.httprequest.headers.get("Authorization", "").partition(" ")
    if not expected or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(expected.encode(), token.strip().encode())


def _is_local():
    """Whether it comes from this machine straight, and names this machine: a web page that has
    its name point here does not."""
    headers, environ = request.httprequest.headers, request.httprequest.environ
    names = {name.lower() for name in headers.keys()}
    if names & _FORWARDED or any(name.startswith("x-forwarded") for name in names):
        return False
    if "authorization" in names or not _is_loopback(environ["REMOTE_ADDR"]):
        return False
    try:
        named = urllib.parse.urlsplit(f"//{headers.get('Host', '')}").hostname
    except ValueError:
        return False
    return named == "localhost" or _is_loopback(named)


def _is_loopback(address):
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback
