# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import ipaddress
import math
from operator import attrgetter

from odoo import api, models, tools

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.g2p_connect.values import Outcome

from ..rate_limit import Limit, shared_table

# What an item costs. Misses and refusals are what somebody gets who goes through IDs.
HIT_COST = 1
MISS_COST = 3
REJECTED_WRITE_COST = 3
# What a refused request costs at the token endpoint, where a token costs 1, and a message without
# a bearer token that is not its sender's, where others cost 0.
REFUSED_SIGN_IN_COST = 10

TOKENS_PER_ADDRESS = 300
TOKENS_PER_CLIENT = 60

_WRITES = frozenset({"link", "update", "unlink"})
# RETRY is no fault of the sender's.
_HITS = frozenset(
    {
        Outcome.ID_ACTIVE,
        Outcome.ID_INACTIVE,
        Outcome.FA_ACTIVE,
        Outcome.FA_INACTIVE,
        Outcome.RETRY,
    }
)
_WRITTEN = frozenset({Outcome.DONE, Outcome.UNCHANGED, Outcome.RETRY})
_outcome = attrgetter("outcome")


class TooManyRequests(SparHttpError):
    """429, with the seconds to wait in the header ``Retry-After``."""

    def __init__(self, seconds):
        super().__init__(
            429,
            "err.request.too_many_requests",
            "Too many requests: wait as long as Retry-After says.",
            headers={"Retry-After": str(math.ceil(seconds))},
        )


class G2pSparRateLimit(models.AbstractModel):
    """How much participants may ask for, and who may ask for tokens how often.

    Buckets of items, one per participant for resolve and one for writes. A message is let in while
    there is 1 in its bucket and then charged in full, so the level may fall below zero.
    Buckets are shared by all workers of a host and kept in files beside its access spool; nothing
    is written to the database, and nothing is given back where a transaction fails.
    """

    _name = "g2p.spar.rate.limit"
    _description = "Rate Limits"

    # === PARTICIPANTS === #

    @api.private
    def check(self, participant, operation):
        """Let a message in and charge it with 1, or refuse it, before any work on it.

        :param ParticipantProfile participant:
        :param str operation: whatever is none of link, update and unlink counts as resolve.
        :raise TooManyRequests:
        """
        key, limit = _bucket(participant, operation)
        if limit and (wait := self._buckets("participants").take(key, limit)):
            raise TooManyRequests(wait)

    @api.private
    def charge(self, participant, operation, results, prepaid=1):
        """Charge for what came of the items of a message.

        :param list[Result] results:
        :param int prepaid: what has been charged for them already: by ``check``, or by
            ``charge_receipt``.
        """
        key, limit = _bucket(participant, operation)
        if limit and (cost := _cost(operation, results) - prepaid) > 0:
            self._buckets("participants").charge(key, limit, cost)

    @api.private
    def charge_status(self, participant, told_count, missing_count, prepaid=1):
        """Charge for what somebody is told who asks for the status of messages.

        :param int told_count: items.
        :param int missing_count: what was asked for and is not on record.
        :param int prepaid: like that of ``charge``.
        """
        key, limit = _bucket(participant, "resolve")
        cost = HIT_COST * told_count + MISS_COST * missing_count - prepaid
        if limit and cost > 0:
            self._buckets("participants").charge(key, limit, cost)

    @api.private
    def charge_receipt(self, participant, operation, item_count):
        """Charge for a message that ``check`` let in and that is worked on later: 1 for each item.
        The work then charges the rest: ``charge(..., prepaid=item_count)``."""
        key, limit = _bucket(participant, operation)
        if limit and item_count > 1:
            self._buckets("participants").charge(key, limit, item_count - 1)

    # === SIGN-IN === #

    @api.private
    def check_address(self, address):
        """Let a request for a token in, by where it comes from, and charge it.

        :param address: IP address, or None where it is unknown.
        :raise TooManyRequests:
        """
        if wait := self._buckets("sign-in").take(_address_key(address), self._token_limits()[0]):
            raise TooManyRequests(wait)

    @api.private
    def charge_refused(self, address, prepaid=1):
        """A sign-in was refused: that costs more.

        :param int prepaid: 1 at the token endpoint, where `check_address` has charged that.
        """
        limit = self._token_limits()[0]
        cost = REFUSED_SIGN_IN_COST - prepaid
        self._buckets("sign-in").charge(_address_key(address), limit, cost)

    @api.private
    def check_debt(self, address):
        """Let a message without a bearer token be read, by where it comes from; it costs nothing
        unless it is refused: ``charge_refused(address, prepaid=0)``.

        :raise TooManyRequests:
        """
        if wait := self._buckets("sign-in").wait(_address_key(address), self._token_limits()[0]):
            raise TooManyRequests(wait)

    @api.private
    def check_client(self, participant):
        """Let a client have another token, once it has proven who it is: so nobody else can use
        its tokens up.

        :param participant: record.
        :raise TooManyRequests:
        """
        limit = self._token_limits()[1]
        if wait := self._buckets("sign-in").take(f"client {participant.id}", limit):
            raise TooManyRequests(wait)

    @tools.ormcache()
    def _token_limits(self):
        """Limits per address and per client."""
        parameters = self.env["ir.config_parameter"].sudo()
        return tuple(
            make_limit(max(1, int(parameters.get_param(f"g2p_spar.{name}", default))))
            for name, default in (
                ("tokens_per_address", TOKENS_PER_ADDRESS),
                ("tokens_per_client", TOKENS_PER_CLIENT),
            )
        )

    def _buckets(self, name):
        return shared_table(self.env["g2p.spar.access.log"]._spool().directory, name)


def make_limit(per_minute, burst=0):
    """The limit of a bucket into which so much flows per minute; None when that is 0.

    :param burst: what it holds; 0 = as much as flows in per minute.
    :rtype: Limit | None
    """
    return Limit(per_minute / 60, burst or per_minute) if per_minute else None


def _bucket(participant, operation):
    """Key and limit (None: there is none) of a participant's bucket. A limit that was changed is
    another bucket: nobody has to pay a debt off at another rate."""
    writes = operation in _WRITES
    limit = participant.write_limit if writes else participant.resolve_limit
    return f"{participant.id} {'write' if writes else 'resolve'} {limit}", limit


def _cost(operation, results):
    if operation in _WRITES:
        good, bad_cost = _WRITTEN, REJECTED_WRITE_COST
    else:
        good, bad_cost = _HITS, MISS_COST
    good_count = sum(map(good.__contains__, map(_outcome, results)))
    return HIT_COST * good_count + bad_cost * (len(results) - good_count)


def _address_key(address):
    """Whoever has an IPv6 address has 2**64 of them."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return f"address {address}"
    if ip.version == 6 and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return f"address {ipaddress.ip_network((ip, 64), strict=False) if ip.version == 6 else ip}"
