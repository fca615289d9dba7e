# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Whom a request comes from, as far as that can be known.

Setting `trusted_proxies` (section `[g2p_spar]`, or `SPAR_TRUSTED_PROXIES`): addresses and networks
of our own reverse proxies, separated by commas. What a request says about its way counts only as
far as these wrote it. Plain Python.
"""

import ipaddress
import logging
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from odoo.addons.g2p_spar_connector.settings import get_setting

_logger = logging.getLogger(__name__)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# What proxies add. A request with one of these did not come straight from its sender.
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")


def client_address(environ: dict) -> Address | None:
    """The sender's address, or None where it cannot be told.

    :param environ: of WSGI. Odoo's proxy mode replaces REMOTE_ADDR by what the request says, also
        when no proxy has written that; the connection's own address is taken here.
    """
    original = environ.get("werkzeug.proxy_fix.orig") or environ
    peer = _parse(original.get("REMOTE_ADDR") or "")
    if peer is None:
        return None
    if not _is_trusted(peer):
        return None if any(name in environ for name in _FORWARDED) else peer
    # Each proxy appends whom it has heard from: the first from the right that is none of ours.
    for hop in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        address = _parse(hop.strip())
        if address is None or not _is_trusted(address):
            return address
    return None


def charged_address(environ: dict) -> str:
    """Whose limit counts. Where no proxies are named, whatever Odoo takes for the sender's address
    in its proxy mode; else, for what no named proxy has passed on, the connection's own."""
    known = client_address(environ)
    if known:
        return str(known)
    if trusted_proxies():
        environ = environ.get("werkzeug.proxy_fix.orig") or environ
    return environ["REMOTE_ADDR"]


def parse_network(text: str) -> Network:
    """An address or a network (CIDR); raises ValueError."""
    network = ipaddress.ip_network(text.strip())
    if network.version == 6 and network.network_address.ipv4_mapped:
        raise ValueError("write IPv4 networks in the form of IPv4")
    return network


@cache
def trusted_proxies() -> tuple[Network, ...]:
    """None at all when the setting is malformed."""
    try:
        texts = (get_setting("trusted_proxies") or "").split(",")
        return tuple(parse_network(text) for text in texts if text.strip())
    except ValueError as error:
        _logger.error("trusted_proxies in [g2p_spar]: %s; no proxy is trusted", error)
        return ()


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in trusted_proxies())


def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
