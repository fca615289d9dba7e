# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What the mappings that were looked up say about the items of a resolve. Plain Python."""

import orjson

from odoo.addons.g2p_spar_connector.g2p_connect.values import (
    AccountProvider,
    Address,
    Outcome,
    Result,
)
from odoo.addons.g2p_spar_fa_directory.financial_address import NUMBER_FIELD, fa_key
from odoo.addons.g2p_spar_fa_directory.ids import namespace_of


def same_id(value, stored, case_sensitive_namespaces):
    """Whether an ID is the stored one, whose key it shares; only case can tell them apart."""
    if value == stored or not case_sensitive_namespaces:
        return True
    return (namespace_of(value) or "").lower() not in case_sensitive_namespaces


class Resolution:
    """Makes the results of one message.

    :param dict[str, Resolved] rows: the mappings found, by ``id_key``.
    :param dict[str, bool] fa_states: by ``fa_key``, whether an active mapping has the address.
    :param case_sensitive_namespaces: lower-case names.
    :param dict[int, tuple[str, str]] providers: name and code by id.
    :param AddressReader | None addresses: takes the addresses apart, where wanted.
    """

    def __init__(self, rows, fa_states, case_sensitive_namespaces, providers, addresses=None):
        self.rows = rows
        self.fa_states = fa_states
        self.case_sensitive_namespaces = case_sensitive_namespaces
        self.providers = providers
        self.addresses = addresses
        self._account_providers = {}

    def of_id(self, item, key):
        """The result of an item with an ID, and maybe an FA that must belong to it."""
        row = self.rows.get(key)
        if row is None or not same_id(item.id, row.id_value, self.case_sensitive_namespaces):
            return _found(item, Outcome.ID_NOT_FOUND)
        if row.state != "active":
            return _found(item, Outcome.ID_INACTIVE)
        if item.fa and fa_key(item.fa) != fa_key(row.fa):
            return _found(item, Outcome.FA_NOT_LINKED_TO_ID)
        if item.scope != "details":
            return _found(item, Outcome.ID_ACTIVE)
        # as in the class; its own constructor would cost as much as all the rest
        values = (
            item.reference_id,
            Outcome.ID_ACTIVE,
            None,  # the outcome's own message
            item.id,
            row.fa,
            row.name,
            row.phone,
            self._account_provider(row),
            row.additional_info and orjson.loads(row.additional_info),
            item.locale,
            row.changed_at,
            self.addresses and self.addresses.take_apart(row, self.providers),
        )
        return tuple.__new__(Result, values)

    def of_fa(self, item):
        """The result of an item with an FA alone: active or not, never whose."""
        active = self.fa_states.get(fa_key(item.fa))
        if active is None:
            return _found(item, Outcome.FA_NOT_FOUND)
        if not active:
            return _found(item, Outcome.FA_INACTIVE)
        return _found(item, Outcome.FA_ACTIVE, item.fa if item.scope == "details" else None)

    def _account_provider(self, row):
        key = row.provider_id, row.branch_code
        if key not in self._account_providers:
            label = self.providers.get(row.provider_id)
            self._account_providers[key] = label and AccountProvider(*label, row.branch_code)
        return self._account_providers[key]


class AddressReader:
    """Takes stored addresses apart, each by the strategy with which it was read when it came.

    :param dict[int, FaStrategy] strategies: all of them, by id.
    :param dict[int, str] branch_names: by id, of the mappings looked up.
    """

    def __init__(self, strategies, branch_names):
        self.strategies = strategies
        self.branch_names = branch_names

    def take_apart(self, row, providers):
        """The parts, or None where nobody can take the address apart.

        :rtype: Address | None
        """
        strategy = self.strategies.get(row.strategy_id)
        parts = strategy and strategy.pattern.deconstruct(row.fa)
        label = providers.get(row.provider_id)
        if not parts or not label:
            return None
        provider_name, provider_code = label
        return Address(
            strategy.fa_type,
            parts[NUMBER_FIELD[strategy.fa_type]],
            provider_code,
            provider_name,
            row.branch_code,
            self.branch_names.get(row.branch_id) or parts.get("branch_name") or None,
            strategy.code,
        )


def _found(item, outcome, fa=None):
    """An answer without the address asked about: a client might take it for the person's."""
    return Result(item.reference_id, outcome, None, item.id or None, fa, locale=item.locale)
