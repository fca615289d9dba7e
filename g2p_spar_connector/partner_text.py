# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""How outcomes are told to people in the back office, in their language."""

from . import partner_result
from .g2p_connect import client, codes
from .g2p_connect.values import Item, Outcome, Result

_UNSAID = (Outcome.RETRY, Outcome.OTHER)


class PartnerTexts:
    """The texts of one call; `env` is that of the user."""

    def __init__(self, env):
        self._of_contact = {
            partner_result.ID_MISSING: env._("No ID rule gives this contact an ID."),
            partner_result.NO_CONNECTOR: env._(
                "There is no connector to a mapper for this contact's company, or the company is "
                "not among yours."
            ),
            partner_result.NO_PAYEE: env._("There is nobody to be paid for this contact."),
            partner_result.QUEUED: env._("Kept in the outbox until the mapper has it."),
        }
        self._of_mapper = {
            Outcome.DONE: env._("Done."),
            Outcome.UNCHANGED: env._("This address was on record already."),
            Outcome.ID_ACTIVE: env._("An address is on record."),
            Outcome.ID_INACTIVE: env._("The address is suspended."),
            Outcome.ID_NOT_FOUND: env._("No address is linked to this ID."),
            Outcome.ID_INVALID: env._("The mapper does not take this ID."),
            Outcome.ID_NOT_ALLOWED: env._(
                "The mapper does not let this address be changed: it is suspended, or the person "
                "chose it."
            ),
            Outcome.ALREADY_LINKED: env._("An address is linked already: change it instead."),
            Outcome.NOT_LINKED: env._("No address is linked yet: link one."),
            Outcome.FA_EMPTY: env._("The address is missing."),
            Outcome.FA_INVALID: env._("The address is refused."),
            Outcome.FA_NOT_ALLOWED: env._("The mapper does not take this address from us."),
            Outcome.SCOPE_NOT_SUPPORTED: env._("The mapper does not show addresses to us."),
            Outcome.RETRY: env._("The mapper gave no answer; try again later."),
            Outcome.OTHER: env._("The mapper did not do it."),
        }
        self.waits = env._("An earlier change of this contact waits in the outbox.")
        self._of_client = {
            client.AWAY: env._("The mapper is away; try again later."),
            client.UNCERTAIN: env._("The mapper went away; whether this was done is not known."),
            client.REFUSED: env._("The mapper refused the message; see the connector."),
            client.UNANSWERED: env._("The mapper did not answer this."),
            client.CONTRADICTORY: env._("The mapper's answer does not fit the question."),
        }

    def of_contact(self, outcome: str, problem: str | None = None) -> str:
        """
        :param outcome: one of `partner_result.PARTNER_OUTCOMES`
        :param problem: what is wrong with the reference of this contact
        """
        text = self._of_contact[outcome]
        return f"{text} ({problem})" if problem else text

    def of_item(self, operation: str, item: Item, result: Result) -> str:
        """`of_mapper`, without words of the mapper that repeat what is for nobody's eyes."""
        text = self.of_mapper(operation, result)
        if repeats(text, item):
            return self.of_mapper(operation, result._replace(message=None))
        return text

    def of_mapper(self, operation: str, result: Result) -> str:
        """What the mapper said in words of its own is kept: it names the field at fault."""
        outcome, message = result.outcome, result.message
        standard = codes.reason("strict", operation, outcome).text
        text = self._of_mapper.get(outcome) or standard or str(outcome)
        if not message or message == standard:
            return text
        if outcome in _UNSAID:
            return self._of_client.get(message, message)
        return f"{text} ({message})"


def repeats(text: str, item: Item) -> bool:
    """Whether a text has the ID or address of an item in it."""
    said = text.lower()
    return any(value.lower() in said for value in (item.id, item.fa) if value)
