# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The same N mappings in both databases, by SQL.

Ours are copies of mappings that were really linked (the demonstration's), with another ID, account
number and participant: whatever column a link fills, it is filled here.
"""

from dataclasses import dataclass
from typing import NamedTuple

from spar_setup.console import SetupError, step
from spar_setup.postgres import psql

from .people import count, sql_account, sql_id

SUPERUSER = "postgres"
# Real links among the first rows, one per branch. Seeded rows go round all branches.
TEMPLATES = r"""
SELECT DISTINCT ON (branch_id) *, (regexp_match(fa, 'account_number:(\d+)'))[1] AS number
FROM g2p_spar_mapping
WHERE id <= 1000 AND channel = 'api' AND state = 'active' AND fa ~ '^account_number:\d{12}\.'
    AND branch_id IS NOT NULL
ORDER BY branch_id, id"""


class Address(NamedTuple):
    """An address at a branch, without its account number."""

    prefix: str
    suffix: str


@dataclass
class Table:
    """The table of one party that holds the mappings; its `id` counts from 1."""

    server: object
    database: str
    name: str
    fa_column: str

    def sql(self, statement):
        """Run as superuser, who may skip what is checked per row."""
        return psql(self.server, self.database, statement, role=SUPERUSER)

    def highest(self):
        return int(self.sql(f"SELECT coalesce(max(id), 0) FROM {self.name}")[0])

    def insert(self, first, last):
        """SQL that inserts the people of these numbers; ids are the sequence's."""
        raise NotImplementedError

    def fill(self, rows):
        """Hold the people 1 to `rows` and nobody else."""
        with step(f"Seeding {count(rows)} mappings into {self.database}"):
            indexes = self.sql(
                f"SELECT indexdef || ';' FROM pg_indexes WHERE tablename = '{self.name}' "
                "AND indexname NOT LIKE '%_pkey'"
            )
            drop = self.sql(
                f"SELECT 'DROP INDEX ' || quote_ident(indexname) || ';' FROM pg_indexes "
                f"WHERE tablename = '{self.name}' AND indexname NOT LIKE '%_pkey'"
            )
            self.sql(
                "BEGIN; SET LOCAL session_replication_role = replica;"
                f"SET LOCAL maintenance_work_mem = '512MB'; {self.prepare()}; {' '.join(drop)}"
                f"TRUNCATE {self.name} RESTART IDENTITY CASCADE; {self.insert(1, rows)};"
                f"{' '.join(indexes)} COMMIT;"
            )

    def add(self, first, last):
        """Link more people."""
        self.sql(
            f"BEGIN; SET LOCAL session_replication_role = replica; {self.prepare()};"
            f"{self.insert(first, last)}; COMMIT;"
        )

    def prepare(self):
        return "SELECT"

    def restore(self, rows):
        """Forget what earlier runs have linked, settle the table, and have it in memory."""
        self.sql(f"DELETE FROM {self.name} WHERE id > {rows};")
        self.sql(f"VACUUM (ANALYZE) {self.name};")
        self.warm()
        if self.highest() != rows:
            raise SetupError(f"{self.database} does not hold {rows} mappings.", "Use --fresh.")

    def warm(self):
        """Have all of it in the system's memory, what look-ups by ID read in PostgreSQL's own."""
        self.sql(
            "CREATE EXTENSION IF NOT EXISTS pg_prewarm;"
            "SELECT pg_prewarm(indexrelid, 'read') FROM pg_index "
            f"WHERE indrelid = '{self.name}'::regclass;"
            f"SELECT pg_prewarm('{self.name}');"
            "SELECT pg_prewarm(indexrelid) FROM pg_index "
            f"WHERE indrelid = '{self.name}'::regclass "
            "AND pg_get_indexdef(indexrelid) ~ '\\(id_(key|value)\\)'"
        )

    def holds(self, rows):
        """Whether it was seeded: the last person is there under the last number."""
        last = f"id = {rows} AND id_value = {sql_id(rows)}"
        return self.sql(f"SELECT EXISTS (SELECT FROM {self.name} WHERE {last})") == ["t"]

    def linked_beyond(self, rows):
        """IDs of the people that were linked after the seed."""
        return self.sql(f"SELECT id_value FROM {self.name} WHERE id > {rows} ORDER BY id")

    def address_of(self, numbers):
        """Address by ID, of the people of these numbers."""
        listed = ", ".join(map(str, numbers))
        found = self.sql(
            f"SELECT id_value || '|' || {self.fa_column} FROM {self.name} WHERE id_value IN "
            f"(SELECT {sql_id('n')} FROM unnest(ARRAY[{listed}]) AS n) AND id IN ({listed})"
        )
        return dict(line.split("|", 1) for line in found)


class OurTable(Table):
    """`g2p_spar_mapping`.

    :param int participant_id: who has linked the seeded mappings
    """

    def __init__(self, server, database, participant_id):
        super().__init__(server, database, "g2p_spar_mapping", "fa")
        self.participant_id = participant_id
        self.columns = self.sql(
            "SELECT column_name FROM information_schema.columns WHERE table_name = "
            "'g2p_spar_mapping' AND column_name != 'id' ORDER BY ordinal_position"
        )

    def addresses(self):
        """The addresses that seeded mappings have, in the order in which they go round.

        :rtype: list[Address]
        """
        found = self.sql(f"SELECT number || '|' || fa FROM ({TEMPLATES}) AS template")
        pairs = (line.split("|", 1) for line in found)
        return [Address(*fa.split(number)) for number, fa in pairs]

    def prepare(self):
        return f"CREATE TEMPORARY TABLE template ON COMMIT DROP AS {TEMPLATES}"

    def insert(self, first, last):
        replaced = {
            "participant_id": str(self.participant_id),
            "id_value": sql_id("n"),
            "id_key": f"lower({sql_id('n')})",
            "fa": "replace(fa, number, account)",
            "fa_key": "replace(fa_key, number, account)",
            "fa_masked": "replace(fa_masked, right(number, 4), right(account, 4))",
            "linked_at": "now() AT TIME ZONE 'UTC'",
            "changed_at": "now() AT TIME ZONE 'UTC'",
            **dict.fromkeys(("name", "phone", "additional_info"), "NULL"),
        }
        values = [replaced.get(column, f"template.{column}") for column in self.columns]
        return f"""
            INSERT INTO {self.name} ({", ".join(self.columns)})
            SELECT {", ".join(values)}
            FROM generate_series({first}, {last}) AS n
            CROSS JOIN LATERAL (SELECT {sql_account("n")} AS account) AS person
            JOIN (SELECT *, row_number() OVER (ORDER BY branch_id) - 1 AS place FROM template)
                AS template ON place = n % (SELECT count(*) FROM template)
            ORDER BY n"""

    def restore(self, rows):
        # Replica: history refuses to be emptied otherwise.
        self.sql(
            "BEGIN; SET LOCAL session_replication_role = replica;"
            "TRUNCATE g2p_spar_mapping_event, g2p_spar_message, g2p_spar_access_log CASCADE;"
            "COMMIT;"
        )
        super().restore(rows)


class PeerTable(Table):
    """`id_fa_mappings`, as the peer's own migration makes it.

    :param list[Address] addresses: those of our table
    """

    def __init__(self, server, database, addresses):
        super().__init__(server, database, "id_fa_mappings", "fa_value")
        self.addresses = addresses

    def insert(self, first, last):
        places = ", ".join(
            f"({place}, {_quoted(address.prefix)}, {_quoted(address.suffix)})"
            for place, address in enumerate(self.addresses)
        )
        return f"""
            INSERT INTO {self.name} (id_value, fa_value, active, created_at, updated_at)
            SELECT {sql_id("n")}, prefix || {sql_account("n")} || suffix, true, now(), now()
            FROM generate_series({first}, {last}) AS n
            JOIN (VALUES {places}) AS address (place, prefix, suffix)
                ON place = n % {len(self.addresses)}
            ORDER BY n"""


def _quoted(text):
    return "'" + text.replace("'", "''") + "'"
