# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models, tools
from odoo.exceptions import UserError

from ..g2p_connect import jsonio, jwk
from ..g2p_connect.signature import SIGNING_ALGORITHMS
from ..secret import SealBroken, SecretKeyMissing, seal, unseal

_logger = logging.getLogger(__name__)

ROTATION_DAYS = 90
# A new key is published this long before it signs: whoever keeps our keys for a day finds it.
AHEAD = timedelta(days=2)
# An old one stays published this long after its last signature: what it signed is verified by then.
AFTER = timedelta(days=7)
SEAL_PURPOSE = "signing key"


class OwnKey(NamedTuple):
    """A row, for the cache of a worker. Times are naive, UTC."""

    id: int
    algorithm: str
    active_from: object
    published_until: object
    signs: bool
    public_jwk: dict


class SigningKeyMissing(Exception):
    """There is no key of our own to sign with yet, or none that can be opened."""


class G2pSparSigningKey(models.Model):
    """A key of our own, that answers and callbacks are signed with.

    Its private part is sealed and for nobody to read. A new key is made and published before the
    old one's time is over; the old one stays published for a while.
    """

    _name = "g2p.spar.signing.key"
    _inherit = "g2p.spar.kept"
    _description = "SPAR Signing Key"
    _order = "algorithm, active_from desc, id desc"
    _rec_name = "kid"

    kid = fields.Char("Key ID", required=True, readonly=True, help="RFC 7638 thumbprint.")
    algorithm = fields.Selection(
        [("EdDSA", "EdDSA (Ed25519)"), ("RS256", "RS256 (RSA)")], required=True, readonly=True
    )
    public_key = fields.Text(required=True, readonly=True, help="JWK.")
    private_key_sealed = fields.Char(copy=False, groups=fields.NO_ACCESS)
    active_from = fields.Datetime("Signs From", required=True, readonly=True)
    published_until = fields.Datetime(readonly=True, help="Empty: while it signs.")
    state = fields.Selection(
        [("next", "Next"), ("current", "Current"), ("old", "Old"), ("ended", "Ended")],
        compute="_compute_state",
    )

    _kid_unique = models.UniqueIndex("(kid)")

    # === COMPUTE METHODS === #

    @api.depends("active_from", "published_until")
    def _compute_state(self):
        now = fields.Datetime.now()
        current = map(self._current_key, SIGNING_ALGORITHMS.values())
        current_ids = {key.id for key in current if key}
        for key in self:
            if key.id in current_ids:
                key.state = "current"
            elif key.published_until and key.published_until <= now:
                key.state = "ended"
            else:
                key.state = "next" if key.active_from > now else "old"

    # === ACTIONS === #

    def action_withdraw(self):
        """End a key at once, for instance because it leaked; another one takes its place."""
        if not self.env.user.has_group("g2p_spar_fa_directory.group_manager"):
            raise UserError(self.env._("Your role does not allow this."))
        self.sudo()._end(fields.Datetime.now())
        try:
            self.sudo()._rotate()
        except SecretKeyMissing as error:
            raise UserError(str(error)) from None

    # === BUSINESS METHODS === #

    @api.private
    @api.model
    def current(self, dialect):
        """The key that signs in a dialect now, from the cache of this worker.

        :param str dialect: one of ``signature.DIALECTS``
        :rtype: g2p_connect.jwk.PrivateKey
        :raise SigningKeyMissing: there is none yet, or it cannot be opened; the log says why.
        """
        key = self._current_key(SIGNING_ALGORITHMS[dialect])
        if not key:
            raise SigningKeyMissing("There is no signing key yet: see SPAR's log.")
        return self._private_key(key.id)

    @api.private
    @api.model
    def published(self):
        """The JWKS document of all keys that a signature of ours may be verified with.

        :rtype: dict
        """
        now = fields.Datetime.now()
        keys = [key for key in self._keys() if not _is_over(key.published_until, now)]
        return {"keys": [key.public_jwk for key in keys]}

    @api.model
    def _cron_rotate(self):
        try:
            self.sudo()._rotate()
        except SecretKeyMissing as error:
            _logger.warning("No signing keys: %s", error)

    def _rotate(self):
        """Make the keys that are due, and end those whose time is over."""
        now = fields.Datetime.now()
        parameters = self.env["ir.config_parameter"].sudo()
        days = int(parameters.get_param("g2p_spar.signing_key_days", ROTATION_DAYS))
        for algorithm in sorted(set(SIGNING_ALGORITHMS.values())):
            keys = self.search(
                [("algorithm", "=", algorithm), ("private_key_sealed", "!=", False)],
                order="active_from, id",
            )
            if not keys.filtered(lambda key: key.active_from <= now):
                keys = self._make(algorithm, now) + keys
            due = keys[-1].active_from + timedelta(days=days)
            if due <= now + AHEAD:
                keys += self._make(algorithm, now + AHEAD)
            in_force = keys.filtered(lambda key: key.active_from <= now)
            in_force[:-1]._end(in_force[-1].active_from + AFTER)

    def _make(self, algorithm, active_from):
        key = jwk.generate(algorithm)
        return self.create(
            {
                "kid": key.kid,
                "algorithm": algorithm,
                "public_key": jsonio.dumps(jwk.public_jwk(key)).decode(),
                "private_key_sealed": seal(jwk.private_bytes(key), SEAL_PURPOSE),
                "active_from": active_from,
            }
        )

    def _end(self, published_until):
        """Sign no more; the private part goes."""
        if self:
            self.write({"private_key_sealed": False, "published_until": published_until})

    def _current_key(self, algorithm):
        now = fields.Datetime.now()
        usable = [
            key
            for key in self._keys()
            if key.signs and key.algorithm == algorithm and key.active_from <= now
        ]
        return usable[-1] if usable else None

    @tools.ormcache()
    def _keys(self):
        """All keys that have not ended, by the time from which they sign."""
        keys = self.sudo().search(
            ["|", ("published_until", "=", False), ("published_until", ">", fields.Datetime.now())],
            order="active_from, id",
        )
        return tuple(
            OwnKey(
                key.id,
                key.algorithm,
                key.active_from,
                key.published_until,
                bool(key.private_key_sealed),
                jsonio.loads(key.public_key.encode()),
            )
            for key in keys
        )

    @tools.ormcache("key_id")
    def _private_key(self, key_id):
        key = self.sudo().browse(key_id)
        try:
            raw = unseal(key.private_key_sealed, SEAL_PURPOSE)
        except (SealBroken, SecretKeyMissing) as error:
            _logger.warning("Nothing can be signed: %s", error)
            raise SigningKeyMissing("The signing key cannot be opened: see the log.") from None
        return jwk.private_key(key.kid, key.algorithm, raw)


def _is_over(until, now):
    return bool(until) and until <= now
