# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import timedelta

from odoo import api, fields, models

from odoo.addons.g2p_spar_connector.secret import digest

OWN_PURPOSE = "agent own"
KEPT = timedelta(days=400)
GC_LIMIT = 10_000


class G2pSparAgentOwn(models.Model):
    """What was an agent's own: agents may edit their contacts, and change their own account. Keyed
    digests alone, nothing can be read. See ``g2p.spar.assisted.check``.
    """

    _name = "g2p.spar.agent.own"
    _description = "What Was an Agent's Own"
    _log_access = False
    _allow_sudo_commands = False

    agent_id = fields.Many2one("res.users", required=True, ondelete="cascade")
    own_digest = fields.Char(required=True, groups=fields.NO_ACCESS)
    seen_at = fields.Datetime(required=True)

    _own_unique = models.UniqueIndex("(agent_id, own_digest)")
    _seen_idx = models.Index("(seen_at)")

    # === BUSINESS METHODS === #

    @api.private
    def note(self, agent, keys):
        """Keep what is an agent's own now.

        :param agent: `res.users`
        :param set[str] keys: see `_own_keys` of the agent's checks
        """
        now = fields.Datetime.now()
        self.env.cr.execute(
            """INSERT INTO g2p_spar_agent_own (agent_id, own_digest, seen_at)
            SELECT %s, unnest(%s::varchar[]), %s
            ON CONFLICT (agent_id, own_digest) DO UPDATE SET seen_at = EXCLUDED.seen_at
                WHERE g2p_spar_agent_own.seen_at < EXCLUDED.seen_at - interval '1 day'""",
            [agent.id, _digests(keys), now],
            log_exceptions=False,
        )
        self.invalidate_model()

    @api.private
    def has(self, agent, keys):
        """Whether one of these was an agent's own within 400 days."""
        domain = [("agent_id", "=", agent.id), ("own_digest", "in", _digests(keys))]
        since = fields.Datetime.now() - KEPT
        return bool(self.sudo().search([*domain, ("seen_at", ">=", since)], limit=1))

    @api.autovacuum
    def _gc(self):
        old = self.search([("seen_at", "<", fields.Datetime.now() - KEPT)], limit=GC_LIMIT)
        count = len(old)
        old.unlink()
        return count, count == GC_LIMIT


def _digests(keys):
    return [digest(OWN_PURPOSE, key).hex() for key in sorted(keys)]
