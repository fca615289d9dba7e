# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from odoo import api, fields, models

from odoo.addons.g2p_spar_connector.g2p_connect import jsonio
from odoo.addons.g2p_spar_connector.secret import seal, unseal

ALGORITHM = "PS256"  # eSignet's, since 1.7
SEAL_PURPOSE = "demonstration identity key"


class G2pSparDemoIdentityKey(models.Model):
    """The key that the demonstration identity provider signs with: made when it is installed, and
    sealed."""

    _name = "g2p.spar.demo.identity.key"
    _description = "SPAR Demonstration Identity Key"

    kid = fields.Char(required=True, readonly=True)
    private_key_sealed = fields.Char(required=True, copy=False, groups=fields.NO_ACCESS)

    @api.model
    def _ensure(self):
        if not self.search_count([], limit=1):
            key = RSAKey.generate_key(2048)
            private = jsonio.dumps(key.as_dict(private=True))
            self.create(
                {"kid": key.thumbprint(), "private_key_sealed": seal(private, SEAL_PURPOSE)}
            )

    @api.model
    def _current(self):
        return self.search([], order="id desc", limit=1)

    def _key(self):
        return RSAKey.import_key(jsonio.loads(unseal(self.private_key_sealed, SEAL_PURPOSE)))

    def _public_jwk(self):
        """As eSignet publishes it: without `alg`."""
        members = self._key().as_dict(private=False)
        return {name: members[name] for name in ("kty", "n", "e")} | {
            "kid": self.kid,
            "use": "sig",
        }

    def _sign(self, claims):
        header = {"alg": ALGORITHM, "kid": self.kid, "typ": "JWT"}
        return jwt.encode(header, claims, self._key(), algorithms=[ALGORITHM])

    def _has_signed(self, token):
        """Whether a token, old or new, is one of ours."""
        try:
            jws.deserialize_compact(token, self._key(), algorithms=[ALGORITHM])
        except (JoseError, ValueError):
            return False
        return True
