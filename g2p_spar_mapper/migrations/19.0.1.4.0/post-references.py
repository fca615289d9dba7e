# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Unfinished messages have their reference ids apart from what they say."""

import zlib

import orjson

from odoo.addons.g2p_spar_mapper import reference_hashes
from odoo.addons.g2p_spar_mapper.models.g2p_spar_message_status import pack_references


def migrate(cr, _version):
    cr.execute(
        """SELECT id FROM g2p_spar_message WHERE state IN ('queued', 'running')
        AND payload IS NOT NULL AND open_references IS NULL"""
    )
    for (message_id,) in cr.fetchall():
        cr.execute("SELECT payload FROM g2p_spar_message WHERE id = %s", (message_id,))
        reference_ids = _references_in(cr.fetchone()[0])
        cr.execute(
            """UPDATE g2p_spar_message SET open_references = %s, reference_hashes = %s
            WHERE id = %s""",
            (pack_references(reference_ids), reference_hashes.pack(reference_ids), message_id),
            log_exceptions=False,
        )


def _references_in(payload):
    """Reference ids of the items of an asynchronous message, in their order; none where it cannot
    be read: a lane will give it up."""
    try:
        message = orjson.loads(zlib.decompress(payload))["message"]
        [items] = (member for name, member in message.items() if name.endswith("_request"))
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError):
        return []
    return [_reference_id(item) for item in items]


def _reference_id(item):
    value = item.get("reference_id") if isinstance(item, dict) else None
    return value if isinstance(value, str) else None
