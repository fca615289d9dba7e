# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What people and participants leave in a database, made through the product's public doors alone:
what is behind these is what an upgrade changes.
"""

import json
from typing import NamedTuple

from database_facts import query
from mapper_client import (
    CREDENTIALS,
    DIGITS,
    MARK,
    OPENG2P_1,
    STANDARD,
    BackOffice,
    Client,
    bank_fa,
    new_fa,
    new_id,
    new_number,
    new_phone,
)

OLD_BANK, OLD_STRATEGY = f"{MARK}BNK", 900
BANK_2 = "account_number:{}.branch_name:{}.branch_code:{}.bank_name:{}.bank_code:{}.fa_type:BANK"
WALLET_3 = "email_address:{}.wallet_provider_name:{}.wallet_provider_code:{}.fa_type:EMAIL_WALLET"
WALLET_4 = "mobile_number:{}.wallet_provider_name:{}.wallet_provider_code:{}.fa_type:MOBILE_WALLET"
BANK_5 = (
    "account_number:{}.branch_code:{}.bank_code:{}"
    ".mobile_number:.email_address:.fa_type:BANK_ACCOUNT"
)


class Form(NamedTuple):
    """An address, the code of the strategy that takes it apart, and its branch's code."""

    fa: str
    strategy: int | None
    branch: str | None


def forms():
    """Addresses in all forms, at providers of the demonstration and at one of our own."""
    return [
        Form(BANK_2.format(new_number(), "Davao", "BYSB0002", "Bayani", "BYSB"), 2, "BYSB0002"),
        Form(BANK_2.format(new_number(), "", "lzrb0001", "", "lzrb"), 2, "LZRB0001"),
        Form(BANK_2.format(new_number(), "", "", "Pearl", "PRLC"), 2, None),
        Form(BANK_2.format(new_number(), "", "pX-1", "Pearl", "PRLC"), 2, "pX-1"),
        Form(BANK_2.format(new_number(), "", f"{OLD_BANK}1", "", OLD_BANK), 2, f"{OLD_BANK}1"),
        Form(WALLET_3.format(f"{MARK}@example.org", "MailPeso", "MPSO"), 3, None),
        Form(WALLET_4.format(f"{DIGITS}1", "PesoGo", "PSGO"), 4, None),
        Form(BANK_5.format(new_number(), "MNDB0001", "MNDB"), 5, "MNDB0001"),
        Form(BANK_5.format(new_number(), "", "PRLC"), 5, None),
        Form(bank_fa(new_number()), 101, None),
        Form(bank_fa(new_number(), OLD_BANK), 101, None),
        Form(f"mobile:{DIGITS}2@TNDP", 102, None),
        Form(f"{OLD_BANK}/{new_number()}", OLD_STRATEGY, None),
        Form(new_fa(), None, None),
        Form(f"{MARK} counter 3, Naga", None, None),
    ]


class Content:
    """Fills the database of a server; asks the same questions before and after an upgrade.

    :param server: `RunningServer`
    :ivar dict linked: `Form` of each ID that is linked in the end
    :ivar str suspended: one of them
    :ivar list gone: IDs that were linked once; the first one was erased
    :ivar dict clients: `Client` with a live token, by profile
    :ivar list ended: clients whose token has ended
    :ivar list sent: (operation, body, answer) of strict messages that changed something
    :ivar int open_dialog: of the back office, ready to link the last of `gone` again
    """

    def __init__(self, server):
        self.office = BackOffice(server)
        self.clients = {
            profile: self._participant(server, profile)
            for profile in ("strict", "openg2p_1", "openg2p_2")
        }
        self.ended = [self._participant(server, "strict") for _number in range(2)]
        self.sent = []

    def fill(self):
        """Leave traces of everything that people and participants do."""
        self._extend_directory()
        self._link()
        self._change()
        self._suspend_and_erase()
        self._retire_directory()
        self._end_tokens()
        self._access()

    # People and participants

    def _participant(self, server, profile):
        """A new participant that may do everything, with a live token."""
        sender_id = f"{MARK}-{profile}-{new_number()}"
        may = ("may_link", "may_update", "may_unlink", "may_resolve", "may_see_details")
        values = {"name": "Upgraded", "sender_id": sender_id, "profile": profile}
        values |= dict.fromkeys((*may, "may_override"), True) | {"fa_policy": "opaque"}
        created = self.create("g2p.spar.participant", **values)
        credentials = {"sender_id": sender_id, "profile": profile, "id": created}
        client = Client(server, credentials=credentials | self._secret(created))
        assert client.token
        return client

    def _secret(self, participant_id):
        dialog = self.create("g2p.spar.participant.secret", participant_id=participant_id)
        context = self.do("g2p.spar.participant.secret", "action_rotate", [dialog])["context"]
        CREDENTIALS.add(context["default_client_secret"])
        return {name: context[f"default_{name}"] for name in ("client_id", "client_secret")}

    def _extend_directory(self):
        pattern = "{bank_code}/{account_number}"
        self.strategy = self.create(
            "g2p.fa.strategy",
            name="Old",
            code=OLD_STRATEGY,
            fa_type="bank",
            construct_pattern=pattern,
        )
        self.bank = self.create("g2p.fa.provider", name="Old", code=OLD_BANK, fa_type="bank")
        branch = {"provider_id": self.bank, "name": "Old", "code": f"{OLD_BANK}1"}
        self.branch = self.create("g2p.fa.branch", **branch)

    def _link(self):
        """Addresses of all forms, an item that is refused, and a message of each other profile."""
        self.linked = {new_id(): form for form in forms()}
        items = [
            {"id": id_, "fa": form.fa, "name": f"{MARK} Zoë", "phone_number": new_phone()}
            for id_, form in self.linked.items()
        ]
        items[0]["additional_info"] = [{"name": "n", "value": "Ж"}]
        self._send("link", [*items, {**items[0], "fa": new_fa()}], refused=1)
        for profile in ("openg2p_1", "openg2p_2"):
            id_, form = new_id(), Form(bank_fa(new_number()), 101, None)
            reply = self.clients[profile].call("link", [{"id": id_, "fa": form.fa}], OPENG2P_1)
            assert reply.succeeded == [True], reply.body
            self.linked[id_] = form

    def _change(self):
        updated, self.gone = new_id(), [new_id(), new_id(), new_id()]
        assert self.clients["strict"].link([(self.gone[0], new_fa())]).succeeded == [True]
        self._send("link", [{"id": id_, "fa": new_fa()} for id_ in (updated, *self.gone[1:])])
        self.linked[updated] = Form(BANK_5.format(new_number(), "MNDB0002", "MNDB"), 5, "MNDB0002")
        self._send("update", [{"id": updated, "fa": self.linked[updated].fa}])
        self._send("unlink", [{"id": id_} for id_ in self.gone[1:]])

    def _suspend_and_erase(self):
        suspended, reactivated = list(self.linked)[:2]
        self._apply("suspend", suspended)
        self._apply("suspend", reactivated)
        self._apply("reactivate", reactivated)
        self._apply("erase", self.gone[0])
        self.suspended = suspended

    def _retire_directory(self):
        """Addresses stay when a branch, a provider or a strategy does not take new ones."""
        for model, record in (
            ("g2p.fa.branch", self.branch),
            ("g2p.fa.provider", self.bank),
            ("g2p.fa.strategy", self.strategy),
        ):
            self.do(model, "write", [record], {"active": False})

    def _end_tokens(self):
        rotated, archived = (client.credentials["id"] for client in self.ended)
        self._secret(rotated)
        self.do("g2p.spar.participant", "write", [archived], {"active": False})

    def _access(self):
        """The access log has rows of its own and loaded ones; the spool holds what comes later."""
        group = self.office.reference("g2p_spar_mapper.group_show_address")
        administrator = self.office.reference("base.user_admin")
        self.do("res.users", "write", [administrator], {"group_ids": [[4, group]]})
        mapping = self._mapping(self.suspended)
        dialog = self.create("g2p.spar.address.reveal", mapping_id=mapping, reason="upgrade")
        self.do("g2p.spar.address.reveal", "action_reveal", [dialog])
        self.load_spool()
        assert self.clients["openg2p_1"].resolve(list(self.linked)).status == 200
        typed = {"id_value": self.gone[-1], "number": new_number(), "name": f"{MARK} Typed"}
        bank = self.office.reference("g2p_spar_demo.provider_pearl")
        self.open_dialog = self.create("g2p.spar.mapping.change", provider_id=bank, **typed)

    def load_spool(self):
        self.office.run_job("g2p_spar_mapper.cron_load_access_spool")

    # Questions

    def ask(self, mappings):
        """Answers about people, by ID, by address and by both.

        :param list mappings: (ID, address) pairs, and those of IDs that are gone
        :return: answered items without their time
        """
        scope = {"scope": "details"}
        items = [{"id": id_, **scope} for id_, _fa in mappings]
        items += [{"fa": fa, **scope} for _id, fa in mappings]
        items += [{"id": id_, "fa": fa, "scope": "yes_no"} for id_, fa in mappings]
        items += [{"id": id_, **scope} for id_ in self.gone]
        answers = {}
        for profile, base in (("strict", STANDARD), ("openg2p_1", OPENG2P_1)):
            reply = self.clients[profile].call("resolve", items, base)
            assert reply.status == 200, reply.body
            found = [dict(item, timestamp=None) for item in reply.items]
            answers |= {(profile, item["reference_id"]): item for item in found}
        assert len(answers) == 2 * len(items)
        return answers

    def move(self, server):
        """Talk to the server that runs now; the clients keep their tokens."""
        self.office = BackOffice(server)
        for client in (*self.clients.values(), *self.ended):
            client.url = server.url

    # Helpers

    def _send(self, operation, items, refused=0):
        client = self.clients["strict"]
        body = json.dumps(client.message(operation, items)).encode()
        reply = client.post(operation, body)
        assert reply.succeeded.count(False) == refused, reply.body
        self.sent.append((operation, body, reply.body))

    def create(self, model, **values):
        [record] = self.do(model, "create", [values])
        return record

    def do(self, model, method, *arguments):
        result, problem = self.office.call(model, method, *arguments)
        assert problem is None, f"{model}.{method}: {problem}"
        return result

    def _mapping(self, id_):
        [mapping] = self.office.find("g2p.spar.mapping", ["id_masked", "=", id_])
        return mapping

    def _apply(self, operation, id_):
        values = {"operation": operation, "mapping_id": self._mapping(id_), "reason": "upgrade"}
        dialog = self.create("g2p.spar.mapping.change", **values)
        self.do("g2p.spar.mapping.change", "action_apply", [dialog])


def mappings(connection):
    """(ID, address) of everybody who is linked, those of the demonstration too."""
    return query(connection, "SELECT id_value, fa FROM g2p_spar_mapping ORDER BY id")
