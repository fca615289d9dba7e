# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The SQL of an import: temporary tables with what a file says, compared with what is on record.

Every row of the file and every record that has gone gets one action. All work is set-based: the
number of statements depends on the number of chunks, not of rows. The tables live in the session
(they survive commits), and nothing here commits.
"""

import csv
import io
from typing import NamedTuple

from odoo.tools import SQL

PROVIDER, BRANCH = "provider", "branch"
# new: not on record; changed; returned: was archived as gone, is in the file again; archived: was
# in the list, is not in the file; unchanged; rejected: see the reason.
ACTIONS = ("new", "changed", "returned", "archived", "unchanged", "rejected")
WORK = ("new", "changed", "returned", "archived")


class Kind(NamedTuple):
    """One of the two models.

    :ivar tuple columns: columns of the file and of the record alike
    :ivar tuple updated: those that a file may change
    """

    name: str
    stage: SQL
    table: SQL
    columns: tuple[str, ...]
    updated: tuple[str, ...]


_KINDS = {
    PROVIDER: Kind(
        PROVIDER,
        SQL.identifier("spar_import_provider"),
        SQL.identifier("g2p_fa_provider"),
        (
            "n", "place", "reason", "country_id", "code", "code_key", "fa_type", "name",
            "mnemonic", "bic", "strategy_id", "account_rule_id",
        ),
        ("name", "mnemonic", "bic", "strategy_id", "account_rule_id"),
    ),
    BRANCH: Kind(
        BRANCH,
        SQL.identifier("spar_import_branch"),
        SQL.identifier("g2p_fa_branch"),
        (
            "n", "place", "reason", "country_id", "provider_key", "code", "code_key", "name",
            "mnemonic", "street", "city", "zip", "state_id",
        ),
        ("name", "mnemonic", "street", "city", "zip", "state_id"),
    ),
}  # fmt: skip
_COMMON = """
    n int PRIMARY KEY, place text, reason text, country_id int, code text, code_key text,
    name text, mnemonic text, action text, target_id int
"""
_DROP = "DROP TABLE IF EXISTS pg_temp.spar_import_provider, pg_temp.spar_import_branch"
_CREATE = f"""
CREATE TEMPORARY TABLE spar_import_provider (
    {_COMMON}, fa_type text, bic text, strategy_id int, account_rule_id int
);
CREATE TEMPORARY TABLE spar_import_branch (
    {_COMMON}, provider_key text, street text, city text, zip text, state_id int,
    provider_id int
)
"""


class Scope(NamedTuple):
    """What a file speaks for.

    :ivar str source: name of the list
    :ivar list | None country_ids: countries whose records it may archive; None for all
    :ivar bool archive: whether records that are not in the file are archived
    """

    source: str
    country_ids: list[int] | None
    archive: bool


class Defaults(NamedTuple):
    """What new providers of ``fa_type`` get when the file does not say."""

    fa_type: str
    strategy_id: int | None
    account_rule_id: int | None


class Chunk(NamedTuple):
    """Rows with ``after < n <= last``, and the actions that occur among them."""

    kind: Kind
    after: int
    last: int
    actions: frozenset[str]


class DirectoryStage:
    """The temporary tables of one import.

    :param cr: cursor
    :param Scope scope: what the file speaks for
    """

    def __init__(self, cr, scope):
        self._cr = cr
        self._scope = scope

    # === READING AND COMPARING === #

    def load(self, rows):
        """Fill the tables with checked rows (:mod:`.import_check`)."""
        buffers = {name: io.StringIO() for name in _KINDS}
        writers = {name: csv.writer(buffer) for name, buffer in buffers.items()}
        for row in rows:
            writers[BRANCH if hasattr(row, "provider_key") else PROVIDER].writerow(row)
        self.drop(self._cr)
        self._cr.execute(_CREATE)
        for name, kind in _KINDS.items():
            buffers[name].seek(0)
            copy = SQL("COPY %s (%s) FROM STDIN (FORMAT csv)", kind.stage, _names(kind.columns))
            self._cr.copy_expert(copy.code, buffers[name])
            self._cr.execute(SQL("ANALYZE %s", kind.stage))

    def is_empty(self):
        """Say whether the file has not a single row."""
        self._cr.execute(
            """
            SELECT NOT EXISTS (SELECT FROM spar_import_provider WHERE action <> 'archived')
               AND NOT EXISTS (SELECT FROM spar_import_branch WHERE action <> 'archived')
            """
        )
        return self._cr.fetchone()[0]

    def compare(self):
        """Give every row its action, and add the records that have gone."""
        for kind in _KINDS.values():
            self._cr.execute(
                SQL("UPDATE %s SET action = 'rejected' WHERE reason IS NOT NULL", kind.stage)
            )
        self._compare_providers(_KINDS[PROVIDER])
        self._compare_branches(_KINDS[BRANCH])
        for kind in _KINDS.values():
            if self._scope.archive:
                self._add_gone(kind)
            # Writing goes by chunks of n, or by records, whichever the planner likes better.
            self._cr.execute(SQL("CREATE INDEX ON %s (target_id)", kind.stage))
            self._cr.execute(SQL("ANALYZE %s", kind.stage))

    def _compare_providers(self, kind):
        self._cr.execute(
            """
            UPDATE spar_import_provider s SET target_id = p.id
              FROM g2p_fa_provider p
             WHERE lower(p.code) = s.code_key AND COALESCE(p.country_id, 0) = s.country_id
               AND s.action IS NULL
            """
        )
        self._reject_other_list(kind)
        self._cr.execute(
            """
            UPDATE spar_import_provider s SET action = 'rejected',
                   reason = 'fa_type: is not the kind of account of the provider on record'
              FROM g2p_fa_provider p
             WHERE p.id = s.target_id AND s.action IS NULL AND p.fa_type <> s.fa_type
            """
        )
        # Strategy and rule of a row without fa_type have been checked to be for banks.
        self._cr.execute(
            """
            UPDATE spar_import_provider s SET action = 'rejected',
                   reason = 'fa_type: must be given with a strategy or rule for this provider'
              FROM g2p_fa_provider p
             WHERE p.id = s.target_id AND s.action IS NULL
               AND COALESCE(s.fa_type, 'bank') <> p.fa_type
               AND (s.strategy_id IS NOT NULL OR s.account_rule_id IS NOT NULL)
            """
        )
        self._reject_archived_strategy()
        self._match(kind)

    def _reject_archived_strategy(self):
        """A provider that comes back needs a strategy that is not archived."""
        self._cr.execute(
            """
            UPDATE spar_import_provider s SET action = 'rejected',
                   reason = 'strategy: is archived; give the provider another one'
              FROM g2p_fa_provider p
              JOIN g2p_fa_strategy strategy ON strategy.id = p.strategy_id
             WHERE p.id = s.target_id AND s.action IS NULL AND s.strategy_id IS NULL
               AND p.gone_since IS NOT NULL AND strategy.active IS NOT TRUE
            """
        )

    def _compare_branches(self, kind):
        self.find_providers()
        self._cr.execute(
            """
            UPDATE spar_import_branch s SET action = 'rejected', reason = CASE
                   WHEN p.id IS NULL THEN
                       'provider_code: is neither on record nor in the file, or is rejected'
                   ELSE 'provider_code: is not a bank, so it has no branches' END
              FROM spar_import_branch b
              LEFT JOIN (
                    SELECT id, country_id, lower(code) AS code_key, fa_type FROM g2p_fa_provider
                     UNION ALL
                    SELECT 0, NULLIF(country_id, 0), code_key, COALESCE(fa_type, 'bank')
                      FROM spar_import_provider WHERE action = 'new'
                   ) p ON p.code_key = b.provider_key
                      AND COALESCE(p.country_id, 0) = b.country_id
             WHERE b.n = s.n AND s.action IS NULL AND p.fa_type IS DISTINCT FROM 'bank'
            """
        )
        self._cr.execute(
            """
            UPDATE spar_import_branch s SET target_id = b.id
              FROM g2p_fa_branch b
             WHERE b.provider_id = s.provider_id AND lower(b.code) = s.code_key
               AND s.action IS NULL
            """
        )
        self._reject_other_list(kind)
        self._match(kind)

    def find_providers(self):
        """Fill in the providers of the branches as far as they are on record."""
        self._cr.execute(
            """
            UPDATE spar_import_branch s SET provider_id = p.id
              FROM g2p_fa_provider p
             WHERE lower(p.code) = s.provider_key AND COALESCE(p.country_id, 0) = s.country_id
               AND s.provider_id IS NULL
            """
        )

    def _reject_other_list(self, kind):
        """What another list owns is not ours to change; what nobody owns is taken over."""
        self._cr.execute(
            SQL(
                """
                UPDATE %(stage)s s SET action = 'rejected',
                       reason = 'code: is on record from the list “' || t.source || '”'
                  FROM %(table)s t
                 WHERE t.id = s.target_id AND s.action IS NULL AND t.source <> %(source)s
                """,
                stage=kind.stage,
                table=kind.table,
                source=self._scope.source,
            )
        )

    def _match(self, kind):
        """Say of rows whose record is known what has to be done."""
        differs = SQL(" OR ").join(
            SQL("COALESCE(s.%(c)s, t.%(c)s) IS DISTINCT FROM t.%(c)s", c=SQL.identifier(column))
            for column in kind.updated
        )
        self._cr.execute(
            SQL(
                """
                UPDATE %(stage)s s SET action = CASE
                       WHEN t.gone_since IS NOT NULL THEN 'returned'
                       WHEN t.source IS NULL OR %(differs)s THEN 'changed'
                       ELSE 'unchanged' END
                  FROM %(table)s t
                 WHERE t.id = s.target_id AND s.action IS NULL
                """,
                stage=kind.stage,
                table=kind.table,
                differs=differs,
            )
        )
        self._cr.execute(SQL("UPDATE %s SET action = 'new' WHERE action IS NULL", kind.stage))

    def _add_gone(self, kind):
        """Add the active records of the list that are not in the file, not even rejected.

        A rejected row whose country is not known keeps the records of every country.
        """
        provider = SQL("t.id" if kind.name == PROVIDER else "t.provider_id")
        countries = self._scope.country_ids
        self._cr.execute(
            SQL(
                """
                INSERT INTO %(stage)s (n, place, country_id, code, name, action, target_id)
                SELECT (SELECT COALESCE(max(n), 0) FROM %(stage)s) + row_number() OVER (), '',
                       COALESCE(p.country_id, 0), t.code, t.name, 'archived', t.id
                  FROM %(table)s t JOIN g2p_fa_provider p ON p.id = %(provider)s
                 WHERE t.source = %(source)s AND t.active AND t.gone_since IS NULL
                   AND (%(all)s OR p.country_id = ANY(%(countries)s))
                   AND NOT EXISTS (SELECT FROM %(stage)s s WHERE %(same)s)
                """,
                stage=kind.stage,
                table=kind.table,
                provider=provider,
                source=self._scope.source,
                all=countries is None,
                countries=countries or [],
                same=SQL(
                    "s.code_key = lower(t.code)"
                    + (" AND s.provider_key = lower(p.code)" if kind.name == BRANCH else "")
                    + " AND (s.country_id IS NULL OR s.country_id = COALESCE(p.country_id, 0))"
                ),
            )
        )

    # === WHAT CAME OUT === #

    def counts(self):
        """Return the number of rows by (kind, action): dict[tuple[str, str], int]."""
        counts = {(name, action): 0 for name in _KINDS for action in ACTIONS}
        for name, kind in _KINDS.items():
            self._cr.execute(SQL("SELECT action, count(*) FROM %s GROUP BY action", kind.stage))
            counts |= {(name, action): count for action, count in self._cr.fetchall()}
        return counts

    def samples(self, limit):
        """Return the first rows of each kind and action: tuples of kind, action, place,
        provider code, code, name, reason."""
        queries = [
            SQL(
                """
                (SELECT %(kind)s, action, place, %(provider)s, code, name, reason
                   FROM %(stage)s WHERE action = %(action)s ORDER BY n LIMIT %(limit)s)
                """,
                kind=name,
                provider=SQL("NULL" if name == PROVIDER else "provider_key"),
                stage=kind.stage,
                action=action,
                limit=limit,
            )
            for name, kind in _KINDS.items()
            for action in ACTIONS
        ]
        self._cr.execute(SQL(" UNION ALL ").join(queries))
        return self._cr.fetchall()

    def rejected(self):
        """Return all rejected rows in the order of the file: tuples of place, kind, provider code,
        code, reason."""
        self._cr.execute(
            """
            SELECT place, kind, provider, code, reason FROM (
                SELECT n, place, 'provider' AS kind, '' AS provider, code, reason
                  FROM spar_import_provider WHERE action = 'rejected'
                 UNION ALL
                SELECT n, place, 'branch', provider_key, code, reason
                  FROM spar_import_branch WHERE action = 'rejected'
            ) AS rejected ORDER BY n
            """
        )
        return self._cr.fetchall()

    def ambiguous_count(self):
        """Return how many new providers have a code that is used in another country as well."""
        self._cr.execute(
            """
            WITH fresh AS (
                SELECT code_key, COALESCE(fa_type, 'bank') AS fa_type, country_id
                  FROM spar_import_provider WHERE action = 'new'
            ), shared AS (
                SELECT code_key, fa_type FROM (
                    SELECT * FROM fresh
                     UNION ALL
                    SELECT lower(code), fa_type, COALESCE(country_id, 0) FROM g2p_fa_provider
                ) AS known
                 GROUP BY code_key, fa_type HAVING count(*) > 1
            )
            SELECT count(*) FROM fresh JOIN shared USING (code_key, fa_type)
            """
        )
        return self._cr.fetchone()[0]

    # === WRITING === #

    def chunks(self, kind_name, size):
        """Yield the rows that need work in chunks, in the order of the file.

        :param int size: how many rows
        :rtype: Iterator[Chunk]
        """
        kind, after = _KINDS[kind_name], 0
        while True:
            self._cr.execute(
                SQL(
                    """
                    SELECT max(n), array_agg(DISTINCT action) FROM (
                        SELECT n, action FROM %s WHERE n > %s AND action = ANY(%s)
                         ORDER BY n LIMIT %s
                    ) AS chunk
                    """,
                    kind.stage,
                    after,
                    list(WORK),
                    size,
                )
            )
            last, actions = self._cr.fetchone()
            if last is None:
                return
            yield Chunk(kind, after, last, frozenset(actions))
            after = last

    def write_chunk(self, chunk, uid, defaults):
        """Write the rows of a chunk.

        :param int uid: user that the records name as writer
        :param Defaults defaults: for new providers
        :return: number of records by action
        :rtype: dict[str, int]
        """
        kind = chunk.kind
        rows = SQL("s.n > %s AND s.n <= %s", chunk.after, chunk.last)
        insert = self._insert_providers if kind.name == PROVIDER else self._insert_branches
        write = {
            "new": lambda: insert(rows, uid, defaults),
            "changed": lambda: self._update(kind, "changed", rows, uid),
            "returned": lambda: self._update(kind, "returned", rows, uid),
            "archived": lambda: self._archive(kind, rows, uid),
        }
        return {action: write[action]() for action in WORK if action in chunk.actions}

    def _insert_providers(self, rows, uid, defaults):
        return self._execute(
            """
            INSERT INTO g2p_fa_provider (
                   code, country_id, fa_type, name, mnemonic, bic, strategy_id, account_rule_id,
                   source, active, create_uid, create_date, write_uid, write_date)
            SELECT code, NULLIF(country_id, 0), COALESCE(fa_type, 'bank'), COALESCE(name, code),
                   mnemonic, bic,
                   COALESCE(strategy_id, CASE WHEN of_type THEN %(strategy)s::int END),
                   COALESCE(account_rule_id, CASE WHEN of_type THEN %(rule)s::int END),
                   %(source)s, TRUE, %(uid)s, %(now)s, %(uid)s, %(now)s
              FROM spar_import_provider s,
                   LATERAL (SELECT COALESCE(fa_type, 'bank') = %(fa_type)s) AS t(of_type)
             WHERE s.action = 'new' AND %(rows)s ORDER BY n
            """,
            rows,
            uid,
            fa_type=defaults.fa_type,
            strategy=defaults.strategy_id,
            rule=defaults.account_rule_id,
        )

    def _insert_branches(self, rows, uid, _defaults):
        return self._execute(
            """
            INSERT INTO g2p_fa_branch (
                   provider_id, code, name, mnemonic, street, city, zip, state_id,
                   source, active, create_uid, create_date, write_uid, write_date)
            SELECT provider_id, code, COALESCE(name, code), mnemonic, street, city, zip, state_id,
                   %(source)s, TRUE, %(uid)s, %(now)s, %(uid)s, %(now)s
              FROM spar_import_branch s WHERE s.action = 'new' AND %(rows)s ORDER BY n
            """,
            rows,
            uid,
        )

    def _update(self, kind, action, rows, uid):
        """Write what the file knows; a record that came back is active again."""
        values = SQL(", ").join(
            SQL("%(c)s = COALESCE(s.%(c)s, t.%(c)s)", c=SQL.identifier(column))
            for column in kind.updated
        )
        return self._execute(
            """
            UPDATE %(table)s t
               SET %(values)s, source = %(source)s, active = t.active OR %(returned)s,
                   gone_since = NULL, write_uid = %(uid)s, write_date = %(now)s
              FROM %(stage)s s
             WHERE s.target_id = t.id AND s.action = %(action)s AND %(rows)s
            """,
            rows,
            uid,
            table=kind.table,
            stage=kind.stage,
            values=values,
            action=action,
            returned=action == "returned",
        )

    def _archive(self, kind, rows, uid):
        return self._execute(
            """
            UPDATE %(table)s t
               SET active = FALSE, gone_since = %(now)s, write_uid = %(uid)s, write_date = %(now)s
              FROM %(stage)s s
             WHERE s.target_id = t.id AND s.action = 'archived' AND %(rows)s
            """,
            rows,
            uid,
            table=kind.table,
            stage=kind.stage,
        )

    def _execute(self, statement, rows, uid, **parameters):
        now = SQL("(now() AT TIME ZONE 'utc')")
        source = self._scope.source
        self._cr.execute(SQL(statement, rows=rows, uid=uid, now=now, source=source, **parameters))
        return self._cr.rowcount

    def tidy(self):
        """Leave the tables ready for searches, not only once PostgreSQL gets round to it."""
        self._cr.execute(
            """
            SELECT gin_clean_pending_list('g2p_fa_provider_search_idx'),
                   gin_clean_pending_list('g2p_fa_branch_search_idx')
            """
        )
        self._cr.execute("ANALYZE g2p_fa_provider, g2p_fa_branch")

    @staticmethod
    def drop(cr):
        """Remove the tables, which would otherwise live as long as the session."""
        cr.execute(_DROP)


def _names(columns):
    return SQL(", ").join(SQL.identifier(column) for column in columns)
