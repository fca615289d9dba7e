# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Participants that tests register as an administrator does, and the clients to act for them."""

import itertools

from mapper_client import BackOffice, Client
from signing import SigningKey

MODEL = "g2p.spar.participant"
EVERYTHING = {
    **dict.fromkeys(("may_link", "may_update", "may_unlink", "may_resolve"), True),
    "may_see_details": True,
    "fa_policy": "opaque",
    "may_override": True,
    "max_items": 10_000,
}
_numbers = itertools.count(1)


def register(server, profile="strict", key=None, **values):
    """Register a participant that may do everything, with a name of its own.

    :param SigningKey key: of which it gives the public part
    :param values: of its record, over `EVERYTHING`
    :return: `Client` of it, and the record's id
    """
    office = BackOffice(server)
    sender_id = values.pop("sender_id", f"participant-{next(_numbers)}.example")
    values = {"name": sender_id, "sender_id": sender_id, "profile": profile, **EVERYTHING, **values}
    [participant_id] = office.must(MODEL, "create", [values])
    if key:
        add_key(office, participant_id, key)
    credentials = {"sender_id": sender_id, "profile": profile}
    if values.get("authentication", "token") == "token":
        credentials |= new_secret(office, participant_id)
    client = Client(
        server, credentials=credentials, dialect=values.get("signature_dialect"), key=key
    )
    return client, participant_id


def new_secret(office, participant_id):
    """`client_id` and `client_secret`, as the dialog shows them once."""
    dialog = office.must(
        "g2p.spar.participant.secret", "create", [{"participant_id": participant_id}]
    )
    shown = office.must("g2p.spar.participant.secret", "action_rotate", dialog)["context"]
    return {name: shown[f"default_{name}"] for name in ("client_id", "client_secret")}


def add_key(office, participant_id, key, text=None):
    """Register the public part of a key.

    :param str text: in which form; PEM by default
    """
    values = {"participant_id": participant_id, "text": text or key.pem, "kid": key.kid}
    if key.algorithm in ("RS256", "PS256"):
        values["algorithm"] = key.algorithm
    dialog = office.must("g2p.spar.participant.key.add", "create", [values])
    office.must("g2p.spar.participant.key.add", "action_add", dialog)


def signing_key(dialect, kid="k1"):
    """A key that the dialect can be signed with."""
    return SigningKey("EdDSA" if dialect == "g2p_connect" else "RS256", kid)


def set_parameters(server, **values):
    """Settings of the mapper."""
    office = BackOffice(server)
    for name, value in values.items():
        office.must("ir.config_parameter", "set_param", f"g2p_spar.{name}", str(value))
