# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging

from odoo import api, fields, models, tools
from odoo.exceptions import UserError

from odoo.addons.g2p_spar_connector.g2p_connect.values import Actor, ResolveItem
from odoo.addons.g2p_spar_connector.secret import SecretKeyMissing
from odoo.addons.g2p_spar_fa_directory.financial_address import (
    BANK,
    EMAIL_WALLET,
    MOBILE_WALLET,
    FaError,
)
from odoo.addons.g2p_spar_fa_directory.ids import id_key

from .. import current_address
from ..assisted_account import account_keys, bank_keys, is_same_phone, number_key, phone_key
from ..current_address import CurrentAddress
from .g2p_spar_agent_own import KEPT
from .g2p_spar_change import address_digest
from .g2p_spar_self_service import CannotChange

_logger = logging.getLogger(__name__)

# In one session: whoever goes on after so many tries accounts out.
REFUSALS_AT_MOST = 10
AGENT_GROUP = "g2p_spar_self_service.group_agent"


class G2pSparAssistedCheck(models.AbstractModel):
    """What agents must not do with the sessions of others: help themselves, or have people paid to
    an account of their own or to one and the same.

    What an agent's own is, is known as far as their contact says: IDs that ID rules give to it,
    bank accounts, telephone number, e-mail addresses, and the account on record for those IDs, or
    about to be. What was is remembered, see ``g2p.spar.agent.own``; of accounts that they have
    changed here, the changes tell.
    """

    _name = "g2p.spar.assisted.check"
    _description = "What Agents Must Not Do"

    @api.private
    def is_agent(self, user):
        """Whether a user may help others."""
        user = user.sudo()
        return bool(user and user.active and user.has_group(AGENT_GROUP))

    @api.private
    def refused_person(self, agent, person_id, contacts):
        """Why an agent cannot help a person.

        :param str person_id: the ID
        :param dict contacts: verified `email` and `phone` of the person
        :return: reason of a ``g2p.spar.assisted.refusal``, None where there is none
        :rtype: str | None
        """
        if id_key(person_id) in set(map(id_key, self._own_ids(agent))):
            return "own_id"
        was_own = self.env["g2p.spar.agent.own"].has
        if was_own(agent, {_key("id", id_key(person_id))}):
            return "own_id"
        email, phone = contacts["email"].lower(), phone_key(contacts["phone"])
        # notices would reach the agent, and nobody else
        if email in self._own_emails(agent) or self._is_own_phone(agent, phone):
            return "own_contact"
        told = {EMAIL_WALLET: email, MOBILE_WALLET: phone}
        if was_own(agent, {_key(kind, value) for kind, value in told.items() if value}):
            return "own_contact"
        return None

    @api.private
    def refused_account(self, person, fa):
        """Why an agent cannot help a person to be paid to an account.

        :param Person person: with an agent
        :param str fa: the address
        :return: as of `refused_person`
        :rtype: str | None
        :raise CannotChange: the mapper gives no answer about the agent's own account
        """
        [address] = self.env["g2p.fa.directory"].parse_fas([fa])
        if self._is_own_number(person.agent, address):
            return "own_account"
        account, own = account_keys(address, fa), self.env["g2p.spar.agent.own"]
        found = self._own_on_record(person)
        own.note(person.agent, self._own_accounts(person.agent, found))
        was_own = own.has(person.agent, {_key("account", key) for key in account.sought})
        if was_own or self._was_on_record(person.agent, fa):
            return "own_account"
        if any(current.state == current_address.ON_HOLD for current in found):
            return "own_on_hold"
        links = self.env["g2p.spar.assisted.link"]
        return "shared_account" if links.is_shared(person, account) else None

    @api.private
    def count_account(self, person, fa):
        """Count that a person asks to be paid to an account; others who do so wait.

        :return: as of `refused_account`: then it is not counted
        :rtype: str | None
        """
        [address] = self.env["g2p.fa.directory"].parse_fas([fa])
        account, links = account_keys(address, fa), self.env["g2p.spar.assisted.link"]
        links.lock(person)
        if links.is_shared(person, account):
            return "shared_account"
        links.note(person, account)
        return None

    @api.private
    def refuse(self, person, reason, account_masked):
        """Keep a refusal for supervisors.

        :return: what the agent is told
        :rtype: str
        """
        assisted = self.env["g2p.spar.assisted.session"].of_session(person.session)
        assisted.note_refusal(reason, account_masked)
        if assisted.refusal_count >= REFUSALS_AT_MOST:
            person.session.end("refused")
        return self.text(reason)

    @api.private
    def text(self, reason):
        """What an agent is told of a refusal."""
        return {
            "own_id": self.env._(
                "This is your own ID. For yourself, sign in at the start page like everybody else."
            ),
            "own_contact": self.env._(
                "The e-mail address or telephone number of this person is yours, so messages would "
                "reach you. Another agent has to help."
            ),
            "old_sign_in": self.env._(
                "This sign-in was used for an earlier session. The person has to sign in anew."
            ),
            "other_user": self.env._(
                "Another user of this site has logged in meanwhile, so nobody can be helped with "
                "this sign-in. Begin again."
            ),
            "own_account": self.env._(
                "This account is yours. You cannot have others paid to it. Enter the account of "
                "the person whom you help."
            ),
            "own_on_hold": self.env._(
                "Your own record is on hold, so this account cannot be compared with yours. "
                "Another agent has to help."
            ),
            "shared_account": self.env._(
                "With your help, several other people asked to be paid to this account. Nobody "
                "else can be added. Enter an account of this person's own, or send them to the "
                "office."
            ),
        }[reason]

    # === WHAT IS AN AGENT'S OWN === #

    @api.private
    def note_own(self, users):
        """Remember what is the own of those among users who are agents, before it changes.

        :param users: `res.users`
        """
        for agent in users.filtered(self.is_agent):
            try:
                self.env["g2p.spar.agent.own"].note(agent, self._own_keys(agent))
            except SecretKeyMissing as error:  # then nobody can be helped either
                _logger.warning("Agent %s: %s", agent.id, error)

    @api.private
    @tools.ormcache()
    def own_fields(self):
        """Fields of a contact that tell what is an agent's own, those of ID rules among them.

        :rtype: frozenset[str]
        """
        rules = self.env["g2p.spar.id.rule"].sudo().search_fetch([], ["field_name"])
        return frozenset({"email", "phone", *rules.mapped("field_name")})

    def _own_keys(self, agent):
        """What the contact of an agent says, as it is remembered."""
        own = {
            "id": map(id_key, self._own_ids(agent)),
            EMAIL_WALLET: self._own_emails(agent),
            MOBILE_WALLET: self._own_phones(agent),
        }
        keys = {_key(kind, value) for kind, values in own.items() for value in values if value}
        return keys | self._own_bank_keys(agent)

    def _own_ids(self, agent):
        partner = agent.sudo().partner_id
        rules = self.env["g2p.spar.id.rule"].sudo().search([("active", "=", True)])
        made = [rule.make_ids(partner)[0].get(partner.id) for rule in rules]
        # of documents that have expired too
        made += [rule.void_ids(partner).get(partner.id) for rule in rules]
        return [made_id for made_id in made if made_id]

    def _own_emails(self, agent):
        agent = agent.sudo()
        emails = (agent.login, agent.partner_id.email_normalized, agent.partner_id.email)
        return {email.strip().lower() for email in emails if email}

    def _own_phones(self, agent):
        agent = agent.sudo()
        # there may be digits in an e-mail address, too
        login = "" if "@" in agent.login else agent.login
        numbers = (login, agent.partner_id.phone)
        return set(filter(None, (phone_key(number or "") for number in numbers)))

    def _is_own_number(self, agent, address):
        """Whether the contact of an agent has this number, at whichever provider."""
        if isinstance(address, FaError) or address.is_opaque:
            return False
        was_own = self.env["g2p.spar.agent.own"].has
        if address.fa_type == BANK:
            sought = bank_keys(address.number).sought
            return bool(sought & self._own_bank_keys(agent)) or was_own(agent, sought)
        number = number_key(address.fa_type, address.number)
        if not number:
            return False
        if was_own(agent, {_key(address.fa_type, number)}):
            return True
        if address.fa_type == MOBILE_WALLET:
            return self._is_own_phone(agent, number)
        return number in self._own_emails(agent)

    def _is_own_phone(self, agent, phone):
        return any(is_same_phone(phone, own) for own in self._own_phones(agent))

    def _own_bank_keys(self, agent):
        banks = self.env["res.partner.bank"].sudo().with_context(active_test=False)
        accounts = banks.search([("partner_id", "=", agent.sudo().partner_id.id)])
        return {key for account in accounts for key in bank_keys(account.acc_number).noted}

    def _own_on_record(self, person):
        """What is on record for the IDs of an agent, by the mapper of the person.

        :rtype: list[CurrentAddress]
        :raise CannotChange: see `refused_account`
        """
        ids = self._own_ids(person.agent)
        if not ids:
            return []
        items = [
            ResolveItem(str(number), own_id, scope="details") for number, own_id in enumerate(ids)
        ]
        reason = "comparison with the agent's own address"
        actor = Actor("system", "agent", person.agent.name, person.agent.id, reason=reason)
        try:
            results = person.connector.resolve_items(actor, items, parts=True)
        except UserError:  # the connector leads to no mapper
            raise CannotChange(CurrentAddress(current_address.AWAY)) from None
        found = list(map(current_address.read, results))
        if any(current.state == current_address.AWAY for current in found):
            raise CannotChange(CurrentAddress(current_address.AWAY))
        return found

    def _own_accounts(self, agent, found):
        """What an agent has on record, and what they have asked to have there, as it is remembered.

        :param list[CurrentAddress] found: on record
        """
        changes = self.env["g2p.spar.change"]
        asked_for = [changes.pending_of(own_id).new_fa() for own_id in self._own_ids(agent)]
        strings = [fa for fa in (*asked_for, *(current.fa for current in found)) if fa]
        addresses = self.env["g2p.fa.directory"].parse_fas(strings)
        return {
            _key("account", key)
            for address, fa in zip(addresses, strings, strict=True)
            for key in account_keys(address, fa).noted
        }

    def _was_on_record(self, agent, fa):
        """Whether an agent has asked here to be paid elsewhere than to an address, lately."""
        changes = self.env["g2p.spar.change"].sudo()
        domain = [
            ("person_digest", "in", [changes.digest_of(own_id) for own_id in self._own_ids(agent)]),
            ("old_digest", "=", address_digest(fa)),
            ("requested_at", ">=", fields.Datetime.now() - KEPT),
        ]
        return bool(changes.search_count(domain, limit=1))


def _key(kind, value):
    """Under which something is remembered as an agent's own."""
    return f"{kind} {value}"
