# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import functools
import time
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg2

from odoo import api, fields, models

from .. import oidc

# A key set is asked for at most so often because there is none or it gets old, and at most so often
# for an unknown key.
BRAKE = timedelta(seconds=60)
# For whom the brake stops while another sign-in fetches the key set; that takes so long at most.
WAIT_SECONDS = 2
FETCH = timedelta(seconds=12)
# Keys that could not be fetched anew for so long hold no more: one may have been withdrawn. They
# are fetched anew after half of that, so that a short outage of the provider does no harm.
KEYS_MINUTES = 60


class Known(NamedTuple):
    """What is here of a provider's key set; its times are UTC without a zone."""

    document: str | None
    fetched_at: datetime | None
    tried_at: datetime | None

    def is_from(self, since: datetime) -> bool:
        return bool(self.document) and self.fetched_at > since

    def is_being_fetched(self) -> bool:
        """Whether a try is neither over, nor so old that it must have failed."""
        if not self.tried_at or self.tried_at < fields.Datetime.now() - FETCH:
            return False
        return not self.fetched_at or self.fetched_at < self.tried_at


class G2pSparSigninKeySet(models.Model):
    """The keys of a sign-in provider, as they were fetched last.

    Read and written in transactions of their own: what was fetched stays, whatever becomes of the
    sign-in, and sign-ins do not wait for one another.
    """

    _name = "g2p.spar.signin.key.set"
    _description = "Sign-in Provider's Key Set"
    _log_access = False

    provider_id = fields.Many2one(
        "g2p.spar.signin.provider", required=True, readonly=True, ondelete="cascade"
    )
    jwks_uri = fields.Char(required=True, readonly=True)
    tried_at = fields.Datetime(required=True, readonly=True)
    missed_at = fields.Datetime(
        readonly=True, help="When it was tried for a key that was not in it, last."
    )
    fetched_at = fields.Datetime(readonly=True)
    document = fields.Text(readonly=True)

    _provider_unique = models.UniqueIndex("(provider_id)")

    @api.private
    @api.model
    def source(self, provider):
        """The keys of a provider for `oidc.flow`.

        :rtype: oidc.flow.KeySource
        """
        # both tokens of a sign-in are signed with the same keys
        return functools.cache(functools.partial(self._keys, provider.id, provider.jwks_uri))

    def _keys(self, provider_id, jwks_uri, anew):
        known = self._recall(provider_id, jwks_uri, self.env.cr)
        lifetime, now = self._lifetime(), fields.Datetime.now()
        holds = known.is_from(now - lifetime)
        if not anew and known.is_from(now - lifetime / 2):
            return _parse(known.document)
        document = known.document
        if self._may_fetch(provider_id, jwks_uri, anew):
            try:
                document = oidc.keys.fetch(jwks_uri).decode()
            except oidc.OidcProblem:
                if not holds:
                    raise
            else:
                self._store(provider_id, jwks_uri, document)
        elif anew or not holds:
            document = self._await_other(provider_id, jwks_uri)
            if not document and not holds:
                raise oidc.OidcProblem("Key set: could not be fetched a moment ago", "unavailable")
        return _parse(document or known.document)

    def _lifetime(self):
        parameters = self.env["ir.config_parameter"].sudo()
        minutes = int(parameters.get_param("g2p_spar.signin_keys_minutes", KEYS_MINUTES))
        return timedelta(minutes=minutes)

    def _await_other(self, provider_id, jwks_uri):
        """The key set that somebody else is fetching at this moment; None where nothing comes."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            known = self._recall(provider_id, jwks_uri)
            if not known.is_being_fetched():
                is_new = known.is_from(fields.Datetime.now() - BRAKE)
                return known.document if is_new else None
            if time.monotonic() > end:
                return None
            time.sleep(0.2)

    def _recall(self, provider_id, jwks_uri, cr=None):
        """:param cr: to look as of its transaction; else as of now"""
        query = """SELECT document, fetched_at, tried_at FROM g2p_spar_signin_key_set
            WHERE provider_id = %s AND jwks_uri = %s"""
        if cr:
            cr.execute(query, (provider_id, jwks_uri))
            rows = cr.fetchall()
        else:
            rows = self._run(query, (provider_id, jwks_uri))
        return Known(*rows[0]) if rows else Known(None, None, None)

    def _may_fetch(self, provider_id, jwks_uri, anew):
        """Whether nobody has tried to fetch this key set just now, for the same reason; whoever
        asks next is told so.

        After a change of keys the unknown one is asked for at once, even if the set was fetched a
        moment before, since that may have been too early.
        """
        now = fields.Datetime.now()
        return bool(
            self._run(
                """INSERT INTO g2p_spar_signin_key_set AS known
                    (provider_id, jwks_uri, tried_at, missed_at)
                VALUES (%(provider)s, %(uri)s, %(now)s, %(missed)s)
                ON CONFLICT (provider_id) DO UPDATE SET
                    tried_at = EXCLUDED.tried_at,
                    missed_at = coalesce(EXCLUDED.missed_at, known.missed_at),
                    jwks_uri = EXCLUDED.jwks_uri,
                    document = CASE WHEN known.jwks_uri = EXCLUDED.jwks_uri
                        THEN known.document END
                WHERE known.jwks_uri <> EXCLUDED.jwks_uri OR CASE
                    WHEN EXCLUDED.missed_at IS NULL THEN known.tried_at <= %(before)s
                    ELSE known.missed_at IS NULL OR known.missed_at <= %(before)s END
                RETURNING id""",
                {
                    "provider": provider_id,
                    "uri": jwks_uri,
                    "now": now,
                    "missed": now if anew else None,
                    "before": now - BRAKE,
                },
            )
        )

    def _store(self, provider_id, jwks_uri, document):
        now = fields.Datetime.now()
        self._run(
            """INSERT INTO g2p_spar_signin_key_set
                (provider_id, jwks_uri, tried_at, fetched_at, document)
            VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (provider_id) DO UPDATE SET jwks_uri = EXCLUDED.jwks_uri,
                tried_at = EXCLUDED.tried_at, fetched_at = EXCLUDED.fetched_at,
                document = EXCLUDED.document
            RETURNING id""",
            (provider_id, jwks_uri, now, now, document),
        )

    def _run(self, query, parameters):
        """Rows; none where another one changes the same row at this moment."""
        try:
            with self.env.registry.cursor() as cr:
                cr.execute(query, parameters, log_exceptions=False)
                return cr.fetchall()
        except psycopg2.errors.SerializationFailure:
            return []


@functools.lru_cache(maxsize=32)
def _parse(document):
    return oidc.keys.parse(document.encode())
