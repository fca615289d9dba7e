# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from collections import Counter
from typing import Any, NamedTuple

import orjson

from odoo import api, fields, models

from odoo.addons.g2p_spar_connector.g2p_connect.text import is_too_large, is_unstorable
from odoo.addons.g2p_spar_connector.g2p_connect.values import (
    NAME_MAX_LENGTH,
    PHONE_MAX_LENGTH,
    Outcome,
    Problem,
    Result,
)
from odoo.addons.g2p_spar_connector.secret import digest_key_id, digester
from odoo.addons.g2p_spar_fa_directory.financial_address import (
    FaError,
    FinancialAddress,
    fa_key,
    fa_problem,
)
from odoo.addons.g2p_spar_fa_directory.ids import (
    id_key,
    id_keys,
    id_problem,
    mask_id,
    namespace_of,
)

from .. import mapping_store
from ..authority import Authority
from ..resolution import AddressReader, Resolution, same_id
from .g2p_spar_access_log import packed

REASON_MAX_LENGTH = 255
CONSENT_REFERENCE = "consent_reference"


class Candidate(NamedTuple):
    """An item that passed every check that needs no look at the mappings."""

    position: int
    item: Any
    id_key: str
    fa: FinancialAddress | FaError | None


class G2pSparMapper(models.AbstractModel):
    """The ID account mapper: the one place where mappings are read and changed.

    Every method takes an ``Actor`` and a list of value objects (``g2p_connect.values``) and returns
    one ``Result`` per item, in the order of the items. An item that is wrong is a result like any
    other and harms no other item. The number of SQL statements does not depend on the number of
    items. Nothing here can be called over RPC: public actions check groups first.

    The methods are not called ``link`` or ``unlink``, since the ORM has methods of such names.
    """

    _name = "g2p.spar.mapper"
    _description = "ID Account Mapper"

    # === OPERATIONS === #

    @api.private
    def link_items(self, actor, items):
        """Link IDs that have no mapping; of two items with one ID, the first valid one wins.

        :param Actor actor: on whose behalf.
        :param list[LinkItem] items:
        :rtype: list[Result]
        """
        results, candidates = self._screen("link", actor, items)
        winners = {}
        for candidate in candidates:
            winners.setdefault(candidate.id_key, candidate)
        rows = [self._new_row(actor, candidate) for candidate in winners.values()]
        events = self._events(actor, "link", [(None, row) for row in rows])
        linked = mapping_store.insert(self.env.cr, rows, events) if rows else set()
        self._mark_strategies(winners[key] for key in linked)
        for candidate in candidates:
            won = winners[candidate.id_key] is candidate and candidate.id_key in linked
            outcome = Outcome.DONE if won else Outcome.ALREADY_LINKED
            results[candidate.position] = _result(candidate.item, outcome)
        self._audit_refusals(actor, results)
        return results

    @api.private
    def update_items(self, actor, items):
        """Give linked IDs another address; absent name, phone and additional_info stay.

        :param list[UpdateItem] items:
        :rtype: list[Result]
        """
        return self._change("update", actor, items, self._plan_update)

    @api.private
    def unlink_items(self, actor, items):
        """Remove mappings; where an item names an address, only if it is the linked one.

        :param list[UnlinkItem] items:
        :rtype: list[Result]
        """
        return self._change("unlink", actor, items, self._plan_unlink)

    @api.private
    def suspend_items(self, actor, items):
        """Stop answering for these IDs, until they are reactivated.

        :param list[UnlinkItem] items: their addresses do not matter.
        :rtype: list[Result]
        """
        return self._change("suspend", actor, items, self._plan_suspend)

    @api.private
    def reactivate_items(self, actor, items):
        """Answer for suspended IDs again.

        :param list[UnlinkItem] items: their addresses do not matter.
        :rtype: list[Result]
        """
        return self._change("reactivate", actor, items, self._plan_reactivate)

    @api.private
    def erase_items(self, actor, items):
        """Remove all that is readable about these IDs: mappings, masked history, message bodies,
        and what other addons keep (``g2p.spar.erasure``).

        Digests stay: they still prove what somebody who knows the ID and the address asks about.

        :param list[UnlinkItem] items: their addresses do not matter.
        :rtype: list[Result]
        """
        # first what would write a mapping again: it locks in this order too
        self.env["g2p.spar.erasure"].forget([item.id for item in items if not id_problem(item.id)])
        results = self._change("erase", actor, items, self._plan_erase)
        digests = [digester("id")(id_key(item.id)) for item in items]
        with self.env["g2p.spar.mapping.event"].maintenance(f"erasure: {actor.reason}"):
            mapping_store.forget(self.env.cr, digests)
            self.env["g2p.spar.message"].forget(digests)
        # an ID that is not linked any more has a history to erase all the same
        return [
            result._replace(outcome=Outcome.DONE)
            if result.outcome is Outcome.NOT_LINKED
            else result
            for result in results
        ]

    @api.private
    def resolve_items(self, actor, items, parts=False):
        """Look up addresses by ID, by address, or check that the two belong together.

        Writes nothing to the database. What it shows is on record in the access log.

        :param list[ResolveItem] items:
        :param bool parts: also tell what has no place on the wire: the parts of the address
            (``Result.address``), name, phone number and since when.
        :rtype: list[Result]
        """
        authority = self._authority(actor)
        keys = _sound_keys(authority, items)
        if keys:
            resolution = self._look_up(set(keys), (), parts)
            results = resolution.of_ids(items, keys)
        else:
            resolution, results = self._resolve_one_by_one(authority, items, parts)
        self._audit_resolve(actor, resolution.shown, results)
        return results

    def _resolve_one_by_one(self, authority, items, parts):
        problems = [item.problem or _resolve_problem(authority, item) for item in items]
        keys = [
            id_key(item.id) if item.id and problem is None else None
            for item, problem in zip(items, problems, strict=True)
        ]
        fa_keys = {
            fa_key(item.fa)
            for item, problem, key in zip(items, problems, keys, strict=True)
            if problem is None and not key
        }
        resolution = self._look_up({key for key in keys if key}, fa_keys, parts)
        results = [
            _refusal(item, problem)
            if problem is not None
            else resolution.of_id(item, key)
            if key
            else resolution.of_fa(item)
            for item, problem, key in zip(items, problems, keys, strict=True)
        ]
        return resolution, results

    def _look_up(self, id_keys, fa_keys, parts):
        """Read what is asked for: a statement for the IDs, one for the FAs."""
        exact = self._case_sensitive_namespaces()
        suffixes = tuple(f"@{name}" for name in exact)
        if not (exact and any(key.endswith(suffixes) for key in id_keys)):
            exact = frozenset()  # none of these IDs is in them
        rows, details = {}, {}
        if id_keys and (parts or exact):
            rows, details = mapping_store.resolve_details(self.env.cr, id_keys)
        elif id_keys:
            rows = mapping_store.resolve(self.env.cr, id_keys)
        return Resolution(
            rows,
            details,
            mapping_store.fa_states(self.env.cr, fa_keys) if fa_keys else {},
            exact,
            self._address_reader(details) if parts else None,
            self.env["g2p.fa.directory"].provider_labels(),
        )

    def _address_reader(self, details):
        branch_ids = {row.branch_id for row in details.values() if row.branch_id}
        return AddressReader(
            self.env["g2p.fa.strategy"].fa_strategies_by_id(),
            mapping_store.branch_names(self.env.cr, branch_ids) if branch_ids else {},
        )

    # === CHECKS === #

    def _authority(self, actor):
        """What this actor may do. Participants are limited, the person and its helpers are not."""
        if actor.kind == "participant":
            return self.env["g2p.spar.participant"].get_profile(actor.participant_id).authority
        return Authority(overrides=actor.kind != "system")

    def _screen(self, operation, actor, items):
        """Refuse what needs no look at the mappings.

        :return: the results by position (None where still open), and the candidates.
        :rtype: tuple[list[Result | None], list[Candidate]]
        """
        authority = self._authority(actor)
        addresses = self._addresses(operation, items)
        known = self._known_namespaces() if operation == "link" else None
        needs_consent = operation == "link" and authority.consent
        results, candidates = [], []
        for position, (item, address) in enumerate(zip(items, addresses, strict=True)):
            problem = (
                item.problem
                or _write_id_problem(authority, known, item.id)
                # an update may keep the address that is there, so that is for its plan to say
                or _write_fa_problem(authority, address if operation == "link" else None)
                or _details_problem(item)
                or (_consent_problem(item) if needs_consent else None)
            )
            results.append(problem and _refusal(item, problem))
            if problem is None:
                candidates.append(Candidate(position, item, id_key(item.id), address))
        return results, candidates

    def _addresses(self, operation, items):
        """The address of each item as the directory sees it; None where none is to be written."""
        if operation not in ("link", "update"):
            return [None] * len(items)
        fas = [item.fa for item in items if item.problem is None]
        parsed = iter(self.env["g2p.fa.directory"].parse_fas(fas))
        return [next(parsed) if item.problem is None else None for item in items]

    def _mark_strategies(self, candidates):
        """A strategy by which a stored address is read must not change any more."""
        addresses = (candidate.fa for candidate in candidates)
        ids = {address.strategy_id for address in addresses if _is_read(address)}
        if ids:
            self.env["g2p.fa.strategy"].sudo().browse(sorted(ids)).mark_used()

    def _case_sensitive_namespaces(self):
        return self.env["g2p.id.namespace"].case_sensitive_names()

    def _known_namespaces(self):
        """The namespaces that IDs must be in, lower case; None when any will do."""
        parameters = self.env["ir.config_parameter"].sudo()
        if parameters.get_param("g2p_spar.known_namespaces_only"):
            return self.env["g2p.id.namespace"].known_names()
        return None

    # === PLANS: what becomes of one locked mapping === #

    def _change(self, operation, actor, items, plan):
        """Lock the mappings of all items, plan item by item in request order, write once.

        ``plan(authority, row, candidate, actor)`` returns an outcome or a problem, and the new row
        (None: the mapping goes) where the outcome is DONE.
        """
        results, candidates = self._screen(operation, actor, items)
        authority, exact = self._authority(actor), self._case_sensitive_namespaces()
        keys = {candidate.id_key for candidate in candidates}
        locked = mapping_store.lock(self.env.cr, keys) if keys else {}
        current, steps, done = dict(locked), [], []
        for candidate in candidates:
            row = current.get(candidate.id_key)
            if row is None or not same_id(candidate.item.id, row.id_value, exact):
                outcome = Outcome.NOT_LINKED
            else:
                outcome, new_row = plan(authority, row, candidate, actor)
                if outcome is Outcome.DONE:
                    steps.append((row, new_row))
                    done.append(candidate)
                    current[candidate.id_key] = new_row
            answer = _refusal if isinstance(outcome, Problem) else _result
            results[candidate.position] = answer(candidate.item, outcome)
        self._store(actor, operation, locked, current, steps)
        self._mark_strategies(done)
        self._audit_refusals(actor, results)
        return results

    def _store(self, actor, operation, locked, current, steps):
        if not steps:
            return
        events = self._events(actor, operation, steps)
        changed = {key: current[key] for key, row in locked.items() if current[key] != row}
        if operation in ("unlink", "erase"):
            row_ids = [locked[key].id for key in changed]
            mapping_store.delete(self.env.cr, row_ids, events)
        else:
            mapping_store.update(self.env.cr, list(changed.values()), events)

    def _plan_update(self, authority, row, candidate, actor):
        if row.state == "suspended" or not _may_change(authority, row, actor):
            return Outcome.ID_NOT_ALLOWED, None
        item, address = candidate.item, {}
        # the address that is there already needs no leave, also at a provider that was archived
        if fa_key(item.fa) != row.fa_key:
            if problem := _write_fa_problem(authority, candidate.fa):
                return problem, None
            address = _address_columns(candidate.fa)
        new_row = row._replace(
            **address,
            name=row.name if item.name is None else item.name,
            phone=row.phone if item.phone_number is None else item.phone_number,
            additional_info=_info_text(item.additional_info) or row.additional_info,
        )
        if new_row == row:
            return Outcome.UNCHANGED, None
        return Outcome.DONE, new_row._replace(**_writer_columns(actor))

    def _plan_unlink(self, authority, row, candidate, actor):
        if row.state == "suspended" or not _may_change(authority, row, actor):
            return Outcome.ID_NOT_ALLOWED, None
        if candidate.item.fa and fa_key(candidate.item.fa) != row.fa_key:
            return Outcome.FA_MISMATCH, None
        return Outcome.DONE, None

    def _plan_suspend(self, authority, row, candidate, actor):
        if row.state == "suspended":
            return Outcome.UNCHANGED, None
        return Outcome.DONE, row._replace(state="suspended", state_reason=_reason(actor))

    def _plan_reactivate(self, authority, row, candidate, actor):
        if row.state == "active":
            return Outcome.UNCHANGED, None
        return Outcome.DONE, row._replace(state="active", state_reason=None)

    def _plan_erase(self, authority, row, candidate, actor):
        return Outcome.DONE, None

    # === ROWS AND EVENTS === #

    def _new_row(self, actor, candidate):
        item = candidate.item
        return mapping_store.Row(
            id=None,
            id_value=item.id,
            id_key=candidate.id_key,
            **_address_columns(candidate.fa),
            name=item.name,
            phone=item.phone_number,
            additional_info=_info_text(item.additional_info),
            state="active",
            state_reason=None,
            **_writer_columns(actor),
        )

    def _events(self, actor, operation, steps):
        """History of these (old row, new row) steps, in their order."""
        id_digest, fa_digest, key_id = digester("id"), digester("fa"), digest_key_id()
        return [
            mapping_store.Event(
                mapping_id=(old or new).id,
                id_key=(old or new).id_key,
                operation=operation,
                id_masked=mask_id((old or new).id_value),
                id_digest=id_digest((old or new).id_key),
                old_fa_masked=old and old.fa_masked,
                old_fa_digest=old and fa_digest(old.fa_key),
                new_fa_masked=new and new.fa_masked,
                new_fa_digest=new and fa_digest(new.fa_key),
                digest_key_id=key_id,
                actor_kind=actor.kind,
                actor_name=actor.name,
                participant_id=actor.participant_id,
                user_id=actor.user_id,
                channel=actor.channel,
                reason=_reason(actor),
                message_id=actor.message_id,
            )
            for old, new in steps
        ]

    # === ACCESS LOG === #

    def _audit_resolve(self, actor, shown, results):
        """Spool who looked up how much, and which mappings' details were shown."""
        found = [result[1] for result in results]  # the outcomes
        self._audit(
            actor,
            "resolve",
            len(results),
            found_count=found.count(Outcome.ID_ACTIVE) + found.count(Outcome.FA_ACTIVE),
            shown_count=len(shown),
            mapping_ids=packed(shown),
        )

    def _audit_refusals(self, actor, results):
        refused = Counter(result.outcome for result in results if not result.succeeded)
        if refused:
            self._audit(
                actor,
                "refusal",
                len(results),
                refusals=", ".join(f"{outcome}: {count}" for outcome, count in refused.items()),
            )

    def _audit(self, actor, kind, item_count, **values):
        self.env["g2p.spar.access.log"].append(
            {
                "kind": kind,
                "participant_id": actor.participant_id,
                "user_id": actor.user_id,
                "actor_name": actor.name,
                "purpose": _reason(actor),
                "item_count": item_count,
                "happened_at": fields.Datetime.to_string(fields.Datetime.now()),
                **values,
            }
        )


# === HELPERS === #


def _is_read(address):
    return isinstance(address, FinancialAddress) and not address.is_opaque


def _result(item, outcome):
    return Result(
        item.reference_id, outcome, id=item.id or None, fa=item.fa or None, locale=item.locale
    )


def _refusal(item, problem):
    return Result(
        item.reference_id,
        problem.outcome,
        problem.message,
        id=item.id or None,
        fa=item.fa or None,
        locale=item.locale,
    )


def _sound_keys(authority, items):
    """The keys of items that nothing is wrong with and that ask about IDs alone; else None."""
    if any(item.problem or item.fa for item in items):
        return None
    if not authority.details and any(item.scope == "details" for item in items):
        return None
    return id_keys([item.id for item in items])


def _resolve_problem(authority, item):
    if not item.id and not item.fa:
        return Problem(Outcome.ID_OR_FA_REQUIRED)
    if item.id and (problem := id_problem(item.id)):
        return Problem(Outcome.ID_INVALID, f"id: {problem}")
    if item.fa and (problem := fa_problem(item.fa)):
        return Problem(Outcome.FA_INVALID, f"fa: {problem}")
    if item.scope == "details" and not authority.details:
        return Problem(Outcome.SCOPE_NOT_SUPPORTED, "scope: details are not granted")
    return None


def _write_id_problem(authority, known_namespaces, value):
    if not value:
        return Problem(Outcome.ID_EMPTY)
    if problem := id_problem(value):
        return Problem(Outcome.ID_INVALID, f"id: {problem}")
    namespace = (namespace_of(value) or "").lower()
    if known_namespaces is not None and namespace not in known_namespaces:
        return Problem(Outcome.ID_INVALID, "id: its namespace is not known here")
    if authority.namespaces is not None and namespace not in authority.namespaces:
        return Problem(Outcome.ID_NOT_ALLOWED)
    if authority.id_pattern is not None and not authority.id_pattern.fullmatch(value):
        return Problem(Outcome.ID_NOT_ALLOWED)
    return None


def _write_fa_problem(authority, address):
    if address is None:
        return None
    if isinstance(address, FaError):
        place = "" if address.field == "fa" else "fa: "
        return Problem(Outcome.FA_INVALID, f"{place}{address.message}")
    if address.is_opaque and not authority.opaque_fas:
        text = f"fa: not an address at a known provider ({address.problem})"
        return Problem(Outcome.FA_INVALID, text)
    if authority.institution_id and address.provider_id != authority.institution_id:
        return Problem(Outcome.FA_NOT_ALLOWED)
    return None


def _details_problem(item):
    """Limits that hold for callers in this process too, which no protocol code has checked."""
    name, phone = getattr(item, "name", None), getattr(item, "phone_number", None)
    if name and (len(name) > NAME_MAX_LENGTH or is_unstorable(name)):
        return Problem(Outcome.NAME_INVALID, f"name: over {NAME_MAX_LENGTH} characters, or NUL")
    if phone and (len(phone) > PHONE_MAX_LENGTH or is_unstorable(phone)):
        return Problem(
            Outcome.PHONE_INVALID, f"phone_number: over {PHONE_MAX_LENGTH} characters, or NUL"
        )
    if is_too_large(item.additional_info):
        return Problem(Outcome.ADDITIONAL_INFO_INVALID, "additional_info: too large or too deep")
    return None


def _consent_problem(item):
    """Where a link must say by which consent it was made: ``{"name", "value"}`` as the standard
    has it in additional_info."""
    info = item.additional_info
    for entry in info if isinstance(info, list) else ():
        if isinstance(entry, dict) and entry.get("name") == CONSENT_REFERENCE:
            value = entry.get("value")
            if isinstance(value, str) and value.strip():
                return None
    return Problem(
        Outcome.ADDITIONAL_INFO_INVALID, f"additional_info: {CONSENT_REFERENCE} is missing"
    )


def _may_change(authority, row, actor):
    """The person's own choice wins over an institution's, and nobody changes another's mapping."""
    if authority.overrides:
        return True
    return row.actor_kind == actor.kind and row.participant_id == actor.participant_id


def _address_columns(address):
    return {
        "fa": address.string,
        "fa_key": address.key,
        "fa_masked": address.masked,
        "fa_type": address.fa_type,
        "provider_id": address.provider_id,
        "branch_id": address.branch_id,
        "branch_code": address.branch_code,
        "strategy_id": address.strategy_id,
    }


def _writer_columns(actor):
    return {
        "channel": actor.channel,
        "actor_kind": actor.kind,
        "participant_id": actor.participant_id,
    }


def _info_text(info):
    return None if info is None else orjson.dumps(info).decode()


def _reason(actor):
    return actor.reason and actor.reason[:REASON_MAX_LENGTH]
