# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.g2p_spar_connector import gateway, jwks
from odoo.addons.g2p_spar_connector.g2p_connect import jwk
from odoo.addons.g2p_spar_connector.safe_log import describe

_logger = logging.getLogger(__name__)

FETCH_INTERVAL = timedelta(minutes=10)
# Keys of a key set that could not be had for so long hold no more: one may have been withdrawn.
KEYS_LAST = timedelta(days=7)


class G2pSparParticipant(models.Model):
    """The public keys of a participant, pasted or fetched from its key set (JWKS).

    A key set is fetched by a job, never while a message waits.
    """

    _inherit = "g2p.spar.participant"

    key_ids = fields.One2many("g2p.spar.participant.key", "participant_id", "Keys", copy=False)
    jwks_url = fields.Char(
        "Key Set (JWKS)",
        copy=False,
        help="Address from which its keys are fetched every ten minutes, by https. Keys that are "
        "no more in it end.",
    )
    jwks_tried_at = fields.Datetime("Last Try", readonly=True, copy=False)
    jwks_fetched_at = fields.Datetime("Keys Fetched On", readonly=True, copy=False)
    jwks_problem = fields.Char("Problem", readonly=True, copy=False)

    # === CONSTRAINT METHODS === #

    @api.constrains("jwks_url")
    def _check_jwks_url(self):
        for participant in self.filtered("jwks_url"):
            try:
                gateway.parse_url(participant.jwks_url)
            except gateway.GatewayRefused as refusal:
                raise ValidationError(self.env._("Key set: %s.", refusal)) from refusal

    # === CRUD METHODS === #

    def write(self, vals):
        if "jwks_url" not in vals:
            return super().write(vals)
        old = {participant: participant.jwks_url for participant in self}
        result = super().write(vals)
        for participant, jwks_url in old.items():
            if (participant.jwks_url or "") != (jwks_url or ""):  # keys of somewhere else
                participant._end_key_set()
                participant._note_fetch(None, None, "")
        return result

    # === ACTIONS === #

    def action_add_keys(self):
        """Ask for the public keys to register."""
        self.ensure_one()
        return self._dialog("g2p.spar.participant.key.add", self.env._("Add Keys"))

    def action_verify_sample(self):
        """Ask for a message, to tell whether its signature holds."""
        self.ensure_one()
        name = self.env._("Verify a Sample Message")
        return self._dialog("g2p.spar.signature.check", name)

    def action_fetch_keys(self):
        """Fetch the key set now."""
        self.ensure_one()
        self.check_access("write")
        self.sudo()._fetch_key_set()

    # === BUSINESS METHODS === #

    @api.private
    def register_keys(self, keys):
        """Put public keys on record; one that is there already is an error.

        :param keys: ``g2p_connect.jwk.PublicKey``
        """
        self.ensure_one()
        self.check_access("write")
        known = {key.fingerprint: key for key in self.key_ids}
        for key in keys:
            record = known.get(jwk.fingerprint(key))
            if record:
                raise UserError(
                    self.env._("The key %s is registered already, or was.", record.kid)
                    if not record.revoked_at
                    else self.env._("The key %s was revoked: it never holds again.", record.kid)
                )
        self._create_keys(keys, "pasted")

    def _public_keys(self):
        """The keys that its messages may be signed with, for the cached profile.

        :rtype: tuple[g2p_connect.jwk.PublicKey]
        """
        self.ensure_one()
        now = fields.Datetime.now()
        keys = self.key_ids.filtered(
            lambda key: not key.revoked_at and (not key._end() or key._end() > now)
        )
        return tuple(self._as_public_key(key) for key in keys)

    def _as_public_key(self, key):
        """A key of the key set ends with its age, also where no job runs."""
        public = key.as_public_key()
        if key.source != "jwks" or not self.jwks_fetched_at:
            return public
        ends = (public.not_after, jwk.utc(self.jwks_fetched_at + KEYS_LAST))
        return public._replace(not_after=min(filter(None, ends)))

    def _dialog(self, model, name):
        return {
            "type": "ir.actions.act_window",
            "res_model": model,
            "name": name,
            "view_mode": "form",
            "target": "new",
            "context": {"default_participant_id": self.id},
        }

    def _create_keys(self, keys, source):
        model = self.env["g2p.spar.participant.key"].sudo()
        model.create(
            [{**model.values_of(key), "participant_id": self.id, "source": source} for key in keys]
        )

    # === KEY SETS === #

    @api.model
    def _cron_fetch_keys(self):
        before = fields.Datetime.now() - FETCH_INTERVAL
        due = self.search(
            [
                ("jwks_url", "!=", False),
                "|",
                ("jwks_tried_at", "=", False),
                ("jwks_tried_at", "<=", before),
            ],
            order="jwks_tried_at nulls first, id",
        )
        for place, participant in enumerate(due, start=1):
            try:
                with self.env.cr.savepoint():
                    participant._fetch_key_set()
            except Exception as error:  # noqa: BLE001 - whatever it is, the others are fetched
                _logger.error("Key set of participant %s: %s", participant.id, describe(error))
                problem = self.env._("Unexpected: see the server's log.")
                participant._note_problem(fields.Datetime.now(), problem)
            if not self.env["ir.cron"]._commit_progress(1, remaining=len(due) - place):
                break

    def _fetch_key_set(self):
        """Take over what the key set has; where it cannot be had, say why and keep the keys that
        were in it for a while."""
        self.ensure_one()
        now = fields.Datetime.now()
        try:
            key_set = jwks.fetch(self.jwks_url or "")
        except jwks.JwksProblem as problem:
            self._note_problem(now, problem)
            return
        # whatever else comes of it: a key that was withdrawn holds no more
        self._end_vanished(key_set.keys, now)
        try:
            with self.env.cr.savepoint():
                self._take_over(key_set.keys)
        except ValidationError as problem:
            self._note_problem(now, problem)
        else:
            self._note_fetch(now, now, " ".join(key_set.passed_over))

    def _end_vanished(self, keys, now):
        """Keys that are no more in the key set have gone."""
        fingerprints = {jwk.fingerprint(key) for key in keys}
        vanished = self.key_ids.filtered(
            lambda key: (
                key.source == "jwks" and not key.gone_at and key.fingerprint not in fingerprints
            )
        )
        if vanished:
            vanished.write({"gone_at": now})

    def _take_over(self, keys):
        """Put the keys of the key set on record. One that was pasted or revoked stays so."""
        fetched = {jwk.fingerprint(key): key for key in keys}
        for record in self.key_ids.filtered(
            lambda key: key.source == "jwks" and key.fingerprint in fetched
        ):
            key = fetched[record.fingerprint]
            values = {"gone_at": False, "kid": key.kid, "algorithm": key.algorithm}
            changes = {name: value for name, value in values.items() if record[name] != value}
            if changes:
                record.write(changes)
        known = set(self.key_ids.mapped("fingerprint"))
        new = [key for fingerprint, key in fetched.items() if fingerprint not in known]
        if new:
            self._create_keys(new, "jwks")

    def _end_key_set(self):
        """The keys that were fetched hold no more."""
        keys = self.key_ids.filtered(lambda key: key.source == "jwks" and not key.gone_at)
        if keys:
            keys.sudo().write({"gone_at": fields.Datetime.now()})

    def _note_problem(self, now, problem):
        """The key set could not be taken over: the keys on record hold for a while."""
        if self.jwks_fetched_at and self.jwks_fetched_at < now - KEYS_LAST:
            self._end_key_set()
        self._note_fetch(now, self.jwks_fetched_at or None, str(problem))

    def _note_fetch(self, tried_at, fetched_at, problem):
        """Not by `write`, after which every worker would read everything anew: that is so once a
        day, for the sake of the cached keys' age."""
        before = self.jwks_fetched_at
        if fetched_at and (not before or before.date() != fetched_at.date()):
            self.env.registry.clear_cache()
        self.env.cr.execute(
            """UPDATE g2p_spar_participant
            SET jwks_tried_at = %s, jwks_fetched_at = %s, jwks_problem = %s WHERE id = %s""",
            (tried_at, fetched_at, problem[:500] or None, self.id),
        )
        self.invalidate_recordset(["jwks_tried_at", "jwks_fetched_at", "jwks_problem"])
