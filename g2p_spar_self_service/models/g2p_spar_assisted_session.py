# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.g2p_spar_fa_directory.ids import mask_id

KEPT = timedelta(days=400)
GC_LIMIT = 10_000
END_REASONS = [
    ("agent", "Ended by the Agent"),
    ("log_out", "Agent Logged Out"),
    ("idle", "Idle"),
    ("limit", "Time Over"),
    ("replaced", "Another Session Began"),
    ("supervisor", "Ended by a Supervisor"),
    ("stopped", "The Person Stopped a Change"),
    ("provider", "Sign-in Provider Changed"),
    ("refused", "Refused"),
    ("other", "Other"),
]


class G2pSparAssistedSession(models.Model):
    """That an agent has helped a person, for supervisors. It opens nothing: who the person is, and
    what an agent reaches with it, is in the ``g2p.spar.beneficiary.session`` while that lasts.
    """

    _name = "g2p.spar.assisted.session"
    _description = "Assisted Session"
    _order = "id desc"
    _log_access = False
    _allow_sudo_commands = False

    session_id = fields.Many2one(
        "g2p.spar.beneficiary.session",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        groups=fields.NO_ACCESS,
    )
    agent_id = fields.Many2one("res.users", readonly=True, ondelete="set null")
    agent_name = fields.Char(
        "Name Then",
        required=True,
        readonly=True,
        help="Of the agent, who may have changed it since: whose sessions belong together is told "
        "by the user.",
    )
    company_id = fields.Many2one("res.company", readonly=True, ondelete="restrict")
    provider_name = fields.Char("Sign-in Provider", required=True, readonly=True)
    id_masked = fields.Char("Person (masked ID)", readonly=True)
    id_digest = fields.Char(groups=fields.NO_ACCESS, help="Of the ID, as changes have it.")
    started_at = fields.Datetime("Began", required=True, readonly=True)
    ended_at = fields.Datetime("Ended", readonly=True)
    end_reason = fields.Selection(END_REASONS, "Why It Ended", readonly=True)
    change_ids = fields.One2many(
        "g2p.spar.change", "assisted_session_id", "Changes Asked For", readonly=True
    )
    change_count = fields.Integer("Changes", compute="_compute_change_count")
    cancelled_ids = fields.One2many(
        "g2p.spar.change", "cancel_session_id", "Changes Cancelled", readonly=True
    )
    cancelled_count = fields.Integer("Cancelled", compute="_compute_change_count")
    refusal_ids = fields.One2many(
        "g2p.spar.assisted.refusal", "assisted_session_id", "Refusals", readonly=True
    )
    refusal_count = fields.Integer("Refused", readonly=True)

    _agent_idx = models.Index("(agent_id, started_at)")
    _started_idx = models.Index("(started_at)")
    _id_digest_idx = models.Index("(id_digest)")
    _open_idx = models.Index("(id) WHERE ended_at IS NULL")

    # === COMPUTE METHODS === #

    def _compute_change_count(self):
        asked_for = self._count_changes("assisted_session_id")
        cancelled = self._count_changes("cancel_session_id")
        for assisted in self:
            assisted.change_count = asked_for.get(assisted.id, 0)
            assisted.cancelled_count = cancelled.get(assisted.id, 0)

    def _count_changes(self, name):
        domain = [(name, "in", self.ids)]
        changes = self.env["g2p.spar.change"].sudo()
        return dict(changes._read_group(domain, [name], ["__count"]))

    @api.depends("agent_name", "started_at")
    def _compute_display_name(self):
        for assisted in self:
            assisted.display_name = f"{assisted.agent_name}, {assisted.started_at}"

    # === ACTIONS === #

    def action_end(self):
        """End sessions now, for instance because an agent does what agents must not do."""
        if not self.env.user.has_group("g2p_spar_fa_directory.group_manager"):
            raise UserError(self.env._("Your role does not allow this."))
        self.check_access("read")
        self.sudo().session_id.end("supervisor")

    # === BUSINESS METHODS === #

    @api.private
    @api.model
    def begin(self, agent, provider, person_id, session=None):
        """Note that an agent begins to help a person.

        :param agent: `res.users`
        :param provider: at which the person has signed in
        :param str person_id: the ID
        :param session: the beneficiary session; without one, it ends as it begins
        :rtype: G2pSparAssistedSession
        """
        now = fields.Datetime.now()
        ended = {} if session else {"ended_at": now, "end_reason": "refused"}
        return self.sudo().create(
            {
                "session_id": session and session.id,
                "agent_id": agent.id,
                "agent_name": agent.name,
                "company_id": (provider.company_id or agent.company_id).id,
                "provider_name": provider.name,
                "id_masked": mask_id(person_id),
                "id_digest": self.env["g2p.spar.change"].digest_of(person_id),
                "started_at": now,
                "refusal_count": 0,
                **ended,
            }
        )

    @api.private
    def of_session(self, session):
        """The record of a beneficiary session, empty where no agent has begun that."""
        return self.sudo().search([("session_id", "=", session.id)], limit=1)

    @api.private
    def of_today(self, agent):
        """What an agent has begun today, in their time zone, the latest first."""
        zone = pytz.timezone(self.env.context.get("tz") or agent.tz or "UTC")
        today = datetime.combine(datetime.now(zone).date(), time.min)
        since = zone.localize(today).astimezone(pytz.utc).replace(tzinfo=None)
        return self.sudo().search([("agent_id", "=", agent.id), ("started_at", ">=", since)])

    @api.private
    def note_refusal(self, reason, account_masked=None):
        """Keep for supervisors what was refused, and why.

        :param str reason: of the field of that name
        :param str account_masked: the account that was to be put on record
        """
        self.ensure_one()
        self.env["g2p.spar.assisted.refusal"].sudo().create(
            {
                "assisted_session_id": self.id,
                "happened_at": fields.Datetime.now(),
                "reason": reason,
                "account_masked": account_masked,
            }
        )
        self.refusal_count += 1

    @api.private
    def close(self, reasons):
        """Note that sessions have ended.

        :param dict[int, str] reasons: why, by database id of the beneficiary session
        """
        open_ones = [("session_id", "in", list(reasons)), ("ended_at", "=", False)]
        for assisted in self.sudo().search(open_ones):
            assisted.write(
                {
                    "ended_at": fields.Datetime.now(),
                    "end_reason": reasons[assisted.session_id.id],
                }
            )

    @api.private
    def close_lost(self):
        """Note that sessions have ended that went with their provider."""
        lost = [("session_id", "=", False), ("ended_at", "=", False)]
        values = {"ended_at": fields.Datetime.now(), "end_reason": "provider"}
        self.sudo().search(lost).write(values)

    @api.private
    def forget_people(self, id_digests):
        """Leave nothing readable of people.

        :param list[str] id_digests: see `digest_of` of changes
        :return: how many sessions there were
        :rtype: int
        """
        assisted = self.sudo().search([("id_digest", "in", id_digests), ("id_masked", "!=", False)])
        assisted.write({"id_masked": False})
        assisted.refusal_ids.write({"account_masked": False})
        return len(assisted)

    @api.autovacuum
    def _gc(self):
        before = fields.Datetime.now() - KEPT
        old = self.search([("started_at", "<", before)], limit=GC_LIMIT)
        count = len(old)
        old.unlink()
        return count, count == GC_LIMIT
