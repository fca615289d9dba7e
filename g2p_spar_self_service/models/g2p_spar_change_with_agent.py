# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.exceptions import UserError


class G2pSparChange(models.Model):
    """Changes that people have asked for with the help of an agent."""

    _inherit = "g2p.spar.change"

    # plain ids and a copied name: these rows are history
    agent_id = fields.Integer("Agent Database ID", readonly=True)
    agent_name = fields.Char("Agent", readonly=True)
    assisted_session_id = fields.Integer("Assisted Session Database ID", readonly=True)

    _assisted_idx = models.Index("(assisted_session_id) WHERE assisted_session_id IS NOT NULL")

    @api.private
    def ask(self, person, operation, old, new, is_first=False):
        """Extension: count to which accounts an agent has people paid.

        :raise UserError: to this one there are too many
        """
        if person.agent and new:
            checks = self.env["g2p.spar.assisted.check"]
            if reason := checks.count_account(person, new["fa"]):
                raise UserError(checks.refuse(person, reason, new["label"]))
        return super().ask(person, operation, old, new, is_first)

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

    def _actor(self):
        actor = super()._actor()
        return actor._replace(user_id=self.agent_id) if self.agent_id else actor

    def _notice_text(self, notice):
        """Extension: say that an agent has helped."""
        text = super()._notice_text(notice)
        if not self.agent_name:
            return text
        helped = self.env._("The agent %s helped you with it.", self.agent_name)
        return f"{text} {helped}"
