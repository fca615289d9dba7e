# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import re
import secrets

from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, ValidationError

from odoo.addons.g2p_spar_connector.g2p_connect.fa_format import DEFAULTS
from odoo.addons.g2p_spar_connector.g2p_connect.values import OPERATIONS
from odoo.addons.g2p_spar_fa_directory.account_number import compile_pattern

from ..api import MAX_ITEMS, STATUS_SCOPE
from ..authority import Authority, ParticipantProfile
from ..cache_signal import forget_with_commit
from .g2p_spar_access_token import sha256

# What no user writes, whatever the way.
OWN_VALUES = {
    "client_id",
    "client_secret_digest",
    "client_secret_set_at",
    "secret_version",
    "jwks_tried_at",
    "jwks_fetched_at",
    "jwks_problem",
}


class G2pSparParticipant(models.Model):
    """An organisation that calls the API: a bank, wallet operator, PBMS, bridge or switch."""

    _name = "g2p.spar.participant"
    _inherit = "g2p.spar.referenced"
    _description = "SPAR Participant"
    _order = "name, id"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True, help="An archived participant's tokens end at once.")
    sender_id = fields.Char(
        "Sender ID",
        required=True,
        copy=False,
        help="How the participant calls itself in the header of its messages.",
    )
    institution_id = fields.Many2one(
        "g2p.fa.provider",
        index="btree_not_null",
        ondelete="restrict",
        help="The provider that this participant is, where it is one.",
    )
    profile = fields.Selection(
        [
            ("strict", "G2P-Connect (strict)"),
            ("openg2p_1", "OpenG2P 1.x"),
            ("openg2p_2", "OpenG2P 2.x"),
        ],
        required=True,
        default="strict",
        help="How strictly its messages are read and with which codes they are answered.",
    )
    fa_format = fields.Selection(
        [
            ("string", "As stored"),
            ("object", "Object of OpenG2P 2.x"),
            ("bridge_1", "String for G2P Bridge 1.0"),
            ("bridge_2", "Object for G2P Bridge 2.x"),
            ("bridge_2_v1", "String for G2P Bridge 2.x set to SPAR 1.x"),
        ],
        "Address Format",
        required=True,
        compute="_compute_fa_format",
        store=True,
        readonly=False,
        precompute=True,
        help="In which form resolve gives addresses to it, on all paths.\n"
        "As stored: clients of G2P-Connect and OpenG2P SPAR 1.x.\n"
        "Object of OpenG2P 2.x: clients of OpenG2P SPAR 2.x.\n"
        "String for G2P Bridge 1.0: a Bridge whose patterns are those in the integrator's guide.\n"
        "Object for G2P Bridge 2.x: its mapper connector SPARMapper.\n"
        "String for G2P Bridge 2.x set to SPAR 1.x: its mapper connector SPARMapperV1.\n"
        "Addresses that are not in the directory can be given as stored only.",
    )
    note = fields.Text()

    # what it may do
    may_link = fields.Boolean()
    may_update = fields.Boolean()
    may_unlink = fields.Boolean()
    may_resolve = fields.Boolean()
    may_see_details = fields.Boolean(
        "May Resolve Details", help="Scope details: the address and its provider."
    )
    fa_policy = fields.Selection(
        [("directory", "Only addresses at known providers"), ("opaque", "Any well-formed address")],
        "Addresses",
        required=True,
        default="directory",
    )
    own_institution_only = fields.Boolean(
        help="It may write only addresses at its own institution, never opaque ones."
    )
    namespace_ids = fields.Many2many(
        "g2p.id.namespace",
        string="ID Namespaces",
        ondelete="restrict",  # none left would mean any
        help="IDs that it may write; empty: any.",
    )
    id_pattern = fields.Char(
        "ID Pattern",
        help="Regular expression (RE2, whatever the case) which the whole of an ID that it writes "
        "must match; empty: any ID.",
    )
    consent_required = fields.Boolean(
        help="Each item of its links must have an entry consent_reference, with a text as its "
        "value, in additional_info.",
    )
    may_override = fields.Boolean(
        "May Change Others' Mappings",
        help="Also mappings that the person or another institution wrote. Normally off: the "
        "person's own choice wins.",
    )
    max_items = fields.Integer("Items per Message", required=True, default=1000)

    # how it signs in
    client_id = fields.Char(
        "Client ID", required=True, readonly=True, copy=False, default=lambda self: new_client_id()
    )
    client_secret_digest = fields.Char(copy=False, groups=fields.NO_ACCESS)
    client_secret_set_at = fields.Datetime("Secret Set On", readonly=True, copy=False)
    secret_version = fields.Integer(
        required=True,
        readonly=True,
        copy=False,
        default=0,
        help="A token holds only with the version it was issued for.",
    )
    token_lifetime = fields.Integer("Token Lifetime (s)", required=True, default=3600)
    curl_example = fields.Text(compute="_compute_curl_example")

    _sender_id_unique = models.UniqueIndex(
        "(lower(sender_id))", "Another participant has this sender ID."
    )
    _client_id_unique = models.UniqueIndex("(client_id)", "Another participant has this client ID.")
    _max_items_range = models.Constraint(
        f"CHECK (max_items BETWEEN 1 AND {MAX_ITEMS})", f"Items per message: 1 to {MAX_ITEMS}."
    )
    _token_lifetime_range = models.Constraint(
        "CHECK (token_lifetime BETWEEN 60 AND 86400)", "Token lifetime: 60 to 86400 seconds."
    )

    # === COMPUTE METHODS === #

    @api.depends("profile")
    def _compute_fa_format(self):
        for participant in self:
            participant.fa_format = DEFAULTS.get(participant.profile, "string")

    @api.depends("client_id", "sender_id", "may_resolve", "profile")
    def _compute_curl_example(self):
        base_url = self.env["ir.config_parameter"].sudo().get_param("web.base.url")
        for participant in self:
            participant.curl_example = participant._curl_example(base_url)

    # === CONSTRAINT METHODS === #

    @api.constrains("own_institution_only", "institution_id", "fa_policy")
    def _check_own_institution(self):
        for participant in self.filtered("own_institution_only"):
            if not participant.institution_id:
                raise ValidationError(
                    self.env._(
                        "%s writes for its own institution only: say which.", participant.name
                    )
                )
            if participant.fa_policy != "directory":
                raise ValidationError(
                    self.env._(
                        "%s writes for its own institution only, so its addresses must be at known "
                        "providers.",
                        participant.name,
                    )
                )

    @api.constrains("sender_id")
    def _check_sender_id(self):
        """Upper and lower case of others are not the same everywhere."""
        for participant in self:
            if not re.fullmatch("[!-~]+", participant.sender_id):
                raise ValidationError(
                    self.env._(
                        "Sender ID: letters, digits and signs of ASCII only, without blanks."
                    )
                )

    @api.constrains("id_pattern")
    def _check_id_pattern(self):
        for participant in self.filtered("id_pattern"):
            try:
                _compile(participant.id_pattern)
            except ValueError as error:
                raise ValidationError(
                    self.env._("%(name)s: ID pattern: %(why)s", name=participant.name, why=error)
                ) from error

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_own_values(vals)
        participants = super().create(vals_list)
        self.env.registry.clear_cache()
        return participants

    def write(self, vals):
        self._check_own_values(vals)
        if vals.get("active") is False:
            self._end_tokens()
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    def unlink(self):
        self._end_tokens()
        self.env.registry.clear_cache()
        return super().unlink()

    # === ACTIONS === #

    def action_rotate_secret(self):
        """Ask before rotating: the old secret and all its tokens end at once."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "g2p.spar.participant.secret",
            "name": self.env._("New Client Secret"),
            "view_mode": "form",
            "target": "new",
            "context": {"default_participant_id": self.id},
        }

    # === BUSINESS METHODS === #

    @api.private
    def rotate_secret(self):
        """Give the participant a new secret; the old one and its tokens end at once.

        :return: the secret (256 random bits, URL-safe base64), which is stored nowhere.
        :rtype: str
        """
        self.ensure_one()
        secret = secrets.token_urlsafe(32)
        self._end_tokens()
        self.sudo().write(
            {
                "client_secret_digest": sha256(secret),
                "client_secret_set_at": fields.Datetime.now(),
            }
        )
        return secret

    @api.private
    @api.model
    @tools.ormcache("participant_id")
    def get_profile(self, participant_id):
        """What the API needs of a participant, from the cache of this worker.

        :rtype: ParticipantProfile
        """
        participant = self.sudo().browse(participant_id)
        return ParticipantProfile(
            id=participant.id,
            secret_version=participant.secret_version if participant.active else None,
            name=participant.name,
            sender_id=participant.sender_id,
            profile=participant.profile,
            max_items=participant.max_items,
            fa_format=participant.fa_format,
            authority=participant._authority(),
            authentication=participant.authentication,
            signature_dialect=participant.signature_dialect or None,
            sign_answers=participant.sign_answers,
            public_keys=participant._public_keys(),
            callbacks=participant._callback_policy(),
            **participant.limits(),
        )

    def _check_own_values(self, vals):
        """A field's `readonly` binds forms only."""
        if not self.env.su and (names := OWN_VALUES & vals.keys()):
            raise AccessError(self.env._("%s is set by the system.", ", ".join(sorted(names))))

    def _end_tokens(self):
        """The tokens go; the version ends one that is being issued meanwhile."""
        for participant in self.sudo():
            participant.secret_version += 1
        self.env.cr.execute(
            "DELETE FROM g2p_spar_access_token WHERE participant_id = ANY(%s)", [self.ids]
        )
        forget_with_commit(self.env.cr)

    def _authority(self):
        self.ensure_one()
        operations = [operation for operation in OPERATIONS if self[f"may_{operation}"]]
        namespaces = {name.lower() for name in self.namespace_ids.mapped("name")}
        return Authority(
            operations=frozenset([*operations, STATUS_SCOPE] if operations else ()),
            opaque_fas=self.fa_policy == "opaque",
            institution_id=self.institution_id.id if self.own_institution_only else None,
            namespaces=frozenset(namespaces) or None,
            id_pattern=_compile(self.id_pattern) if self.id_pattern else None,
            consent=self.consent_required,
            overrides=self.may_override,
            details=self.may_see_details,
        )

    def _curl_example(self, base_url):
        """Two commands that work when pasted, but for the secret, which only its owner has."""
        self.ensure_one()
        return f"""\
TOKEN=$(curl -s {base_url}/spar/oauth2/client/token \\
  -d grant_type=client_credentials -d client_id={self.client_id} \\
  -d client_secret=THE_SECRET |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')

curl -s {base_url}/spar/v1.0.0/mapper/sync/resolve \\
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{
  "header": {{"version": "1.0.0", "message_id": "'$(date +%s%N)'", "action": "resolve",
    "message_ts": "'$(date -Iseconds)'", "sender_id": "{self.sender_id}", "total_count": 1}},
  "message": {{"transaction_id": "1", "resolve_request": [{{"reference_id": "1",
    "timestamp": "'$(date -Iseconds)'", "id": "token:12345@nationalId", "scope": "yes_no"}}]}}
}}'"""


def _compile(id_pattern):
    """IDs are compared without case."""
    return compile_pattern(f"(?i){id_pattern}")


def new_client_id():
    return secrets.token_hex(8)
