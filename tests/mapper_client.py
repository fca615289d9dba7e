# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""A small client of the mapper API, with IDs and addresses that can be recognised in a log."""

import http.client
import itertools
import json
import secrets
import threading
import time
import urllib.parse
import uuid
from datetime import UTC, datetime
from typing import NamedTuple

import signing

STANDARD = "/spar/v1.0.0/mapper/sync"
STANDARD_ASYNC = "/spar/v1.0.0/mapper"
OPENG2P_1 = "/api/mapper/sync"
OPENG2P_1_ASYNC = "/api/mapper/async"
OPENG2P_2 = "/api/mapper/mapper"
DIRECTORY = "/api/bene-portal/dfsp"
TOKEN_PATH = "/spar/oauth2/client/token"
TIMEOUT = 60

# Part of every ID, name and opaque address, and of every account and phone number of this run.
MARK = f"zq{secrets.token_hex(5)}"
DIGITS = f"9{secrets.randbelow(10**8):08}"
# Client secrets and tokens of this run: no more welcome in a log than an ID.
CREDENTIALS = set()
_numbers = itertools.count(1)


def new_id():
    """An ID that no other call gives."""
    return f"token:{MARK}{next(_numbers)}@nationalId"


def new_fa():
    """An address at no provider on record."""
    return f"account:{MARK}{next(_numbers)}@{MARK}.example"


def new_number():
    """An account number of 15 digits."""
    return f"{DIGITS}{next(_numbers):06}"


def new_phone():
    return f"+63{DIGITS}{next(_numbers) % 10_000:04}"


def bank_object(number):
    """An FA object of OpenG2P 2.x, at a bank of the demonstration."""
    return {
        "strategy_id": 2,
        "fa_type": "BANK",
        "bank_name": "Bayani Savings Bank",
        "bank_code": "BYSB",
        "branch_name": "Tacloban Branch",
        "branch_code": "BYSB0001",
        "account_number": number,
    }


def bank_fa(number, code="BYSB"):
    """An address at a bank of the demonstration, in the standard's own form."""
    return f"account:{number}@{code}"


class Reply(NamedTuple):
    """What came back. `seconds`: from the first byte sent to the last one received."""

    status: int
    headers: dict
    body: bytes
    seconds: float

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def items(self):
        """The answered items; empty when the header rejects the message."""
        answer = self.json
        message = answer.get("message", {})
        if "response_body" in answer:  # OpenG2P 2.x
            message = answer["response_body"]["response_payload"]
        lists = [value for name, value in message.items() if name.endswith("_response")]
        return lists[0] if lists else []

    @property
    def succeeded(self):
        """Per item, whether it is `succ`."""
        return [item["status"] == "succ" for item in self.items]

    @property
    def codes(self):
        return [item.get("status_reason_code") for item in self.items]


class Connection:
    """One request and its answer. `port` is the client's own, known once the request is sent."""

    def __init__(self, url):
        address = urllib.parse.urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname, address.port, timeout=TIMEOUT
        )

    @property
    def port(self):
        return self._connection.sock.getsockname()[1]

    def send(self, method, path, body=None, headers=None):
        self._began = time.monotonic()
        self._connection.request(method, path, body, headers or {})

    def receive(self):
        """:raises OSError, http.client.HTTPException: the server did not answer"""
        try:
            answer = self._connection.getresponse()
            body = answer.read()
        finally:
            self._connection.close()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, headers, body, time.monotonic() - self._began)


def exchange(url, method, path, body=None, headers=None):
    """Send one request as it stands and return the `Reply`."""
    connection = Connection(url)
    connection.send(method, path, body, headers)
    return connection.receive()


class Client:
    """A participant: one of the demonstration, or the one with these credentials.

    :param server: `RunningServer`
    :param str sender_id: which of the demonstration's
    :param dict credentials: `sender_id`, `profile`, and `client_id` with `client_secret` where it
        signs in by token
    :param str dialect: in which it signs its messages, see `signing`; None = it does not
    :param SigningKey key: that it signs with
    """

    def __init__(self, server, sender_id="demo-strict", credentials=None, dialect=None, key=None):
        self.url = server.url
        self.credentials = credentials or next(
            known for known in server.participants if known["sender_id"] == sender_id
        )
        if "client_secret" in self.credentials:
            CREDENTIALS.add(self.credentials["client_secret"])
        self.dialect = dialect
        self.key = key
        self.sender_id = self.credentials["sender_id"]
        self.profile = self.credentials["profile"]
        self._token = None

    @property
    def token(self):
        if not self._token:
            reply = self.ask_token()
            assert reply.status == 200, reply.body
            self._token = reply.json["access_token"]
            CREDENTIALS.add(self._token)
        return self._token

    def ask_token(self):
        form = {name: self.credentials[name] for name in ("client_id", "client_secret")}
        body = urllib.parse.urlencode({"grant_type": "client_credentials", **form})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return exchange(self.url, "POST", TOKEN_PATH, body, headers)

    @property
    def headers(self):
        kind = {"Content-Type": "application/json"}
        if "client_secret" not in self.credentials:
            return kind
        return {"Authorization": f"Bearer {self.token}", **kind}

    def message(self, operation, items, base=STANDARD, **header):
        """A message with these items; reference_id and timestamp are added where they lack.

        :param base: of the path, which chooses the envelope
        :param header: members that replace those of the header
        """
        now = datetime.now(UTC).isoformat()
        numbered = [
            {"reference_id": f"r{number}", "timestamp": now, **item}
            for number, item in enumerate(items)
        ]
        if base == OPENG2P_2:
            payload = {"transaction_id": uuid.uuid4().hex, f"{operation}_request": numbered}
            return self.envelope_2(payload, now, **header)
        return {
            "header": {
                "version": "1.0.0",
                "message_id": uuid.uuid4().hex,
                "message_ts": now,
                "action": operation,
                "sender_id": self.sender_id,
                "total_count": len(items),
                **header,
            },
            "message": {
                "transaction_id": uuid.uuid4().hex,
                f"{operation}_request": numbered,
            },
        }

    def envelope_2(self, payload, now=None, **header):
        """A request of OpenG2P 2.x with that payload."""
        return {
            "request_header": {
                "sender_app_mnemonic": self.sender_id,
                "sender_app_url": "",
                "request_id": uuid.uuid4().hex,
                "request_timestamp": now or datetime.now(UTC).isoformat(),
                **header,
            },
            "request_body": {"request_payload": payload},
        }

    def post(self, operation, body, base=STANDARD):
        """Send a message: a JSON value, which is signed in the client's dialect, or bytes as they
        stand."""
        signature = {}
        if not isinstance(body, bytes):
            body, signature = signing.signed(self.dialect, body, self.key, self.sender_id)
        headers = {**self.headers, **signature}
        return exchange(self.url, "POST", f"{base}/{operation}", body, headers)

    def call(self, operation, items, base=STANDARD, **header):
        return self.post(operation, self.message(operation, items, base, **header), base)

    # Shorthands: items from IDs, or from pairs of ID and address

    def link(self, pairs):
        return self.call("link", [{"id": id_, "fa": fa} for id_, fa in pairs])

    def update(self, pairs):
        return self.call("update", [{"id": id_, "fa": fa} for id_, fa in pairs])

    def remove(self, ids):
        return self.call("unlink", [{"id": id_} for id_ in ids])

    def resolve(self, ids):
        return self.call("resolve", [{"id": id_, "scope": "details"} for id_ in ids])


class BackOffice:
    """A signed-in user of the back end, over JSON-RPC."""

    def __init__(self, server):
        self.url = server.url
        login, password = server.admin["login"], server.admin["password"]
        arguments = {"db": server.database, "login": login, "password": password}
        reply = self._post("/web/session/authenticate", arguments, {})
        assert reply.json["result"]["uid"]
        self._cookie = reply.headers["set-cookie"].partition(";")[0]

    def _post(self, path, parameters, headers):
        body = json.dumps({"jsonrpc": "2.0", "method": "call", "params": parameters})
        headers = {"Content-Type": "application/json", **headers}
        return exchange(self.url, "POST", path, body, headers)

    def call(self, model, method, *args, **kwargs):
        """:return: `(result, None)`, or `(None, message)` where Odoo refused"""
        parameters = {"model": model, "method": method, "args": args, "kwargs": kwargs}
        answer = self._post(
            f"/web/dataset/call_kw/{model}/{method}", parameters, {"Cookie": self._cookie}
        ).json
        if "error" in answer:
            return None, answer["error"]["data"]["message"]
        return answer.get("result"), None

    def must(self, model, method, *args, **kwargs):
        """The result of a call that Odoo does not refuse."""
        result, problem = self.call(model, method, *args, **kwargs)
        assert problem is None, problem
        return result

    def find(self, model, *domain):
        """Ids of the records."""
        return self.must(model, "search", list(domain))

    def reference(self, name):
        """Id of the record with that external id."""
        module, _, name = name.partition(".")
        domain = [["module", "=", module], ["name", "=", name]]
        return self.must("ir.model.data", "search_read", domain, ["res_id"])[0]["res_id"]

    def run_job(self, name):
        """Run a scheduled action; where it runs by itself just now, once more after that."""
        job, deadline = self.reference(name), time.monotonic() + 60
        while True:
            _result, problem = self.call("ir.cron", "method_direct_trigger", [job])
            if "already executing" not in (problem or "") or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        assert problem is None, problem


def together(calls):
    """Run the calls at the same time, in a thread each.

    :return: their results in order; the exception where one was raised
    """
    barrier = threading.Barrier(len(calls))
    results = [None] * len(calls)

    def run(number, call):
        barrier.wait()
        try:
            results[number] = call()
        except Exception as error:
            results[number] = error

    threads = [
        threading.Thread(target=run, args=(number, call)) for number, call in enumerate(calls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
