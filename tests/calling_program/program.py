# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Odoo on one database, without HTTP: calls connectors as an addon in the same process would.

`program.py CONFIGURATION DATABASE`; standard input: a JSON command on each line; standard output:
the answer to each. A command is carried out in a transaction of its own, and again where the
scheduled actions of a server were in the way.
"""

import json
import sys
from functools import partial

from odoo import SUPERUSER_ID, api, netsvc
from odoo.modules.registry import Registry
from odoo.service.model import retrying
from odoo.tools import config

MODEL = "g2p.spar.connector"


def main():
    config.parse_config(["-c", sys.argv[1], "-d", sys.argv[2], "--log-level=warn"])
    netsvc.init_logger()
    registry = Registry(sys.argv[2])
    # here, since it needs Odoo's path of addons
    from odoo.addons.g2p_spar_connector.g2p_connect import values

    for line in sys.stdin:
        command = json.loads(line)
        try:
            with registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                do = partial(DO[command.pop("do")], env, values, **command)
                answer = {"result": retrying(do, env)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def create(env, _values, **fields):
    return env[MODEL].create(fields).id


def write(env, _values, connector, **fields):
    env[MODEL].browse(connector).write(fields)


def read(env, _values, connector, names):
    [found] = env[MODEL].browse(connector).read(names)
    return json.loads(json.dumps(found, default=str))


def call(env, values, connector, operation, items, parts=False):
    """Items and results as dictionaries."""
    kind = values.ITEM_TYPES[operation]
    actor = values.Actor("staff", "pbms", "A Programme")
    method = getattr(env[MODEL].browse(connector), f"{operation}_items")
    options = {"parts": True} if parts else {}
    results = method(actor, [kind(**item) for item in items], **options)
    return [result.as_dict() for result in results]


def act(env, _values, connector, action):
    getattr(env[MODEL].browse(connector), action)()


def submit(env, values, connector, operation, items):
    kind = values.ITEM_TYPES[operation]
    messages, _refused = (
        env[MODEL].browse(connector).submit_items(operation, [kind(**item) for item in items])
    )
    return messages.ids


def results(env, _values, message):
    message = env["g2p.spar.remote.message"].browse(message)
    told = message.results()
    return message.state, told and [result.as_dict() for result in told]


def wake(env, _values):
    """Have every message that waits for something be looked at now."""
    env["g2p.spar.remote.message"].search([]).write({"next_try_at": "2000-01-01"})
    env.ref("g2p_spar_connector.cron_remote_messages")._trigger()


DO = {
    function.__name__: function
    for function in (create, write, read, call, act, submit, results, wake)
}

if __name__ == "__main__":
    main()
