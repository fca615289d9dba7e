# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields

from odoo.addons.g2p_spar_connector.g2p_connect.values import Address, Outcome, Result
from odoo.addons.g2p_spar_fa_directory.financial_address import FinancialAddress, fa_key
from odoo.addons.g2p_spar_fa_directory.ids import id_key


class FakeMapper:
    """A mapper in memory behind every connector, by the rules of the real one.

    :ivar mappings: ID key -> (address, name)
    :ivar calls: (operation, actor, item) of all that was asked for
    :ivar within: for each call, the seconds that it was given, None for as many as it takes
    :ivar away: gives no answer
    :ivar deaf: carries writes out, and then gives no answer
    """

    def __init__(self, env):
        self.env = env
        self.mappings = {}
        self.suspended = set()
        self.calls = []
        self.within = []
        self.away = self.deaf = False
        self.refuses = None

    def call(self, connector, operation, actor, items, **options):
        self.within.append(connector.env.context.get("spar_within_seconds"))
        return [self._answer(operation, actor, item) for item in items]

    def writes(self):
        return [operation for operation, _actor, _item in self.calls if operation != "resolve"]

    def fa_of(self, id_value):
        return self.mappings.get(id_key(id_value), (None, None))[0]

    def _answer(self, operation, actor, item):
        self.calls.append((operation, actor, item))
        if self.away:
            return Result(item.reference_id, Outcome.RETRY, id=item.id)
        result = getattr(self, f"_{operation}")(id_key(item.id), item)
        if self.deaf and operation != "resolve":
            return Result(item.reference_id, Outcome.RETRY, id=item.id)
        return result

    def _resolve(self, key, item):
        if key in self.suspended:
            return Result(item.reference_id, Outcome.ID_INACTIVE, id=item.id)
        if key not in self.mappings:
            return Result(item.reference_id, Outcome.ID_NOT_FOUND, id=item.id)
        fa, name = self.mappings[key]
        return Result(
            item.reference_id,
            Outcome.ID_ACTIVE,
            id=item.id,
            fa=fa,
            name=name,
            since=fields.Datetime.to_datetime("2026-01-02 03:04:05"),
            address=self._address(fa),
        )

    def _link(self, key, item):
        if key in self.mappings:
            return Result(item.reference_id, Outcome.ALREADY_LINKED, id=item.id)
        return self._write(key, item)

    def _update(self, key, item):
        if key not in self.mappings:
            return Result(item.reference_id, Outcome.NOT_LINKED, id=item.id)
        return self._write(key, item)

    def _unlink(self, key, item):
        if key not in self.mappings:
            return Result(item.reference_id, Outcome.NOT_LINKED, id=item.id)
        if item.fa and fa_key(item.fa) != fa_key(self.mappings[key][0]):
            return Result(item.reference_id, Outcome.FA_MISMATCH, id=item.id)
        del self.mappings[key]
        return Result(item.reference_id, Outcome.DONE, id=item.id)

    def _write(self, key, item):
        if self.refuses:
            return Result(item.reference_id, self.refuses, id=item.id)
        self.mappings[key] = (item.fa, item.name)
        return Result(item.reference_id, Outcome.DONE, id=item.id)

    def _address(self, fa):
        [address] = self.env["g2p.fa.directory"].parse_fas([fa])
        if not isinstance(address, FinancialAddress) or address.is_opaque:
            return None
        return Address(
            address.fa_type,
            address.number,
            address.provider_code,
            address.provider_name,
            address.branch_code,
            address.branch_name,
        )
