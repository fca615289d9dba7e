# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

from odoo.addons.g2p_spar_connector.g2p_connect import jsonio, jwk

from ..cache_signal import forget_with_commit

ENDS_SOON = timedelta(days=30)
EDITABLE = {"not_before", "not_after"}


class G2pSparParticipantKey(models.Model):
    """A public key of a participant. Several may hold at once: that is how keys are changed.

    A key is good for one algorithm, and stays on record when it holds no more.
    """

    _name = "g2p.spar.participant.key"
    _inherit = "g2p.spar.kept"
    _description = "SPAR Participant Key"
    _order = "participant_id, revoked_at desc, id desc"
    _rec_name = "kid"

    participant_id = fields.Many2one(
        "g2p.spar.participant", required=True, readonly=True, index=True, ondelete="cascade"
    )
    kid = fields.Char("Key ID", required=True, readonly=True, help="How messages call it.")
    algorithm = fields.Selection(
        [(name, name) for name in jwk.ALGORITHMS], required=True, readonly=True
    )
    public_key = fields.Text(required=True, readonly=True, help="JWK.")
    fingerprint = fields.Char(
        required=True,
        readonly=True,
        help="RFC 7638 thumbprint: compare it with the owner's over another channel.",
    )
    source = fields.Selection(
        [("pasted", "Pasted"), ("jwks", "Key set")], required=True, readonly=True
    )
    not_before = fields.Datetime("Holds From", help="Empty: from the beginning.")
    not_after = fields.Datetime("Holds Until", help="Empty: without end.")
    gone_at = fields.Datetime("Gone Since", readonly=True, help="No more in the key set since.")
    revoked_at = fields.Datetime("Revoked On", readonly=True)
    revoked_by_id = fields.Many2one("res.users", readonly=True)
    state = fields.Selection(
        [
            ("future", "Not Yet"),
            ("valid", "Holds"),
            ("ending", "Ends Soon"),
            ("ended", "Ended"),
            ("revoked", "Revoked"),
        ],
        compute="_compute_state",
    )

    _fingerprint_unique = models.UniqueIndex(
        "(participant_id, fingerprint)", "This key is registered already."
    )
    _validity = models.Constraint(
        "CHECK (not_before < not_after)", "A key must hold until later than it holds from."
    )

    # === COMPUTE METHODS === #

    @api.depends("not_before", "not_after", "gone_at", "revoked_at")
    def _compute_state(self):
        now = fields.Datetime.now()
        for key in self:
            end = key._end()
            if key.revoked_at:
                key.state = "revoked"
            elif end and end <= now:
                key.state = "ended"
            elif key.not_before and key.not_before > now:
                key.state = "future"
            else:
                key.state = "ending" if end and end <= now + ENDS_SOON else "valid"

    # === CRUD METHODS === #

    def write(self, vals):
        """Managers may change when a key holds, and nothing that tells which key it is."""
        if not self.env.su and vals.keys() - EDITABLE:
            raise AccessError(self.env._("Of a key only its validity can be changed."))
        return super().write(vals)

    # === ACTIONS === #

    def action_revoke(self):
        """End keys at once and for good: also a key set does not bring them back."""
        self.check_access("write")
        self.filtered(lambda key: not key.revoked_at).sudo().write(
            {"revoked_at": fields.Datetime.now(), "revoked_by_id": self.env.uid}
        )
        forget_with_commit(self.env.cr)

    # === BUSINESS METHODS === #

    @api.private
    def as_public_key(self):
        """The key for verifying signatures, with the validity that it has here.

        :rtype: g2p_connect.jwk.PublicKey
        """
        self.ensure_one()
        key = jwk.from_jwk(jsonio.loads(self.public_key.encode()))
        return key._replace(
            kid=self.kid,
            algorithm=self.algorithm,
            not_before=jwk.utc(self.not_before or None),
            not_after=jwk.utc(self._end()),
        )

    @api.private
    @api.model
    def values_of(self, key):
        """Values to create a record with.

        :param g2p_connect.jwk.PublicKey key:
        """
        return {
            "kid": key.kid,
            "algorithm": key.algorithm,
            "public_key": jsonio.dumps(jwk.public_jwk(key)).decode(),
            "fingerprint": jwk.fingerprint(key),
            "not_before": _naive(key.not_before),
            "not_after": _naive(key.not_after),
        }

    def _end(self):
        """When it ends or ended, None = never."""
        return min(filter(None, (self.not_after, self.gone_at)), default=None)

    @api.constrains("participant_id")
    def _check_number(self):
        for participant in self.participant_id:
            held = participant.key_ids.filtered(lambda key: not key.revoked_at and not key.gone_at)
            if len(held) > jwk.MAX_KEYS:
                raise ValidationError(
                    self.env._(
                        "%(name)s would have more than %(limit)s keys: revoke old ones first.",
                        name=participant.name,
                        limit=jwk.MAX_KEYS,
                    )
                )


def _naive(moment):
    return moment.replace(tzinfo=None) if moment else False
