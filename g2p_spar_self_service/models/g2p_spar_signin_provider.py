# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import functools
import ipaddress
import re
import time

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError

from odoo.addons.g2p_spar_connector import gateway
from odoo.addons.g2p_spar_connector.g2p_connect import jsonio, jwk
from odoo.addons.g2p_spar_connector.secret import SealBroken, SecretKeyMissing, seal, unseal
from odoo.addons.g2p_spar_fa_directory.ids import id_key, id_problem, namespace_of
from odoo.addons.g2p_spar_fa_directory.pattern import FIELD_SAMPLES, PatternError

from .. import oidc
from ..web import LANDING_PATH, SIGNED_IN_PATH

SECRET_PURPOSE = "sign-in client secret"
KEY_PURPOSE = "sign-in client key"
MAX_SKEW = 300
# Of a picture on a button, once it is 128 pixels at most. The whole first visit is to take 150 kB.
PICTURE_BYTES = 8_000
# What parts an ID: a claim that holds one could make the ID of another form or namespace.
DELIMITERS = frozenset(":@")
_URLS = (
    "issuer",
    "discovery_url",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
)
# The gateway sees to https where we call ourselves.
_OPENED_BY_PEOPLE = ("authorization_endpoint", "end_session_endpoint")
# What decides who somebody is. Whoever was signed in before one of these changed is not any more.
TRUSTED = (
    *_URLS,
    "iss_in_redirect",
    "client_id",
    "userinfo_mode",
    "algorithms",
    "clock_skew",
    "acr_values",
    "acr_required",
    "id_claim",
    "strategy_id",
    "namespace_id",
    "name_claim",
    "email_claim",
    "phone_claim",
    "contacts_verified",
)
# Changes of these are kept, in `g2p.spar.signin.provider.event`.
_RECORDED = (*TRUSTED, "active", "company_id", "change_needs_contact")
# What is told to one address must not go to several.
_ONE_ADDRESS = re.compile(r"[^\s@,;:<>()\[\]\"\\]+@[^\s@,;:<>()\[\]\"\\]+")
_CLAIM_NAME = re.compile(r"[!-~]{1,100}")


class G2pSparSigninProvider(models.Model):
    """An OpenID Connect provider at which people sign in with their national ID.

    Everything that is called or trusted is on this record: discovery only fills it in, when a
    manager asks for it. What the provider says of a person becomes an ID here and nowhere else
    (`_make_id`).
    """

    _name = "g2p.spar.signin.provider"
    _inherit = ["g2p.spar.sealed.secret", "g2p.spar.kept"]
    _description = "Sign-in Provider"
    _order = "sequence, id"
    _secret_field = "client_secret"
    _secret_purpose = SECRET_PURPOSE
    _secret_address_field = "token_endpoint"

    name = fields.Char(required=True, translate=True, help="Shown on the button and to staff.")
    active = fields.Boolean(
        default=True, help="Sessions of an archived provider end at their next page."
    )
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        "res.company", index=True, help="Whose connector is used. Empty: for all companies."
    )
    button_label = fields.Char(
        translate=True, help="Empty: “Sign in with”, followed by the name of the provider."
    )
    image_128 = fields.Image("Picture", max_width=128, max_height=128)

    # --- the provider (OpenID Connect Discovery 1.0 section 3) ---
    issuer = fields.Char(
        required=True, help="Exactly as the provider writes it in its ID tokens (iss)."
    )
    discovery_url = fields.Char(
        "Discovery Address",
        help="Empty: the issuer, followed by /.well-known/openid-configuration.",
    )
    authorization_endpoint = fields.Char(help="Where people are sent to sign in.")
    token_endpoint = fields.Char(help="Another one needs the client secret once more.")
    jwks_uri = fields.Char("Key Set (JWKS)")
    userinfo_endpoint = fields.Char("User-info Endpoint")
    end_session_endpoint = fields.Char(
        "Sign-out Endpoint", help="OpenID Connect RP-Initiated Logout. Empty: none."
    )
    iss_in_redirect = fields.Boolean(
        "Names Itself on Return",
        help="The provider sends iss along with the code (RFC 9207): a return without it is "
        "refused. One with a wrong iss always is.",
    )

    # --- us at the provider ---
    client_id = fields.Char("Client ID")
    redirect_uri = fields.Char(
        "Redirect Address",
        compute="_compute_redirect_uri",
        help="To be registered at the provider, and at no other, for each address that this site "
        "is reached by. Each provider has its own.",
    )
    sign_out_return_uri = fields.Char(
        "Address after Sign-out",
        compute="_compute_redirect_uri",
        help="To be registered likewise (post_logout_redirect_uri).",
    )
    client_auth = fields.Selection(
        [
            ("private_key_jwt", "Signed assertion (private_key_jwt)"),
            ("client_secret_basic", "Secret in the header (client_secret_basic)"),
            ("client_secret_post", "Secret in the body (client_secret_post)"),
        ],
        "Client Authentication",
        required=True,
        default="private_key_jwt",
    )
    client_key_algorithm = fields.Selection(
        [("RS256", "RS256"), ("PS256", "PS256")],
        "Assertion Algorithm",
        required=True,
        default="RS256",
    )
    client_assertion_aud = fields.Selection(
        [("token_endpoint", "Token endpoint"), ("issuer", "Issuer")],
        "Assertion Audience",
        required=True,
        default="token_endpoint",
    )
    client_key_sealed = fields.Char(copy=False, groups=fields.NO_ACCESS)
    client_jwk = fields.Text(
        "Public Key for Assertions",
        readonly=True,
        copy=False,
        help="JWK, to be registered at the provider.",
    )
    client_jwk_file = fields.Binary(compute="_compute_jwk_files")
    client_jwk_name = fields.Char(compute="_compute_jwk_files")
    client_secret = fields.Char(
        compute="_compute_client_secret",
        inverse="_inverse_client_secret",
        help="Stored sealed, and never shown again.",
    )
    client_secret_sealed = fields.Char(copy=False, groups=fields.NO_ACCESS)
    client_secret_set_at = fields.Datetime("Secret Set On", readonly=True, copy=False)

    # --- what is asked for ---
    scopes = fields.Char(required=True, default="openid profile")
    acr_values = fields.Char(
        "ACR Asked",
        help="Ways of signing in to ask for, separated by blanks, the preferred one first.",
    )
    acr_required = fields.Char(
        "ACR Required",
        help="One of these, separated by blanks, must have been used. Empty: any will do.",
    )
    claims_request = fields.Text(help='JSON, such as {"userinfo": {"name": {"essential": true}}}')
    userinfo_mode = fields.Selection(
        [
            ("none", "Not asked"),
            ("json", "JSON"),
            ("jws", "Signed (JWS)"),
            ("jwe", "Signed and encrypted (JWE)"),
        ],
        "User-info",
        required=True,
        default="jws",
        help="An answer in another form is refused.",
    )
    userinfo_key_sealed = fields.Char(copy=False, groups=fields.NO_ACCESS)
    userinfo_jwk = fields.Text(
        "Public Key for Encryption",
        readonly=True,
        copy=False,
        help="JWK, to be registered at the provider.",
    )
    userinfo_jwk_file = fields.Binary(compute="_compute_jwk_files")
    userinfo_jwk_name = fields.Char(compute="_compute_jwk_files")
    algorithms = fields.Char(
        "Signature Algorithms",
        required=True,
        default=" ".join(jwk.ALGORITHMS),
        help="That ID tokens and user-info may be signed with, separated by blanks.",
    )
    clock_skew = fields.Integer(
        "Clock Skew (s)", default=60, help="How far the provider's clock may be from ours."
    )

    # --- whom its claims make ---
    id_claim = fields.Char(
        "ID Claim",
        required=True,
        default="sub",
        help="The verified claim that the ID is made from.",
    )
    strategy_id = fields.Many2one(
        "g2p.fa.strategy",
        "ID Strategy",
        required=True,
        ondelete="restrict",
        domain=[("strategy_type", "=", "ID")],
        help="How the ID is made; {sub} stands for the value of the ID claim.",
    )
    namespace_id = fields.Many2one(
        "g2p.id.namespace",
        "ID Namespace",
        required=True,
        ondelete="restrict",
        help="This provider makes IDs in this namespace and in no other.",
    )
    name_claim = fields.Char(default="name")
    email_claim = fields.Char("E-mail Claim", default="email")
    phone_claim = fields.Char(default="phone_number")
    contacts_verified = fields.Boolean(
        "Tells Verified Contacts Only",
        help="E-mail and phone are used although the provider does not say email_verified and "
        "phone_number_verified.",
    )

    change_needs_contact = fields.Selection(
        [("yes", "Yes"), ("no", "No")],
        "Somebody Must Be Told",
        help="Whether a change or removal of an address on record is refused for people who have "
        "signed in here and whom no message can reach. Empty: as the settings of the company say.",
    )

    trust_version = fields.Integer(
        default=1, copy=False, groups=fields.NO_ACCESS, help="Counts changes of `TRUSTED`."
    )
    event_ids = fields.One2many("g2p.spar.signin.provider.event", "provider_id", readonly=True)

    problem = fields.Char(
        "Not Offered Yet",
        compute="_compute_problem",
        help="While something is missing, nobody is offered to sign in here.",
    )
    tested_at = fields.Datetime("Tested On", readonly=True, copy=False)
    test_passed = fields.Boolean(readonly=True, copy=False)
    test_result = fields.Text(readonly=True, copy=False)

    # === COMPUTE METHODS === #

    def _compute_redirect_uri(self):
        for provider in self:
            base, path = provider.get_base_url(), provider.signed_in_path()
            provider.redirect_uri = path and f"{base}{path}"
            provider.sign_out_return_uri = f"{provider.get_base_url()}{LANDING_PATH}"

    @api.depends("client_jwk", "userinfo_jwk")
    def _compute_jwk_files(self):
        for provider in self:
            for name in ("client_jwk", "userinfo_jwk"):
                text = provider[name]
                provider[f"{name}_file"] = base64.b64encode(text.encode()) if text else False
                provider[f"{name}_name"] = f"{name}.json"

    def _compute_client_secret(self):
        self.client_secret = False

    def _inverse_client_secret(self):
        """`create` and `write` have sealed it."""

    @api.depends(
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
        "userinfo_mode",
        "client_id",
        "client_auth",
        "client_jwk",
        "client_secret_set_at",
        "userinfo_jwk",
    )
    def _compute_problem(self):
        for provider in self:
            missing = [name for name in provider._needed() if not provider[name]]
            labels = ", ".join(map(provider._label, missing))
            provider.problem = self.env._("Missing: %s.", labels) if missing else False

    def _needed(self):
        """What must be there before anybody can sign in."""
        names = ["authorization_endpoint", "token_endpoint", "jwks_uri", "client_id"]
        with_key = self.client_auth == "private_key_jwt"
        names.append("client_jwk" if with_key else "client_secret_set_at")
        if self.userinfo_mode != "none":
            names.append("userinfo_endpoint")
        if self.userinfo_mode == "jwe":
            names.append("userinfo_jwk")
        return names

    # === CONSTRAINT METHODS === #

    @api.constrains(*_URLS)
    def _check_urls(self):
        for provider in self:
            for name in _URLS:
                try:
                    target = gateway.parse_url(provider[name]) if provider[name] else None
                except gateway.GatewayRefused as refusal:
                    provider._refuse(name, str(refusal))
                if name == "issuer" and "?" in target.path:
                    provider._refuse(name, self.env._("must have no query"))
                if name in _OPENED_BY_PEOPLE and target and not _is_protected(target):
                    provider._refuse(name, self.env._("must begin with https"))

    @api.constrains("image_128")
    def _check_picture(self):
        for provider in self.with_context(bin_size=False):
            if len(base64.b64decode(provider.image_128 or b"")) > PICTURE_BYTES:
                raise ValidationError(
                    self.env._(
                        "The picture is sent with each start page, also to slow telephones: it "
                        "must not take more than %s kB. Choose one with fewer details or colours.",
                        PICTURE_BYTES // 1000,
                    )
                )

    @api.constrains("scopes", "claims_request", "algorithms", "clock_skew", "id_claim")
    def _check_request(self):
        for provider in self:
            if "openid" not in provider.scopes.split():
                provider._refuse("scopes", self.env._("must have openid"))
            if not set(provider.algorithms.split()) <= set(jwk.ALGORITHMS):
                provider._refuse(
                    "algorithms", self.env._("known are %s", ", ".join(jwk.ALGORITHMS))
                )
            if not 0 <= provider.clock_skew <= MAX_SKEW:
                provider._refuse("clock_skew", self.env._("must lie between 0 and %s", MAX_SKEW))
            if not _CLAIM_NAME.fullmatch(provider.id_claim):
                provider._refuse("id_claim", self.env._("must be the name of a claim"))
            provider._check_claims_request()

    def _check_claims_request(self):
        try:
            value = jsonio.loads((self.claims_request or "{}").encode())
        except jsonio.MalformedJSON as error:
            self._refuse("claims_request", str(error))
        if not isinstance(value, dict):
            self._refuse("claims_request", self.env._("must be a JSON object"))

    @api.constrains("strategy_id", "namespace_id")
    def _check_namespace(self):
        for provider in self:
            if provider.strategy_id.strategy_type != "ID":
                provider._refuse("strategy_id", self.env._("must be a strategy of IDs"))
            try:
                sample = provider.strategy_id.construct({"sub": FIELD_SAMPLES["sub"]})
            except PatternError as error:
                provider._refuse("strategy_id", str(error))
            if not provider._is_in_namespace(sample):
                provider._refuse(
                    "strategy_id",
                    self.env._("makes no IDs of the namespace %s", provider.namespace_id.name),
                )

    @api.constrains("namespace_id", "issuer", "id_claim", "strategy_id", "active")
    def _check_namespace_shared(self):
        """Two people must never get one ID because two providers call them alike: `sub` is unique
        within an issuer only, any other claim only among claims of that name, and an ID made of
        them only among those of one strategy."""
        for provider in self.filtered("active"):
            others = self.sudo().search(
                [("namespace_id", "=", provider.namespace_id.id), ("id", "!=", provider.id)]
            )
            for other in others:
                same_claim = other.id_claim == provider.id_claim and (
                    other.issuer == provider.issuer or provider.id_claim != "sub"
                )
                if not same_claim or other.strategy_id != provider.strategy_id:
                    provider._refuse(
                        "namespace_id",
                        self.env._(
                            "%s makes IDs in it already, of another claim, of subjects of its "
                            "own or by another strategy, so that two people could get the same ID",
                            other.name,
                        ),
                    )

    def _refuse(self, name, problem):
        raise ValidationError(
            self.env._(
                "%(provider)s, %(field)s: %(problem)s.",
                provider=self.name,
                field=self._label(name),
                problem=problem.rstrip("."),
            )
        )

    def _label(self, name):
        return self._fields[name]._description_string(self.env)

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        providers = super().create(vals_list)
        providers._make_missing_keys()
        providers.strategy_id.sudo().mark_used()
        for provider in providers:
            self.env["g2p.spar.signin.provider.event"].record(
                provider, "create", {}, provider._recorded()
            )
        return providers

    def write(self, vals):
        before = {}
        if vals.keys() & set(_RECORDED):
            before = {provider: provider._recorded() for provider in self}
        result = super().write(vals)
        for provider, values in before.items():
            provider._record_changes(values)
        if {"client_auth", "userinfo_mode"} & vals.keys():
            self._make_missing_keys()
        if "client_key_algorithm" in vals:
            self._name_algorithm()
        if "strategy_id" in vals:
            self.strategy_id.sudo().mark_used()
        return result

    def unlink(self):
        for provider in self:
            self.env["g2p.spar.signin.provider.event"].record(
                provider, "unlink", provider._recorded(), {}
            )
        return super().unlink()

    def _recorded(self):
        """What the history has of the settings now, as text, by field."""
        values = {}
        for name in _RECORDED:
            value = self[name]
            if isinstance(value, models.BaseModel):
                value = value and f"{value.sudo().display_name} ({value.id})"
            values[name] = str(value or "")
        return values

    def _record_changes(self, before):
        """Keep what has changed; where it is what people are trusted by, end their sessions. One
        that begins at this moment is told by the version."""
        events = self.env["g2p.spar.signin.provider.event"]
        if events.record(self, "write", before, self._recorded()) & set(TRUSTED):
            provider = self.sudo()
            provider.trust_version += 1
            sessions = self.env["g2p.spar.beneficiary.session"].sudo()
            sessions.search([("provider_id", "=", provider.id), ("ended_at", "=", False)]).end()

    def _seal(self, plaintext, purpose):
        try:
            return seal(plaintext, purpose)
        except SecretKeyMissing as error:
            raise UserError(str(error)) from None

    # === ACTIONS === #

    def action_discover(self):
        """Fill the endpoints in from what the provider says of itself."""
        self.ensure_one()
        self.check_access("write")
        try:
            metadata = oidc.discovery.fetch(self._discovery_address(), self.issuer)
        except oidc.OidcProblem as problem:
            raise UserError(self.env._("%s.", problem)) from None
        found = dict(metadata.endpoints)
        if metadata.iss_in_redirect:
            # what a provider says of itself only makes us stricter
            found["iss_in_redirect"] = True
        self.write(found)
        return True

    def action_test(self):
        """Go through everything that can be tried without a person, and say what came of it."""
        self.ensure_one()
        self.check_access("write")
        passed, lines = self.sudo()._test()
        self.write(
            {
                "tested_at": fields.Datetime.now(),
                "test_passed": passed,
                "test_result": "\n".join(lines),
            }
        )
        return True

    def action_new_client_key(self):
        """Replace the key of assertions; sign-in fails until the new one is registered."""
        self.ensure_one()
        self.check_access("write")
        self.sudo()._make_client_key()
        return True

    def action_new_userinfo_key(self):
        """Replace the key that user-info is encrypted for, likewise."""
        self.ensure_one()
        self.check_access("write")
        self.sudo()._make_userinfo_key()
        return True

    # === BUSINESS METHODS === #

    @api.private
    @api.model
    def offered(self, company):
        """The providers at which people can sign in, in their order.

        :param company: of the site
        """
        return self.browse(self._offered_ids(company.id)).recollect()

    @tools.ormcache("company_id")
    def _offered_ids(self, company_id):
        providers = self.sudo().search_fetch([("company_id", "in", (company_id, False))])
        return providers.filtered(lambda provider: not provider.problem).ids

    def _kept_fields(self):
        """Extension: the picture is on every landing page."""
        return [*super()._kept_fields(), self._fields["image_128"]]

    @api.private
    def signed_in_path(self):
        """Where on this site the provider sends people back to; empty for a new record."""
        provider_id = self._origin.id
        return f"{SIGNED_IN_PATH}/{provider_id}" if provider_id else ""

    @api.private
    def pages(self):
        """Where the pages are that people sign in on.

        :rtype: list[str]
        """
        return [address for p in self for address in (p.authorization_endpoint, p.issuer)]

    @api.private
    def client(self):
        """This record for the plain Python that talks to the provider.

        :rtype: oidc.Client
        :raise SealBroken, SecretKeyMissing: keys or secrets cannot be opened
        """
        self.ensure_one()
        provider = self.sudo()
        secret = provider.client_secret_sealed
        with_key = provider.client_auth == "private_key_jwt"
        return oidc.Client(
            issuer=provider.issuer,
            client_id=provider.client_id,
            authorization_endpoint=provider.authorization_endpoint,
            token_endpoint=provider.token_endpoint,
            jwks_uri=provider.jwks_uri,
            userinfo_endpoint=provider.userinfo_endpoint or "",
            client_auth=provider.client_auth,
            client_key=provider._client_key() if with_key else None,
            client_secret=unseal(secret, SECRET_PURPOSE).decode() if secret else "",
            assertion_aud=provider.client_assertion_aud,
            scopes=provider.scopes,
            acr_values=provider.acr_values or "",
            acr_required=frozenset((provider.acr_required or "").split()),
            claims_request=provider.claims_request or "",
            userinfo_mode=provider.userinfo_mode,
            userinfo_key=provider._userinfo_key() if provider.userinfo_mode == "jwe" else None,
            algorithms=frozenset(provider.algorithms.split()),
            clock_skew=provider.clock_skew,
            iss_in_redirect=provider.iss_in_redirect,
        )

    def _make_id(self, claims):
        """The ID of the person of whom a provider says these things. It comes from nowhere else.

        :param dict claims: verified claims
        :rtype: str
        :raise oidc.OidcProblem: they make none that this provider may make
        """
        value = claims.get(self.id_claim)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not value:
            raise oidc.OidcProblem(f"The claim {self.id_claim} is missing, no text, or told twice")
        if DELIMITERS & set(value) or id_problem(value):
            raise oidc.OidcProblem(
                f"The claim {self.id_claim} holds a delimiter, or what no ID may hold"
            )
        try:
            strategy = self.strategy_id.recollect()
            made = strategy.construct({"sub": value})
        except PatternError as error:
            raise oidc.OidcProblem(f"The claim {self.id_claim} makes no ID: {error}") from None
        if not self._is_in_namespace(made) or strategy.deconstruct(made) != {"sub": value}:
            raise oidc.OidcProblem(
                f"The claim {self.id_claim} makes no ID of the namespace of this provider"
            )
        return made

    def _is_in_namespace(self, made_id):
        namespace = self.namespace_id.recollect()
        return id_key(namespace_of(made_id) or "") == id_key(namespace.name or "")

    def _told(self, claims, claim, max_length=255):
        """A claim as a line of text in the person's language, empty where there is none.

        Languages are tagged as in OpenID Connect Core 1.0 section 5.2: name#fr.
        """
        language = (self.env.lang or "").partition("_")[0].lower()
        tagged = {
            name.partition("#")[2].lower().partition("-")[0]: value
            for name, value in claims.items()
            if name.partition("#")[0] == claim and "#" in name
        }
        other = next(iter(tagged.values()), "")
        value = claims.get(claim) or tagged.get(language) or other
        is_line = isinstance(value, str) and value.isprintable() and len(value) <= max_length
        return value.strip() if is_line else ""

    def _person_values(self, claims):
        """Name and verified contacts of the person, each empty where it is not told.

        :rtype: dict[str, str]
        """
        values = {"name": self.name_claim and self._told(claims, self.name_claim) or ""}
        for key, claim in (("email", self.email_claim), ("phone", self.phone_claim)):
            verified = self.contacts_verified or claims.get(f"{claim}_verified") is True
            values[key] = self._told(claims, claim) if claim and verified else ""
        if not _ONE_ADDRESS.fullmatch(values["email"]):
            values["email"] = ""
        return values

    # === KEYS OF OUR OWN === #

    def _make_missing_keys(self):
        for provider in self.sudo():
            if provider.client_auth == "private_key_jwt" and not provider.client_jwk:
                provider._make_client_key()
            if provider.userinfo_mode == "jwe" and not provider.userinfo_jwk:
                provider._make_userinfo_key()

    def _make_client_key(self):
        key = jwk.generate(self.client_key_algorithm)
        self.write(
            {
                "client_key_sealed": self._seal(jwk.private_bytes(key), KEY_PURPOSE),
                "client_jwk": jsonio.dumps(jwk.public_jwk(key)).decode(),
            }
        )

    def _make_userinfo_key(self):
        key = jwk.generate("RS256")
        public = jwk.public_jwk(key) | {"use": "enc", "alg": oidc.jose.KEY_MANAGEMENT[0]}
        self.write(
            {
                "userinfo_key_sealed": self._seal(jwk.private_bytes(key), KEY_PURPOSE),
                "userinfo_jwk": jsonio.dumps(public).decode(),
            }
        )

    def _name_algorithm(self):
        """The public key says which algorithm it is used with."""
        for provider in self.filtered("client_jwk"):
            public = jsonio.loads(provider.client_jwk.encode())
            public["alg"] = provider.client_key_algorithm
            provider.client_jwk = jsonio.dumps(public).decode()

    def _client_key(self):
        kid = jsonio.loads(self.client_jwk.encode())["kid"]
        return _open_key(self.client_key_sealed, kid, self.client_key_algorithm)

    def _userinfo_key(self):
        return _open_key(self.userinfo_key_sealed, "", "RS256").key

    # === TEST === #

    def _discovery_address(self):
        return self.discovery_url or oidc.discovery.address(self.issuer)

    def _test(self):
        """:return: whether all is well, and what there is to say
        :rtype: tuple[bool, list[str]]
        """
        if self.problem:
            return False, [self.problem]
        try:
            findings = oidc.probe.examine(
                self.client(), self._discovery_address(), self.redirect_uri, time.time()
            )
        except (SealBroken, SecretKeyMissing) as error:
            return False, [str(error)]
        marks = {"good": "✓", "doubt": "?", "bad": "✗"}
        lines = [f"{marks[finding.level]} {finding.text}" for finding in findings]
        return all(finding.level != "bad" for finding in findings), lines


def _is_protected(target):
    """Whether nobody but the host sees what is sent there: https, or this machine."""
    if target.scheme == "https" or target.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(target.host).is_loopback
    except ValueError:
        return False


@functools.lru_cache(maxsize=32)
def _open_key(sealed, kid, algorithm):
    """Kept in the worker: opening an RSA key costs more than signing with it."""
    return jwk.private_key(kid, algorithm, unseal(sealed, KEY_PURPOSE))
