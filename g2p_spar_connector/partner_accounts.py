# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The accounts that contacts have on record in Odoo, as accounts of the directory."""

import re
from collections import defaultdict
from typing import NamedTuple

from odoo.fields import Domain

from .g2p_connect.text import is_phone_number

# What people put between the digits of a telephone number.
_SEPARATORS = re.compile(r"[\s().-]")
# A BIC of a head office has 8 characters, or these three behind them (ISO 9362).
_HEAD_OFFICE = "XXX"


class NoAccount(NamedTuple):
    """Why a contact has none: kind of `g2p.spar.partner.bulk.link.line`, and a text without it."""

    kind: str
    why: str | None = None


def bank_accounts(partners) -> dict[int, dict | NoAccount]:
    """The first bank account of each contact that has one.

    Its bank is a provider by the field *Bank on Contacts*, else by its BIC; its clearing number is
    the code of the branch. The number of statements does not depend on how many contacts there are.

    :return: by id of the partner, what `g2p.fa.directory.construct_accounts` takes
    """
    rows = partners.env["res.partner.bank"].search_fetch(
        [("partner_id", "in", partners.ids)],
        ["partner_id", "bank_id", "sanitized_acc_number", "clearing_number"],
    )
    first = {}
    for row in rows:
        first.setdefault(row.partner_id.id, row)
    providers = _BankProviders(rows)
    return {partner_id: providers.account(row) for partner_id, row in first.items()}


class _BankProviders:
    """Which provider, and which branch of it, the bank of an account on contacts is."""

    def __init__(self, rows):
        self._env = rows.env
        banks = rows.bank_id
        variants = {variant for bank in banks if bank.bic for variant in _variants(bank.bic)}
        providers = self._env["g2p.fa.provider"].search(
            Domain("fa_type", "=", "bank")
            & (Domain("bank_id", "in", banks.ids) | Domain("bic", "in", list(variants)))
        )
        self._by_bank = providers.grouped("bank_id")
        self._by_bic = defaultdict(providers.browse)
        for provider in providers.filtered("bic"):
            self._by_bic[_bic_key(provider.bic)] |= provider
        codes = {_code(row) for row in rows if _code(row)}
        branches = self._env["g2p.fa.branch"].search(
            [("provider_id", "in", providers.ids), ("code", "in", list(codes))]
        )
        self._branches = {(branch.provider_id, branch.code): branch.id for branch in branches}

    def account(self, row):
        bank = row.bank_id
        if not bank:
            return NoAccount("bank", self._env._("The bank of the account is not on record."))
        found = self._by_bank.get(bank)
        if not found and bank.bic:
            found = self._by_bic.get(_bic_key(bank.bic))
        if not found:
            return NoAccount("bank", bank.name)
        if len(found) > 1:
            return NoAccount("bank", self._env._("Several providers are “%s”.", bank.name))
        account = {"provider_id": found.id, "number": row.sanitized_acc_number}
        if branch_id := self._branches.get((found, _code(row))):
            account["branch_id"] = branch_id
        return account


def phone_accounts(partners, provider, is_national: bool) -> dict[int, dict | NoAccount]:
    """The telephone number of each contact that has one, as an account at a mobile wallet.

    Only numbers with a country code (E.164) count: of others nobody can tell where they are.

    :param provider: the `g2p.fa.provider`
    :param is_national: its addresses have numbers without the code of its country
    """
    calling_code = f"+{provider.country_id.phone_code}" if is_national else ""
    accounts = {}
    for partner in partners:
        number = _SEPARATORS.sub("", partner.phone or "")
        if not number:
            continue
        if not is_phone_number(number) or not number.startswith("+") or ";" in number:
            accounts[partner.id] = NoAccount("phone")
        elif not number.startswith(calling_code):
            why = partners.env._("It is not of the wallet's country (%s).", calling_code)
            accounts[partner.id] = NoAccount("phone", why)
        else:
            number = number.removeprefix(calling_code) if is_national else number
            accounts[partner.id] = {"provider_id": provider.id, "number": number}
    return accounts


def _code(row) -> str:
    return (row.clearing_number or "").strip()


def _bic_key(bic: str) -> str:
    bic = bic.strip().upper()
    return bic.removesuffix(_HEAD_OFFICE) if len(bic) == 11 else bic


def _variants(bic: str) -> tuple[str, ...]:
    key = _bic_key(bic)
    return (bic.strip(), key, key + _HEAD_OFFICE)
