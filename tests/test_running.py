# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The running product as setup/start leaves it."""

import os
import signal
import time

import pytest
import requests

TIMEOUT = 30


def test_health(server):
    answer = requests.get(f"{server.url}/web/health", timeout=TIMEOUT)
    assert answer.json()["status"] == "pass"


def test_two_workers_serve(server):
    assert len(server.worker_pids()) == 2


def test_a_killed_worker_is_replaced(own_server):
    killed = own_server.worker_pids()[0]
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        workers = own_server.worker_pids()
        if len(workers) == 2 and killed not in workers:
            break
        time.sleep(0.2)
    assert len(workers) == 2 and killed not in workers
    assert requests.get(f"{own_server.url}/web/health", timeout=TIMEOUT).ok


def test_no_list_of_databases(server):
    call = {"jsonrpc": "2.0", "method": "call", "params": {}}
    answer = requests.post(f"{server.url}/web/database/list", json=call, timeout=TIMEOUT)
    assert "error" in answer.json()


def test_administrator_logs_in(server):
    arguments = [server.database, server.admin["login"], server.admin["password"]]
    call = {"service": "common", "method": "login", "args": arguments}
    answer = requests.post(
        f"{server.url}/jsonrpc",
        json={"jsonrpc": "2.0", "method": "call", "params": call},
        timeout=TIMEOUT,
    )
    assert answer.json()["result"]


def test_database_says_nothing_of_a_failing_statement(server):
    """Neither a statement, nor its parameters, nor the key of a duplicate reach its log."""
    if not server.postgres_log_path:
        pytest.skip("PGHOST names the server, whose log is elsewhere")
    secret = "token:4711@nationalId"
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE once (id_value text UNIQUE)")
        cursor.execute("INSERT INTO once VALUES (%s)", [secret])
        try:
            cursor.execute("INSERT INTO once VALUES (%s)", [secret])
        except Exception as error:
            assert secret in str(error)
    assert secret not in server.postgres_log_path.read_text(encoding="utf-8")
