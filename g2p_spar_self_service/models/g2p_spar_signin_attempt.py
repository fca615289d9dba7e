# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import hashlib
import ipaddress
import json
import logging
import secrets
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.g2p_spar_connector.secret import (
    SealBroken,
    SecretKeyMissing,
    digest,
    seal,
    unseal,
)

from .. import languages, oidc

_logger = logging.getLogger(__name__)

PURPOSE = "sign-in attempt"
LASTS = timedelta(minutes=10)
KEPT = timedelta(days=1)
PURGED_AT_ONCE = 10_000
BINDING_BYTES = 32
# Of one browser; of one address, which may be that of a whole town behind its mobile operator; of
# one person, which is known once the provider has told.
LIMITS = {"browser": 20, "address": 300, "person": 60}
PER = timedelta(minutes=10)


class Claimed(NamedTuple):
    """An attempt that has come back, once and for all. `since`: seconds since 1970."""

    attempt_id: int
    secrets: oidc.authorization.Secrets
    since: float


class TooManyAttempts(Exception):
    """This browser, address or person has begun too many sign-ins lately."""


class G2pSparSigninAttempt(models.Model):
    """A sign-in on its way: begun here, not yet come back from the provider.

    What makes it this browser's is a random value in the web session, the binding; what makes it
    this attempt are state, nonce and PKCE verifier. It is good for one return, within ten minutes.
    Used up, it stays for a day, without its secrets, to be counted.
    """

    _name = "g2p.spar.signin.attempt"
    _description = "Sign-in Attempt"
    _allow_sudo_commands = False

    state_digest = fields.Char(required=True, readonly=True, groups=fields.NO_ACCESS)
    browser_digest = fields.Char(required=True, readonly=True, groups=fields.NO_ACCESS)
    address_digest = fields.Char(required=True, readonly=True, groups=fields.NO_ACCESS)
    secrets_sealed = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    provider_id = fields.Many2one(
        "g2p.spar.signin.provider", required=True, readonly=True, ondelete="cascade"
    )
    purpose = fields.Selection(
        [
            ("sign_in", "Sign in"),
            ("afresh", "Sign in afresh"),
            ("confirm", "Confirm"),
            ("assisted", "With an agent"),
        ],
        required=True,
        readonly=True,
    )
    session_id = fields.Many2one(
        "g2p.spar.beneficiary.session",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
        help="Of a confirmation: whose it must be.",
    )
    purpose_ref = fields.Char(readonly=True, help="Of a confirmation: of what.")
    agent_id = fields.Many2one(
        "res.users", readonly=True, ondelete="cascade", help="At whose screen, if at an agent's."
    )
    redirect_uri = fields.Char(required=True, readonly=True)
    return_path = fields.Char(required=True, readonly=True)
    used_at = fields.Datetime(readonly=True)

    _state_unique = models.UniqueIndex("(state_digest)")
    _browser_idx = models.Index("(browser_digest, create_date)")
    _address_idx = models.Index("(address_digest, create_date)")
    _create_date_idx = models.Index("(create_date)")

    # === BUSINESS METHODS === #

    @api.private
    @api.model
    def begin(
        self,
        provider,
        binding,
        address,
        redirect_uri,
        return_path,
        *,
        session=None,
        purpose_ref=None,
        agent=None,
        afresh=False,
        asks_again=False,
    ):
        """Begin a sign-in.

        :param str binding: of the web session that it is begun in
        :param str address: the browser's network address
        :param str redirect_uri: as registered at the provider
        :param str return_path: where to go on this site once signed in, as `local_path` allows it
        :param session: the beneficiary session to be confirmed by signing in once more
        :param str purpose_ref: what the confirmation is for; see `take_confirmation` of the session
        :param agent: `res.users` who helps the person
        :param bool afresh: the person must sign in now, even if still signed in there; so it is
            with a session and with an agent
        :param bool asks_again: the provider is asked to have the person sign in now, and trusted
            to: what it tells of the time is not looked at
        :return: where to send the browser
        :rtype: str
        :raise TooManyAttempts:
        :raise SealBroken, SecretKeyMissing: see `client` of the provider
        """
        digests = {
            "browser_digest": _sha256(binding),
            "address_digest": digest(PURPOSE, _network(address)).hex(),
        }
        self._check_limits(digests)
        attempt = oidc.authorization.new_secrets()
        self._insert(
            {
                **digests,
                "state_digest": _sha256(attempt.state),
                "secrets_sealed": seal(json.dumps(attempt).encode(), PURPOSE),
                "provider_id": provider.id,
                "purpose": _purpose(session, agent, afresh),
                "session_id": session.id if session else None,
                "purpose_ref": purpose_ref,
                "agent_id": agent.id if agent else None,
                "redirect_uri": redirect_uri,
                "return_path": return_path,
            }
        )
        return oidc.authorization.url(
            provider.client(),
            attempt,
            redirect_uri,
            ui_locales=" ".join(languages.tags(self.env.lang or "en_US")),
            afresh=bool(session or agent or afresh),
            asks_again=asks_again,
        )

    @api.private
    @api.model
    def claim(self, state, binding):
        """Use an attempt up: in a transaction of its own, so that nothing makes it good again.

        :param str state: as it came back
        :param binding: of the web session in which it came back, or None
        :return: None where there is no such attempt of this web session, or it is over
        :rtype: Claimed | None
        """
        if not state or not isinstance(binding, str):
            return None
        now = fields.Datetime.now()
        rows = self._run(
            """UPDATE g2p_spar_signin_attempt AS attempt
            SET used_at = %s, secrets_sealed = NULL
            FROM (
                SELECT id, secrets_sealed FROM g2p_spar_signin_attempt
                WHERE state_digest = %s AND browser_digest = %s
                    AND used_at IS NULL AND create_date > %s
                FOR UPDATE
            ) AS unused
            WHERE attempt.id = unused.id
            RETURNING attempt.id, unused.secrets_sealed, attempt.create_date""",
            (now, _sha256(state), _sha256(binding), now - LASTS),
        )
        if not rows:
            return None
        attempt_id, sealed, begun = rows[0]
        try:
            values = json.loads(unseal(sealed, PURPOSE))
        except (SealBroken, SecretKeyMissing) as error:
            _logger.error("Sign-in attempt %s: %s", attempt_id, error)
            return None
        since = begun.replace(tzinfo=UTC).timestamp()
        return Claimed(attempt_id, oidc.authorization.Secrets(*values), since)

    def _insert(self, values):
        """Nothing reads it in this request, and there are many: without the ORM."""
        values["create_date"] = _now()
        columns = SQL(", ").join(map(SQL.identifier, values))
        self.env.cr.execute(
            SQL(
                "INSERT INTO g2p_spar_signin_attempt (%s) VALUES %s",
                columns,
                tuple(values.values()),
            )
        )

    def _run(self, query, parameters):
        """Rows; none where another return of the same attempt comes at this moment."""
        try:
            with self.env.registry.cursor() as cr:
                cr.execute(query, parameters, log_exceptions=False)
                return cr.fetchall()
        except psycopg2.errors.SerializationFailure:
            return []

    @api.private
    @api.model
    def limits(self):
        """How many sign-ins are let through within `PER`, by what they have in common; 0: any
        number.

        :rtype: dict[str, int]
        """
        parameters = self.env["ir.config_parameter"].sudo()
        return {
            name: int(parameters.get_param(f"g2p_spar.signin_limit_{name}", default))
            for name, default in LIMITS.items()
        }

    def _check_limits(self, digests):
        limits = self.limits()
        limits = {name: limits[name] for name in ("browser", "address")}
        since = _now() - PER
        counts = SQL(", ").join(
            SQL(
                """(SELECT count(*) FROM (
                    SELECT FROM g2p_spar_signin_attempt
                    WHERE %s = %s AND create_date > %s LIMIT %s
                ) AS latest)""",
                SQL.identifier(f"{name}_digest"),
                digests[f"{name}_digest"],
                since,
                limit,
            )
            for name, limit in limits.items()
        )
        [row] = self.env.execute_query(SQL("SELECT %s", counts))
        if any(limit and count >= limit for count, limit in zip(row, limits.values(), strict=True)):
            raise TooManyAttempts

    @api.autovacuum
    def _gc_attempts(self):
        over = [("create_date", "<=", fields.Datetime.now() - KEPT)]
        attempts = self.sudo().search(over, limit=PURGED_AT_ONCE, order="create_date")
        attempts.unlink()
        return len(attempts), len(attempts) == PURGED_AT_ONCE


def _purpose(session, agent, afresh):
    if session:
        return "confirm"
    if agent:
        return "assisted"
    return "afresh" if afresh else "sign_in"


def _now():
    """UTC, to the microsecond."""
    return datetime.now(UTC).replace(tzinfo=None)


def new_binding():
    return secrets.token_urlsafe(BINDING_BYTES)


def _sha256(value):
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def _network(address):
    """The address, or of one of IPv6 what a household has of it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
