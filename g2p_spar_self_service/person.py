# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from dataclasses import dataclass
from typing import Any, Literal

from odoo.addons.g2p_spar_connector.g2p_connect.values import Actor

# How long one call of the mapper may take while a person waits for a page, and a worker with them.
MAPPER_SECONDS = 8


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """Who is before us: `request.spar_person` on routes with `auth="spar_beneficiary"`.

    `id` is theirs by the provider's or the rule's word, never by the request's. Its `repr` tells
    nothing, so that no log does.

    :param kind: signed in at a provider ("beneficiary"), likewise at an agent's screen
        ("assisted"), or as a user of this site ("portal")
    :param name: verified name, empty where unknown; likewise `email` and `phone`
    :param session: the `g2p.spar.beneficiary.session` of who has signed in at a provider, else
        empty; superuser mode
    :param user: the `res.users` of a portal user, else empty; superuser mode
    :param connector: the way to the mapper, superuser mode; empty where none is configured
    :param agent: the `res.users` who helps, superuser mode; None where nobody does
    """

    id: str
    kind: Literal["beneficiary", "assisted", "portal"]
    name: str
    email: str
    phone: str
    session: Any
    user: Any
    connector: Any
    agent: Any = None

    def actor(self, reason: str | None = None) -> Actor:
        """On whose behalf the mapper is called. History gets no name of a person: it must be
        possible to forget them."""
        if self.agent:
            name = f"{self.session.provider_id.name}, {self.agent.name}"
            return Actor("beneficiary", "agent", name, user_id=self.agent.id, reason=reason)
        if self.session:
            return Actor("beneficiary", "portal", self.session.provider_id.name, reason=reason)
        return Actor("beneficiary", "portal", "", user_id=self.user.id, reason=reason)
