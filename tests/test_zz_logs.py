# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What must not be in a log is not in one. After all tests, the logs of the server that they share
are searched once more (`conftest.server`)."""

import contextlib

import psycopg2
import pytest
from log_search import Logs
from mapper_client import (
    CREDENTIALS,
    MARK,
    STANDARD,
    BackOffice,
    Client,
    bank_fa,
    exchange,
    new_fa,
    new_id,
    new_number,
    new_phone,
)


@pytest.fixture(scope="module")
def used(server):
    """Every operation once, with everything that may not be logged, done and refused."""
    client = Client(server)
    ids = [new_id(), new_id()]
    items = [
        {"id": id_, "fa": new_fa(), "name": f"{MARK} Person", "phone_number": new_phone()}
        for id_ in ids
    ]
    assert client.call("link", items).succeeded == [True, True]
    assert client.call("link", items).succeeded == [False, False]
    assert client.update([(ids[0], bank_fa(new_number()))]).status == 200
    assert client.resolve([*ids, f"{MARK} no id"]).succeeded == [True, True, False]
    assert client.call("resolve", [{"fa": items[1]["fa"]}]).codes == ["succ.fa.active"]
    assert client.remove(ids[:1]).succeeded == [True]
    office = BackOffice(server)
    assert office.find("g2p.spar.mapping", ["id_masked", "=", ids[1]])
    assert office.find("g2p.spar.mapping.event", ["id_lookup", "=", ids[0]])
    _result, problem = office.call("g2p.spar.mapping", "search", [["id_key", "=", ids[1]]])
    assert problem


def test_the_search_finds_what_is_there(server):
    """Else the next tests prove nothing."""
    logs = Logs(server)
    exchange(server.url, "GET", "/web/health?word=zqControlOdoo")
    assert logs.lines_with("zqcontrolodoo")
    if server.postgres_log_path:
        with server.connect() as connection, connection.cursor() as cursor:
            with pytest.raises(psycopg2.Error):
                cursor.execute("SELECT 'zqControlPostgres'::integer")
        assert logs.lines_with("zqcontrolpostgres")


def test_what_postgresql_tells_of_other_databases_is_told_apart(server):
    """Tests that run side by side share it."""
    if not server.postgres_log_path:
        pytest.skip("PGHOST names the server, whose log is elsewhere")
    logs = Logs(server)
    elsewhere = psycopg2.connect(**{**server.dsn, "dbname": "postgres"})
    with contextlib.closing(elsewhere), elsewhere.cursor() as cursor:
        with pytest.raises(psycopg2.Error):
            cursor.execute("SELECT 'zqElsewhere'::integer")
    assert not logs.lines_with("zqElsewhere")
    assert logs.lines_with("zqElsewhere", whole=True)


@pytest.mark.parametrize("kind", ["HTTP", "Cron"])
def test_contention_is_that_of_requests(server, kind):
    """Workers that run jobs get PostgreSQL's error for one that another has just done."""
    if not server.postgres_log_path:
        pytest.skip("PGHOST names the server, whose log is elsewhere")
    logs = Logs(server)
    worker = server.worker_pids(kind)[0]
    update = "UPDATE ir_config_parameter SET write_date = now() WHERE key = 'database.uuid'"
    late = psycopg2.connect(**server.dsn, application_name=f"odoo-{worker}")
    with contextlib.closing(late), late.cursor() as cursor:
        late.set_session("REPEATABLE READ")
        cursor.execute("SELECT")  # its snapshot
        with server.connect() as connection, connection.cursor() as first:
            first.execute(update)
        with pytest.raises(psycopg2.errors.SerializationFailure):
            cursor.execute(update)
    expected = pytest.raises(AssertionError) if kind == "HTTP" else contextlib.nullcontext()
    with expected:
        logs.check_no_contention()


def test_logs_hold_no_id_and_no_address(server, used):
    assert CREDENTIALS
    Logs(server).check_clean()


def test_files_hold_no_id_and_no_address(server, used):
    Logs(server).check_files()


def test_an_id_in_an_address_bar_is_not_logged(server):
    """The API takes none there; a client that puts one there all the same finds it unlogged."""
    logs = Logs(server)
    word = "zqInTheUrl"
    for path in (
        f"{STANDARD}/resolve?id=token:{word}@nationalId",
        f"{STANDARD}/resolve/token:{word}@nationalId",
        f"//spar/{word}?id={word}",
        f"/en/api/mapper/{word}",
    ):
        for method in ("GET", "POST", "DELETE"):
            assert exchange(server.url, method, path).status in (401, 404, 405, 415)
    assert not logs.lines_with(word)


def test_failures_in_the_back_office_are_not_logged_with_their_values(server):
    """Dialogs that break off, searches that make no sense: Odoo would log statements and texts."""
    logs, office = Logs(server), BackOffice(server)
    word = "zqBackOffice"
    typed = {"id_value": f"token:{word}@nationalId", "number": word, "phone_number": word}
    change = "g2p.spar.mapping.change"
    for values in (
        {"operation": "link", **typed, "provider_id": 987_654_321},
        {"operation": f"{word}", **typed},
        {"operation": "link", **typed, word: 1},
    ):
        _result, problem = office.call(change, "create", values)
        assert problem
    ids, problem = office.call(change, "create", [{"operation": "link", **typed}])
    assert not problem
    assert office.call(change, "action_apply", ids)[1]
    for domain in ([["id_masked", "foo", word]], [word], word, [["id_masked", "=", {word: 1}]]):
        office.call("g2p.spar.mapping", "search", domain)
        office.call("g2p.spar.mapping", "web_search_read", domain, {})
    assert not logs.lines_with(word)
