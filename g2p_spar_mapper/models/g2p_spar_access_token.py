# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import hashlib
import secrets

from odoo import api, fields, models, tools


class UnknownToken(Exception):
    """There is no such token, or it was deleted."""


class G2pSparAccessToken(models.Model):
    """A bearer token of a participant: 256 random bits, of which only the SHA-256 is kept."""

    _name = "g2p.spar.access.token"
    _description = "SPAR Access Token"
    _log_access = False
    _allow_sudo_commands = False

    participant_id = fields.Many2one(
        "g2p.spar.participant", required=True, index=True, ondelete="cascade"
    )
    token_digest = fields.Char(required=True, groups=fields.NO_ACCESS)
    secret_version = fields.Integer(
        required=True, help="A token ends when its participant's version moves on."
    )
    operations = fields.Char(help="Bare words, separated by a blank.")
    expires_at = fields.Datetime(required=True, index=True)

    _token_digest_unique = models.UniqueIndex("(token_digest)")

    @api.private
    @api.model
    def issue(self, participant, operations):
        """Make a token for a participant.

        :param operations: the bare words granted, in order.
        :return: the token (URL-safe base64 of 256 random bits), which is stored nowhere.
        :rtype: str
        """
        token = secrets.token_urlsafe(32)
        self.env.cr.execute(
            """INSERT INTO g2p_spar_access_token
                (participant_id, secret_version, token_digest, operations, expires_at)
            VALUES (%s, %s, %s, %s, now() AT TIME ZONE 'UTC' + %s * interval '1 second')""",
            (
                participant.id,
                participant.secret_version,
                sha256(token),
                " ".join(operations),
                participant.token_lifetime,
            ),
        )
        return token

    @api.private
    @api.model
    def find(self, token):
        """Whose token this is, mostly from the cache of this worker.

        A token never changes. What ends it, a new secret of its participant and archiving, raises
        the participant's version, which every worker caches until a participant is written.

        :return: (profile, frozenset of operations), or None when it is unknown, expired or ended.
        :rtype: tuple[ParticipantProfile, frozenset] | None
        """
        try:
            participant_id, secret_version, operations, expires_at = self._read(sha256(token))
        except UnknownToken:
            return None
        if expires_at <= fields.Datetime.now():
            return None
        participant = self.env["g2p.spar.participant"].get_profile(participant_id)
        if participant.secret_version != secret_version:
            return None
        return participant, operations

    @api.model
    @tools.ormcache("token_digest")
    def _read(self, token_digest):
        """One indexed read. What is unknown is not cached: there may be any number of it.

        :raise UnknownToken:
        """
        self.env.cr.execute(
            """SELECT participant_id, secret_version, operations, expires_at
            FROM g2p_spar_access_token WHERE token_digest = %s""",
            (token_digest,),
        )
        row = self.env.cr.fetchone()
        if not row:
            raise UnknownToken
        participant_id, secret_version, operations, expires_at = row
        return participant_id, secret_version, frozenset(operations.split()), expires_at

    @api.autovacuum
    def _gc_expired(self):
        self.env.cr.execute(
            "DELETE FROM g2p_spar_access_token WHERE expires_at < now() AT TIME ZONE 'UTC'"
        )


def sha256(text):
    """Hex SHA-256 of a random secret or token, which needs no salt."""
    return hashlib.sha256(text.encode()).hexdigest()
