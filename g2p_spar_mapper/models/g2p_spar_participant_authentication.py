# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from typing import NamedTuple

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

from ..api import ENVELOPE_BYTES, ITEM_BYTES
from ..remote_address import parse_network

# Of the shortest prefixes that a network may have: a registry's callers are no half of the world.
SHORTEST_PREFIX = {4: 8, 6: 32}
TOKENLESS = ("signature", "network")


class Senders(NamedTuple):
    """Who is who among the active participants.

    :param dict ids: participant id by sender ID, lower case.
    :param networks: (network, participant id) of those that are known by their address.
    :param dict subjects: participant id by (issuer id, name that its tokens give it).
    :param bool tokenless: whether any of them calls without a bearer token.
    :param bool header_signed: whether all of those sign in the HTTP header ``Signature``.
    :param int max_body: bytes that a body without a bearer token may have.
    """

    ids: dict
    networks: tuple
    subjects: dict
    tokenless: bool
    header_signed: bool
    max_body: int

    def at(self, address):
        """The one participant known by this address, or None."""
        found = [
            participant_id
            for network, participant_id in self.networks
            if address is not None and address in network
        ]
        return found[0] if len(found) == 1 else None


class G2pSparParticipant(models.Model):
    """How a participant proves who it is."""

    _inherit = "g2p.spar.participant"

    authentication = fields.Selection(
        [
            ("token", "Token of this registry"),
            ("issuer", "Token of another issuer"),
            ("signature", "Signature of each message"),
            ("network", "Network address (look-ups only)"),
        ],
        required=True,
        default="token",
        help="The one way in which it proves who it is; any other is refused.",
    )
    issuer_id = fields.Many2one(
        "g2p.spar.token.issuer", "Token Issuer", index="btree_not_null", ondelete="restrict"
    )
    issuer_subject = fields.Char(
        "Name in Tokens",
        copy=False,
        help="The value of the issuer's client claim in this participant's tokens.",
    )
    signature_dialect = fields.Selection(
        [
            ("g2p_connect", "G2P-Connect: in the body"),
            ("openg2p_1", "OpenG2P 1.x: JWS in the HTTP header Signature"),
            ("openg2p_2", "OpenG2P 2.x: JWS in the HTTP header Signature, members sorted"),
        ],
        "Signed Messages",
        help="How its messages must be signed; empty: they need not be. Beside a token, both must "
        "be right.",
    )
    sign_answers = fields.Boolean(help="Answers and callbacks to it are signed the same way.")
    network = fields.Char(
        copy=False,
        help="Whoever sends from these addresses is taken for this participant: an address or a "
        "network, such as 192.0.2.17 or 192.0.2.0/28. For old systems that can send neither token "
        "nor signature.",
    )

    _issuer_subject_unique = models.UniqueIndex(
        "(issuer_id, issuer_subject)", "Another participant has this name at the issuer."
    )

    # === CONSTRAINT METHODS === #

    @api.constrains("authentication", "issuer_id", "issuer_subject")
    def _check_issuer(self):
        for participant in self.filtered(lambda record: record.authentication == "issuer"):
            if not participant.issuer_id or not participant.issuer_subject:
                raise ValidationError(
                    self.env._(
                        "%s signs in with tokens of another issuer: say which, and how it is named "
                        "in them.",
                        participant.name,
                    )
                )

    @api.constrains("authentication", "signature_dialect", "sign_answers")
    def _check_signature_dialect(self):
        for participant in self:
            signs = participant.authentication == "signature" or participant.sign_answers
            if signs and not participant.signature_dialect:
                raise ValidationError(
                    self.env._("%s: say how messages are signed.", participant.name)
                )
            if participant.authentication == "network" and participant.signature_dialect:
                raise ValidationError(
                    self.env._(
                        "%s can sign its messages, so let it sign in by them, not by its network.",
                        participant.name,
                    )
                )

    @api.constrains("authentication", "network", "active", "may_link", "may_update", "may_unlink")
    def _check_network(self):
        for participant in self.filtered(lambda record: record.authentication == "network"):
            if participant.may_link or participant.may_update or participant.may_unlink:
                raise ValidationError(
                    self.env._("%s signs in by its network: it may only resolve.", participant.name)
                )
            participant._check_network_alone()

    def _check_network_alone(self):
        network = self._parsed_network()
        others = self.search([("authentication", "=", "network"), ("id", "!=", self.id)])
        for other in others if self.active else ():
            theirs = other._parsed_network()
            if network.version == theirs.version and network.overlaps(theirs):
                raise ValidationError(
                    self.env._(
                        "%(name)s: the network overlaps with that of %(other)s.",
                        name=self.name,
                        other=other.name,
                    )
                )

    # === CRUD METHODS === #

    def write(self, vals):
        if "authentication" in vals:
            self._end_tokens()
            if vals["authentication"] != "token":  # a later way back needs a new secret
                no_secret = {"client_secret_digest": False, "client_secret_set_at": False}
                self.sudo().write(no_secret)
        return super().write(vals)

    # === BUSINESS METHODS === #

    @api.private
    @api.model
    @tools.ormcache()
    def senders(self):
        """Participants by what messages and tokens tell of them, from the cache of this worker.

        :rtype: Senders
        """
        participants = self.sudo().search([("active", "=", True)])
        tokenless = participants.filtered(lambda record: record.authentication in TOKENLESS)
        return Senders(
            ids={participant.sender_id.lower(): participant.id for participant in participants},
            networks=tuple(
                (participant._parsed_network(), participant.id)
                for participant in participants
                if participant.authentication == "network"
            ),
            subjects={
                (participant.issuer_id.id, participant.issuer_subject): participant.id
                for participant in participants
                if participant.authentication == "issuer"
            },
            tokenless=bool(tokenless),
            header_signed=all(
                record.authentication == "signature" and record.signature_dialect != "g2p_connect"
                for record in tokenless
            ),
            max_body=max(tokenless.mapped("max_items"), default=0) * ITEM_BYTES + ENVELOPE_BYTES,
        )

    def _parsed_network(self):
        self.ensure_one()
        try:
            network = parse_network(self.network or "")
        except ValueError as error:
            raise ValidationError(
                self.env._("%(name)s: network: %(why)s", name=self.name, why=error)
            ) from error
        if network.prefixlen < SHORTEST_PREFIX[network.version]:
            raise ValidationError(
                self.env._(
                    "%(name)s: network: not more than a /%(prefix)s.",
                    name=self.name,
                    prefix=SHORTEST_PREFIX[network.version],
                )
            )
        return network
