# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Runs beside OpenG2P's own library, in its virtual environment: one JSON command per line.

* {"do": "request", "operation", "header", "message"}: the model's JSON of that request
* {"do": "call", "operation", "header", "message", "url", "headers", "keymanager"}: sent by the
  library's client, which signs with that key manager (library 2.0.0); its answer
* {"do": "parse", "module", "model", "text"}: what the model makes of that text
* {"do": "verify", "signature", "text", "keymanager"}: whether its validator takes the signature

One line of JSON answers each: {"result": ...}, or {"error": ...}.
"""

import asyncio
import importlib
import inspect
import json
import logging
import sys

from openg2p_fastapi_common.utils import crypto
from openg2p_g2pconnect_mapper_lib import client, schemas

NAMES = {"link": "Link", "update": "Update", "unlink": "Unlink", "resolve": "Resolve"}


def model(command):
    kind = getattr(schemas, f"{NAMES[command['operation']]}Request")
    return kind.model_validate({name: command[name] for name in ("header", "message")})


def request(command):
    return model(command).model_dump_json()


def call(command):
    kind = getattr(client, f"Mapper{NAMES[command['operation']]}Client")
    send = f"{command['operation']}_request"
    if "link_url" in inspect.signature(client.MapperLinkClient.link_request).parameters:
        sent = getattr(kind(), send)(model(command), command["headers"], command["url"])
    else:
        signing = bool(command.get("keymanager"))
        caller = kind(url=command["url"], api_sign_enabled=signing)
        if signing:
            caller.crypto_helper = keymanager(command)
        sent = getattr(caller, send)(model(command), command["headers"])
    return asyncio.run(sent).model_dump(mode="json")


def keymanager(command):
    return crypto.KeymanagerCryptoHelper(
        api_base_url=command["keymanager"],
        auth_enabled=False,
        sign_app_id="SPAR",
        sign_ref_id="PARTNER",
    )


def parse(command):
    kind = getattr(importlib.import_module(command["module"]), command["model"])
    return kind.model_validate_json(command["text"]).model_dump(mode="json")


def verify(command):
    helper = keymanager(command)
    return asyncio.run(helper.verify_jwt(command["signature"], json.loads(command["text"])))


COMMANDS = {"request": request, "call": call, "parse": parse, "verify": verify}

if __name__ == "__main__":
    logging.disable()
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = {"result": COMMANDS[command["do"]](command)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
