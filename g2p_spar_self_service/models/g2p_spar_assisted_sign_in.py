# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import timedelta

from odoo import api, fields, models

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

    person_digest = fields.Char(required=True, groups=fields.NO_ACCESS, help="As of sessions.")
    auth_time = fields.Datetime(required=True)
    noted_at = fields.Datetime(required=True)

    _person_idx = models.Index("(person_digest, auth_time)")
    _noted_idx = models.Index("(noted_at)")

    # === BUSINESS METHODS === #

    @api.private
    @api.model
    def note(self, identity):
        """Keep a sign-in at an agent's screen, in a transaction of its own: it has taken place,
        whatever becomes of this request.

        :param oidc.flow.Identity identity: just verified, `auth_time` told
        """
        with self.env.registry.cursor() as cr:
            self.with_env(self.env(cr=cr)).sudo().create(
                {
                    "person_digest": digest_of_person(identity.issuer, identity.sub),
                    "auth_time": moment(identity.auth_time),
                    "noted_at": fields.Datetime.now(),
                }
            )

    @api.private
    @api.model
    def covers(self, identity):
        """Whether this may be a sign-in at an agent's screen, that the provider tells again.

        :param oidc.flow.Identity identity: just verified
        """
        person = [("person_digest", "=", digest_of_person(identity.issuer, identity.sub))]
        if identity.auth_time is None:
            since = ("noted_at", ">", fields.Datetime.now() - LASTS_UNTOLD)
        else:
            since = ("auth_time", ">=", moment(identity.auth_time))
        return bool(self.sudo().search([*person, since], limit=1))

    @api.autovacuum
    def _gc(self):
        before = fields.Datetime.now() - KEPT
        old = self.search([("noted_at", "<", before)], limit=GC_LIMIT)
        count = len(old)
        old.unlink()
        return count, count == GC_LIMIT
