# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import random

from odoo import models

from odoo.addons.g2p_spar_connector.g2p_connect.values import Actor, LinkItem, Outcome, UnlinkItem

PEOPLE = 120
FIRST_NAMES = """Amihan Bayani Celia Dante Elena Felix Gloria Honorio Imelda Jomar Katrina Lito
Marisol Nestor Ofelia Pilar Quirino Rosario Simeon Tala""".split()
LAST_NAMES = """Abad Bautista Cortez Dizon Escano Flores Galang Hilario Ibarra Javier Lacson
Magno Navarro Ocampo Pascual Quiambao Rivera Salonga Tolentino Villar""".split()
PROVIDERS = """bayani luzon visayas mindanao harbour pearl narra pesogo sari tindahan mailpeso
sulatpay""".split()
PARTICIPANTS = (
    "participant_strict",
    "participant_openg2p_1",
    "participant_openg2p_2",
    "participant_bank",
    "participant_payer",
)


class G2pSparDemo(models.AbstractModel):
    """Makes what demonstration data cannot hold: mappings with history, and secrets."""

    _name = "g2p.spar.demo"
    _description = "SPAR Demonstration"

    def _link_people(self):
        """Link some hundred invented people, over three channels, as real ones would be."""
        dice = random.Random(2026)  # noqa: S311 - the same people on every machine
        providers = [self.env.ref(f"g2p_spar_demo.provider_{name}") for name in PROVIDERS]
        items = [self._link_item(dice, number, providers) for number in range(PEOPLE)]
        bank = self.env.ref("g2p_spar_demo.participant_strict")
        reason = "demonstration"
        actors = (
            Actor("participant", "api", bank.name, participant_id=bank.id, reason=reason),
            Actor("beneficiary", "portal", "Beneficiary", reason=reason),
            Actor("staff", "back_office", self.env.user.name, self.env.uid, reason=reason),
        )
        mapper = self.env["g2p.spar.mapper"]
        for start, actor in enumerate(actors):
            for result in mapper.link_items(actor, items[start :: len(actors)]):
                # already linked: the demonstration was installed before
                if not result.succeeded and result.outcome is not Outcome.ALREADY_LINKED:
                    raise ValueError(f"demonstration item {result.reference_id}: {result.outcome}")
        suspended = [UnlinkItem(items[number].reference_id, items[number].id) for number in (7, 31)]
        mapper.suspend_items(actors[2], suspended)

    def _link_item(self, dice, number, providers):
        provider = dice.choice(providers)
        first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
        account = {
            "bank": f"{dice.randrange(10**11, 10**12)}",
            "mobile_wallet": f"9{dice.randrange(10**8, 10**9)}",
            "email_wallet": f"{first}.{last}.{number}@example.org".lower(),
        }[provider.fa_type]
        branches = provider.branch_ids.sorted("id")  # as made or as read, these are in other orders
        branch = dice.choice(branches) if branches else None
        address = self.env["g2p.fa.directory"].construct_fa(provider, account, branch)
        return LinkItem(
            reference_id=str(number),
            id=f"token:{2026000000 + number * 7919}@nationalId",
            fa=address.string,
            name=f"{first} {last}",
            phone_number=f"+639{dice.randrange(10**8, 10**9)}",
        )

    def _participants(self):
        participants = self.env["g2p.spar.participant"]
        for name in PARTICIPANTS:
            participants |= self.env.ref(f"g2p_spar_demo.{name}")
        return participants

    def _setup_credentials(self):
        """Give the demonstration participants new secrets.

        :return: one dict per participant: sender_id, profile, client_id, client_secret,
            operations (bare words), unrestricted.
        :rtype: list[dict]
        """
        credentials = []
        for participant in self._participants():
            authority = participant._authority()
            credentials.append(
                {
                    "sender_id": participant.sender_id,
                    "profile": participant.profile,
                    "client_id": participant.client_id,
                    "client_secret": participant.rotate_secret(),
                    "operations": sorted(authority.operations),
                    "unrestricted": authority.opaque_fas and authority.overrides,
                }
            )
        return credentials
