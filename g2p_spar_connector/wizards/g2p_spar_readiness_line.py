# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models
from odoo.tools import SQL


class G2pSparReadinessLine(models.TransientModel):
    """Somebody who cannot be paid, and why."""

    _name = "g2p.spar.readiness.line"
    _description = "Person Without Financial Address"
    _order = "reason, id"
    _rec_name = "partner_id"

    readiness_id = fields.Many2one(
        "g2p.spar.readiness", required=True, readonly=True, index=True, ondelete="cascade"
    )
    partner_id = fields.Many2one("res.partner", "Person", readonly=True, ondelete="cascade")
    outcome = fields.Char(readonly=True)
    reason = fields.Char(readonly=True)

    @api.model
    def _add(self, readiness, problems):
        """In one statement, however many they are.

        :param problems: outcome and reason by id of the partner
        """
        self.env.cr.execute(
            SQL(
                """INSERT INTO g2p_spar_readiness_line
                    (readiness_id, partner_id, outcome, reason,
                    create_uid, create_date, write_uid, write_date)
                SELECT %(readiness)s, partner_id, outcome, reason,
                    %(uid)s, %(now)s, %(uid)s, %(now)s
                FROM unnest(%(partners)s::int[], %(outcomes)s::varchar[], %(reasons)s::varchar[])
                    AS problem(partner_id, outcome, reason)""",
                readiness=readiness.id,
                uid=self.env.uid,
                now=fields.Datetime.now(),
                partners=list(problems),
                outcomes=[outcome for outcome, _reason in problems.values()],
                reasons=[reason for _outcome, reason in problems.values()],
            )
        )
        readiness.invalidate_recordset(["line_ids"])
