# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Loaded by schemathesis: gives two of three made-up messages an envelope that is let in, so that
what is made up of their items gets that far."""

import os
import uuid
from datetime import UTC, datetime

import schemathesis

SENDER = os.environ["SPAR_SENDER_ID"]


@schemathesis.hook
def before_call(context, case, **kwargs):
    body = case.body
    if isinstance(body, dict) and uuid.uuid4().int % 3:
        for name, current in (("header", current_header), ("request_header", current_header_2)):
            if isinstance(body.get(name), dict):
                case.body = {**body, name: {**body[name], **current(case, body)}}


def current_header(case, body):
    """An acceptable header of that request."""
    return {
        "version": "1.0.0",
        "message_id": uuid.uuid4().hex,
        "message_ts": datetime.now(UTC).isoformat(),
        "action": case.path.rpartition("/")[2].replace("status", "txn-status"),
        "sender_id": SENDER,
        "sender_uri": "",
        "receiver_id": "",
        "total_count": item_count(body.get("message")),
        "is_msg_encrypted": False,
    }


def current_header_2(case, body):
    """The same of OpenG2P 2.x."""
    return {
        "sender_app_mnemonic": SENDER,
        "sender_app_url": "",
        "request_id": uuid.uuid4().hex,
        "request_timestamp": datetime.now(UTC).isoformat(),
    }


def item_count(message):
    members = message.values() if isinstance(message, dict) else ()
    return sum(len(value) for value in members if isinstance(value, list)) or 1
