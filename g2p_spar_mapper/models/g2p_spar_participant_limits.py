# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models

from .g2p_spar_rate_limit import HIT_COST, MISS_COST, REJECTED_WRITE_COST, make_limit


class G2pSparParticipant(models.Model):
    """How much a participant may ask for: see ``g2p.spar.rate.limit``."""

    _inherit = "g2p.spar.participant"

    resolve_rate = fields.Integer(
        "Look-ups per Minute",
        help=f"0: no limit. What is found costs {HIT_COST}, whatever else {MISS_COST}.",
    )
    write_rate = fields.Integer(
        "Writes per Minute",
        help=f"0: no limit. What is carried out costs {HIT_COST}, what is rejected "
        f"{REJECTED_WRITE_COST}.",
    )
    burst = fields.Integer(
        "At Once",
        help="How much it may use at once after a rest, of look-ups and of writes; 0: as much as "
        "in a minute.",
    )

    _rates_positive = models.Constraint(
        "CHECK (resolve_rate >= 0 AND write_rate >= 0 AND burst >= 0)",
        "Limits: 0 (none) or more.",
    )

    # === BUSINESS METHODS === #

    @api.private
    def limits(self):
        """Its buckets as in ``ParticipantProfile``.

        :rtype: dict[str, Limit | None]
        """
        self.ensure_one()
        return {
            "resolve_limit": make_limit(self.resolve_rate, self.burst),
            "write_limit": make_limit(self.write_rate, self.burst),
        }
