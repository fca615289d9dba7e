# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import time
from collections import Counter, defaultdict
from typing import NamedTuple

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.g2p_spar_fa_directory.financial_address import FaError

from .. import partner_result
from ..g2p_connect.values import (
    ITEM_TYPES,
    Actor,
    Outcome,
    Problem,
    ResolveItem,
    Result,
    refusal,
)
from ..partner_text import PartnerTexts
from ..secret import SecretKeyMissing

CHUNK = 5_000
# The method of the connector by which each operation is carried out, and its options.
_CALLS = {
    "resolve": ("resolve_items", {"parts": True}),
    "has_fa": ("resolve_items", {}),
    "link": ("link_items", {}),
    "update": ("update_items", {}),
    "unlink": ("unlink_items", {}),
}
CHANNELS = ("pbms", "back_office")
# By these a backend says that it cannot be used at all (see `_call`); the text says what to do.
# That a mapper is away is no exception but `Outcome.RETRY`.
_UNUSABLE = (UserError, SecretKeyMissing)
_FOUND = (Outcome.ID_ACTIVE, Outcome.DONE, Outcome.UNCHANGED)


class Entry(NamedTuple):
    """One thing to do for a contact; a problem is answered without asking the mapper."""

    partner_id: int
    fa: str = ""
    problem: Problem | None = None


class G2pSparConnector(models.Model):
    """The interface for contacts: programmes and pages ask about recordsets of `res.partner`.

    What a contact is called in SPAR is said by ID rules (`g2p.spar.id.rule`); which mapper is asked
    by the connector of the contact's company, or of the current one where it has none.

    All methods answer for every contact with a plain dictionary (`partner_result`):

    - `partner_id`, `payee_partner_id`: whom it is about, and who is paid for them
    - `id`: the ID that was asked about
    - `outcome`: of `values.Outcome`, or of `partner_result.PARTNER_OUTCOMES`
    - `status`, `reason_code`: as the standard has them, `message`: the same for people
    - `fa`, `fa_type`, `fa_parts` (OpenG2P's FA object), `number`, `provider_code`,
      `provider_name`, `branch_code`, `branch_name`, `name`, `since`: only where money can be sent,
      that is with the outcome `id_active`. Of an address that cannot be taken apart here `number`
      and `fa_parts` are None.
    - `resolved_at`, `since`: ISO 8601 with UTC offset
    - `never_linked`: True where no ID that any rule gives, or gave, the contact was ever linked;
      False; None where that cannot be told, as while a change is in the outbox or has failed there

    That a contact has no ID or address, or that the mapper is away, is an answer and never an
    exception. `AccessError` is raised for lack of a role (viewer: `id_for_partners`, `has_fa`;
    officer: the others) or of access to a contact, unless in superuser mode; `UserError` for a
    change without a reason. Contacts of companies that are not among the user's (`env.companies`)
    have no connector, in superuser mode too; jobs of Odoo's own user are for all.

    The number of SQL statements depends on companies, rules and chunks of 5 000, not on contacts.
    """

    _inherit = "g2p.spar.connector"

    # === BUSINESS METHODS === #

    @api.model
    @api.private
    def id_for_partners(self, partners, rule=None):
        """The IDs of contacts; asks no mapper, and leaves no trace.

        :param partners: ``res.partner``
        :param rule: a ``g2p.spar.id.rule`` instead of the rules of the contact's company
        :return: by id of the partner: the ID, False for who has none
        :rtype: dict[int, str | Literal[False]]
        """
        partners = self._check_call("group_viewer", partners)
        ids, _problems = self._identify(self._by_company(partners), rule)
        return {partner_id: ids.get(partner_id, False) for partner_id in partners.ids}

    @api.model
    @api.private
    def has_fa(self, partners, rule=None, purpose=None, payees=None, channel="pbms"):
        """Those for whom money could be sent now; whereto is not looked up.

        Parameters are those of ``resolve_partners``. Where the mapper is away, nobody.

        :rtype: res.partner
        """
        checked = self._check_call("group_viewer", partners)
        results = self._resolve("has_fa", checked, rule, purpose, payees, channel)
        return partners.filtered(lambda partner: partner_result.is_payable(results[partner.id]))

    @api.model
    @api.private
    def resolve_partners(self, partners, rule=None, purpose=None, payees=None, channel="pbms"):
        """Whereto money for these contacts is to be sent.

        :param partners: ``res.partner``
        :param rule: a ``g2p.spar.id.rule`` instead of the rules of the contact's company
        :param str purpose: what for; kept with the call and told to the mapper of this database
        :param payees: by id of the partner, the contact who is paid for them; an empty one or none
            is nobody. By default ``res.partner._spar_payees()`` says it.
        :param str channel: ``pbms`` or ``back_office``
        :return: by id of the partner, one entry for each of them
        :rtype: dict[int, dict]
        """
        checked = self._check_call("group_officer", partners)
        return self._resolve("resolve", checked, rule, purpose, payees, channel)

    @api.model
    @api.private
    def link_partners(self, items, reason, rule=None, queue=False, channel="pbms"):
        """Link the IDs of contacts to addresses.

        :param items: pairs of a contact and an address: a string, or one of the dictionaries that
            ``g2p.fa.directory.construct_accounts`` takes
        :param str reason: why; kept in the history
        :param rule: a ``g2p.spar.id.rule`` instead of the rules of the contact's company
        :param bool queue: leave it to the outbox, which asks the mapper soon and again while it is
            away; the outcome is ``queued`` then
        :param str channel: ``pbms`` or ``back_office``
        :return: one result per item, in their order. The same address for the same ID is asked
            for once; of different ones, the mapper hears in their order.
        :rtype: list[dict]
        """
        return self._change("link", items, reason, rule, queue, channel)

    @api.model
    @api.private
    def update_partners(self, items, reason, rule=None, queue=False, channel="pbms"):
        """Give linked contacts another address; parameters are those of ``link_partners``."""
        return self._change("update", items, reason, rule, queue, channel)

    @api.model
    @api.private
    def unlink_partners(self, partners, reason, rule=None, queue=False, channel="pbms"):
        """Remove the addresses of contacts; parameters are those of ``link_partners``."""
        items = [(partner, "") for partner in partners]
        return self._change("unlink", items, reason, rule, queue, channel)

    # === WHO ASKS ABOUT WHOM === #

    def _check_call(self, group, partners):
        """:return: the contacts in superuser mode, as they are the caller's to ask about"""
        asked = self.env["res.partner"].browse(dict.fromkeys(partners.ids))
        if self.env.su:
            return asked
        if not self.env.user.has_group(f"g2p_spar_fa_directory.{group}"):
            raise AccessError(self.env._("Your role does not allow this."))
        self._check_readable(asked)
        return asked.sudo()

    def _check_readable(self, partners):
        # by one statement; what check_access reads of contacts, it reads by the thousand
        domain = [("id", "in", partners.ids)]
        if partners.with_context(active_test=False).search_count(domain) < len(partners):
            partners.check_access("read")

    def _partner_actor(self, reason, channel):
        if channel not in CHANNELS:
            raise ValueError(f"channel must be one of {', '.join(CHANNELS)}")
        user = self.env.user
        is_person = user.id != SUPERUSER_ID and user._is_internal()
        kind = "staff" if is_person else "system"
        return Actor(kind, channel, user.name, user_id=user.id, reason=reason or None)

    def _by_company(self, partners):
        """Pairs of a company and its contacts; those without one are the current company's. Those
        of a company that is not among the user's stay out, also in superuser mode: nobody is shown
        the rules and mappers of others. Jobs of Odoo's own user are for all."""
        partners.fetch(["company_id"])
        grouped = partners.grouped(lambda partner: partner.company_id or self.env.company)
        if self.env.uid == SUPERUSER_ID:
            return list(grouped.items())
        companies = self.env.companies
        return [(company, of_it) for company, of_it in grouped.items() if company in companies]

    def _identify(self, by_company, rule):
        """
        :param by_company: as ``_by_company`` has it
        :return: by id of the partner, the ID; and why who has none has none, where that is known
        :rtype: tuple[dict[int, str], dict[int, str]]
        """
        if rule and not self.env.su:
            rule.with_env(self.env).check_access("read")
        ids, problems = {}, {}
        for company, members in by_company:
            for of_company in rule.sudo() if rule else self._id_rules(company):
                left = members - members.browse(ids)
                if not left or of_company.company_id not in (company, company.browse()):
                    continue
                of_company = of_company.with_company(company)
                made, refused = of_company.make_ids(left)
                ids |= made
                void = of_company.void_ids(left - left.browse(made))
                members -= members.browse(void)
                for partner_id, problem in refused.items():
                    problems.setdefault(partner_id, f"{of_company.name}: {problem}")
        return ids, problems

    def _id_rules(self, company, archived=False):
        domain = [("company_id", "in", (company.id, False))]
        rules = self.env["g2p.spar.id.rule"].sudo().with_context(active_test=not archived)
        return rules.search(domain)

    def _ids_of_all_rules(self, by_company):
        """Under which IDs contacts may have been linked: rules that come later, archived ones, and
        references that are not valid any more are included.

        :rtype: dict[int, set[str]]
        """
        every = defaultdict(set)
        for company, members in by_company:
            for rule in self._id_rules(company, archived=True).with_company(company):
                for ids in (rule.make_ids(members)[0], rule.void_ids(members)):
                    for partner_id, id_ in ids.items():
                        every[partner_id].add(id_)
        return every

    def _connectors_of(self, by_company):
        """:rtype: dict[int, G2pSparConnector]"""
        return {
            partner_id: connector
            for company, members in by_company
            for connector in self._get_default(company)
            for partner_id in members.ids
        }

    # === LOOKING UP === #

    def _resolve(self, operation, partners, rule, purpose, payees, channel):
        began = time.monotonic()
        actor = self._partner_actor(purpose, channel)
        payee_of = self._payees_of(partners, payees, rule)
        entries = [Entry(payee_id) for payee_id in dict.fromkeys(filter(None, payee_of.values()))]
        told, connectors = self._carry_out(operation, actor, entries, rule)
        of_payee = {result["partner_id"]: result for result in told}
        of_payee[None] = partner_result.of_contact(
            None,
            partner_result.NO_PAYEE,
            PartnerTexts(self.env).of_contact(partner_result.NO_PAYEE),
        )
        results = {
            partner_id: of_payee[payee_id] | {"partner_id": partner_id}
            for partner_id, payee_id in payee_of.items()
        }
        self._note_call(operation, actor, connectors, results.values(), began)
        return results

    def _payees_of(self, partners, payees, rule):
        """:return: the id of the payee, or None, by id of the partner"""
        if payees is None:
            payees = partners._spar_payees(rule=rule and rule.sudo())
        elif not self.env.su:
            given = {payee_id for payee in payees.values() if payee for payee_id in payee.ids}
            self._check_readable(self.env["res.partner"].browse(given))
        payee_of = {}
        for partner_id in partners.ids:
            payee = payees.get(partner_id)
            payee_of[partner_id] = payee.id if payee else None
        return payee_of

    # === CHANGING === #

    def _change(self, operation, items, reason, rule, queue, channel):
        items = list(items)
        partner_ids = [partner.ensure_one().id for partner, _fa in items]
        self._check_call("group_officer", self.env["res.partner"].browse(partner_ids))
        if not (reason or "").strip():
            raise UserError(self.env._("Say why: the reason is kept in the history."))
        began = time.monotonic()
        actor = self._partner_actor(reason, channel)
        entries = self._entries(partner_ids, [fa for _partner, fa in items])
        results, connectors = self._carry_out(operation, actor, entries, rule, queue=queue)
        self._note_call(operation, actor, connectors, results, began)
        return results

    def _entries(self, partner_ids, fas):
        """The addresses as strings; what cannot be one is a problem of its item."""
        accounts = [fa for fa in fas if isinstance(fa, dict)]
        made = iter(self.env["g2p.fa.directory"].construct_accounts(accounts))
        entries = []
        for partner_id, fa in zip(partner_ids, fas, strict=True):
            address = next(made) if isinstance(fa, dict) else fa
            if isinstance(address, FaError):
                problem = Problem(Outcome.FA_INVALID, address.message)
                entries.append(Entry(partner_id, problem=problem))
            else:
                entries.append(
                    Entry(partner_id, address if isinstance(fa, str) else address.string)
                )
        return entries

    # === WHAT BOTH SHARE === #

    def _carry_out(self, operation, actor, entries, rule, queue=False):
        """:return: one result per entry, in their order; and the connectors that were used
        :rtype: tuple[list[dict], G2pSparConnector]
        """
        partners = self.env["res.partner"].browse({entry.partner_id for entry in entries}).sudo()
        by_company = self._by_company(partners)
        ids, problems = self._identify(by_company, rule)
        connectors = self._connectors_of(by_company)
        texts = PartnerTexts(self.env)
        results = [None] * len(entries)
        # What is the same for the same ID is done once, for the first who has it.
        places = defaultdict(lambda: defaultdict(list))
        for place, (partner_id, fa, problem) in enumerate(entries):
            connector, id_ = connectors.get(partner_id), ids.get(partner_id)
            if connector and id_:
                places[connector][id_, fa, problem].append(place)
            else:
                outcome = partner_result.ID_MISSING if connector else partner_result.NO_CONNECTOR
                text = texts.of_contact(outcome, problems.get(partner_id))
                results[place] = partner_result.of_contact(partner_id, outcome, text)
        for connector, by_item in places.items():
            partner_ids = [entries[where[0]].partner_id for where in by_item.values()]
            items = _items(operation, by_item)
            act = connector._put if queue else connector._ask
            answers = act(operation, actor, partner_ids, items, texts)
            for where, answer in zip(by_item.values(), answers, strict=True):
                for place in where:
                    results[place] = partner_result.for_contact(answer, entries[place].partner_id)
        if operation == "resolve":
            self._tell_history(results, by_company, connectors)
        return results, self.browse().union(*places)

    def _ask(self, operation, actor, partner_ids, items, texts):
        """What the mapper answers.

        :rtype: list[dict]
        """
        items = self._without_overtaking(operation, items, texts)
        results = self._call_by_chunks(operation, actor, items)
        told = "resolve" if operation == "has_fa" else operation
        answers = [
            partner_result.of_mapper(told, item.id, result, texts.of_item(told, item, result))
            for item, result in zip(items, results, strict=True)
        ]
        return answers

    def _without_overtaking(self, operation, items, texts):
        """A change of a person waits for those that wait in the outbox: undone it is tried again,
        while one that came too early would be overwritten."""
        if operation in ("resolve", "has_fa"):
            return items
        ahead = self.env["g2p.spar.outbox"].count_changes(self, [item.id for item in items])
        problem = Problem(Outcome.RETRY, texts.waits)
        return [
            item._replace(problem=item.problem or problem) if item.id in ahead else item
            for item in items
        ]

    def _call_by_chunks(self, operation, actor, items):
        """Once the mapper is away, no more is asked: it might overtake what is still under way, and
        each try takes its time.

        :rtype: list[Result]
        """
        call, options = _CALLS[operation]
        results = []
        for start in range(0, len(items), CHUNK):
            chunk = items[start : start + CHUNK]
            try:
                results += getattr(self, call)(actor, chunk, **options)
            except AccessError:  # a UserError too, and a mistake of ours
                raise
            except _UNUSABLE as problem:
                results += _unanswered(chunk, str(problem))
            if results[-1].outcome is Outcome.RETRY and not chunk[-1].problem:
                return results + _unanswered(items[len(results) :], results[-1].message)
        return results

    def _tell_history(self, results, by_company, connectors):
        """Say of those who have no address whether they ever had one, if their mapper can tell."""
        absent = [result for result in results if result["outcome"] == Outcome.ID_NOT_FOUND]
        if not absent:
            return
        asked = {result["partner_id"] for result in absent}
        by_company = [(company, of_it & of_it.browse(asked)) for company, of_it in by_company]
        ids = self._ids_of_all_rules(by_company)
        of_connector = defaultdict(list)
        for result in absent:
            ids[result["partner_id"]].add(result["id"])
            of_connector[connectors[result["partner_id"]]].append(result)
        for connector, of_it in of_connector.items():
            connector._tell_never_linked(of_it, ids)

    def _tell_never_linked(self, absent, ids_of):
        if "history" not in self.capabilities():
            return
        ids = set().union(*(ids_of[result["partner_id"]] for result in absent)) - {False}
        changes = self.env["g2p.spar.outbox"]
        try:
            ever = self.ever_linked(list(ids))
            # they may have been meant to be linked by now
            unsure = changes.count_changes(self, ids, ("waiting", "failed"))
        except _UNUSABLE:  # it cannot tell, which is no reason to tell nothing
            return
        for result in absent:
            own = ids_of[result["partner_id"]]
            if not ever.isdisjoint(own):
                result["never_linked"] = False
            elif unsure.keys().isdisjoint(own):
                result["never_linked"] = True

    def _put(self, operation, actor, partner_ids, items, texts):
        """Leave the sound items to the outbox.

        :rtype: list[dict]
        """
        pairs = list(zip(partner_ids, items, strict=True))
        sound = [(partner_id, item) for partner_id, item in pairs if item.problem is None]
        if sound:
            self.env["g2p.spar.outbox"].put(self, operation, sound, actor)
        answers = []
        for partner_id, item in pairs:
            if item.problem:
                result = refusal(item)
                text = texts.of_mapper(operation, result)
                answers.append(partner_result.of_mapper(operation, item.id, result, text))
            else:
                text = texts.of_contact(partner_result.QUEUED)
                queued = partner_result.of_contact(partner_id, partner_result.QUEUED, text)
                answers.append(queued | {"id": item.id})
        return answers

    def _note_call(self, operation, actor, connectors, results, began):
        """Put the call on record, if it was about anybody."""
        outcomes = Counter(result["outcome"] for result in results)
        if not outcomes:
            return
        found = sum(outcomes[outcome] for outcome in _FOUND)
        unavailable = outcomes[partner_result.UNAVAILABLE]
        asked = outcomes.total()
        self.env["g2p.spar.lookup"].note(
            {
                "happened_at": fields.Datetime.now(),
                "user_id": actor.user_id,
                "actor_name": actor.name,
                "channel": actor.channel,
                "company_id": self.env.company.id,
                "connector_id": connectors.id if len(connectors) == 1 else False,
                "operation": operation,
                "purpose": actor.reason,
                "asked_count": asked,
                "found_count": found,
                "queued_count": outcomes[partner_result.QUEUED],
                "unavailable_count": unavailable,
                "refused_count": asked - found - unavailable - outcomes[partner_result.QUEUED],
                "duration_ms": round((time.monotonic() - began) * 1000),
            }
        )


# === HELPERS === #


def _items(operation, keys):
    kind = ITEM_TYPES.get(operation, ResolveItem)
    scope = {"scope": "details"} if operation == "resolve" else {}
    return [
        kind(str(number), id_, fa, problem=problem, **scope)
        for number, (id_, fa, problem) in enumerate(keys, start=1)
    ]


def _unanswered(items, message):
    return [Result(item.reference_id, Outcome.RETRY, message) for item in items]
