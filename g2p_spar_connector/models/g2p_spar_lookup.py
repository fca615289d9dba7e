# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.tools import SQL

RETENTION_DAYS = 365
PURGE_BATCH = 10_000


class G2pSparLookup(models.Model):
    """That somebody asked, or changed, where contacts are paid: a row per call, whatever the
    mapper is. It has neither addresses nor IDs, and is purged by age.
    """

    _name = "g2p.spar.lookup"
    _description = "Call for Contacts"
    _order = "id desc"
    _rec_name = "operation"
    _log_access = False

    happened_at = fields.Datetime("When", required=True, readonly=True)
    user_id = fields.Many2one("res.users", ondelete="set null", readonly=True)
    actor_name = fields.Char("Who", readonly=True)
    channel = fields.Selection(
        [("pbms", "Programme"), ("back_office", "Back Office")], readonly=True
    )
    company_id = fields.Many2one("res.company", ondelete="set null", readonly=True)
    connector_id = fields.Many2one(
        "g2p.spar.connector",
        ondelete="set null",
        readonly=True,
        help="Empty where contacts of several companies took several, or there was none.",
    )
    operation = fields.Selection(
        [
            ("resolve", "Resolve"),
            ("has_fa", "Has an Address"),
            ("link", "Link"),
            ("update", "Update"),
            ("unlink", "Unlink"),
        ],
        required=True,
        readonly=True,
    )
    purpose = fields.Char(readonly=True, help="The purpose or reason given.")
    asked_count = fields.Integer("Contacts", readonly=True)
    found_count = fields.Integer(
        "Found", readonly=True, help="People with an active address, or changes that were made."
    )
    queued_count = fields.Integer("Queued", readonly=True, help="Left to the outbox.")
    refused_count = fields.Integer(
        "Refused", readonly=True, help="No ID, no active address, or a change that was refused."
    )
    unavailable_count = fields.Integer("Away", readonly=True, help="The mapper gave no answer.")
    duration_ms = fields.Integer("ms", readonly=True, aggregator="avg")

    _happened_at_idx = models.Index("(happened_at)")

    @api.private
    def note(self, values):
        """Put a call on record, in the transaction of the caller; where that is read-only (a
        replica), in one of its own."""
        if not self.env.cr.readonly:
            self.sudo().create(values)
            return
        with self.env.registry.cursor() as cr:
            self.with_env(self.env(cr=cr)).sudo().create(values)

    @api.autovacuum
    def _gc_old(self):
        """Purge rows past their retention, a batch per call."""
        days = (
            self.env["ir.config_parameter"]
            .sudo()
            .get_param("g2p_spar.access_retention_days", RETENTION_DAYS)
        )
        purged = self.env.execute_query(
            SQL(
                """DELETE FROM g2p_spar_lookup WHERE id IN (
                    SELECT id FROM g2p_spar_lookup
                    WHERE happened_at < now() AT TIME ZONE 'UTC' - %s * interval '1 day'
                    ORDER BY id LIMIT %s) RETURNING id""",
                int(days),
                PURGE_BATCH,
            )
        )
        return len(purged), len(purged) == PURGE_BATCH
