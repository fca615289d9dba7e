# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""OpenG2P's own library, which brings a web framework and a database layer of its own: run in a
virtual environment beside Odoo's. And a stand-in for the key manager that it signs with."""

import base64
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import signing
from spar_setup.state import State
from spar_setup.tool_env import ToolEnv

PROGRAM = Path(__file__).parent / "upstream" / "program.py"
LIBRARIES = ("openg2p-g2pconnect-common-lib", "openg2p-g2pconnect-mapper-lib")
VERSIONS = ("1.1.0", "2.0.0")


class UpstreamLibrary:
    """The library in one version.

    :param str version: of `VERSIONS`
    """

    def __init__(self, version):
        requirements = [f"{name}=={version}" for name in LIBRARIES]
        self.env = ToolEnv(
            State().root / f"upstream-{version}",
            [*requirements, "openg2p-fastapi-common==1.1.6", "sqlalchemy[asyncio]<2.1"],
            f"OpenG2P's library {version} from PyPI",
        )
        self.env.ensure()
        self.version = version
        self._process = subprocess.Popen(
            [self.env.python, PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self.env.environment(),
            text=True,
        )

    def ask(self, do, **command):
        """Have the program do that; fails when the library raises."""
        answer = self.attempt(do, **command)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def attempt(self, do, **command):
        print(json.dumps({"do": do, **command}), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def stop(self):
        self._process.stdin.close()
        self._process.wait(timeout=30)


class KeyManager:
    """Signs with one key, and verifies with published ones, over the HTTP API of MOSIP's.

    :param SigningKey key: that it signs with
    :ivar dict jwks: that it verifies with
    """

    def __init__(self, key):
        manager = self
        self.key = key
        self.jwks = {"keys": []}

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = json.dumps({"response": manager.answer(self.path, json.loads(body))})
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, path, body):
        request = body["request"]
        if path == "/jwtSign":
            token = signing.jws(unpadded(request["dataToSign"]), self.key)
            return {
                "jwtSignedData": token if request["includePayload"] else signing.detached(token)
            }
        assert path == "/jwtVerify"
        return {"signatureValid": self._valid(request["jwtSignatureData"])}

    def _valid(self, token):
        kid = jwt.get_unverified_header(token)["kid"]
        for key in self.jwks["keys"]:
            if key["kid"] == kid:
                try:
                    jwt.api_jws.decode(token, jwt.PyJWK(key).key, [key["alg"]])
                except jwt.InvalidTokenError:
                    return False
                return True
        return False

    def verifies_like_1(self, signature, text):
        """Whether the validator of library 1.1.0 takes the signature of that body."""
        head, _payload, value = signature.split(".")
        canonical = json.dumps(json.loads(text), separators=(",", ":")).encode()
        payload = base64.urlsafe_b64encode(canonical).rstrip(b"=").decode()
        return self._valid(f"{head}.{payload}.{value}")

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
