# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Tokens of another issuer, whose keys a job of the registry fetches."""

import http.server
import json
import threading
import time

import jwt
import pytest
from mapper_client import STANDARD, BackOffice, exchange, new_id
from participants import register
from signing import SigningKey

ISSUER = "https://login.example.org"
AUDIENCE = "https://spar.example.org"
PATIENCE_SECONDS = 90


class KeyServer(http.server.BaseHTTPRequestHandler):
    """Serves the public keys in `keys`, on loopback."""

    keys = []
    requests = []

    def do_GET(self):
        self.requests.append(self.path)
        body = json.dumps({"keys": [key.jwk for key in self.keys]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Nothing on the terminal."""


@pytest.fixture
def key_server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), KeyServer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/jwks.json"
    server.shutdown()
    server.server_close()


def token(key, **claims):
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "client_id": "a-bridge",
        "scope": "mapper.resolve",
        "exp": int(time.time()) + 300,
        **claims,
    }
    return jwt.encode(claims, key.private, key.algorithm, headers={"kid": key.kid})


def test_keys_are_fetched_because_one_is_used(server, key_server):
    """A look-up, which may write nothing itself, wakes the job."""
    key = SigningKey("ES256", "k1")
    KeyServer.keys = [key]
    office = BackOffice(server)
    values = {"name": "Login", "issuer": ISSUER, "audience": AUDIENCE, "algorithms": "ES256"}
    issuers = "g2p.spar.token.issuer"
    [issuer_id] = office.must(issuers, "create", [{**values, "jwks_url": key_server}])
    client, _participant_id = register(
        server, authentication="issuer", issuer_id=issuer_id, issuer_subject="a-bridge"
    )

    def resolve(bearer):
        body = json.dumps(client.message("resolve", [{"id": new_id()}])).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {bearer}"}
        return exchange(server.url, "POST", f"{STANDARD}/resolve", body, headers)

    deadline = time.monotonic() + PATIENCE_SECONDS
    while (reply := resolve(token(key))).status == 401 and time.monotonic() < deadline:
        assert "try again" in reply.json["errors"][0]["message"]
        time.sleep(0.5)
    assert reply.status == 200, reply.body
    # not once for each request: each worker woke the job, and the job asks once a minute
    assert KeyServer.requests == ["/jwks.json"]
    assert resolve(token(key, aud="another")).status == 401
    assert resolve(token(SigningKey("ES256", "k1"))).status == 401
    assert resolve(token(key, client_id="another")).status == 401
