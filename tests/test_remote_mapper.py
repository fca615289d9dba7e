# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Another mapper behind the connector: a second instance of ours, called over HTTP."""

import contextlib
import http.server
import json
import threading
import time

import pytest
from calling_instance import CallingInstance
from conftest import connect
from log_search import Logs
from mapper_client import (
    CREDENTIALS,
    DIGITS,
    MARK,
    TOKEN_PATH,
    BackOffice,
    bank_fa,
    exchange,
    new_id,
    new_number,
)
from participants import register, set_parameters

RECEIVER_ID = "registry.example"
PATIENCE_SECONDS = 90


@pytest.fixture(scope="module")
def instance():
    calling = CallingInstance("spar_calling")
    yield calling
    calling.stop()


@pytest.fixture(scope="module")
def local(instance):
    """The mapper in the calling database itself."""
    return instance.connector(name="Here", backend="local")


def base_url(server, profile):
    return f"{server.url}/spar/v1.0.0" if profile == "strict" else f"{server.url}/api/mapper"


def remote(instance, server, client, **values):
    """A connector to the server, for that participant of it."""
    credentials = client.credentials
    settings = {
        "name": f"There as {client.sender_id}",
        "backend": "g2p_connect",
        "remote_profile": client.profile,
        "remote_url": base_url(server, client.profile),
        "remote_sender_id": client.sender_id,
    }
    if "client_secret" in credentials:
        settings |= {
            "remote_token_url": f"{server.url}{TOKEN_PATH}",
            "remote_client_id": credentials["client_id"],
            "remote_client_secret": credentials["client_secret"],
        }
    return instance.connector(**settings | values)


@pytest.fixture(scope="module", params=["strict", "openg2p_1"])
def there(request, instance, server):
    client, _participant_id = register(server, profile=request.param)
    return remote(instance, server, client, remote_max_items=3)


def outcomes(results):
    return [result["outcome"] for result in results]


def test_same_results(local, there):
    """One story told to both, with more items than a message takes: the same results, but for
    what has no place on the wire."""
    ids, numbers = [new_id() for _ in range(5)], [new_number() for _ in range(6)]
    fas = [bank_fa(number) for number in numbers]
    unlinked = new_id()
    story = [
        ("link", [{"id": id_, "fa": fa} for id_, fa in zip(ids, fas, strict=False)]),
        ("link", [{"id": ids[0], "fa": fas[5]}, {"id": ids[0].upper(), "fa": fas[5]}]),
        (
            "link",
            [
                {"id": "", "fa": fas[0]},
                {"id": unlinked, "fa": ""},
                {"id": "with blank@ns", "fa": fas[0]},
                {"id": "nul\0@ns", "fa": fas[0]},
                {"id": unlinked, "fa": "x" * 600},
                {"id": unlinked, "fa": bank_fa("12")},
            ],
        ),
        (
            "resolve",
            [
                *[{"id": id_, "scope": "details", "locale": "eng"} for id_ in ids],
                {"id": ids[0]},
                {"id": unlinked, "scope": "details"},
                {"id": ids[1].upper(), "scope": "details"},
                {"id": ids[1], "fa": fas[1]},
                {"id": ids[1], "fa": fas[2]},
                {"id": ids[1], "fa": fas[2], "scope": "details"},
                {"id": ids[1], "fa": fas[1].lower(), "scope": "details"},
                {"id": unlinked, "fa": fas[2]},
                {"fa": fas[3]},
                {"fa": fas[3], "scope": "details"},
                {"fa": fas[5]},
                {},
                {"id": "no\ud800pe@ns"},
                {"id": ids[0], "reference_id": ""},
                {"id": ids[0], "reference_id": "r1"},
            ],
        ),
        (
            "update",
            [
                {"id": ids[0], "fa": fas[5], "name": "A Person"},
                {"id": unlinked, "fa": fas[5]},
                {"id": ids[1], "fa": bank_fa("12")},
                {"id": ids[2], "fa": fas[5], "additional_info": [{"name": "n", "value": 1}]},
            ],
        ),
        ("resolve", [{"id": ids[0], "scope": "details"}, {"id": ids[2], "scope": "details"}]),
        (
            "unlink",
            [
                {"id": ids[0]},
                {"id": ids[1], "fa": fas[2]},
                {"id": ids[1], "fa": fas[1]},
                {"id": unlinked},
                {"id": ids[1]},
            ],
        ),
        ("resolve", [{"id": id_, "scope": "details"} for id_ in ids]),
    ]
    for operation, items in story:
        assert there.call(operation, *items) == local.call(operation, *items), operation


def test_parts(local, there):
    """The parts of an address are read by the caller's own directory."""
    pairs = [{"id": new_id(), "fa": bank_fa(new_number())} for _ in range(2)]
    question = [{"id": pair["id"], "scope": "details"} for pair in pairs]
    for connector in (local, there):
        connector.call("link", *pairs)
    results = [connector.call("resolve", *question, parts=True) for connector in (local, there)]
    addresses = [[result.get("address") for result in part] for part in results]
    assert addresses[0] == addresses[1]
    assert addresses[0][0]["provider_code"] == "BYSB"


def test_connection_test(there):
    passed, told = there.test()
    assert passed, told
    assert "is not linked" in told


def test_secret_and_token_are_kept_sealed(instance, there):
    """Neither can be read, and one token serves all calls."""
    there.call("resolve", {"id": new_id()})
    shown = there.read("remote_client_secret", "remote_client_secret_set_at")
    assert shown["remote_client_secret"] is False
    assert shown["remote_client_secret_set_at"]
    query = f"""SELECT remote_client_secret_sealed, token.sealed, token.until::text
        FROM g2p_spar_connector_token AS token
        JOIN g2p_spar_connector AS connector ON connector.id = connector_id
        WHERE connector_id = {there.id}"""
    [before] = rows(instance, query)
    there.call("resolve", {"id": new_id()})
    assert rows(instance, query) == [before]
    assert all(before)
    assert not any(secret in " ".join(before) for secret in CREDENTIALS)


def rows(instance, query):
    """What is in the calling instance's database."""
    with contextlib.closing(connect(instance.database)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()


def test_token_is_renewed_once(instance, server):
    client, participant_id = register(server)
    connector = remote(instance, server, client)
    [result] = connector.call("resolve", {"id": new_id()})
    assert result["outcome"] == "id_not_found"
    # ends its tokens, and the secret stays the same
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM g2p_spar_access_token WHERE participant_id = %s", [participant_id]
        )
    office = BackOffice(server)
    office.must("g2p.spar.participant", "write", [participant_id], {"active": False})
    [result] = connector.call("resolve", {"id": new_id()})
    assert (result["outcome"], result["message"]) == (
        "retry",
        "The mapper refused the message; see the connector",
    )
    assert not connector.test()[0]
    office.must("g2p.spar.participant", "write", [participant_id], {"active": True})
    [result] = connector.call("resolve", {"id": new_id()})
    assert result["outcome"] == "id_not_found"


@pytest.mark.parametrize("dialect", ["g2p_connect", "openg2p_1", "openg2p_2"])
@pytest.mark.parametrize("authentication", ["signature", "token"])
def test_signatures_both_ways(instance, server, dialect, authentication):
    """We sign with our keys, and its answers must be signed with its own."""
    set_parameters(server, receiver_id=RECEIVER_ID)
    client, participant_id = register(
        server, authentication=authentication, signature_dialect=dialect, sign_answers=True
    )
    connector = remote(
        instance,
        server,
        client,
        remote_authentication={"token": "token_signature"}.get(authentication, authentication),
        remote_dialect=dialect,
        remote_receiver_id=RECEIVER_ID,
        remote_answers_signed=True,
        remote_jwks_url=f"{server.url}/.well-known/jwks.json",
    )
    passed, told = connector.test()
    assert not passed
    assert "HTTP 40" in told  # it does not know our key
    keys = our_keys(instance)
    office = BackOffice(server)
    dialog = office.must(
        "g2p.spar.participant.key.add", "create", [{"participant_id": participant_id, "text": keys}]
    )
    office.must("g2p.spar.participant.key.add", "action_add", dialog)
    passed, told = connector.test()
    assert not passed
    assert "signature of its answer" in told  # we do not know its key
    connector.fetch_keys()
    passed, told = connector.test()
    assert passed, told
    id_, fa = new_id(), bank_fa(new_number())
    assert outcomes(connector.call("link", {"id": id_, "fa": fa})) == ["done"]
    [result] = connector.call("resolve", {"id": id_, "scope": "details"})
    assert result["fa"] == fa


def our_keys(instance):
    """The public keys of the calling instance, which has no HTTP server."""
    found = rows(instance, "SELECT public_key FROM g2p_spar_signing_key")
    return json.dumps({"keys": [json.loads(text) for (text,) in found]})


def test_what_the_connection_test_explains(instance, server):
    client, participant_id = register(server)
    connector = remote(instance, server, client)
    for values, told in (
        ({"remote_url": f"{server.url}/nowhere"}, "is the base address right"),
        ({"remote_url": "https://10.1.2.3/spar/v1.0.0"}, "outgoing_networks"),
        ({"remote_url": "https://no.such.host.invalid/spar"}, "the name has no address"),
        ({"remote_url": "http://127.0.0.1:9/spar"}, "Connection refused"),
        ({"remote_sender_id": "somebody.else"}, "err.sender_id.invalid"),
        ({"remote_scope": "mapper.nothing"}, "does not accept the client ID and secret"),
        ({"remote_client_secret": "wrong"}, "does not accept the client ID and secret"),
        ({"remote_token_url": f"{server.url}/spar/nowhere"}, "secret is missing"),
    ):
        broken = remote(instance, server, client, **values)
        passed, explained = broken.test()
        if "remote_token_url" in values:
            broken.write(remote_token_url=f"{server.url}/spar/elsewhere")
            passed, explained = broken.test()
        assert not passed
        assert told in explained, (values, explained)
        [result] = broken.call("resolve", {"id": new_id(), "scope": "details"})
        assert result["outcome"] == "retry"
        assert "127.0.0.1" not in result["message"]
    BackOffice(server).must(
        "g2p.spar.participant", "write", [participant_id], {"may_see_details": False}
    )
    passed, explained = connector.test()
    assert not passed
    assert "does not show addresses" in explained


def test_mapper_away(own_server, instance):
    """While it is down nothing is found, linked or "not linked"; then calls go through."""
    client, _participant_id = register(own_server)
    connector = remote(instance, own_server, client, remote_max_items=2)
    pairs = [{"id": new_id(), "fa": bank_fa(new_number())} for _ in range(5)]
    questions = [{"id": pair["id"], "scope": "details"} for pair in pairs]
    assert outcomes(connector.call("link", *pairs)) == ["done"] * 5
    connector.write(remote_total_seconds=5)
    own_server.end()
    for operation, items in (("resolve", questions), ("unlink", questions)):
        items = [{"id": item["id"]} for item in items]
        results = connector.call(operation, *items)
        assert outcomes(results) == ["retry"] * 5
        assert all("away" in result["message"] for result in results)
        assert all("://" not in result["message"] for result in results)
    own_server.restart()
    connector.write(remote_url=f"{own_server.url}/spar/v1.0.0", remote_total_seconds=60)
    results = connector.call("resolve", *questions)
    assert [result["fa"] for result in results] == [pair["fa"] for pair in pairs]


class LosingProxy(http.server.ThreadingHTTPServer):
    """Hands requests on to a server, and loses the answers to the first so many of those whose
    path ends with a word."""

    def __init__(self, url, word, count=1):
        super().__init__(("127.0.0.1", 0), LosingHandler)
        self.target, self.word, self.left = url, word, count
        self.bodies = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def __exit__(self, *exception):
        self.shutdown()
        return super().__exit__(*exception)


class LosingHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kept = ("Content-Type", "Authorization", "Signature")
        headers = {name: self.headers[name] for name in kept if self.headers[name]}
        reply = exchange(self.server.target, "POST", self.path, body, headers)
        if self.path.endswith(self.server.word):
            self.server.bodies.append(json.loads(body))
            if self.server.left:
                self.server.left -= 1
                self.close_connection = True
                return
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *args):
        """Nothing on the terminal."""


@pytest.mark.parametrize("profile", ["strict", "openg2p_1"])
def test_change_whose_answer_is_lost(instance, server, profile):
    """In the standard's profile the repetition has the same message_id and gets the first answer.
    OpenG2P 1.x would do it twice, so that it is not repeated, and said to be uncertain."""
    client, _participant_id = register(server, profile=profile)
    pair = {"id": new_id(), "fa": bank_fa(new_number())}
    with LosingProxy(server.url, "/link") as proxy:
        url = proxy.url + base_url(server, profile).removeprefix(server.url)
        connector = remote(instance, server, client, remote_url=url)
        [result] = connector.call("link", pair)
        message_ids = [body["header"]["message_id"] for body in proxy.bodies]
    if profile == "strict":
        assert result["outcome"] == "done"
        assert len(message_ids) == 2
        assert len(set(message_ids)) == 1
    else:
        assert result["outcome"] == "retry"
        assert "whether this was done is not known" in result["message"]
        assert len(message_ids) == 1
    assert client.resolve([pair["id"]]).items[0]["fa"] == pair["fa"]


# === Operations whose results come later: the server is another mapper to itself === #


@pytest.fixture(scope="module")
def inside(server):
    """Calls from the server's own database, so that its HTTP workers take the callbacks."""
    calling = CallingInstance(database=server.installed_database)
    yield calling
    calling.stop()
    # a server whose pages ask itself waits for itself
    office = BackOffice(server)
    theirs = office.find("g2p.spar.connector", ["backend", "=", "g2p_connect"])
    office.must("g2p.spar.connector", "action_archive", theirs)


def await_results(inside, message):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        state, results = inside.results(message)
        if results is not None:
            return state, results
        time.sleep(0.2)
    raise AssertionError(f"no results: {state}")


@pytest.mark.parametrize("profile", ["strict", "openg2p_1"])
def test_results_by_callback(inside, server, profile):
    callback_url = f"{server.url}/spar/v1.0.0/mapper"
    client, _participant_id = register(server, profile=profile, callback_url=callback_url)
    connector = remote(inside, server, client, remote_callback_url=callback_url, remote_max_items=2)
    pairs = [{"id": new_id(), "fa": bank_fa(new_number())} for _ in range(3)]
    messages = connector.submit("link", *pairs)
    assert len(messages) == 2
    for message in messages:
        state, results = await_results(inside, message)
        assert state == "done"
        assert set(outcomes(results)) == {"done"}
    [message, _second] = connector.submit(
        "resolve", *({"id": pair["id"], "scope": "details"} for pair in pairs)
    )
    _state, results = await_results(inside, message)
    assert [result["fa"] for result in results] == [pair["fa"] for pair in pairs[:2]]


def test_results_by_asking(inside, server):
    """Where the mapper has no address for callbacks, and says so (NACK)."""
    client, _participant_id = register(server)
    connector = remote(inside, server, client)
    pairs = [{"id": new_id(), "fa": bank_fa(new_number())} for _ in range(2)]
    again = {"id": pairs[0]["id"], "fa": pairs[1]["fa"]}
    # an ID is changed once in a message
    messages = connector.submit("link", *pairs, again)
    deadline = time.monotonic() + PATIENCE_SECONDS
    for message, expected in zip(messages, (["done", "done"], ["already_linked"]), strict=True):
        while inside.results(message)[0] == "waiting" and time.monotonic() < deadline:
            time.sleep(0.2)
        while inside.results(message)[1] is None and time.monotonic() < deadline:
            inside.ask("wake")
            time.sleep(1)
        state, results = inside.results(message)
        assert (state, outcomes(results)) == ("done", expected)


def test_nothing_of_it_is_logged(server, instance):
    """Neither at the mapper's nor where it is called from."""
    client, _participant_id = register(server)
    broken = remote(instance, server, client, remote_url="http://127.0.0.1:9/spar")
    assert outcomes(broken.call("resolve", {"id": new_id()})) == ["retry"]
    Logs(server).check_clean()
    text = instance.log_path.read_text(encoding="utf-8").lower()
    assert "connector" in text  # troubles were logged
    for word in (MARK, DIGITS, *CREDENTIALS):
        assert word.lower() not in text
