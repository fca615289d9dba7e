# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.g2p_spar_connector.transaction import read_committed

from .g2p_spar_beneficiary_session import digest_of_person, moment

KEPT = timedelta(days=30)
# So long a provider that tells no time may still have somebody signed in.
LASTS_UNTOLD = timedelta(days=1)
GC_LIMIT = 10_000


class G2pSparAssistedSignIn(models.Model):
    """That somebody has signed in at an agent's screen, whatever it led to. The provider may have
    them signed in in that browser still, when they have gone: such a sign-in begins no session
    without the agent."""

    _name = "g2p.spar.assisted.sign.in"
    _description = "Sign-in at an Agent's Screen"
    _log_access = False
    _allow_sudo_commands = False

    person_digest = fields.Char(
        required=True,
        groups=fields.NO_ACCESS,
        help="Of issuer and subject, and in a second row of issuer and ID: to several clients, a "
        "provider may tell several subjects of one person.",
    )
    auth_time = fields.Datetime(required=True)
    noted_at = fields.Datetime(required=True)

    _person_idx = models.Index("(person_digest, auth_time)")
    _noted_idx = models.Index("(noted_at)")

    # === BUSINESS METHODS === #

    @api.private
    @api.model
    def note(self, provider, identity, since):
        """Keep a sign-in at an agent's screen, in a transaction of its own: it has taken place,
        whatever becomes of this request. Sessions that it has begun without the agent end.

        :param oidc.flow.Identity identity: just verified
        :param float since: when the attempt began, in seconds since 1970
        """
        digests = self._digests(provider, identity)
        now = fields.Datetime.now()
        values = {"auth_time": moment(identity.auth_time) or now, "noted_at": now}
        with self.env.registry.cursor() as cr:
            sign_ins = self.with_env(self.env(cr=cr)).sudo()
            sign_ins._lock(digests)
            sign_ins.create([{**values, "person_digest": digest} for digest in digests])
        # in another one: what has begun while this one waited is seen there
        with self.env.registry.cursor() as cr:
            read_committed(cr)
            sessions = self.env["g2p.spar.beneficiary.session"].with_env(self.env(cr=cr))
            sessions.end_without_agent(provider, identity, moment(since))

    @api.private
    @api.model
    def covers(self, provider, identity):
        """Whether this may be a sign-in at an agent's screen, that the provider tells again. If
        one is noted at this moment, it waits, and ends what this transaction begins.

        :param oidc.flow.Identity identity: just verified
        """
        digests = self._digests(provider, identity)
        self._lock(digests)
        now, told = fields.Datetime.now(), moment(identity.auth_time)
        if told and told < now - KEPT:  # whether it is one is not known any more
            return True
        column, since = ("auth_time", told) if told else ("noted_at", now - LASTS_UNTOLD)
        query = SQL(
            "SELECT FROM g2p_spar_assisted_sign_in WHERE person_digest = ANY(%s) AND %s >= %s"
            " LIMIT 1",
            digests,
            SQL.identifier(column),
            since,
        )
        # this transaction knows what was so before the provider was asked
        with self.env.registry.cursor() as cr:
            cr.execute(query)
            return bool(cr.rowcount)

    def _digests(self, provider, identity):
        """Of whom a sign-in is."""
        of_subject = digest_of_person(identity.issuer, identity.sub)
        sessions = self.env["g2p.spar.beneficiary.session"]
        id_digest = sessions.id_digest_of(provider, identity)
        if not id_digest:
            return [of_subject]
        return [of_subject, digest_of_person(identity.issuer, f"ID {id_digest}")]

    def _lock(self, digests):
        """Make others who do so for one of these wait until this transaction ends."""
        keys = sorted(int.from_bytes(bytes.fromhex(each)[:8], signed=True) for each in digests)
        self.env.cr.execute(
            "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", [keys]
        )

    @api.autovacuum
    def _gc(self):
        before = fields.Datetime.now() - KEPT
        old = self.search([("noted_at", "<", before)], limit=GC_LIMIT)
        count = len(old)
        old.unlink()
        return count, count == GC_LIMIT
