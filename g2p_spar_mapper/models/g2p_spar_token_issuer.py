# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
import time
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models, tools
from odoo.exceptions import ValidationError

from odoo.addons.g2p_spar_connector import gateway, jwks
from odoo.addons.g2p_spar_connector.g2p_connect import jsonio, jwk
from odoo.addons.g2p_spar_connector.safe_log import describe

from ..access_jwt import Issuer

_logger = logging.getLogger(__name__)

# An issuer is asked no more often than this; a key that is not at hand may come from anybody.
FETCH_INTERVAL = timedelta(minutes=1)
# Keys that could not be fetched again for so long are not believed any more.
KEYS_LAST = timedelta(days=1)

_woken_at = {}  # by database: when this worker last woke the job


class G2pSparTokenIssuer(models.Model):
    """Somebody whose access tokens are taken: an authorization server of the country, say.

    Its keys are pasted, or fetched by a job and never while a request waits.
    """

    _name = "g2p.spar.token.issuer"
    _description = "Token Issuer"
    _order = "name, id"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    issuer = fields.Char(
        required=True, help="The claim iss of its tokens, such as https://login.example.org."
    )
    audience = fields.Char(
        required=True, help="What this registry is called in its tokens (claim aud)."
    )
    client_claim = fields.Char(
        required=True,
        default="client_id",
        help="The claim that names the caller: client_id, azp, sub.",
    )
    algorithms = fields.Char(
        required=True,
        default="RS256",
        help="How its tokens may be signed: RS256, PS256, ES256, EdDSA, separated by blanks.",
    )
    skew = fields.Integer(
        "Clock Skew (s)", required=True, default=60, help="How far its clock may be off ours."
    )
    jwks_url = fields.Char(
        "Keys' Address (JWKS)", help="Where its keys are fetched; empty: they are pasted below."
    )
    jwks = fields.Text("Keys (JWKS)")
    key_names = fields.Text("Keys in Use", compute="_compute_key_names")
    tried_at = fields.Datetime("Last Try", readonly=True, copy=False)
    fetched_at = fields.Datetime("Keys Fetched On", readonly=True, copy=False)
    fetch_problem = fields.Char("Problem", readonly=True, copy=False)
    participant_ids = fields.One2many("g2p.spar.participant", "issuer_id")

    _issuer_unique = models.UniqueIndex("(issuer)", "This issuer is on record already.")
    _skew_range = models.Constraint("CHECK (skew BETWEEN 0 AND 300)", "Clock skew: 0 to 300 s.")

    # === COMPUTE METHODS === #

    @api.depends("jwks")
    def _compute_key_names(self):
        for issuer in self:
            issuer.key_names = "\n".join(
                f"{key.kid}  {jwk.fingerprint(key)}" for key in issuer._keys()
            )

    # === CONSTRAINT METHODS === #

    @api.constrains("algorithms")
    def _check_algorithms(self):
        for issuer in self:
            words = issuer.algorithms.split()
            if not words or set(words) - set(jwk.ALGORITHMS):
                raise ValidationError(
                    self.env._(
                        "Algorithms: some of %s, separated by blanks.", ", ".join(jwk.ALGORITHMS)
                    )
                )

    @api.constrains("jwks_url")
    def _check_jwks_url(self):
        for issuer in self.filtered("jwks_url"):
            try:
                gateway.parse_url(issuer.jwks_url)
            except gateway.GatewayRefused as refusal:
                raise ValidationError(
                    self.env._("Keys' address: %s", refusal)  # names no more than the host
                ) from refusal

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        issuers = super().create([self._with_public_keys(vals) for vals in vals_list])
        self.env.registry.clear_cache()
        return issuers

    def write(self, vals):
        vals = self._with_public_keys(vals)
        old = {issuer: (issuer.issuer, issuer.jwks_url or "") for issuer in self}
        result = super().write(vals)
        if "issuer" in vals or "jwks_url" in vals:
            for issuer, source in old.items():
                if (issuer.issuer, issuer.jwks_url or "") != source:
                    issuer._forget_keys(written="jwks" in vals)
        if not vals.keys() <= {"tried_at", "fetched_at", "fetch_problem"}:
            self.env.registry.clear_cache()
        return result

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    # === ACTIONS === #

    def action_fetch_keys(self):
        """Fetch the keys now, for whoever sets this up."""
        self.ensure_one()
        self.check_access("write")
        self._fetch_keys()

    # === BUSINESS METHODS === #

    @api.private
    @api.model
    @tools.ormcache()
    def by_name(self):
        """The active issuers by their ``iss``, from the cache of this worker.

        :rtype: dict[str, Issuer]
        """
        return {
            issuer.issuer: Issuer(
                id=issuer.id,
                name=issuer.issuer,
                audience=issuer.audience,
                algorithms=frozenset(issuer.algorithms.split()),
                skew=issuer.skew,
                client_claim=issuer.client_claim,
                keys=issuer._keys(),
            )
            for issuer in self.sudo().search([("active", "=", True)])
        }

    @api.private
    @api.model
    def want_keys(self):
        """A token names a key that is not at hand: wake the job that fetches them. For the sake of
        those who make such tokens up, each worker does so at most once a minute."""
        now = time.monotonic()
        database = self.env.cr.dbname
        if now - _woken_at.get(database, -FETCH_INTERVAL.total_seconds()) < 60:
            return
        _woken_at[database] = now
        # a look-up's own transaction may not write
        with self.env.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env.ref("g2p_spar_mapper.cron_fetch_issuer_keys")._trigger()

    def _forget_keys(self, written):
        """Its keys were somebody else's, unless they came with the change."""
        nothing = dict.fromkeys(("tried_at", "fetched_at", "fetch_problem"), False)
        self.write(nothing if written else nothing | {"jwks": False})

    def _with_public_keys(self, vals):
        """The values with nothing but the public parts of pasted keys, in place of the text: a
        private key that was pasted is refused, and stored nowhere."""
        if not vals.get("jwks"):
            return vals
        try:
            keys = jwk.parse(vals["jwks"])
        except jwk.KeyProblem as problem:
            raise ValidationError(self.env._("Keys: %s", problem)) from problem
        return vals | {"jwks": _key_set(keys)}

    def _keys(self):
        """Those that were fetched end with their age, also where no job runs."""
        self.ensure_one()
        try:
            keys = jwk.parse_jwks(self.jwks.encode()).keys if self.jwks else ()
        except jwk.KeyProblem:
            return ()
        end = jwk.utc(self.fetched_at + KEYS_LAST) if self.fetched_at else None
        return tuple(key._replace(not_after=end) for key in keys)

    @api.model
    def _cron_fetch_keys(self):
        issuers = self.search([("jwks_url", "!=", False)])
        earliest = fields.Datetime.now() - FETCH_INTERVAL
        for issuer in issuers:
            if not issuer.tried_at or issuer.tried_at <= earliest:
                try:
                    with self.env.cr.savepoint():
                        issuer._fetch_keys()
                except Exception as error:  # noqa: BLE001 - whatever it is, the others are fetched
                    _logger.error("Keys of token issuer %s: %s", issuer.id, describe(error))
                    problem = self.env._("Unexpected: see the server's log.")
                    issuer._note_problem(fields.Datetime.now(), problem)
                self.env["ir.cron"]._commit_progress(1)

    def _fetch_keys(self):
        """Replace the keys; where that fails, say why and keep the old ones for a while."""
        now = fields.Datetime.now()
        try:
            key_set = jwks.fetch(self.jwks_url or "")
        except jwks.JwksProblem as problem:
            self._note_problem(now, problem)
            return
        if _half_day(now) != _half_day(self.fetched_at):
            self.env.registry.clear_cache()  # the cached keys' age
        values = {"tried_at": now, "fetched_at": now, "fetch_problem": False}
        text = _key_set(key_set.keys)
        if text != self.jwks:
            values["jwks"] = text
        self.write(values)

    def _note_problem(self, now, problem):
        values = {"tried_at": now, "fetch_problem": str(problem)[:500]}
        if self.jwks and self.fetched_at and self.fetched_at < now - KEYS_LAST:
            values["jwks"] = False
        self.write(values)


def _half_day(moment):
    """Shorter than `KEYS_LAST`."""
    return moment and (moment.date(), moment.hour // 12)


def _key_set(keys):
    """The JWKS document of some public keys."""
    return jsonio.dumps({"keys": [jwk.public_jwk(key) for key in keys]}).decode()
