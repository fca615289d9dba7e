# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What a mapping refers to, deleted while it is written: two transactions on PostgreSQL itself."""

import contextlib
import threading
import time

import psycopg2
import pytest
from mapper_client import new_id

LEVELS = ("READ COMMITTED", "REPEATABLE READ")
REFUSED = (psycopg2.errors.ForeignKeyViolation, psycopg2.errors.SerializationFailure)
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
COLUMNS = """
INSERT INTO g2p_spar_mapping (id_value, id_key, fa, fa_key, fa_masked, state, channel, actor_kind,
    linked_at, changed_at, branch_id) """
MAPPING = f"""{COLUMNS}
VALUES (%(id)s, %(id)s, 'x', 'x', 'x', 'active', 'import', 'system', now(), now(), %(branch)s)"""
TWO_MAPPINGS = f"""{COLUMNS}
SELECT 'two ' || id, 'two ' || id, 'x', 'x', 'x', 'active', 'import', 'system', now(), now(), id
FROM g2p_fa_branch WHERE id IN (%(first)s, %(second)s) ORDER BY id DESC"""
# However many branches there are, they are found in the order in which they lie there, or in that
# of the mappings.
BY_SCANS = """
SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;
SET enable_nestloop = off; SET enable_mergejoin = off"""
DELETE = "DELETE FROM g2p_fa_branch WHERE id = %(branch)s"


class Transaction:
    """One that has taken its snapshot, if its level has one."""

    def __init__(self, server, level):
        self.connection = psycopg2.connect(**server.dsn)
        self.connection.set_session(isolation_level=level)
        self.cursor = self.connection.cursor()
        self.cursor.execute("SELECT pg_backend_pid()")
        self.pid = self.cursor.fetchone()[0]
        self.problem = None

    def run(self, statement, values):
        try:
            self.cursor.execute(statement, values)
        except psycopg2.Error as problem:
            self.problem = problem

    def begin(self, statement, values):
        self.thread = threading.Thread(target=self.run, args=(statement, values))
        self.thread.start()

    def wait(self):
        self.thread.join(30)
        assert not self.thread.is_alive()


@pytest.fixture
def admin(server):
    with contextlib.closing(server.connect()) as connection:
        yield connection.cursor()


@pytest.fixture
def values(admin):
    """An ID, and a branch that no mapping refers to."""
    id_ = new_id()
    yield {"id": id_, "branch": new_branch(admin)}
    admin.execute("DELETE FROM g2p_spar_mapping WHERE id_key = %s", (id_,))


def new_branch(admin):
    admin.execute(
        """INSERT INTO g2p_fa_branch (provider_id, name, code, active)
        SELECT id, 'Race', %s, TRUE FROM g2p_fa_provider WHERE fa_type = 'bank' LIMIT 1
        RETURNING id""",
        (f"RACE{time.monotonic_ns()}",),
    )
    return admin.fetchone()[0]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("first", [MAPPING, DELETE], ids=["mapping", "deletion"])
@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_both_at_once(server, admin, values, level, first, ends):
    """The second one waits; it succeeds only where the first one is taken back."""
    with contextlib.ExitStack() as stack:
        one, two = (Transaction(server, level) for _ in range(2))
        for transaction in (one, two):
            stack.callback(transaction.connection.close)
        one.run(first, values)
        assert one.problem is None
        two.begin(DELETE if first == MAPPING else MAPPING, values)
        wait_until_it_waits(admin, two.pid)
        getattr(one.connection, ends)()
        two.wait()
        if ends == "commit":
            assert isinstance(two.problem, REFUSED), two.problem
            two.connection.rollback()
        else:
            assert two.problem is None
            two.connection.commit()
    admin.execute("SELECT count(*) FROM g2p_spar_mapping WHERE id_key = %(id)s", values)
    is_linked = admin.fetchone()[0] == 1
    admin.execute("SELECT count(*) FROM g2p_fa_branch WHERE id = %(branch)s AND used", values)
    assert is_linked == (admin.fetchone()[0] == 1)
    assert is_linked == ((first == MAPPING) == (ends == "commit"))


def test_marks_are_set_in_one_order(server, admin):
    """Two messages that are the first to name the same branches wait for each other in turn."""
    first, second = new_branch(admin), new_branch(admin)
    # where a scan of the table comes to it last
    admin.execute("UPDATE g2p_fa_branch SET name = 'Race, moved' WHERE id = %s", (first,))
    with contextlib.ExitStack() as stack:
        holder, writer = (Transaction(server, "READ COMMITTED") for _ in range(2))
        for transaction in (writer, holder):  # the last one first: none waits for it then
            stack.callback(transaction.connection.close)
        holder.run("SELECT FROM g2p_fa_branch WHERE id = %s FOR UPDATE", (first,))
        writer.run(BY_SCANS, ())
        writer.begin(TWO_MAPPINGS, {"first": first, "second": second})
        wait_until_it_waits(admin, writer.pid)
        admin.execute("SELECT FROM g2p_fa_branch WHERE id = %s FOR UPDATE NOWAIT", (second,))
        holder.connection.rollback()
        writer.wait()
        assert writer.problem is None
        writer.connection.rollback()


def wait_until_it_waits(admin, pid):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        admin.execute(WAITS, (pid,))
        if admin.fetchone()[0]:
            return
        time.sleep(0.02)
    raise AssertionError("it does not wait")
