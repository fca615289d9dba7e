# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import unicodedata
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, escape_psql, single_email_re

from odoo.addons.g2p_spar_connector.g2p_connect.values import ResolveItem
from odoo.addons.g2p_spar_fa_directory.financial_address import (
    BANK,
    EMAIL_WALLET,
    FA_MAX_LENGTH,
    MOBILE_WALLET,
    NUMBER_FIELD,
    FaError,
    fa_key,
)

from .. import current_address
from ..current_address import CurrentAddress

KINDS = (BANK, MOBILE_WALLET, EMAIL_WALLET)
# As many providers are shown without a search.
SHORT_LIST = 12
PAGE_SIZE = 20
PAGES_AT_MOST = 50
QUERY_MAX_LENGTH = 80
WORDS_AT_MOST = 6
HOLDER_NAME_MAX_LENGTH = 140


class Found(NamedTuple):
    """One page of a search."""

    records: models.BaseModel
    has_more: bool


class FieldProblem(Exception):
    """What is wrong with one field of a form, in the person's language.

    :ivar field: its name in the form
    """

    def __init__(self, field, message):
        super().__init__(message)
        self.field = field
        self.message = message


class CannotChange(Exception):
    """There is nothing that could be changed now.

    :ivar CurrentAddress current: what is on record
    """

    def __init__(self, current):
        super().__init__(current.state)
        self.current = current


class G2pSparSelfService(models.AbstractModel):
    """What the pages for beneficiaries ask for: what is on record, what there is to choose from,
    and whether what was typed makes an address."""

    _name = "g2p.spar.self.service"
    _description = "Self Service"

    # === WHAT IS ON RECORD === #

    @api.private
    def current(self, person):
        """Where a person is paid now, by the mapper's word at this moment.

        :param Person person: who is before us
        :rtype: CurrentAddress
        """
        if not person.connector:
            return CurrentAddress(current_address.AWAY)
        item = ResolveItem("1", person.id, scope="details")
        try:
            [result] = person.connector.resolve_items(
                person.actor("own address"), [item], parts=True
            )
        except UserError:  # the connector leads to no mapper
            return CurrentAddress(current_address.AWAY)
        return current_address.read(result)

    # === WHAT THERE IS TO CHOOSE FROM === #

    @api.private
    def kinds(self):
        """The kinds of account at which there is a provider, in a fixed order."""
        groups = self.env["g2p.fa.provider"].sudo()._read_group(self._providers(), ["fa_type"])
        offered = {kind for [kind] in groups}
        return [kind for kind in KINDS if kind in offered]

    @api.private
    def find_providers(self, kind, query="", page=0):
        """:param str kind: of account; one of `KINDS`
        :param str query: parts of name, short name or code; empty: all
        :param int page: from 0
        :rtype: Found
        """
        domain = self._providers(kind) & _words(query, ("name", "code", "mnemonic"))
        return self._page(self.env["g2p.fa.provider"], domain, page)

    @api.private
    def is_short(self, kind):
        """Whether the providers of a kind are few enough to be shown without a search."""
        providers = self.env["g2p.fa.provider"].sudo()
        return len(providers.search(self._providers(kind), limit=SHORT_LIST + 1)) <= SHORT_LIST

    @api.private
    def provider(self, provider_id, kind=None):
        """A provider that people may choose, by what a form or draft has told; else empty."""
        domain = self._providers(kind) & Domain("id", "=", _as_id(provider_id))
        return self.env["g2p.fa.provider"].sudo().search(domain)

    @api.private
    def has_branches(self, provider):
        """Whether addresses at a provider name a branch."""
        strategy = provider.strategy_id
        if provider.fa_type != BANK or "branch_code" not in strategy._pattern().fields:
            return False
        branches = self.env["g2p.fa.branch"].sudo()
        return bool(branches.search([("provider_id", "=", provider.id)], limit=1))

    @api.private
    def find_branches(self, provider, query, page=0):
        """:param str query: parts of name, code or place
        :rtype: Found
        """
        words = _words(query, ("name", "code", "mnemonic", "city"))
        if not query.strip():
            of_provider = Domain("provider_id", "=", provider.id)
        else:
            of_provider = _by_trigrams(provider.id)
        return self._page(self.env["g2p.fa.branch"], of_provider & words, page)

    @api.private
    def branch(self, branch_id, provider):
        """A branch of a provider, by what a form or draft has told; else empty."""
        domain = [("id", "=", _as_id(branch_id)), ("provider_id", "=", provider.id)]
        return self.env["g2p.fa.branch"].sudo().search(domain)

    def _providers(self, kind=None):
        domain = Domain("strategy_id", "!=", False)
        return domain & Domain("fa_type", "=", kind) if kind else domain

    def _page(self, model, domain, page):
        page = min(max(page, 0), PAGES_AT_MOST)
        found = model.sudo().search(domain, limit=PAGE_SIZE + 1, offset=page * PAGE_SIZE)
        has_more = len(found) > PAGE_SIZE and page < PAGES_AT_MOST
        return Found(found[:PAGE_SIZE], has_more)

    # === WHAT WAS TYPED === #

    @api.private
    def make_address(self, provider, branch, number, holder_name=""):
        """The address that a person means.

        :param str number: as typed
        :return: `fa`, `label` and `name` (of the holder, None where the provider does not ask)
        :rtype: dict
        :raise FieldProblem: naming `number`, `holder_name` or `branch`
        """
        number = clean_number(number, provider.fa_type)
        self._check_number(provider, number)
        name = self._holder_name(provider, holder_name)
        address = self.env["g2p.fa.directory"].construct_fa(provider, number, branch)
        if isinstance(address, FaError):
            raise self._refusal(provider, address)
        return {
            "fa": address.string,
            "label": current_address.label(
                provider.fa_type, provider.name, number, branch and branch.name
            ),
            "name": name,
        }

    # === WHAT IS TO BE CONFIRMED === #

    @api.private
    def check_may_begin(self, person, current):
        """Whether there is a way to a change, before a person goes it. All of this is asked again
        when the change is confirmed.

        :param CurrentAddress current: what is on record
        :raise UserError: why there is none now, in the person's language
        """
        changes = self.env["g2p.spar.change"]
        changes.check_may_ask(person)
        if current.fa or changes.was_linked(person):
            changes.check_somebody_is_told(person, changes.known_contacts(person, current))

    @api.private
    def prepare(self, person, draft, number, holder_name=""):
        """Make a draft with a provider ready to be confirmed, by what is on record now.

        :param str number: as typed, like `holder_name`
        :raise FieldProblem: see `make_address`; also of `number` where nothing would change
        :raise CannotChange: the mapper is away, or the person's address is on hold
        """
        content = draft.content()
        provider = self.provider(content.get("provider_id"))
        branch = self.branch(content.get("branch_id"), provider)
        new = self.make_address(provider, branch, number, holder_name)
        old = self._changeable(person)
        if fa_key(old.fa or "") == fa_key(new["fa"]):
            raise FieldProblem("number", self.env._("You are paid to this account already."))
        if person.agent:
            self._check_with_agent(person, new)
        kept = {name: content.get(name) for name in ("kind", "provider_id", "branch_id")}
        operation = "update" if old.fa else "link"
        # after a removal it is a change: else two steps would do at once what one may not
        is_first = not old.fa and not self.env["g2p.spar.change"].was_linked(person)
        content = {"operation": operation, "old": _as_old(old), "new": new, "is_first": is_first}
        draft.put({**kept, **content})

    @api.private
    def prepare_removal(self, person, draft):
        """Make a draft of a removal ready to be confirmed, by what is on record now.

        :raise CannotChange: the mapper is away, or there is nothing to remove
        """
        old = self._changeable(person)
        if not old.fa:
            raise CannotChange(old)
        draft.put({"operation": "unlink", "old": _as_old(old), "new": None})

    @api.private
    def due_at(self, content):
        """When what is in a draft takes effect if it is confirmed now; False: at once."""
        delay = self.env["g2p.spar.change"].delay()
        return not content.get("is_first") and delay and fields.Datetime.now() + delay

    def _changeable(self, person):
        current = self.current(person)
        if not current.can_change:
            raise CannotChange(current)
        return current

    def _check_with_agent(self, person, new):
        checks = self.env["g2p.spar.assisted.check"]
        if reason := checks.refused_account(person, new["fa"]):
            raise FieldProblem("number", checks.refuse(person, reason, new["label"]))

    def _check_number(self, provider, number):
        if not number:
            missing = {
                BANK: self.env._("Enter the account number."),
                MOBILE_WALLET: self.env._("Enter the mobile number."),
                EMAIL_WALLET: self.env._("Enter the e-mail address."),
            }
            raise FieldProblem("number", missing[provider.fa_type])
        rule = self.env["g2p.fa.account.rule"]._number_rules().get(provider.account_rule_id.id)
        if rule and rule.problem(number):
            raise FieldProblem("number", self._rule_text(provider, rule, number))
        if provider.fa_type == EMAIL_WALLET and not single_email_re.fullmatch(number):
            raise FieldProblem(
                "number", self.env._("Enter an e-mail address, such as name@example.org.")
            )
        if len(number) > FA_MAX_LENGTH:
            raise FieldProblem("number", self.env._("This is too long."))

    def _rule_text(self, provider, rule, number):
        """What a person can do about a number that breaks the rule of its provider."""
        values = {
            "provider": provider.name,
            "least": rule.min_length,
            "most": rule.max_length,
            "typed": len(number),
        }
        too_short = len(number) < rule.min_length
        too_long = rule.max_length and len(number) > rule.max_length
        if provider.fa_type == EMAIL_WALLET:
            return self.env._("Enter an e-mail address, such as name@example.org.")
        if (too_short or too_long) and rule.min_length == rule.max_length:
            return self.env._(
                "At %(provider)s this has %(least)s characters; you have entered %(typed)s.",
                **values,
            )
        if too_long or (too_short and rule.max_length):
            return self.env._(
                "At %(provider)s this has %(least)s to %(most)s characters; you have entered "
                "%(typed)s.",
                **values,
            )
        if too_short:
            return self.env._(
                "At %(provider)s this has at least %(least)s characters; you have entered "
                "%(typed)s.",
                **values,
            )
        return self.env._(
            "This cannot be right at %(provider)s. Compare it with your card, passbook or "
            "telephone, sign by sign.",
            **values,
        )

    def _holder_name(self, provider, holder_name):
        if not provider.spar_ask_holder_name:
            return None
        name = " ".join(holder_name.split())
        if not name:
            raise FieldProblem("holder_name", self.env._("Enter the name of the account holder."))
        if len(name) > HOLDER_NAME_MAX_LENGTH or not name.isprintable():
            raise FieldProblem(
                "holder_name",
                self.env._(
                    "Enter the name as it is written at the bank, with at most %s characters.",
                    HOLDER_NAME_MAX_LENGTH,
                ),
            )
        return name

    def _refusal(self, provider, error):
        if error.field == NUMBER_FIELD[provider.fa_type]:
            return FieldProblem("number", self.env._("This has signs in it that it cannot have."))
        if error.field == "branch_code":
            return FieldProblem(
                "branch", self.env._("Choose the branch where the account is held.")
            )
        return FieldProblem(
            "number",
            self.env._(
                "Accounts at %s cannot be entered at the moment. Please ask for help.",
                provider.name,
            ),
        )


# === HELPERS === #


def clean_number(text, kind):
    """A number without what people write into it to make it readable: blanks, and the digits of
    their own script."""
    text = text.strip()
    if kind == EMAIL_WALLET:
        return text
    return "".join(
        str(unicodedata.decimal(sign)) if sign.isdecimal() else sign
        for sign in text
        if not sign.isspace() and unicodedata.category(sign) != "Cf"
    )


def _as_old(current):
    """Of an address on record what a draft keeps; None where there is none."""
    if not current.fa:
        return None
    return {
        "state": current.state,
        "fa": current.fa,
        "label": current.label,
        "phone": current.phone,
    }


def _words(query, names):
    """Each word of a search must be somewhere in these fields."""
    words = map(escape_psql, query[:QUERY_MAX_LENGTH].split()[:WORDS_AT_MOST])
    return Domain.AND(Domain.OR(Domain(name, "ilike", word) for name in names) for word in words)


def _by_trigrams(provider_id):
    """A condition on the bank that only the indexes of trigrams have: the codes of a bank begin
    alike, and PostgreSQL would walk through all its branches."""
    return Domain.custom(
        to_sql=lambda _model, alias, _query: SQL(
            "-%s = %s", SQL.identifier(alias, "provider_id"), -provider_id
        )
    )


def _as_id(value):
    """A database id as a form has told it; 0, which nobody has, for anything else."""
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
