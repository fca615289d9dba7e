# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models
from odoo.fields import NO_ACCESS


class G2pSparMessageChunk(models.Model):
    """The results of some consecutive items of an asynchronous message.

    Written in the transaction that carried the items out, so that it tells what has been done.
    ``results`` is zlib-compressed JSON: the items of the answer as they go on the wire, separated
    by commas, without the brackets of the list. Purged like the message's payload; of a person who
    is erased nothing is left but how the item ended (``stored_chunk.py``).
    """

    _name = "g2p.spar.message.chunk"
    _description = "Results of a G2P-Connect Message"
    _order = "message_id, position"
    _log_access = False
    _allow_sudo_commands = False

    message_id = fields.Many2one("g2p.spar.message", required=True, ondelete="cascade")
    position = fields.Integer(required=True, help="Of its first item within the message, from 0.")
    item_count = fields.Integer("Items", required=True)
    results = fields.Binary(attachment=False, groups=NO_ACCESS)
    id_digests = fields.Binary(
        attachment=False,
        groups=NO_ACCESS,
        help="HMAC-SHA256 digests (32 bytes each) of the IDs of its items, in their order, to find "
        "what is to be erased; zeros for an item without an ID.",
    )

    _message_position_unique = models.UniqueIndex("(message_id, position)")
    _kept_idx = models.Index("(message_id) WHERE results IS NOT NULL")
