# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What the mappings that were looked up say about the items of a resolve. Plain Python."""

from itertools import repeat

import orjson

from odoo.addons.g2p_spar_connector.g2p_connect.values import (
    AccountProvider,
    Address,
    Outcome,
    Result,
)
from odoo.addons.g2p_spar_fa_directory.financial_address import NUMBER_FIELD, fa_key
from odoo.addons.g2p_spar_fa_directory.ids import namespace_of

_NONE = repeat(None)
_new = tuple.__new__  # a NamedTuple's own constructor costs twice as much


def same_id(value, stored, case_sensitive_namespaces):
    """Whether an ID is the stored one, whose key it shares; only case can tell them apart."""
    if value == stored or not case_sensitive_namespaces:
        return True
    return (namespace_of(value) or "").lower() not in case_sensitive_namespaces


class Resolution:
    """Makes the results of one message.

    :param dict[str, tuple] rows: the mappings found, ``Resolved`` by ``id_key``.
    :param dict[str, Details] details: more about them; needed for the next two only.
    :param dict[str, bool] fa_states: by ``fa_key``, whether an active mapping has the address.
    :param case_sensitive_namespaces: lower-case names, where an ID of the message is in one.
    :param AddressReader | None addresses: takes the addresses apart, where wanted.
    :param dict[int, tuple[str, str]] providers: name and code by id.
    """

    def __init__(self, rows, details, fa_states, case_sensitive_namespaces, addresses, providers):
        self.rows = rows
        self.details = details
        self.fa_states = fa_states
        self.case_sensitive_namespaces = case_sensitive_namespaces
        self.addresses = addresses
        self.account_providers = _AccountProviders(providers)
        self.shown = []  # database ids of the mappings whose details were told

    def of_ids(self, items, keys):
        """The results of items with IDs, in their order."""
        if self.addresses or self.case_sensitive_namespaces:
            return list(map(self.of_id, items, keys))
        found = list(map(self.rows.get, keys))
        return self._all_shown(items, found) or list(map(self.of_id, items, keys))

    def _all_shown(self, items, found):
        """The results made by columns, at two thirds of the cost, where each item is told the
        details of an active mapping; else None."""
        if not all(found):
            return None
        _, mapping_ids, fas, states, infos, provider_ids, branch_codes = zip(*found, strict=True)
        reference_ids, ids, given_fas, _, scopes, _, locales, _, _ = zip(*items, strict=True)
        if any(given_fas) or set(states) != {"active"} or set(scopes) != {"details"}:
            return None
        self.shown.extend(mapping_ids)
        columns = (
            reference_ids, repeat(Outcome.ID_ACTIVE), _NONE, ids, fas, _NONE, _NONE,
            map(self.account_providers.__getitem__, zip(provider_ids, branch_codes, strict=True)),
            [info and orjson.loads(info) for info in infos], locales, _NONE, _NONE,
        )  # fmt: skip
        return list(map(_new, repeat(Result), zip(*columns, strict=False)))

    def of_id(self, item, key):
        """The result of an item with an ID, and maybe an FA that must belong to it."""
        # unpacked: reading by name would cost as much as all the rest
        reference_id, id_, fa, _, scope, _, locale, _, _ = item
        row = self.rows.get(key)
        if row is None or (self.case_sensitive_namespaces and not self._is_same(id_, key)):
            return _found(item, Outcome.ID_NOT_FOUND)
        _, mapping_id, linked_fa, state, info, provider_id, branch_code = row
        if state != "active":
            return _found(item, Outcome.ID_INACTIVE)
        if fa and fa_key(fa) != fa_key(linked_fa):
            return _found(item, Outcome.FA_NOT_LINKED_TO_ID)
        if scope != "details":
            return _found(item, Outcome.ID_ACTIVE)
        self.shown.append(mapping_id)
        info = info and orjson.loads(info)
        provider = self.account_providers[provider_id, branch_code]
        name = phone = since = address = None
        if self.addresses:
            _, _, _, name, phone, since = self.details[key]
            address = self.addresses.take_apart(linked_fa, self.details[key], provider)
        values = (
            reference_id, Outcome.ID_ACTIVE, None, id_, linked_fa, name, phone, provider, info,
            locale, since, address,
        )  # fmt: skip
        return _new(Result, values)

    def _is_same(self, id_, key):
        return same_id(id_, self.details[key].id_value, self.case_sensitive_namespaces)

    def of_fa(self, item):
        """The result of an item with an FA alone: active or not, never whose."""
        active = self.fa_states.get(fa_key(item.fa))
        if active is None:
            return _found(item, Outcome.FA_NOT_FOUND)
        if not active:
            return _found(item, Outcome.FA_INACTIVE)
        return _found(item, Outcome.FA_ACTIVE, item.fa if item.scope == "details" else None)


class _AccountProviders(dict):
    """AccountProvider by provider's id and branch code; many mappings have the same."""

    def __init__(self, labels):
        super().__init__()
        self.labels = labels

    def __missing__(self, key):
        provider_id, branch_code = key
        label = self.labels.get(provider_id)
        self[key] = label and AccountProvider(*label, branch_code)
        return self[key]


class AddressReader:
    """Takes stored addresses apart, each by the strategy with which it was read when it came.

    :param dict[int, FaStrategy] strategies: all of them, by id.
    :param dict[int, str] branch_names: by id, of the mappings looked up.
    """

    def __init__(self, strategies, branch_names):
        self.strategies = strategies
        self.branch_names = branch_names

    def take_apart(self, fa, details, provider):
        """The parts, or None where nobody can take the address apart.

        :rtype: Address | None
        """
        strategy = self.strategies.get(details.strategy_id)
        parts = strategy and strategy.pattern.deconstruct(fa)
        if not parts or not provider:
            return None
        return Address(
            strategy.fa_type,
            parts[NUMBER_FIELD[strategy.fa_type]],
            provider.code,
            provider.name,
            provider.subcode,
            self.branch_names.get(details.branch_id) or parts.get("branch_name") or None,
            strategy.code,
        )


def _found(item, outcome, fa=None):
    """An answer without the address asked about: a client might take it for the person's."""
    return Result(item.reference_id, outcome, None, item.id or None, fa, locale=item.locale)
