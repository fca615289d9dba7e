# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Where the results of asynchronous messages go. Plain Python without the ORM."""

import ipaddress
from typing import NamedTuple

from odoo.addons.g2p_spar_connector.gateway import GatewayRefused, Target, parse_url

_ACTIONS = {"status": "txn/on-status"}


class CallbackAddressRefused(Exception):
    """The text says what is wrong, without the address."""


class CallbackPolicy(NamedTuple):
    """What a participant's record allows.

    :param url: base address of its callbacks, when a message names none; None = none.
    :param hosts: hosts, as ``gateway.Target.origin`` writes them, that a message may name.
    """

    url: str | None = None
    hosts: frozenset = frozenset()

    def address(self, operation: str, sender_uri: str | None, profile: str) -> str | None:
        """Where the callback of a message goes; None = nowhere.

        In G2P-Connect 1.0.0 ``sender_uri`` is the whole address, in OpenG2P 1.x its base.

        :raise CallbackAddressRefused: the message names an address that the record does not allow.
        """
        if not sender_uri:
            return self.url and with_action(self.url, operation)
        if _parse(sender_uri).origin not in self.hosts:
            raise CallbackAddressRefused("its host is not among those agreed upon")
        return sender_uri if profile == "strict" else with_action(sender_uri, operation)


def with_action(url: str, operation: str) -> str:
    """The address with ``/on-<operation>`` at its end, for a status ``/txn/on-status``."""
    url, action = url.rstrip("/"), _ACTIONS.get(operation, f"on-{operation}")
    return url if url.endswith(f"/{action}") else f"{url}/{action}"


def check_base(url: str) -> str:
    """The host of an address to which actions can be appended.

    :raise CallbackAddressRefused:
    """
    target = _parse(url)
    if "?" in target.path:
        raise CallbackAddressRefused("The URL must have no query")
    return target.origin


def _parse(url: str) -> Target:
    try:
        target = parse_url(url)
    except GatewayRefused as error:
        raise CallbackAddressRefused(str(error)) from None
    if target.scheme == "http" and not _is_loopback(target.host):
        raise CallbackAddressRefused("The URL must begin with https://")
    return target


def _is_loopback(host: str) -> bool:
    """On a registry for trying things out; the gateway's settings decide."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse_hosts(text: str) -> frozenset[str]:
    """Hosts separated by blanks or commas, each ``name`` or ``name:port``.

    :raise CallbackAddressRefused:
    """
    return frozenset(map(_parse_host, text.replace(",", " ").split()))


def _parse_host(word: str) -> str:
    try:
        target = parse_url(f"https://{word}")
    except GatewayRefused:
        target = None
    if target is None or target.path != "/" or "/" in word:
        raise CallbackAddressRefused(f"{word}: must be a host, with :port where it is not 443")
    return target.origin
