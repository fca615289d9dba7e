# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..agent_name import told_name


class G2pSparChange(models.Model):
    """Changes that people have asked for with the help of an agent."""

    _inherit = "g2p.spar.change"

    # plain ids and a copied name: these rows are history
    agent_id = fields.Integer("Agent Database ID", readonly=True)
    agent_name = fields.Char("Agent", readonly=True)
    assisted_session_id = fields.Integer(
        "Assisted Session Database ID", readonly=True, index="btree_not_null"
    )
    cancel_agent_id = fields.Integer("Cancelling Agent Database ID", readonly=True)
    cancel_agent_name = fields.Char("Cancelled With Agent", readonly=True)
    cancel_session_id = fields.Integer(
        "Cancelling Session Database ID", readonly=True, index="btree_not_null"
    )

    @api.private
    def ask(self, person, operation, old, new, is_first=False):
        """Extension: count to which accounts an agent has people paid.

        :raise UserError: to this one there are too many
        """
        if not (person.agent and new):
            return super().ask(person, operation, old, new, is_first)
        checks = self.env["g2p.spar.assisted.check"]
        with self.env.cr.savepoint():  # of what is refused for another reason, nothing is counted
            reason = checks.count_account(person, new["fa"])
            if not reason:
                return super().ask(person, operation, old, new, is_first)
        raise UserError(checks.refuse(person, reason, new["label"]))

    @api.private
    def help_told(self):
        """One sentence that says who has helped to ask for it, empty where nobody has.

        :rtype: str
        """
        if not self.agent_id:
            return ""
        if name := told_name(self.agent_name or ""):
            return self.env._("The agent %s helped you with it.", name)
        return self.env._("An agent helped you with it.")

    @api.private
    def cancel_help_told(self):
        """One sentence that says who has helped to cancel it, empty where nobody has.

        :rtype: str
        """
        if not self.cancel_agent_id:
            return ""
        if name := told_name(self.cancel_agent_name or ""):
            return self.env._("The agent %s helped you to cancel it.", name)
        return self.env._("An agent helped you to cancel it.")

    def _who(self, person):
        """Extension: name both. Whoever stops the change does not log the agent out."""
        values = super()._who(person)
        if not person.agent:
            return values
        assisted = self.env["g2p.spar.assisted.session"].of_session(person.session)
        return {
            **values,
            "user_id": False,
            "agent_id": person.agent.id,
            "agent_name": person.agent.name,
            "assisted_session_id": assisted.id,
        }

    def _cancelled_values(self, person):
        """Extension: with whose help."""
        values = super()._cancelled_values(person)
        if not (person and person.agent):
            return values
        assisted = self.env["g2p.spar.assisted.session"].of_session(person.session)
        return {
            **values,
            "cancel_agent_id": person.agent.id,
            "cancel_agent_name": person.agent.name,
            "cancel_session_id": assisted.id,
        }

    def _actor(self):
        actor = super()._actor()
        return actor._replace(user_id=self.agent_id) if self.agent_id else actor

    def _notice_text(self, notice):
        """Extension: say that an agent has helped."""
        helped = self.cancel_help_told() if notice == "cancelled" else self.help_told()
        return f"{super()._notice_text(notice)} {helped}".strip()

    def _lang_for(self, person):
        """Extension: that of the person, not that of the agent's pages."""
        return person.session._lang_of(person.id) if person.agent else super()._lang_for(person)
