# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Whether a request comes from this machine, and to it.

The demonstration identity provider lets everybody sign in as anybody it knows: no other machine
may reach it, not by way of a proxy either.
"""

import ipaddress
from urllib.parse import urlsplit

from odoo.tools import config

# What a proxy adds. One that adds nothing and names this machine as the host cannot be told from a
# person at this machine: never install the demonstration where others come through a proxy.
TRACES = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")


def is_loopback(host: str) -> bool:
    """Of an address, or of a name that never leaves the machine (RFC 6761 section 6.3)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refusal(httprequest) -> str | None:
    """Why the request is not answered; None = it is.

    :param httprequest: Odoo's
    """
    interface = config["http_interface"]
    if not is_loopback(interface or ""):
        return "Odoo listens on more than a loopback address: set http_interface = 127.0.0.1."
    if config["proxy_mode"]:
        return "Odoo is set up to stand behind a proxy: unset proxy_mode."
    headers = httprequest.headers
    trace = next((name for name in TRACES if name in headers), None)
    if trace:
        return f"The request came by way of a proxy: it has the header {trace}."
    if not is_loopback(httprequest.environ.get("REMOTE_ADDR", "")):
        return "The request came from another machine."
    if not is_loopback(urlsplit(f"//{httprequest.host}").hostname or ""):
        return "The request names another host than this machine: use 127.0.0.1."
    return None
