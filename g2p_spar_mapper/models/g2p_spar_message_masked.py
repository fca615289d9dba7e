# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import zlib

import orjson

from odoo import fields, models

from odoo.addons.g2p_spar_fa_directory.financial_address import FinancialAddress
from odoo.addons.g2p_spar_fa_directory.ids import mask_id

SHOWN_ITEMS = 20
HIDDEN = "••••"


class G2pSparMessage(models.Model):
    """What people see of a message's items."""

    _inherit = "g2p.spar.message"

    items_masked = fields.Text("First Items", compute="_compute_items_masked")

    # === COMPUTE METHODS === #

    def _compute_items_masked(self):
        """The first items, a line for each: masked ID and address, and what became of it."""
        for message in self:
            message.items_masked = message._items_masked()

    # === HELPERS === #

    def _items_masked(self):
        try:
            payload = self.payload_of(self.id) if self.id else None
            if payload is None:
                return self.env._("No longer kept.")
            items = _items_in(orjson.loads(payload), self.operation)
        except (zlib.error, orjson.JSONDecodeError):
            return self.env._("Cannot be read.")
        results = self.told_of([self])[self.id].results or []
        shown = [item if isinstance(item, dict) else {} for item in items[:SHOWN_ITEMS]]
        lines = [
            f"{number}. {mask_id(_text(item, 'id'))} {fa} {_status(results, number)}".rstrip()
            for number, (item, fa) in enumerate(zip(shown, self._fas_masked(shown), strict=True), 1)
        ]
        if len(items) > SHOWN_ITEMS:
            more = len(items) - SHOWN_ITEMS
            lines.append(self.env._("and %s more", more))
        return "\n".join(lines)

    def _fas_masked(self, items):
        fas = [_text(item, "fa") for item in items]
        parsed = self.env["g2p.fa.directory"].sudo().parse_fas(fas)
        return [
            address.masked if isinstance(address, FinancialAddress) else HIDDEN if fa else ""
            for fa, address in zip(fas, parsed, strict=True)
        ]


def _items_in(payload, operation):
    """The items of a request, whichever envelope it has."""
    message = payload.get("message")
    if message is None:
        message = payload["request_body"]["request_payload"]
    return message.get(f"{operation}_request", [])


def _text(item, name):
    value = item.get(name)
    return value if isinstance(value, str) else HIDDEN if value else ""


def _status(results, number):
    if number > len(results):
        return ""
    result = results[number - 1]
    return f"{result['status']} {result.get('status_reason_code') or ''}"
