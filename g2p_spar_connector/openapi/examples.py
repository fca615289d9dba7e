# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Example messages and their answers, as the parser and the renderer themselves make them.

They work on a registry with demonstration data, in the order of `ORDER`: what is linked is
resolved, changed, and unlinked in the end.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ..g2p_connect import ack, directory_v2, envelope, envelope_v2, txn_status
from ..g2p_connect.errors import EnvelopeError, HeaderRejected
from ..g2p_connect.fa_format import DEFAULTS, tell
from ..g2p_connect.fa_object import FaObject
from ..g2p_connect.values import AccountProvider, Address, Outcome, Result, refusal

ORDER = ("link", "update", "resolve", "unlink")
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
CORRELATION_ID = "0b2e4c52-6f0b-4d53-9a35-0a1d6f5b7c11"
SENDERS = {
    "strict": "demo-strict",
    "openg2p_1": "demo-openg2p-1",
    "openg2p_2": "demo-openg2p-2",
}
WINDOW = timedelta(hours=1)

ID, OTHER_ID, UNKNOWN_ID = (f"token:example{number}@nationalId" for number in (1, 2, 3))
ASYNC_ID = "token:example4@nationalId"
FA = (
    "account_number:123456789012.branch_name:Tacloban Branch.branch_code:BYSB0001."
    "bank_name:Bayani Savings Bank.bank_code:BYSB.fa_type:BANK"
)
OTHER_FA = "account:987654321@BYSB"
WALLET_FA = (
    "mobile_number:9171234567.wallet_provider_name:PesoGo.wallet_provider_code:PSGO."
    "fa_type:MOBILE_WALLET"
)
_BANK = {"bank_name": "Bayani Savings Bank", "bank_code": "BYSB", "fa_type": "BANK"}
# By string: the object that stands for it in OpenG2P 2.x.
FA_OBJECTS = {
    FA: {
        "account_number": "123456789012",
        "branch_name": "Tacloban Branch",
        "branch_code": "BYSB0001",
        **_BANK,
        "strategy_id": 2,
    },
    OTHER_FA: {
        "account_number": "987654321",
        "branch_name": "",
        "branch_code": "",
        **_BANK,
        "strategy_id": 101,
    },
    WALLET_FA: {
        "mobile_number": "9171234567",
        "wallet_provider_name": "PesoGo",
        "wallet_provider_code": "PSGO",
        "fa_type": "MOBILE_WALLET",
        "strategy_id": 4,
    },
}
INFO = [{"name": "programme", "value": 7}]
PROVIDER = AccountProvider("Bayani Savings Bank", "BYSB", "BYSB0001")
ADDRESS = Address(
    "bank", "123456789012", "BYSB", "Bayani Savings Bank", "BYSB0001", "Tacloban Branch", 2
)


class Example(NamedTuple):
    """`answer` is what `request` gets, with HTTP `status`, but for times and correlation ids."""

    name: str
    summary: str
    status: int
    request: dict
    answer: dict


class _Case(NamedTuple):
    name: str
    summary: str
    items: list[dict]
    # of the items that reach the mapper
    results: list[Result] = []
    header: dict = {}


def _done(count=1, outcome=Outcome.DONE):
    return [Result("", outcome)] * count


_CASES = {
    "link": [
        _Case(
            "link",
            "Link an ID to a bank account",
            [
                {
                    "id": ID,
                    "fa": FA,
                    "name": "A. Person",
                    "phone_number": "+639171234567",
                    "additional_info": INFO,
                    "locale": "eng",
                }
            ],
            _done(),
        ),
        _Case(
            "batch",
            "Two items, one of which is refused: its ID has an address already",
            [{"id": OTHER_ID, "fa": WALLET_FA}, {"id": ID, "fa": FA}],
            [*_done(), *_done(outcome=Outcome.ALREADY_LINKED)],
        ),
    ],
    "update": [
        _Case(
            "update",
            "Give a linked ID another address",
            [{"id": OTHER_ID, "fa": OTHER_FA}],
            _done(),
        ),
        _Case(
            "not_linked",
            "An ID that has no address",
            [{"id": UNKNOWN_ID, "fa": OTHER_FA}],
            _done(outcome=Outcome.NOT_LINKED),
        ),
    ],
    "resolve": [
        _Case(
            "details",
            "Two IDs with their addresses; one is not linked",
            [{"id": ID, "scope": "details"}, {"id": UNKNOWN_ID, "scope": "details"}],
            [
                Result(
                    "",
                    Outcome.ID_ACTIVE,
                    fa=FA,
                    provider=PROVIDER,
                    additional_info=INFO,
                    address=ADDRESS,
                ),
                Result("", Outcome.ID_NOT_FOUND),
            ],
        ),
        _Case(
            "yes_no", "Only whether it is linked", [{"id": ID}], _done(outcome=Outcome.ID_ACTIVE)
        ),
        _Case(
            "by_fa",
            "By address: whether, never whose; and whether it is this ID's",
            [{"fa": OTHER_FA}, {"id": ID, "fa": OTHER_FA}],
            [Result("", Outcome.FA_ACTIVE), Result("", Outcome.FA_NOT_LINKED_TO_ID)],
        ),
    ],
    "unlink": [
        _Case(
            "unlink", "Remove the addresses of two IDs", [{"id": ID}, {"id": OTHER_ID}], _done(2)
        ),
        _Case(
            "not_linked",
            "An ID that has no address",
            [{"id": UNKNOWN_ID}],
            _done(outcome=Outcome.NOT_LINKED),
        ),
    ],
}


def examples(operation: str, profile: str) -> list[Example]:
    """Requests that are carried out, one that the header rejects, one that cannot be read."""
    item = (
        {"id": UNKNOWN_ID} if operation in ("resolve", "unlink") else {"id": UNKNOWN_ID, "fa": FA}
    )
    about, items, header = _REJECTED[profile]
    cases = [
        *_CASES[operation],
        _Case("rejected", f"Rejected as a whole: {about}", [item] * items, header=header),
        _Case(
            "unreadable",
            "Cannot be read: the header has no id",
            [item],
            header={_HEADER_ID[profile]: None},
        ),
    ]
    return [_example(case, operation, profile) for case in cases]


# What is wrong, number of items, members of the header
_REJECTED = {
    "strict": ("total_count is not the number of items", 1, {"total_count": 2}),
    "openg2p_1": ("the version is not 1.x", 1, {"version": "2.0.0"}),
    "openg2p_2": ("the message has no items", 0, {}),
}
_HEADER_ID = {"strict": "message_id", "openg2p_1": "message_id", "openg2p_2": "request_id"}


def _example(case, operation, profile):
    payload = _PAYLOADS[profile](case, operation, profile)
    codec = envelope_v2 if profile == "openg2p_2" else envelope
    try:
        request = codec.parse_request(
            payload, operation, profile, max_items=10, now=NOW, ts_window=WINDOW
        )
    except EnvelopeError as error:
        answer = codec.render_envelope_error(error, operation, profile, now=NOW)
        return Example(case.name, case.summary, 400, payload, answer)
    except HeaderRejected as error:
        answer = codec.render_header_rejection(error, operation, profile, now=NOW)
        return Example(case.name, case.summary, 200, payload, answer)
    request = request._replace(items=[_with_string(item) for item in request.items])
    answers = iter(case.results)
    results = [
        refusal(item) if item.problem else next(answers)._replace(reference_id=item.reference_id)
        for item in request.items
    ]
    correlation_id = None if operation == "resolve" else CORRELATION_ID
    answer = codec.render_answer(
        request, tell(results, DEFAULTS[profile]), profile, now=NOW, correlation_id=correlation_id
    )
    return Example(case.name, case.summary, 200, payload, answer)


def _with_string(item):
    """The item as the directory leaves it: with the string that a strategy makes of an object."""
    if not isinstance(item.fa, FaObject):
        return item
    [fa] = [fa for fa, shown in FA_OBJECTS.items() if item.fa.parts.items() <= shown.items()]
    return item._replace(fa=fa)


# --- asynchronous operations ---


def async_examples(operation: str, profile: str) -> list[Example]:
    """A message that is accepted, one that its header rejects, one that cannot be read.

    They name an ID that no synchronous example names. Each gets its acknowledgement.
    """
    item = {"id": ASYNC_ID, "fa": OTHER_FA} if operation in ("link", "update") else {"id": ASYNC_ID}
    about, items, header = _REJECTED[profile]
    told = "a callback will follow" if _ACCEPTED[profile] == "ACK" else "there is no callback"
    cases = [
        _Case("accepted", f"Accepted; {told}", [item]),
        _Case("rejected", f"Rejected as a whole: {about}", [item] * items, header=header),
        _Case(
            "unreadable",
            "Cannot be read: the header has no id",
            [item],
            header={"message_id": None},
        ),
    ]
    return [_async_example(case, operation, profile) for case in cases]


# In the demonstration nobody has a callback address.
_ACCEPTED = {"strict": "NACK", "openg2p_1": "ACK"}


def _async_example(case, operation, profile):
    payload = _PAYLOADS[profile](case, operation, profile)
    payload["header"] = {
        name: f"asynchronous-{value}" if name == "message_id" else value
        for name, value in payload["header"].items()
    }
    status, answer = 200, ack.render_ack(_ACCEPTED[profile], CORRELATION_ID, NOW)
    try:
        envelope.check_request(payload, operation, profile, max_items=10, now=NOW, ts_window=WINDOW)
    except EnvelopeError as error:
        status, answer = 400, ack.render_error(error.code, error.message, CORRELATION_ID, NOW)
    except HeaderRejected as error:
        text = f"{error.code}: {error.message}"
        answer = ack.render_error("err.request.bad", text, CORRELATION_ID, NOW)
    return Example(case.name, case.summary, status, payload, answer)


# --- status ---


def status_examples(profile: str) -> list[Example]:
    """Questions about the first example of link, and about what is not on record."""
    shown = examples("link", profile)[0]
    linked = {"transaction_id": shown.request["message"]["transaction_id"]}
    by_reference = {"attribute_type": "reference_id_list", "attribute_value": ["1"], **linked}
    unknown = {"attribute_type": "correlation_id", "attribute_value": "unknown"}
    found = txn_status.TransactionStatus(
        "link",
        linked["transaction_id"],
        CORRELATION_ID,
        "succ",
        1,
        1,
        shown.answer["message"]["link_response"],
    )
    about, _items, header = _REJECTED[profile]
    return [
        _status_example(_Case("found", "What became of an item", [by_reference]), profile, found),
        _status_example(_Case("unknown", "What is not on record", [unknown]), profile),
        _status_example(
            _Case("rejected", f"Rejected as a whole: {about}", [unknown], header=header), profile
        ),
        _status_example(_Case("unreadable", "Cannot be read: by which attribute?", [{}]), profile),
    ]


def async_status_examples(profile: str) -> list[Example]:
    """The same questions with their acknowledgements."""
    return [_acknowledged(example, profile) for example in status_examples(profile)]


def _status_example(case, profile, found=None):
    payload = _question(case, profile)
    try:
        question = txn_status.parse_request(
            payload, profile, max_items=10, now=NOW, ts_window=WINDOW
        )
    except EnvelopeError as error:
        answer = envelope.render_envelope_error(error, envelope.STATUS_ACTION, profile, now=NOW)
        return Example(case.name, case.summary, 400, payload, answer)
    except HeaderRejected as error:
        answer = envelope.render_header_rejection(error, envelope.STATUS_ACTION, profile, now=NOW)
        return Example(case.name, case.summary, 200, payload, answer)
    answer = (
        txn_status.render_answer(question, found, profile, now=NOW)
        if found
        else txn_status.render_not_found(question, profile, now=NOW)
    )
    return Example(case.name, case.summary, 200, payload, answer)


def _question(case, profile):
    payload = _PAYLOADS[profile](case, envelope.STATUS_ACTION, profile)
    attributes = dict(case.items[0])
    payload["message"] = {
        "transaction_id": attributes.pop("transaction_id", "example-status"),
        "txnstatus_request": {"reference_id": "1", "txn_type": "link", **attributes},
    }
    return payload


def _acknowledged(example, profile):
    payload = {**example.request}
    payload["header"] = {**payload["header"], "message_id": f"asynchronous-{example.name}"}
    status, answer = 200, ack.render_ack(_ACCEPTED[profile], CORRELATION_ID, NOW)
    try:
        txn_status.parse_request(payload, profile, max_items=10, now=NOW, ts_window=WINDOW)
    except EnvelopeError as error:
        status, answer = 400, ack.render_error(error.code, error.message, CORRELATION_ID, NOW)
    except HeaderRejected as error:
        text = f"{error.code}: {error.message}"
        answer = ack.render_error("err.request.bad", text, CORRELATION_ID, NOW)
    return Example(example.name, example.summary, status, payload, answer)


# --- requests, as the clients of each profile send them ---


def _strict(case, operation, profile):
    now = NOW.isoformat().replace("+00:00", "Z")
    header = {
        "version": "1.0.0",
        "message_id": f"{operation}-{case.name}",
        "message_ts": now,
        "action": operation,
        "sender_id": SENDERS[profile],
        "total_count": len(case.items),
    }
    return {
        "header": _without_none(header | case.header),
        "message": {
            "transaction_id": f"example-{case.name}",
            f"{operation}_request": [
                {"reference_id": str(number), "timestamp": now, **item}
                for number, item in enumerate(case.items, 1)
            ],
        },
    }


def _openg2p_1(case, operation, profile):
    """No time zone, empty strings and nulls."""
    now = NOW.strftime("%Y-%m-%d %H:%M:%S.%f")
    empty = {"message_ts": now, "sender_id": "", "sender_uri": "", "receiver_id": ""}
    header = {**empty, "is_msg_encrypted": False, **case.header}
    payload = _strict(case._replace(header=header), operation, profile)
    payload["message"][f"{operation}_request"] = [
        {"name": None, "additional_info": None, "locale": "en", **item, "timestamp": now}
        for item in payload["message"][f"{operation}_request"]
    ]
    return {"signature": None, **payload}


def _openg2p_2(case, operation, profile):
    written = operation in ("link", "update")
    message = _openg2p_1(case, operation, profile)["message"]
    for item in message[f"{operation}_request"]:
        if written:
            item["fa"] = FA_OBJECTS[item["fa"]]
    return _envelope_2(f"{operation}-{case.name}", message, case.header)


def _envelope_2(request_id, payload, header, pagination=None):
    header = {
        "sender_app_mnemonic": SENDERS["openg2p_2"],
        "sender_app_url": "",
        "request_id": request_id,
        "request_timestamp": NOW.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "instance_id": None,
        **header,
    }
    if header["request_id"] is None:
        del header["request_id"]
    body = {"pagination_request": pagination, "request_payload": payload}
    return {"request_header": header, "request_body": body}


_PAYLOADS = {"strict": _strict, "openg2p_1": _openg2p_1, "openg2p_2": _openg2p_2}


def _without_none(members):
    return {name: value for name, value in members.items() if value is not None}


# --- the directory of OpenG2P 2.x ---

_LISTED = {
    "banks": ("Bayani", (1, "Bayani", "Bayani Savings Bank", "BYSB")),
    "branches": ("BYSB0001", (1, "BYSB0001", "Tacloban Branch", "BYSB0001", 1)),
    "wallet_service_providers": ("PesoGo", (8, "PesoGo", "PesoGo", "PSGO", "MOBILE_WALLET")),
}


def listing_examples(listing: str) -> list[Example]:
    """A page of the listing, and a request that cannot be read. Database ids differ."""
    text, row = _LISTED[listing]
    page = {
        "current_page": 1,
        "page_size": 10,
        "sort_by": None,
        "filter_by": None,
        "search_text": text,
    }
    cases = [
        ("page", f"The first ten that have {text} in name or code", page),
        ("unreadable", "Cannot be read: there is no page 0", page | {"current_page": 0}),
    ]
    return [_listing_example(listing, row, *case) for case in cases]


def _listing_example(listing, row, name, summary, page):
    payload = _envelope_2(f"{listing}-{name}", None, {}, page)
    try:
        header, page = directory_v2.parse_request(
            payload, listing, "openg2p_2", now=NOW, ts_window=WINDOW
        )
    except EnvelopeError as error:
        answer = envelope_v2.render_envelope_error(error, listing, "openg2p_2", now=NOW)
        return Example(name, summary, 400, payload, answer)
    answer = directory_v2.render_answer(header, listing, page, [row], 1, now=NOW)
    return Example(name, summary, 200, payload, answer)
