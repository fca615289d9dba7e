# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
import time
import uuid
from datetime import UTC, datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.g2p_spar_fa_directory.financial_address import FinancialAddress, fa_problem
from odoo.addons.g2p_spar_fa_directory.ids import ascii_lower, id_problem

from .. import gateway, jwks, remote_line
from ..g2p_connect import jsonio, jwk
from ..g2p_connect.client import Client, NoAnswer, Terms, chunks
from ..g2p_connect.signature import sign
from ..g2p_connect.signature_check import NAMES
from ..g2p_connect.text import is_too_large, is_unstorable
from ..g2p_connect.values import (
    NAME_MAX_LENGTH,
    PHONE_MAX_LENGTH,
    Address,
    Outcome,
    Problem,
    ResolveItem,
    Result,
)
from ..remote_line import Credentials, Line
from ..secret import SealBroken, SecretKeyMissing, unseal
from .g2p_spar_signing_key import SigningKeyMissing

_logger = logging.getLogger(__name__)

BACKEND = "g2p_connect"
SECRET_PURPOSE = "remote client secret"
FETCH_INTERVAL = timedelta(minutes=10)
# Keys of a key set that could not be had for so long hold no more: one may have been withdrawn.
KEYS_LAST = timedelta(days=7)
LIMITS = {
    "remote_max_items": (1, 10_000),
    "remote_tries": (1, 10),
    "remote_call_seconds": (1, 300),
    "remote_total_seconds": (1, 600),
}
_SETTINGS = (
    "backend",
    "remote_profile",
    "remote_url",
    "remote_sender_id",
    "remote_authentication",
    "remote_dialect",
    "remote_token_url",
    "remote_client_id",
    "remote_answers_signed",
    "remote_keys",
    "remote_jwks_url",
    "remote_callback_url",
    *LIMITS,
)


class G2PSparConnector(models.Model):
    """Backend `g2p_connect`: another mapper over HTTPS, synchronously.

    Results are those of the mapper of this database as far as the standard can tell them: no name,
    phone number or `since`, and `DONE` for what changes nothing. Who acts (`Actor`) stays here.
    What was changed there stays changed when the transaction here is rolled back.
    """

    _name = "g2p.spar.connector"
    _inherit = ["g2p.spar.connector", "g2p.spar.sealed.secret"]
    _secret_field = "remote_client_secret"
    _secret_purpose = SECRET_PURPOSE
    _secret_address_field = "remote_token_url"

    remote_profile = fields.Selection(
        [("strict", "G2P-Connect"), ("openg2p_1", "OpenG2P 1.x")],
        "Protocol",
        default="strict",
    )
    remote_url = fields.Char(
        "Base Address",
        help="G2P-Connect: https://host/spar/v1.0.0, to which /mapper/sync/resolve and so on are "
        "added. OpenG2P 1.x: https://host/api/mapper, to which /sync/resolve and so on are added.",
    )
    remote_sender_id = fields.Char("Our Sender ID", help="What the other mapper calls us.")
    remote_receiver_id = fields.Char(
        "Its Receiver ID",
        help="What the other mapper calls itself. Needed where it knows us by signature alone.",
    )
    remote_authentication = fields.Selection(
        [
            ("token", "Token"),
            ("signature", "Signature"),
            ("token_signature", "Token and Signature"),
            ("network", "Nothing: It Knows Our Network"),
        ],
        "Sign-in",
        default="token",
    )
    remote_dialect = fields.Selection(
        list(NAMES.items()),
        "Signature Dialect",
        help="How messages to it, and its answers, are signed. Our keys are at "
        "/.well-known/jwks.json of this database.",
    )
    remote_token_url = fields.Char(
        "Token Address",
        help="OAuth 2.0, client credentials. Another address needs the secret once more.",
    )
    remote_client_id = fields.Char("Client ID")
    remote_scope = fields.Char("Scope", help="Empty: all that the mapper grants.")
    remote_client_secret = fields.Char(
        "Client Secret",
        compute="_compute_remote_client_secret",
        inverse="_inverse_remote_client_secret",
        help="Stored sealed, and never shown again.",
    )
    remote_client_secret_sealed = fields.Char(copy=False, groups=fields.NO_ACCESS)
    remote_client_secret_set_at = fields.Datetime("Secret Set On", readonly=True, copy=False)

    remote_max_items = fields.Integer("Items per Message", default=1000)
    remote_tries = fields.Integer(
        "Tries", default=3, help="Of what is safe to repeat; the first one included."
    )
    remote_call_seconds = fields.Integer("Seconds per Message", default=30)
    remote_total_seconds = fields.Integer(
        "Seconds in All",
        default=60,
        help="For all messages of a call and their repetitions. People may wait for it, and Odoo "
        "ends a request that takes too long (limit_time_real).",
    )

    remote_answers_signed = fields.Boolean(
        "Check Its Signatures",
        help="An answer that is not signed with one of its keys counts as none.",
    )
    remote_keys = fields.Text("Its Public Keys", copy=False, help="PEM, certificate, JWK or JWKS.")
    remote_jwks_url = fields.Char(
        "Its Key Set (JWKS)", copy=False, help="Fetched every ten minutes, by https."
    )
    remote_key_set = fields.Text(readonly=True, copy=False)
    remote_jwks_tried_at = fields.Datetime("Last Try", readonly=True, copy=False)
    remote_jwks_fetched_at = fields.Datetime("Keys Fetched On", readonly=True, copy=False)
    remote_jwks_problem = fields.Char("Problem", readonly=True, copy=False)

    remote_callback_url = fields.Char(
        "Our Callback Address",
        help="What the other mapper reaches https://this-host/spar/v1.0.0/mapper by, to which it "
        "adds /on-link and so on: for operations whose results come later. Empty: as it has it on "
        "record; G2P-Connect's are asked for where none come.",
    )

    remote_tested_at = fields.Datetime("Tested On", readonly=True, copy=False)
    remote_test_passed = fields.Boolean(readonly=True, copy=False)
    remote_test_result = fields.Text("Result", readonly=True, copy=False)

    # === COMPUTE METHODS === #

    def _compute_remote_client_secret(self):
        self.remote_client_secret = False

    def _inverse_remote_client_secret(self):
        """`create` and `write` store it sealed."""

    # === CONSTRAINT METHODS === #

    @api.constrains(*_SETTINGS)
    def _check_remote(self):
        for connector in self.filtered(lambda connector: connector.backend == BACKEND):
            problem = connector._remote_problem()
            if problem:
                raise ValidationError(
                    self.env._(
                        "%(connector)s: %(problem)s", connector=connector.name, problem=problem
                    )
                )

    def _remote_problem(self):
        """What is missing or wrong in the settings of the other mapper, None if nothing is."""
        wants_token = self.remote_authentication in ("token", "token_signature")
        wants_dialect = self.remote_answers_signed or "signature" in self.remote_authentication
        needed = {
            "remote_profile": True,
            "remote_url": True,
            "remote_sender_id": self.remote_profile == "strict",
            "remote_token_url": wants_token,
            "remote_client_id": wants_token,
            "remote_dialect": wants_dialect,
        }
        for name, is_needed in needed.items():
            if is_needed and not self[name]:
                return self.env._("%s is missing.", self._label(name))
        for name, (least, most) in LIMITS.items():
            if not least <= self[name] <= most:
                return self.env._(
                    "%(field)s must lie between %(least)s and %(most)s.",
                    field=self._label(name),
                    least=least,
                    most=most,
                )
        return self._remote_address_problem() or self._remote_keys_problem()

    def _remote_address_problem(self):
        for name in ("remote_url", "remote_token_url", "remote_jwks_url", "remote_callback_url"):
            try:
                target = gateway.parse_url(self[name]) if self[name] else None
            except gateway.GatewayRefused as refusal:
                return f"{self._label(name)}: {refusal}."
            if name == "remote_url" and "?" in target.path:
                return self.env._("%s must have no query.", self._label(name))
        return None

    def _remote_keys_problem(self):
        try:
            jwk.parse(self.remote_keys) if self.remote_keys else None
        except jwk.KeyProblem as problem:
            return f"{self._label('remote_keys')}: {problem}"
        if self.remote_answers_signed and not (self.remote_keys or self.remote_jwks_url):
            return self.env._("Its public keys, or the address of its key set, are missing.")
        return None

    def _label(self, name):
        return self._fields[name]._description_string(self.env)

    # === CRUD METHODS === #

    def write(self, vals):
        result = super().write(vals)
        if "remote_jwks_url" in vals:
            self.sudo()._note_key_set(False, False, False, False)
        return result

    # === ACTIONS === #

    def action_test_connection(self):
        """Look up an ID that nobody has, and say what came of it."""
        self.ensure_one()
        self.check_access("write")
        passed, lines = self.sudo()._test_remote()
        self.sudo().write(
            {
                "remote_tested_at": fields.Datetime.now(),
                "remote_test_passed": passed,
                "remote_test_result": "\n".join(lines),
            }
        )
        return True

    def action_fetch_remote_keys(self):
        """Fetch the key set now."""
        self.ensure_one()
        self.check_access("write")
        self.sudo()._fetch_key_set()
        return True

    # === BUSINESS METHODS === #

    @api.private
    def submit_items(self, operation, items):
        """Hand an operation over to another mapper, which tells the results later.

        The messages are on record when this transaction is committed, and handed over in their
        order until they are accepted. Their results come by callback or are asked for; see
        ``results`` of ``g2p.spar.remote.message``.

        :param str operation: link, update, unlink or resolve
        :return: the messages, with the sound items in their order; and for each item its result if
            it was refused here, else None
        :rtype: tuple[G2pSparRemoteMessage, list[Result | None]]
        """
        self.ensure_one()
        if self.backend != BACKEND:
            raise UserError(
                self.env._("The connector %s has no mapper that tells results later.", self.name)
            )
        problems = [item.problem or _problem(operation, item) for item in items]
        sound = [item for item, problem in zip(items, problems, strict=True) if problem is None]
        messages = self.env["g2p.spar.remote.message"]
        for chunk in chunks(operation, sound, self.remote_max_items):
            messages |= messages.submit(self, operation, chunk)
        return messages, [
            problem and _refused(item, problem)
            for item, problem in zip(items, problems, strict=True)
        ]

    def _call(self, operation, actor, items, **options):
        """Override: another mapper answers."""
        if self.backend != BACKEND:
            return super()._call(operation, actor, items, **options)
        connector = self.sudo()
        problems = [_problem(operation, item) for item in items]
        sound = [item for item, problem in zip(items, problems, strict=True) if problem is None]
        answered = connector._call_remote(operation, sound) if sound else []
        if options.get("parts"):
            answered = connector._with_addresses(answered)
        results = iter(answered)
        return [
            _refused(item, problem) if problem else next(results)
            for item, problem in zip(items, problems, strict=True)
        ]

    def _call_remote(self, operation, items):
        def note(why):
            _logger.warning("Connector %s (%s): %s", self.id, operation, why)

        return Client(self._remote_terms(), self._remote_line().send, note).call(operation, items)

    def _remote_terms(self):
        seconds = self.remote_total_seconds
        within = self.env.context.get("spar_within_seconds")
        if isinstance(within, int | float) and within > 0:  # who calls by RPC may send anything
            seconds = min(seconds, within)
        return Terms(
            self.remote_profile,
            self.remote_sender_id or "",
            self.remote_receiver_id or None,
            self.remote_max_items,
            self.remote_tries,
            self.remote_call_seconds,
            seconds,
        )

    def _remote_line(self, tokens=None):
        """:rtype: remote_line.Line"""
        ways = self.remote_authentication
        return Line(
            self.remote_url,
            tokens or (_Tokens(self) if ways in ("token", "token_signature") else None),
            self._sign_for_remote if "signature" in ways else None,
            self._answer_check(),
        )

    def _answer_check(self):
        """What checks the signature of all that the mapper tells; None where it need not sign."""
        if not self.remote_answers_signed:
            return None
        return remote_line.checker(self.remote_dialect, self._remote_public_keys())

    def _sign_for_remote(self, body):
        try:
            key = self.env["g2p.spar.signing.key"].current(self.remote_dialect)
        except SigningKeyMissing as error:
            raise NoAnswer(f"Not signed: {error}", passing=True, maybe_done=False) from None
        return sign(self.remote_dialect, body, key, self.remote_sender_id, datetime.now(UTC))

    def _remote_credentials(self):
        """Raises `NoAnswer` where the secret is missing or cannot be opened."""
        if not self.remote_client_secret_sealed:
            why = "The client secret is missing: type it into the connector"
            raise NoAnswer(why, passing=False, maybe_done=False)
        try:
            secret = unseal(self.remote_client_secret_sealed, SECRET_PURPOSE).decode()
        except (SealBroken, SecretKeyMissing) as error:
            raise NoAnswer(str(error), passing=False, maybe_done=False) from None
        return Credentials(
            self.remote_token_url, self.remote_client_id, secret, self.remote_scope or None
        )

    def _with_addresses(self, results):
        """The results with the parts of addresses that lead to a provider in our own directory,
        unless the mapper says that the provider is another one."""
        fas = [result.fa for result in results if result.outcome is Outcome.ID_ACTIVE and result.fa]
        read = dict(zip(fas, self.env["g2p.fa.directory"].parse_fas(fas), strict=True))
        return [
            result._replace(address=_address(read[result.fa], result.provider))
            if result.outcome is Outcome.ID_ACTIVE and result.fa
            else result
            for result in results
        ]

    # === TEST === #

    def _test_remote(self):
        """:return: whether all is well, and what there is to say
        :rtype: tuple[bool, list[str]]
        """
        if self.backend != BACKEND:
            return False, [self.env._("The backend of this connector is not another mapper.")]
        troubles = []
        tokens = None
        if self.remote_authentication in ("token", "token_signature"):
            tokens = _Tokens(self, afresh=True)
        terms = self._remote_terms()._replace(tries=1, max_items=1)
        client = Client(terms, self._remote_line(tokens).send, troubles.append)
        began = time.monotonic()
        nobody = ResolveItem(
            "1", f"connection-test:{uuid.uuid4().hex}@spar.invalid", scope="details"
        )
        [result] = client.call("resolve", [nobody])
        milliseconds = round((time.monotonic() - began) * 1000)
        if troubles:
            return False, [f"{why.rstrip('.')}." for why in troubles]
        return self._explain_test(result, milliseconds)

    def _explain_test(self, result, milliseconds):
        if result.outcome is Outcome.ID_NOT_FOUND:
            lines = [
                self.env._(
                    "It works: an ID that nobody has is not linked, says the mapper (%s ms).",
                    milliseconds,
                )
            ]
            if self.remote_answers_signed:
                lines.append(self.env._("Its answer is signed with one of its keys."))
            return True, lines
        if result.outcome is Outcome.SCOPE_NOT_SUPPORTED:
            return False, [
                self.env._(
                    "The mapper answers, but does not show addresses to us: it has to grant that "
                    "(scope details)."
                )
            ]
        return False, [
            self.env._(
                "The mapper answers, but to an ID that nobody has with: %(outcome)s. %(message)s",
                outcome=result.outcome,
                message=result.message or "",
            ).strip()
        ]

    # === KEYS OF THE OTHER MAPPER === #

    def _remote_public_keys(self):
        """:rtype: list[g2p_connect.jwk.PublicKey]"""
        keys = jwk.parse(self.remote_keys) if self.remote_keys else []
        fetched_at = self.remote_jwks_fetched_at
        if self.remote_key_set and fetched_at > fields.Datetime.now() - KEYS_LAST:
            keys += jwk.parse_jwks(self.remote_key_set.encode()).keys
        return keys

    @api.model
    def _cron_fetch_remote_keys(self):
        before = fields.Datetime.now() - FETCH_INTERVAL
        due = self.search(
            [
                ("backend", "=", BACKEND),
                ("remote_jwks_url", "!=", False),
                "|",
                ("remote_jwks_tried_at", "=", False),
                ("remote_jwks_tried_at", "<=", before),
            ],
            order="remote_jwks_tried_at nulls first, id",
        )
        for place, connector in enumerate(due, start=1):
            connector._fetch_key_set()
            goes_on = self.env["ir.cron"]._commit_progress(1, remaining=len(due) - place)
            # workers keep it in memory; and what comes next may fail
            self.env.registry.signal_changes()
            if not goes_on:
                break

    def _fetch_key_set(self):
        """Take over what the key set has; where it cannot be had, say why and keep the last one
        for a while."""
        now = fields.Datetime.now()
        try:
            key_set = jwks.fetch(self.remote_jwks_url or "")
        except jwks.JwksProblem as problem:
            self._note_key_set(self.remote_key_set, now, self.remote_jwks_fetched_at, str(problem))
            return
        document = {"keys": [jwk.public_jwk(key) for key in key_set.keys]}
        text = jsonio.dumps(document).decode()
        self._note_key_set(text, now, now, " ".join(key_set.passed_over))

    def _note_key_set(self, document, tried_at, fetched_at, problem):
        self.write(
            {
                "remote_key_set": document,
                "remote_jwks_tried_at": tried_at,
                "remote_jwks_fetched_at": fetched_at,
                "remote_jwks_problem": problem and problem[:500],
            }
        )


class _Tokens:
    """A `remote_line.Tokens`: the access token of a connector, one for all workers."""

    def __init__(self, connector, afresh=False):
        self._connector = connector
        self._afresh = afresh
        self._token = None
        # A token is opened only for whom and for what it was fetched.
        self._meant_for = " ".join(
            part or "-"
            for part in (
                connector.remote_url,
                connector.remote_token_url,
                connector.remote_client_id,
                connector.remote_scope,
            )
        )

    def current(self):
        if self._token is None and not self._afresh:
            tokens = self._connector.env["g2p.spar.connector.token"]
            self._token = tokens.recall(self._connector.id, self._meant_for)
        return self._token

    def renew(self, seconds):
        token = remote_line.fetch_token(self._connector._remote_credentials(), seconds)
        self._token = token.value
        self._connector.env["g2p.spar.connector.token"].store(
            self._connector.id, self._meant_for, token.value, token.seconds
        )
        return token.value


# === HELPERS === #


def _problem(operation, item):
    """What is wrong with an item wherever the mapper is: said here, as the one of this database
    says it."""
    problem = _id_problem(operation, item) or _fa_problem(operation, item)
    if problem:
        return problem
    name, phone = getattr(item, "name", None), getattr(item, "phone_number", None)
    if name and (len(name) > NAME_MAX_LENGTH or is_unstorable(name)):
        return Problem(Outcome.NAME_INVALID, f"name: over {NAME_MAX_LENGTH} characters, or NUL")
    if phone and (len(phone) > PHONE_MAX_LENGTH or is_unstorable(phone)):
        text = f"phone_number: over {PHONE_MAX_LENGTH} characters, or NUL"
        return Problem(Outcome.PHONE_INVALID, text)
    if is_too_large(item.additional_info):
        return Problem(Outcome.ADDITIONAL_INFO_INVALID, "additional_info: too large or too deep")
    if item.locale and is_unstorable(item.locale):
        return Problem(Outcome.LOCALE_INVALID)
    if item.timestamp and is_unstorable(item.timestamp):
        return Problem(Outcome.TIMESTAMP_INVALID)
    return None


def _id_problem(operation, item):
    if not item.id:
        if operation != "resolve":
            return Problem(Outcome.ID_EMPTY)
        return None if item.fa else Problem(Outcome.ID_OR_FA_REQUIRED)
    problem = id_problem(item.id)
    return Problem(Outcome.ID_INVALID, f"id: {problem}") if problem else None


def _fa_problem(operation, item):
    if not item.fa and operation not in ("link", "update"):
        return None
    problem = fa_problem(item.fa)
    return Problem(Outcome.FA_INVALID, f"fa: {problem}") if problem else None


def _refused(item, problem):
    return Result(
        item.reference_id,
        problem.outcome,
        problem.message,
        id=item.id or None,
        fa=item.fa or None,
        locale=item.locale,
    )


def _address(read, provider):
    if not isinstance(read, FinancialAddress) or read.is_opaque:
        return None
    if provider and ascii_lower(provider.code) != ascii_lower(read.provider_code):
        return None
    return Address(
        read.fa_type,
        read.number,
        read.provider_code,
        read.provider_name,
        read.branch_code,
        read.branch_name,
        read.strategy_code,
    )
