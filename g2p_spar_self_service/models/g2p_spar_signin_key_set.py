# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import functools
import time
from datetime import timedelta

import psycopg2

from odoo import api, fields, models

from .. import oidc

# A key set, for an unknown key or because there is none, is asked for at most so often.
BRAKE = timedelta(seconds=60)
# For whom the brake stops while another sign-in fetches the first key set.
WAIT_SECONDS = 2
FRESH = timedelta(days=1)
# Keys that could not be fetched anew for so long hold no more: one may have been withdrawn.
KEYS_LAST = timedelta(days=7)


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
    fetched_at = fields.Datetime(readonly=True)
    document = fields.Text(readonly=True)

    _provider_unique = models.UniqueIndex("(provider_id)")

    @api.private
    @api.model
    def source(self, provider):
        """The keys of a provider for `oidc.flow`.

        :rtype: oidc.flow.KeySource
        """
        provider_id, jwks_uri = provider.id, provider.jwks_uri

        def keys(anew):
            return self._keys(provider_id, jwks_uri, anew)

        return keys

    def _keys(self, provider_id, jwks_uri, anew):
        document, fetched_at = self._recall(provider_id, jwks_uri)
        now = fields.Datetime.now()
        holds = bool(document) and fetched_at > now - KEYS_LAST
        if holds and not anew and fetched_at > now - FRESH:
            return _parse(document)
        if self._may_fetch(provider_id, jwks_uri):
            try:
                document = oidc.keys.fetch(jwks_uri).decode()
            except oidc.OidcProblem:
                if not holds:
                    raise
            else:
                self._store(provider_id, jwks_uri, document)
        elif not holds:
            document = self._await_other(provider_id, jwks_uri)
        return _parse(document)

    def _await_other(self, provider_id, jwks_uri):
        """The key set that somebody else is fetching, or has failed to fetch, at this moment."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            time.sleep(0.2)
            document, fetched_at = self._recall(provider_id, jwks_uri)
            if document and fetched_at > fields.Datetime.now() - KEYS_LAST:
                return document
        raise oidc.OidcProblem("Key set: could not be fetched a moment ago", "unavailable")

    def _recall(self, provider_id, jwks_uri):
        rows = self._run(
            """SELECT document, fetched_at FROM g2p_spar_signin_key_set
            WHERE provider_id = %s AND jwks_uri = %s AND document IS NOT NULL""",
            (provider_id, jwks_uri),
        )
        return rows[0] if rows else (None, None)

    def _may_fetch(self, provider_id, jwks_uri):
        """Whether nobody has tried to fetch this key set just now; whoever asks next is told so."""
        now = fields.Datetime.now()
        return bool(
            self._run(
                """INSERT INTO g2p_spar_signin_key_set AS known (provider_id, jwks_uri, tried_at)
                VALUES (%s, %s, %s)
                ON CONFLICT (provider_id) DO UPDATE SET
                    tried_at = EXCLUDED.tried_at,
                    jwks_uri = EXCLUDED.jwks_uri,
                    document = CASE WHEN known.jwks_uri = EXCLUDED.jwks_uri
                        THEN known.document END
                WHERE known.tried_at <= %s OR known.jwks_uri <> EXCLUDED.jwks_uri
                RETURNING id""",
                (provider_id, jwks_uri, now, now - BRAKE),
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
