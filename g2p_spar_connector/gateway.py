# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The one way out: callbacks, key sets, sign-in providers and other mappers are called from here.

A request goes by https to a host named by the record that asks for it. The host's address is
looked up once, checked, and connected to: what the name says a moment later does not matter.
No redirects, no proxies and no credentials from the environment, no cookies, no decompression;
bounded in time and size. Built on `http.client`, which has none of these to switch off.

Settings: `outgoing_networks` (networks that may be called although they are not public),
`outgoing_ca_file` (certificate authorities beside the system's).
"""

import http.client
import io
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Collection, Mapping
from functools import cache
from typing import NamedTuple

from .settings import get_setting

URL_MAX_LENGTH = 2048
DEFAULT_PORTS = {"https": 443, "http": 80}

_LABEL = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_URL = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])"
    r"(?P<port>:[0-9]{1,5})?(?P<target>(?:/[!$-;=?-\[\]_a-z~]*)?)",
    re.ASCII | re.IGNORECASE,
)
# The system's resolver reads names that end in a number as an address: 127.1, 0x7f000001.
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.ASCII | re.IGNORECASE)

# IANA's registries of special-purpose addresses, and what clouds answer to their machines on.
_NOT_PUBLIC = [
    ipaddress.ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
]
_PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")


class GatewayError(Exception):
    """A request without an answer. The text names the host, and never a path or a query."""


class GatewayRefused(GatewayError):
    """Nothing was sent, nor will be until an address or a setting is changed."""


class GatewayFailed(GatewayError):
    """The network or the other side failed; a later try may succeed.

    `maybe_sent` is False when the request cannot have reached the other side.
    """

    def __init__(self, message: str, maybe_sent: bool):
        super().__init__(message)
        self.maybe_sent = maybe_sent


class Reply(NamedTuple):
    """An answer of any status, redirects included. Names of `headers` are found in any case."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Target(NamedTuple):
    """A URL that the gateway may be asked for."""

    scheme: str
    host: str  # lower case; an IPv6 address without brackets
    port: int
    path: str  # with the query

    @property
    def origin(self) -> str:
        """`host`, with `:port` unless it is the scheme's own: as `hosts` names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse_url(url: str) -> Target:
    """Take a URL apart: `https://host[:port][/path[?query]]` in printable ASCII.

    Raises `GatewayRefused` for everything else: other schemes (plain http is left to the check of
    addresses), user names, fragments, addresses in other than their usual form.
    """
    found = _URL.fullmatch(url) if len(url) <= URL_MAX_LENGTH else None
    if not found:
        raise GatewayRefused(
            "The URL must have the form https://host[:port]/path, in ASCII and without a user name"
        )
    scheme, host = found["scheme"].lower(), found["host"].lower()
    port = int(found["port"][1:]) if found["port"] else DEFAULT_PORTS[scheme]
    if not 0 < port < 65536:
        raise GatewayRefused("The URL's port must lie between 1 and 65535")
    if host.startswith("[") or _ENDS_IN_NUMBER.fullmatch(host):
        host = _literal_address(host.strip("[]"))
    return Target(scheme, host, port, found["target"] or "/")


def _literal_address(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        raise GatewayRefused("The URL's host is neither a name nor an IP address") from None


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    hosts: Collection[str],
    timeout: tuple[float, float] = (3, 10),
    max_bytes: int = 1_000_000,
) -> Reply:
    """Send a body.

    :param hosts: hosts that the record allows, as `Target.origin` writes them
    :param timeout: seconds for connecting, and for everything together
    :param max_bytes: the largest body of an answer
    :raise GatewayRefused: the URL, its host or its address is not allowed
    :raise GatewayFailed: no answer, or one that cannot be read within the limits
    """
    return _exchange("POST", url, body, headers, hosts, timeout, max_bytes)


def get(
    url: str,
    *,
    hosts: Collection[str],
    headers: Mapping[str, str] | None = None,
    timeout: tuple[float, float] = (3, 10),
    max_bytes: int = 1_000_000,
) -> Reply:
    """Fetch something; like `post`."""
    return _exchange("GET", url, None, headers or {}, hosts, timeout, max_bytes)


def _exchange(method, url, body, headers, hosts, timeout, max_bytes) -> Reply:
    target = parse_url(url)
    if target.origin not in {host.lower() for host in hosts}:
        raise GatewayRefused(f"{target.origin}: not among the hosts allowed here")
    connect_seconds, total_seconds = timeout
    deadline = time.monotonic() + total_seconds
    addresses = _allowed_addresses(target)
    with _connect(target, addresses, connect_seconds, deadline) as sock:
        try:
            return _converse(_Timed(sock, deadline), method, target, body, headers, max_bytes)
        except TimeoutError:
            reason = f"no complete answer within {total_seconds} s"
        except ssl.SSLError as error:
            reason = _ssl_reason(error)
        except OSError as error:
            reason = error.strerror or "the connection broke"
        except http.client.HTTPException as error:
            reason = f"the answer is no HTTP ({type(error).__name__})"
    raise GatewayFailed(f"{target.origin}: {reason}", maybe_sent=True)


# --- addresses ---


def _allowed_addresses(target: Target) -> list[tuple]:
    """Where to connect to, as `(family, socket address)`. One bad address spoils them all: a name
    that leads to both is an attempt, or a mistake."""
    networks = _outgoing_networks()
    addresses = _resolve(target)
    for _family, address in addresses:
        if not _is_allowed(ipaddress.ip_address(address[0]), target.scheme, networks):
            raise GatewayRefused(_why_not(target, address[0]))
    return addresses


def _resolve(target: Target) -> list[tuple]:
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError:
        raise GatewayFailed(f"{target.origin}: the name has no address", False) from None
    return [(family, address) for family, _type, _protocol, _name, address in found]


def _outgoing_networks() -> list:
    words = [word.strip() for word in (get_setting("outgoing_networks") or "").split(",")]
    try:
        return [ipaddress.ip_network(word) for word in words if word]
    except ValueError as error:
        raise GatewayRefused(f"Setting outgoing_networks: {error}") from None


def _is_allowed(address, scheme, networks) -> bool:
    opened = any(address in network for network in networks)
    if scheme == "http":
        return opened and address.is_loopback
    return opened or _is_public(address)


def _is_public(address) -> bool:
    """Addresses of IPv6 that carry one of IPv4 (mapped, translated, tunnelled) are not public."""
    if address.version == 6 and address not in _PUBLIC_IPV6:
        return False
    return not any(address in network for network in _NOT_PUBLIC)


def _why_not(target: Target, address: str) -> str:
    if target.scheme == "http":
        return (
            f"{target.origin}: must be called by https (plain http is for loopback addresses in "
            f"the setting outgoing_networks)"
        )
    return (
        f"{target.origin}: its address {address} is not public and in no network of the setting "
        f"outgoing_networks"
    )


# --- connection ---


def _connect(target, addresses, seconds, deadline) -> socket.socket:
    """The first of the addresses that takes the connection, with TLS for the host's name."""
    context = _context() if target.scheme == "https" else None
    reason = "no address"
    for family, address in addresses:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(min(seconds, _left(deadline)))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return context.wrap_socket(sock, server_hostname=target.host) if context else sock
        except TimeoutError:
            reason = f"no connection within {seconds} s"
        except ssl.SSLError as error:
            reason = _ssl_reason(error)
        except OSError as error:
            reason = error.strerror or "no connection"
        sock.close()
    raise GatewayFailed(f"{target.origin}: {reason}", maybe_sent=False)


@cache
def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    own_authorities = get_setting("outgoing_ca_file")
    if own_authorities:
        try:
            context.load_verify_locations(own_authorities)
        except OSError:
            raise GatewayRefused("Setting outgoing_ca_file: cannot be read") from None
    return context


def _ssl_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted ({error.verify_message.rstrip('.')})"
    return f"TLS failed ({error.reason or 'unknown'})"


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Timed(io.RawIOBase):
    """A socket as `http.client` uses it, each step of which ends by the deadline: time-outs of
    sockets begin anew with each byte."""

    def __init__(self, sock: socket.socket, deadline: float):
        self._sock = sock
        self._deadline = deadline

    def sendall(self, data):
        view = memoryview(data)
        while view:
            self._sock.settimeout(_left(self._deadline))
            view = view[self._sock.send(view) :]

    def makefile(self, _mode):
        return io.BufferedReader(self)

    def readable(self):
        return True

    def readinto(self, buffer):
        self._sock.settimeout(_left(self._deadline))
        return self._sock.recv_into(buffer)

    def close(self):
        """Not the socket, which `http.client` lets go of before the answer has been read."""


def _converse(sock, method, target, body, headers, max_bytes) -> Reply:
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.sock = sock
    own = {"Host": target.origin, "Connection": "close", "Accept-Encoding": "identity"}
    connection.request(method, target.path, body, {**headers, **own})
    response = connection.getresponse()
    # One byte more than allowed tells; nothing but the limit is ever held.
    content = response.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise GatewayFailed(f"{target.origin}: the answer exceeds {max_bytes} bytes", True)
    if response.length:
        raise http.client.IncompleteRead(b"")
    return Reply(response.status, response.headers, content)
