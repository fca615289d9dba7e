# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What a mapper says of one person's address, as pages need it. Plain Python without the ORM."""

from datetime import datetime
from typing import NamedTuple

from odoo.addons.g2p_spar_connector.g2p_connect.values import Outcome, Result
from odoo.addons.g2p_spar_fa_directory.financial_address import EMAIL_WALLET, mask_fa
from odoo.addons.g2p_spar_fa_directory.masking import mask_email, mask_number

LINKED = "linked"
NONE = "none"
ON_HOLD = "on_hold"  # suspended: the mapper tells nobody where
AWAY = "away"  # no answer: linked or not
REFUSED = "refused"  # an answer, but none about an address

_STATES = {
    Outcome.ID_ACTIVE: LINKED,
    Outcome.ID_NOT_FOUND: NONE,
    Outcome.ID_INACTIVE: ON_HOLD,
    Outcome.RETRY: AWAY,
}


class CurrentAddress(NamedTuple):
    """Where a person is paid now.

    `fa` is the address in clear, for comparison and never for a page; `label` is what may be shown
    of it: "HDFC Bank, Andheri: ••••6789". `since` is UTC without a zone, None where the mapper does
    not tell.
    """

    state: str
    fa: str | None = None
    label: str | None = None
    kind: str | None = None
    since: datetime | None = None
    phone: str | None = None

    @property
    def can_change(self) -> bool:
        return self.state in (LINKED, NONE)


def read(result: Result) -> CurrentAddress:
    """What a resolve with details and parts has told."""
    state = _STATES.get(result.outcome, REFUSED)
    if state != LINKED:
        return CurrentAddress(state)
    if not result.fa:  # linked, but the mapper does not show addresses to us
        return CurrentAddress(REFUSED)
    address = result.address
    text = (
        label(address.fa_type, address.provider_name, address.number, address.branch_name)
        if address
        else mask_fa(result.fa)
    )
    kind = address and address.fa_type
    return CurrentAddress(LINKED, result.fa, text, kind, result.since, result.phone_number)


def label(kind: str, provider_name: str, number: str, branch_name: str | None = None) -> str:
    """What may be shown of an address."""
    masked = mask_email(number) if kind == EMAIL_WALLET else mask_number(number)
    place = ", ".join(filter(None, (provider_name, branch_name)))
    return f"{place}: {masked}"
