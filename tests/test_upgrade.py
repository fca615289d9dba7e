# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""A database that the addons of an earlier commit have filled, updated as setup/start does it."""

import contextlib
import json
import re
from types import SimpleNamespace

import pytest
from conftest import RunningServer, connect, fresh_database, installed
from database_facts import columns, query, rows, structure
from earlier_release import EarlierDatabase
from log_search import Logs
from mapper_client import DIGITS, MARK, bank_fa
from spar_setup import template
from spar_setup.postgres import psql
from upgrade_content import Content, mappings

# What Odoo may log above INFO during the update: regular expressions, each with its reason.
EXPECTED_IN_LOG = ()
# An update neither changes, removes nor adds a row here.
KEPT_AS_THEY_ARE = (
    "g2p_spar_mapping",
    "g2p_spar_mapping_event",
    "g2p_spar_message",
    "g2p_spar_access_log",
    "g2p_spar_access_token",
    "g2p_spar_participant",
)
READ_BY = """
SELECT mapping.id_value, mapping.fa, mapping.state, strategy.code, mapping.branch_code
FROM g2p_spar_mapping AS mapping
LEFT JOIN g2p_fa_strategy AS strategy ON strategy.id = mapping.strategy_id
ORDER BY mapping.id_value"""


@pytest.fixture(scope="module")
def database():
    """A new database of the earlier addons."""
    installation, postgres = installed()
    folder = installation.state.tests / "spar_upgrade"
    made = EarlierDatabase(folder, folder.name, postgres, installation.env, installation.odoo)
    template.remove(made)
    try:
        made.fetch()
        with made.earlier():
            made.ensure(demo=True, password="admin")
        # Jobs run when a test asks for them.
        psql(postgres, made.name, "UPDATE ir_cron SET nextcall = nextcall + interval '1 day'")
        yield made
    finally:
        template.remove(made)


@pytest.fixture(scope="module")
def before(database):
    """What the earlier addons have left behind."""
    with database.earlier(), running(database) as server:
        content = Content(server)
        content.fill()
        with contextlib.closing(server.connect()) as connection:
            people = mappings(connection)
        answers = content.ask(people)
    with contextlib.closing(connect(database)) as connection:
        known = columns(connection)
        return SimpleNamespace(
            content=content,
            people=people,
            answers=answers,
            columns=known,
            rows=rows(connection, known),
            spooled=spooled(database),
        )


@pytest.fixture(scope="module")
def updated(database, before):
    """What the update makes of it; `rows` have the earlier columns only."""
    database.ensure(demo=True)
    with contextlib.closing(connect(database)) as connection:
        return SimpleNamespace(
            rows=rows(connection, before.columns),
            structure=structure(connection),
            log=(database.folder / "install.log").read_text(encoding="utf-8"),
        )


@pytest.fixture(scope="module")
def fresh():
    """A database that today's addons have made."""
    copy = fresh_database("spar_upgrade_fresh")
    yield copy
    template.remove(copy)


@pytest.fixture(scope="module")
def server(database, before, updated):
    """The server of today on that database."""
    with running(database) as now:
        before.content.move(now)
        yield now
        Logs(now).check_clean()


@contextlib.contextmanager
def running(database):
    server = RunningServer(database, workers=1)
    try:
        yield server
    finally:
        server.end()


def spooled(database):
    """Purposes of the records that the access log has not loaded yet."""
    files = (database.folder / "spool").rglob("*.ndjson")
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    return [json.loads(line)["purpose"] for line in lines if line]


class TestUpdate:
    def test_it_logs_no_problem(self, updated):
        problems = [
            line
            for line in updated.log.splitlines()
            if re.search(r" (WARNING|ERROR|CRITICAL) ", line)
            and not any(re.search(known, line) for known in EXPECTED_IN_LOG)
        ]
        assert "Modules loaded" in updated.log
        assert not problems

    def test_it_logs_no_id_and_no_address(self, updated):
        assert MARK not in updated.log.lower() and DIGITS not in updated.log

    def test_each_row_is_there_with_all_it_had(self, before, updated):
        lost = {table: found - updated.rows[table] for table, found in before.rows.items()}
        assert not {table: found for table, found in lost.items() if found}

    @pytest.mark.parametrize("table", KEPT_AS_THEY_ARE)
    def test_no_row_is_added(self, before, updated, table):
        assert before.rows[table]
        assert len(updated.rows[table]) == len(before.rows[table])

    def test_the_structure_is_that_of_a_fresh_database(self, updated, fresh):
        with contextlib.closing(connect(fresh)) as connection:
            expected = structure(connection)
        assert all(expected.values())
        for name, wanted in expected.items():
            found = updated.structure[name]
            assert {"missing": wanted - found, "left over": found - wanted} == {
                "missing": {},
                "left over": {},
            }, name

    def test_the_next_start_has_nothing_to_update(self, database, updated):
        assert database.outdated(database.record) == ([], [])


class TestMigration:
    """Columns that the earlier addons did not have."""

    def test_mappings_say_how_their_address_is_read(self, server, before):
        linked = before.content.linked
        with contextlib.closing(server.connect()) as connection:
            found = {id_: tuple(read) for id_, _fa, _state, *read in query(connection, READ_BY)}
        expected = {id_: (form.strategy, form.branch) for id_, form in linked.items()}
        assert {id_: found[id_] for id_ in linked} == expected

    def test_the_demonstration_is_that_of_a_fresh_database(self, server, before, fresh):
        with contextlib.closing(connect(fresh)) as connection:
            expected = query(connection, READ_BY)
        with contextlib.closing(server.connect()) as connection:
            ours = query(connection, READ_BY)
        assert expected
        assert [row for row in ours if row[0] not in before.content.linked] == expected

    def test_participants_get_addresses_as_their_profile_says(self, server):
        statement = "SELECT DISTINCT profile, fa_format FROM g2p_spar_participant"
        with contextlib.closing(server.connect()) as connection:
            found = sorted(query(connection, statement))
        assert found == [("openg2p_1", "string"), ("openg2p_2", "object"), ("strict", "string")]


class TestProduct:
    """On the updated database; the last ones change it."""

    def test_everybody_resolves_as_before(self, server, before):
        found = before.content.ask(before.people)
        assert found == before.answers

    def test_suspended_stays_suspended(self, server, before):
        reply = before.content.clients["strict"].resolve([before.content.suspended])
        assert reply.codes == ["succ.id.inactive"]
        assert not reply.items[0].get("fa")

    @pytest.mark.parametrize("profile", ["strict", "openg2p_1", "openg2p_2"])
    def test_live_tokens_and_secrets_stay_valid(self, server, before, profile):
        client = before.content.clients[profile]
        assert client.resolve(before.content.gone).status == 200
        assert client.ask_token().status == 200

    def test_ended_tokens_stay_ended(self, server, before):
        for client in before.content.ended:
            assert client.resolve(before.content.gone).status == 401

    def test_a_retry_gets_the_first_answer(self, server, before):
        client, sent = before.content.clients["strict"], before.content.sent
        assert {operation for operation, _body, _answer in sent} == {"link", "update", "unlink"}
        for operation, body, answer in sent:
            assert client.post(operation, body).body == answer

    def test_the_access_spool_is_loaded_once(self, server, before):
        before.content.load_spool()
        statement = "SELECT purpose FROM g2p_spar_access_log WHERE purpose = ANY(%s)"
        with contextlib.closing(server.connect()) as connection:
            loaded = [purpose for (purpose,) in query(connection, statement, before.spooled)]
        assert loaded
        assert sorted(loaded) == sorted(before.spooled)

    def test_an_open_dialog_can_be_finished(self, server, before):
        content, dialog = before.content, "g2p.spar.mapping.change"
        content.do(dialog, "write", [content.open_dialog], {"reason": "upgrade"})
        content.do(dialog, "action_apply", [content.open_dialog])
        reply = content.clients["strict"].resolve(content.gone[-1:])
        assert reply.codes == ["succ.id.active"]

    def test_earlier_mappings_can_be_changed(self, server, before):
        client, ids = before.content.clients["strict"], list(before.content.linked)[2:4]
        pairs = [(id_, bank_fa(f"{DIGITS}00000{place}")) for place, id_ in enumerate(ids)]
        assert client.update(pairs).succeeded == [True, True]
        assert client.remove(ids).succeeded == [True, True]
