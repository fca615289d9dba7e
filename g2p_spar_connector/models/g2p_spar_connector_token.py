# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.sql_db import PoolError

from ..secret import SealBroken, SecretKeyMissing, seal, unseal

PURPOSE = "remote token"


class G2pSparConnectorToken(models.Model):
    """The access token with which a connector calls its mapper, sealed.

    Read and written in transactions of their own: a caller's may have begun long ago, may be
    rolled back, and must not fail since another one renews the token as well. That is also why it
    is not a column of the connector, whose form may be saved meanwhile.
    """

    _name = "g2p.spar.connector.token"
    _description = "SPAR Connector Token"
    _log_access = False

    connector_id = fields.Many2one(
        "g2p.spar.connector", required=True, readonly=True, ondelete="cascade"
    )
    sealed = fields.Char(required=True, groups=fields.NO_ACCESS)
    until = fields.Datetime(required=True, readonly=True)

    _connector_unique = models.UniqueIndex("(connector_id)")

    @api.private
    def recall(self, connector_id, meant_for):
        """The token that was stored for this, None where there is none that holds.

        :param str meant_for: with whom and for what the token is used
        :rtype: str | None
        """
        rows = self._run(
            """SELECT sealed FROM g2p_spar_connector_token
            WHERE connector_id = %s AND until > %s""",
            (connector_id, fields.Datetime.now()),
        )
        try:
            return unseal(rows[0][0], f"{PURPOSE} {meant_for}").decode() if rows else None
        except (SealBroken, SecretKeyMissing):
            return None

    @api.private
    def store(self, connector_id, meant_for, token, seconds):
        """Keep a token for so many seconds. Where that fails, each caller fetches its own."""
        self._run(
            """INSERT INTO g2p_spar_connector_token (connector_id, sealed, until)
            VALUES (%s, %s, %s)
            ON CONFLICT (connector_id) DO UPDATE
            SET sealed = EXCLUDED.sealed, until = EXCLUDED.until
            RETURNING id""",
            (
                connector_id,
                seal(token.encode(), f"{PURPOSE} {meant_for}"),
                fields.Datetime.now() + timedelta(seconds=seconds),
            ),
        )

    def _run(self, query, parameters):
        try:
            with self.env.registry.cursor() as cr:
                cr.execute(query, parameters, log_exceptions=False)
                return cr.fetchall()
        except (psycopg2.Error, PoolError):
            return []
