# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import timedelta

from odoo import api, fields, models

from odoo.addons.g2p_spar_connector.secret import digest

ACCOUNT_PURPOSE = "assisted account"
LOCK_PURPOSE = "assisted account lock"
SHARED_PARAMETER = "g2p_spar.assisted_shared_accounts"
# With so many other people somebody may share an account, such as those of one household.
SHARED_WITH = 2
COUNTED_FOR = timedelta(days=400)
GC_LIMIT = 10_000


class G2pSparAssistedLink(models.Model):
    """That with an agent's help somebody asked to be paid to an account: what shows an agent who
    has many people paid to one account. Digests alone; neither ID nor account can be read.
    """

    _name = "g2p.spar.assisted.link"
    _description = "Account Asked For in Assisted Sessions"
    _log_access = False
    _allow_sudo_commands = False

    agent_id = fields.Many2one("res.users", required=True, ondelete="cascade")
    account_digest = fields.Char(required=True, groups=fields.NO_ACCESS)
    person_digest = fields.Char(required=True, groups=fields.NO_ACCESS)
    asked_at = fields.Datetime(required=True)

    _account_unique = models.UniqueIndex("(agent_id, account_digest, person_digest)")
    _person_idx = models.Index("(person_digest)")
    _asked_idx = models.Index("(asked_at)")

    # === BUSINESS METHODS === #

    @api.private
    def is_shared(self, person, account):
        """Whether this agent has helped too many others to be paid to an account.

        :param Person person: with an agent
        :param assisted_account.Keys account:
        """
        self.env.cr.execute(
            """SELECT count(DISTINCT person_digest) FROM g2p_spar_assisted_link
            WHERE agent_id = %s AND account_digest = ANY(%s) AND person_digest <> %s
                AND asked_at >= %s""",
            [
                person.agent.id,
                _digests(account.sought),
                self.env["g2p.spar.change"].digest_of(person.id),
                fields.Datetime.now() - COUNTED_FOR,
            ],
            log_exceptions=False,
        )
        return self.env.cr.fetchone()[0] > self._shared_with()

    @api.private
    def lock(self, person):
        """Make others who are about to count an account of this agent wait until this transaction
        ends, so that two at once do not pass together."""
        key = digest(LOCK_PURPOSE, str(person.agent.id))
        self.env.cr.execute(
            "SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(key[:8], signed=True)]
        )

    @api.private
    def note(self, person, account):
        """Count that a person asks to be paid to an account; call it while the agent is locked."""
        self.env.cr.execute(
            """INSERT INTO g2p_spar_assisted_link
                (agent_id, account_digest, person_digest, asked_at)
            SELECT %s, unnest(%s::varchar[]), %s, %s
            ON CONFLICT (agent_id, account_digest, person_digest)
                DO UPDATE SET asked_at = EXCLUDED.asked_at""",
            [
                person.agent.id,
                _digests(account.noted),
                self.env["g2p.spar.change"].digest_of(person.id),
                fields.Datetime.now(),
            ],
            log_exceptions=False,
        )
        self.invalidate_model()

    @api.private
    def forget_people(self, person_digests):
        """Count these people no more.

        :return: how many rows there were
        :rtype: int
        """
        links = self.sudo().search([("person_digest", "in", person_digests)])
        count = len(links)
        links.unlink()
        return count

    def _shared_with(self):
        value = self.env["ir.config_parameter"].sudo().get_param(SHARED_PARAMETER)
        return int(value) if value else SHARED_WITH

    @api.autovacuum
    def _gc(self):
        before = fields.Datetime.now() - COUNTED_FOR
        old = self.search([("asked_at", "<", before)], limit=GC_LIMIT)
        count = len(old)
        old.unlink()
        return count, count == GC_LIMIT


def _digests(keys):
    return [digest(ACCOUNT_PURPOSE, key).hex() for key in sorted(keys)]
