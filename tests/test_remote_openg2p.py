# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""OpenG2P's own mapper 1.1.0 behind the connector, as benchmarks/ runs it."""

import sys
from pathlib import Path

import pytest
from calling_instance import CallingInstance
from conftest import installed
from mapper_client import bank_fa, new_id, new_number

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from comparison.peer import Peer, PeerEnv
from spar_setup.postgres import psql
from spar_setup.state import State

DATABASE = "spar_openg2p"

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def instance():
    calling = CallingInstance("spar_calling_openg2p")
    yield calling
    calling.stop()


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    _installation, postgres = installed()
    env = PeerEnv(State())
    env.ensure()
    drop = f'DROP DATABASE IF EXISTS "{DATABASE}" WITH (FORCE)'
    psql(postgres, "postgres", drop)
    psql(postgres, "postgres", f'CREATE DATABASE "{DATABASE}" TEMPLATE template0')
    peer = Peer(env, postgres, DATABASE, tmp_path_factory.mktemp("peer"), None)
    env.migrate(peer.variables())
    peer.start()
    yield peer
    peer.stop()
    psql(postgres, "postgres", drop)


@pytest.fixture(scope="module")
def there(instance, peer):
    """Its paths are below the root; nobody signs in, since it has no key manager here."""
    return instance.connector(
        name="OpenG2P",
        backend="g2p_connect",
        remote_profile="openg2p_1",
        remote_url=peer.url,
        remote_authentication="network",
        remote_max_items=3,
    )


@pytest.fixture(scope="module")
def local(instance):
    return instance.connector(name="Here", backend="local")


def test_connection_test(there):
    passed, told = there.test()
    assert passed, told


def test_same_results(local, there):
    """As far as it answers: by ID, and without the provider, which it does not know."""
    ids = [new_id() for _ in range(4)]
    fas = [bank_fa(new_number()) for _ in range(5)]
    unlinked = new_id()
    story = [
        ("link", [{"id": id_, "fa": fa} for id_, fa in zip(ids, fas, strict=False)]),
        # the second of one ID would make it fail for both, were they in one message
        ("link", [{"id": ids[0], "fa": fas[4]}, {"id": ids[0], "fa": fas[4]}]),
        ("link", [{"id": "", "fa": fas[0]}, {"id": unlinked, "fa": ""}]),
        (
            "resolve",
            [
                *[{"id": id_, "scope": "details", "locale": "en"} for id_ in ids],
                {"id": ids[0]},
                {"id": unlinked, "scope": "details"},
                {"id": ids[1], "fa": fas[1]},
                {"id": ids[1], "fa": fas[2], "scope": "details"},
                {"id": unlinked, "fa": fas[2]},
                {},
            ],
        ),
        (
            "update",
            [
                {"id": ids[0], "fa": fas[4], "name": "A Person"},
                {"id": unlinked, "fa": fas[4]},
            ],
        ),
        ("resolve", [{"id": ids[0], "scope": "details"}]),
        ("unlink", [{"id": ids[0]}, {"id": ids[1], "fa": fas[2]}, {"id": unlinked}]),
        ("resolve", [{"id": id_, "scope": "details"} for id_ in ids]),
    ]
    for operation, items in story:
        told, expected = there.call(operation, *items), local.call(operation, *items)
        for result, same in zip(told, expected, strict=True):
            same.pop("provider", None)
            # it says of an unlink with another address that the ID is not linked
            if same["outcome"] == "fa_mismatch":
                assert result["outcome"] == "not_linked"
                same["outcome"] = "not_linked"
        assert told == expected, operation


def test_what_it_cannot_answer(there):
    """It has no answer to an address alone, and what it says instead is not taken for one."""
    [result] = there.call("resolve", {"fa": bank_fa(new_number())})
    assert result["outcome"] == "other"
