# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import UTC, datetime
from typing import Any, NamedTuple

from odoo import api, models

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.g2p_connect import signature
from odoo.addons.g2p_spar_connector.g2p_connect.jsonio import MalformedJSON

from .. import access_jwt
from ..api import ENVELOPE_BYTES, SCOPE_PREFIX
from ..authority import ParticipantProfile
from ..remote_address import Address
from .g2p_spar_exchange import CODECS


class Attempt(NamedTuple):
    """What of a request tells who sent it.

    :param str authorization: the HTTP header, "" when there is none.
    :param signature: the HTTP header ``Signature``, or None.
    :param address: whom the request comes from, or None where that cannot be told.
    :param str charged_address: whose limit counts.
    :param str form: the path's envelope, a key of ``CODECS``.
    :param body: has ``raw``, the exact bytes, and ``payload``, the JSON value; both may raise.
        Read only where they are needed.
    """

    authorization: str
    signature: str | None
    address: Address | None
    charged_address: str
    form: str
    body: Any


class Caller(NamedTuple):
    """The participant behind a request, and which operations this request may call."""

    participant: ParticipantProfile
    operations: frozenset


class G2pSparAuthenticator(models.AbstractModel):
    """Who sent a request. Each participant proves itself in the one way that its record says;
    nothing else is ever tried instead."""

    _name = "g2p.spar.authenticator"
    _description = "SPAR Authenticator"

    @api.private
    def authenticate(self, attempt):
        """Tell the participant behind a request.

        :param Attempt attempt:
        :rtype: Caller
        :raise SparHttpError: 401.
        :raise MalformedJSON: the body had to be read for it, and cannot be.
        """
        if attempt.authorization:
            caller = self._by_bearer(attempt.authorization)
            participant = self._check_signature(caller.participant, attempt)
        else:
            caller = self._without_token(attempt)
            participant = caller.participant
        return Caller(participant, caller.operations & participant.authority.operations)

    def _by_bearer(self, authorization):
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token.isascii():
            raise _unauthorized()
        if token.count(".") == 2:  # our own have none
            return self._by_outside_token(token)
        found = self.env["g2p.spar.access.token"].find(token)
        if not found or found[0].authentication != "token":
            raise _unauthorized()
        return Caller(*found)

    def _by_outside_token(self, text):
        """By the token of another issuer, whose keys are at hand or not known."""
        issuers = self.env["g2p.spar.token.issuer"]
        try:
            token = access_jwt.parse(text)
            issuer = issuers.by_name().get(_text(token.claims, "iss"))
            if issuer is None:
                raise access_jwt.TokenProblem("The token's issuer is not known here.")
            access_jwt.verify(token, issuer, datetime.now(UTC))
        except access_jwt.TokenProblem as problem:
            if isinstance(problem, access_jwt.UnknownKey):
                issuers.want_keys()
            raise _unauthorized(str(problem)) from None
        participants = self.env["g2p.spar.participant"]
        subject = _text(token.claims, issuer.client_claim)
        participant_id = participants.senders().subjects.get((issuer.id, subject))
        if participant_id is None:
            raise _unauthorized("The token's client is not known here.")
        scopes = access_jwt.scopes(token.claims)
        operations = {
            scope.removeprefix(SCOPE_PREFIX) for scope in scopes if scope.startswith(SCOPE_PREFIX)
        }
        return Caller(participants.get_profile(participant_id), frozenset(operations))

    def _without_token(self, attempt):
        """By the message. Reading it is work that anybody can ask for: what comes of nothing is
        charged to where it comes from."""
        senders = self.env["g2p.spar.participant"].senders()
        if not senders.tokenless:  # not worth reading the body
            raise _unauthorized()
        limits = self.env["g2p.spar.rate.limit"]
        limits.check_debt(attempt.charged_address)
        try:
            # a short one is parsed all the same, for the sake of a telling answer
            unsigned = senders.header_signed and not attempt.signature
            if unsigned and len(attempt.body.raw) > ENVELOPE_BYTES:
                raise _unauthorized("A valid bearer token is needed, or a signature.")
            caller = self._by_sender(attempt)
            participant = self._check_signature(caller.participant, attempt)
        except (SparHttpError, MalformedJSON):
            limits.charge_refused(attempt.charged_address, prepaid=0)
            raise
        return caller._replace(participant=participant)

    def _by_sender(self, attempt):
        """By the sender that the message names, whose record says how it is proven; by where the
        message comes from when it names nobody."""
        participants = self.env["g2p.spar.participant"]
        senders = participants.senders()
        sender_id = CODECS[attempt.form].sender_of(attempt.body.payload)
        here = senders.at(attempt.address)
        participant_id = senders.ids.get(sender_id.lower()) if sender_id else here
        if participant_id is None:
            raise _unauthorized()
        participant = participants.get_profile(participant_id)
        if participant.authentication == "signature":
            return Caller(participant, participant.authority.operations)
        if participant.authentication == "network" and participant_id == here:
            return Caller(participant, frozenset({"resolve"}))
        raise _unauthorized()

    def _check_signature(self, participant, attempt):
        """:return: the participant, with the key that has signed the message"""
        dialect = participant.signature_dialect
        if dialect is None:
            return participant
        try:
            # that signature covers header and message, and nothing else of the body
            if dialect == "g2p_connect" and attempt.form != "g2p_connect":
                raise signature.SignatureProblem(
                    "err.signature.invalid",
                    "signature: G2P-Connect's covers no message of OpenG2P 2.x",
                )
            verified = signature.verify(
                dialect,
                attempt.body.raw,
                attempt.body.payload,
                attempt.signature,
                participant.public_keys,
                datetime.now(UTC),
            )
        except signature.SignatureProblem as problem:
            raise SparHttpError(
                401,
                problem.code,
                problem.message,
                headers={"WWW-Authenticate": 'Signature realm="SPAR"'},
            ) from None
        return participant._replace(signed_by=verified.kid)


def _text(claims, name):
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _unauthorized(message="A valid bearer token is needed."):
    return SparHttpError(
        401,
        "err.request.unauthorized",
        message,
        headers={"WWW-Authenticate": 'Bearer realm="SPAR"'},
    )
