# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Hypothesis strategies for the values of the protocol, and requests to build on."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import settings
from hypothesis import strategies as st

from ..g2p_connect import txn_status
from ..g2p_connect.envelope import parse_request
from ..g2p_connect.values import (
    OPERATIONS,
    AccountProvider,
    Header,
    LinkItem,
    Outcome,
    Request,
    ResolveItem,
    Result,
    UnlinkItem,
    UpdateItem,
)

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
WINDOW = timedelta(minutes=5)

# Nothing is written to the disk, and a busy machine fails no test.
quick = settings(database=None, deadline=None, max_examples=60)

characters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))
text = st.text(characters, min_size=1, max_size=30)
token = st.text("abcXYZ0189-_.", min_size=1, max_size=12)
ids = st.builds("{}:{}@{}".format, token, token, token)
fas = st.one_of(ids, text)
locales = st.from_regex(r"[a-z]{2,3}", fullmatch=True)
phones = st.builds(
    "{}+{}{}".format,
    st.sampled_from(["", "tel:"]),
    st.from_regex(r"[1-9][0-9]{1,14}", fullmatch=True),
    st.sampled_from(["", ";ext=12"]),
)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
timestamps = st.datetimes(timezones=offsets, min_value=datetime(1000, 1, 2)).map(datetime.isoformat)

scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(-(2.0**62), 2.0**62),
    text,
)
json_values = st.recursive(
    scalars | st.none() | st.just(""),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
attributes = st.fixed_dictionaries(
    {"name": text, "value": scalars | st.dictionaries(text, json_values, max_size=2)}
)
attribute_lists = st.lists(attributes, max_size=3)
some_json = json_values.filter(lambda value: value is not None)


def optional(strategy):
    return st.none() | strategy


def items(operation, profile):
    """Items without problems."""
    strict = profile == "strict"
    common = {
        "reference_id": text,
        "additional_info": optional(attribute_lists if strict else some_json),
        "locale": optional(locales if strict else text),
        "timestamp": timestamps if strict else text,
        "problem": st.none(),
    }
    id_strategy = ids if strict else text
    named = {"name": optional(text)}
    called = {"phone_number": optional(phones if strict else text)}
    if operation in ("link", "update"):
        item_type = LinkItem if operation == "link" else UpdateItem
        return st.builds(item_type, id=id_strategy, fa=fas, **named, **called, **common)
    if operation == "unlink":
        return st.builds(UnlinkItem, id=id_strategy, fa=st.just("") | fas, **common)
    return st.builds(
        ResolveItem,
        id=st.just("") | id_strategy,
        fa=st.just("") | fas,
        scope=st.sampled_from(["yes_no", "details"]),
        **named,
        **common,
    ).filter(lambda item: item.id or item.fa)


@st.composite
def requests(draw, operation, profile):
    strict = profile == "strict"
    drawn = draw(
        st.lists(
            items(operation, profile),
            min_size=1,
            max_size=5,
            unique_by=(lambda item: item.reference_id) if strict else None,
        )
    )
    meta = st.dictionaries(text, json_values, max_size=2) if strict else some_json.filter(bool)
    header = Header(
        version=draw(st.sampled_from(["1.0.0", "1.0", "1", "1.12.3"])),
        message_id=draw(text),
        message_ts=NOW.isoformat() if strict else draw(text),
        action=operation,
        sender_id=draw(text),
        sender_uri=draw(optional(text)),
        receiver_id=draw(optional(text)),
        total_count=len(drawn) if strict else draw(st.integers(-(2**31), 2**31)),
        meta=draw(optional(meta)),
    )
    return Request(header, operation, draw(text), drawn)


@st.composite
def status_requests(draw, profile):
    strict = profile == "strict"
    attribute_type = draw(st.sampled_from(txn_status.ATTRIBUTE_TYPES))
    references = st.lists(text, min_size=1, max_size=5, unique=True).map(tuple)
    return txn_status.StatusRequest(
        header=draw(requests("link", profile)).header._replace(
            action="txn-status", **({"total_count": 1} if strict else {})
        ),
        transaction_id=draw(text),
        reference_id=draw(text),
        txn_type=draw(st.sampled_from(OPERATIONS)),
        attribute_type=attribute_type,
        attribute_value=draw(references if attribute_type == "reference_id_list" else text),
        locale=draw(optional(locales)),
    )


ANSWERS = {
    "link": (Outcome.DONE, Outcome.ALREADY_LINKED, Outcome.RETRY, Outcome.OTHER),
    "update": (Outcome.DONE, Outcome.NOT_LINKED),
    "unlink": (Outcome.DONE, Outcome.NOT_LINKED, Outcome.FA_MISMATCH),
    "resolve": (
        Outcome.ID_ACTIVE,
        Outcome.ID_INACTIVE,
        Outcome.ID_NOT_FOUND,
        Outcome.FA_ACTIVE,
        Outcome.FA_INACTIVE,
        Outcome.FA_NOT_FOUND,
        Outcome.FA_NOT_LINKED_TO_ID,
        Outcome.ID_OR_FA_REQUIRED,
        Outcome.SCOPE_NOT_SUPPORTED,
    ),
}
REFUSALS = (
    Outcome.REFERENCE_ID_INVALID,
    Outcome.REFERENCE_ID_DUPLICATE,
    Outcome.TIMESTAMP_INVALID,
    Outcome.ID_EMPTY,
    Outcome.ID_INVALID,
    Outcome.FA_EMPTY,
    Outcome.FA_INVALID,
    Outcome.ID_NOT_ALLOWED,
    Outcome.FA_NOT_ALLOWED,
)

providers = st.builds(
    AccountProvider, name=text, code=text, subcode=optional(text), additional_info=st.none()
)


def results(operation, profile, item):
    """Results that this item may get and that an answer can tell in full."""
    outcomes = ANSWERS[operation] + REFUSALS
    if profile != "strict" and operation == "link":
        # One code for both there.
        outcomes = tuple(set(outcomes) - {Outcome.REFERENCE_ID_DUPLICATE})
    resolve = operation == "resolve"
    return st.builds(
        Result,
        reference_id=st.just(item.reference_id),
        outcome=st.sampled_from(outcomes),
        message=st.none(),
        name=st.none(),
        phone_number=st.none(),
        id=st.just(item.id or None),
        fa=optional(fas) if resolve else st.just(None if operation == "unlink" else item.fa),
        provider=optional(providers) if resolve else st.none(),
        additional_info=optional(
            attribute_lists if profile == "strict" else st.lists(json_values, max_size=2)
        ),
        locale=st.just(item.locale),
        since=st.none(),
        address=st.none(),
    )


def wire(operation, profile="strict", count=1, **members):
    """A request as a client of that profile sends it; `members` go into the first item.

    A member that is `...` is left out.
    """
    common = {"timestamp": "2026-01-15T09:29:58+00:00", "id": "token:1@nationalId"}
    if operation in ("link", "update"):
        common["fa"] = "account:1@bank.ifsc"
    raw_items = [common | {"reference_id": f"r{number}"} for number in range(1, count + 1)]
    raw_items[0] = {k: v for k, v in (raw_items[0] | members).items() if v is not ...}
    header = {
        "version": "1.0.0",
        "message_id": "m1",
        "message_ts": "2026-01-15T09:30:00Z",
        "action": operation,
        "sender_id": "pbms.example.org",
        "total_count": count,
    }
    if profile != "strict":
        header |= {
            "message_id": "string",
            "message_ts": "2024-05-01 10:00:00",
            "total_count": 0,
        }
    message = {"transaction_id": "t1", f"{operation}_request": raw_items}
    return {"signature": "", "header": header, "message": message}


def parse(payload, operation, profile="strict", max_items=10_000):
    return parse_request(
        payload, operation, profile, max_items=max_items, now=NOW, ts_window=WINDOW
    )
