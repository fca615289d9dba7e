# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The SQL of the mapper. Each function is one statement, whatever the number of rows.

Changes to mappings and their history stand in the same statement. Rows are locked and written in
the order of ``id_key``, so that overlapping batches wait for each other and never deadlock. Values
travel as array parameters and failures are not logged by the cursor, so that no ID or address
reaches a log.
"""

from datetime import datetime
from typing import Any, NamedTuple

from .array_literal import bytea_array, int_array, text_array


class Row(NamedTuple):
    """A mapping as stored; ``id`` is None before it is."""

    id: int | None
    id_value: str
    id_key: str
    fa: str
    fa_key: str
    fa_masked: str
    fa_type: str | None
    provider_id: int | None
    branch_id: int | None
    branch_code: str | None
    strategy_id: int | None
    name: str | None
    phone: str | None
    additional_info: str | None
    state: str
    state_reason: str | None
    channel: str
    actor_kind: str
    participant_id: int | None


class Event(NamedTuple):
    """One step of history. ``id_key`` only joins it to a row that is being inserted."""

    mapping_id: int | None
    id_key: str
    operation: str
    id_masked: str | None
    id_digest: bytes
    old_fa_masked: str | None
    old_fa_digest: bytes | None
    new_fa_masked: str | None
    new_fa_digest: bytes | None
    digest_key_id: str
    actor_kind: str
    actor_name: str | None
    participant_id: int | None
    user_id: int | None
    channel: str
    reason: str | None
    message_id: int | None


class Resolved(NamedTuple):
    """What every resolve reads of a mapping. Each column costs."""

    id_key: str
    id: int
    fa: str
    state: str
    additional_info: str | None
    provider_id: int | None
    branch_code: str | None


class Details(NamedTuple):
    """What is read on top where addresses are taken apart or the case of IDs matters."""

    id_value: str
    branch_id: int | None
    strategy_id: int | None
    name: str | None
    phone: str | None
    changed_at: datetime


ROW_TYPES = dict.fromkeys(Row._fields, "text") | dict.fromkeys(
    ("id", "provider_id", "branch_id", "strategy_id", "participant_id"), "int"
)
EVENT_TYPES = (
    dict.fromkeys(Event._fields, "text")
    | dict.fromkeys(("mapping_id", "participant_id", "user_id", "message_id"), "int")
    | dict.fromkeys(("id_digest", "old_fa_digest", "new_fa_digest"), "bytea")
)
ARRAYS = {"text": text_array, "int": int_array, "bytea": bytea_array}
# Not the start of transaction or statement: what waited for a lock comes after what it waited for.
NOW = "clock_timestamp() AT TIME ZONE 'UTC'"
NEW_ROW_COLUMNS = ", ".join(Row._fields[1:])
EVENT_COLUMNS = ", ".join(name for name in Event._fields[2:])


def _table(types):
    """``unnest(...)`` that makes rows out of one array parameter per column."""
    arrays = ", ".join(f"%s::{kind}[]" for kind in types.values())
    return f"unnest({arrays}) WITH ORDINALITY AS given({', '.join(types)}, position)"


def _arrays(types, rows):
    """The parameters of ``_table``: one array literal per column."""
    columns = zip(*rows, strict=True) if rows else [()] * len(types)
    return [ARRAYS[kind](column) for kind, column in zip(types.values(), columns, strict=True)]


INSERT = f"""
WITH event_input AS (SELECT * FROM {_table(EVENT_TYPES)}),
mapping AS (
    INSERT INTO g2p_spar_mapping ({NEW_ROW_COLUMNS}, linked_at, changed_at)
    SELECT {NEW_ROW_COLUMNS}, {NOW}, {NOW}
    FROM {_table(ROW_TYPES)} ORDER BY id_key
    ON CONFLICT (id_key) DO NOTHING
    RETURNING id AS mapping_id, id_key
), event AS (
    INSERT INTO g2p_spar_mapping_event (mapping_id, {EVENT_COLUMNS}, happened_at)
    SELECT mapping.mapping_id, {EVENT_COLUMNS}, {NOW}
    FROM event_input JOIN mapping USING (id_key) ORDER BY position
)
SELECT id_key FROM mapping"""

EVENTS = f"""event AS (
    INSERT INTO g2p_spar_mapping_event (mapping_id, {EVENT_COLUMNS}, happened_at)
    SELECT mapping_id, {EVENT_COLUMNS}, {NOW}
    FROM {_table(EVENT_TYPES)} ORDER BY position
)"""

UPDATE = f"""
WITH {EVENTS}
UPDATE g2p_spar_mapping AS mapping
SET {", ".join(f"{name} = given.{name}" for name in Row._fields[3:])},
    changed_at = {NOW}
FROM {_table(ROW_TYPES)} WHERE mapping.id = given.id"""

DELETE = f"WITH {EVENTS} DELETE FROM g2p_spar_mapping WHERE id = ANY(%s::int[])"

LOCK = f"""
SELECT {", ".join(Row._fields)} FROM g2p_spar_mapping WHERE id_key = ANY(%s::text[])
ORDER BY id_key FOR UPDATE"""

# One table: planning a join with provider and branch takes three times as long as finding an ID.
FIND = "SELECT {} FROM g2p_spar_mapping WHERE id_key = ANY(%s::text[])"
RESOLVE = FIND.format(", ".join(Resolved._fields))
# Of many IDs: one look-up each, in the index that answers fastest, whatever the planner makes of a
# long list. For a few, the join costs more to plan than it saves.
RESOLVE_MANY = f"""
SELECT {", ".join(f"mapping.{name}" for name in Resolved._fields)}
FROM unnest(%s::text[]) AS asked(id_key) JOIN g2p_spar_mapping AS mapping USING (id_key)"""
MANY = 100
RESOLVE_DETAILS = FIND.format(", ".join(Resolved._fields + Details._fields))

BRANCH_NAMES = "SELECT id, name FROM g2p_fa_branch WHERE id = ANY(%s::int[])"

FA_STATES = """
SELECT fa_key, bool_or(state = 'active') FROM g2p_spar_mapping
WHERE fa_key = ANY(%s::text[]) GROUP BY fa_key"""

# Reasons of the API name a transaction; those that people gave may say anything.
FORGET = """
WITH person AS (
    UPDATE g2p_spar_mapping_event SET id_masked = NULL, old_fa_masked = NULL, new_fa_masked = NULL,
        reason = CASE WHEN operation = 'erase' OR channel = 'api' THEN reason END,
        actor_name = CASE WHEN actor_kind != 'beneficiary' THEN actor_name END
    WHERE id_digest = ANY(%s::bytea[])
)
UPDATE g2p_spar_message SET payload = NULL, answer = NULL, id_digests = NULL
WHERE payload IS NOT NULL AND EXISTS (
    SELECT FROM unnest(%s::bytea[]) AS person(digest) WHERE position(digest IN id_digests) > 0
)"""


def _execute(cr, query: str, params: list[Any]):
    cr.execute(query, params, log_exceptions=False)


def insert(cr, rows, events):
    """Insert the rows whose ID has no mapping yet, each with the event of its ID.

    :return: the ``id_key``s inserted.
    :rtype: set[str]
    """
    _execute(cr, INSERT, [*_arrays(EVENT_TYPES, events), *_arrays(ROW_TYPES, rows)])
    return {id_key for (id_key,) in cr.fetchall()}


def lock(cr, id_keys):
    """Lock the mappings of these IDs until the transaction ends.

    :return: them by ``id_key``.
    :rtype: dict[str, Row]
    """
    _execute(cr, LOCK, [text_array(id_keys)])
    rows = map(Row._make, cr.fetchall())
    return {row.id_key: row for row in rows}


def update(cr, rows, events):
    """Write locked rows back, and their history."""
    _execute(cr, UPDATE, [*_arrays(EVENT_TYPES, events), *_arrays(ROW_TYPES, rows)])


def delete(cr, row_ids, events):
    """Remove locked rows, and write their history."""
    _execute(cr, DELETE, [*_arrays(EVENT_TYPES, events), int_array(row_ids)])


def resolve_statement(count):
    """The statement that looks up so many IDs."""
    return RESOLVE_MANY if count > MANY else RESOLVE


def resolve(cr, id_keys):
    """The mappings of these IDs; takes no lock.

    :return: ``Resolved`` by ``id_key``, as plain tuples: making named ones costs as much as reading
        them.
    :rtype: dict[str, tuple]
    """
    _execute(cr, resolve_statement(len(id_keys)), [text_array(id_keys)])
    return {row[0]: row for row in cr.fetchall()}


def resolve_details(cr, id_keys):
    """The same with ``Details``, in one statement.

    :rtype: tuple[dict[str, tuple], dict[str, Details]]
    """
    _execute(cr, RESOLVE_DETAILS, [text_array(id_keys)])
    rows = cr.fetchall()
    size = len(Resolved._fields)
    resolved = {row[0]: row[:size] for row in rows}
    return resolved, {row[0]: Details(*row[size:]) for row in rows}


def branch_names(cr, branch_ids):
    """Names of branches, by id.

    :rtype: dict[int, str]
    """
    _execute(cr, BRANCH_NAMES, [int_array(branch_ids)])
    return dict(cr.fetchall())


def fa_states(cr, fa_keys):
    """Which of these addresses are linked; True where at least one of the mappings is active.

    :rtype: dict[str, bool]
    """
    _execute(cr, FA_STATES, [text_array(fa_keys)])
    return dict(cr.fetchall())


def forget(cr, id_digests):
    """Blank what is readable of these IDs in history and messages (within ``maintenance``)."""
    _execute(cr, FORGET, [bytea_array(id_digests)] * 2)
