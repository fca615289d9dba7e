# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The schemas of OpenG2P 2.x's requests against the parser, in both directions."""

import copy

from odoo.tests import BaseCase

from odoo.addons.g2p_spar_fa_directory.financial_address import fa_problem
from odoo.addons.g2p_spar_fa_directory.ids import id_problem

from ..g2p_connect import directory_v2, envelope_v2
from ..g2p_connect.errors import EnvelopeError, HeaderRejected
from ..g2p_connect.fa_object import ALIASES, SHAPES, FaObject
from ..g2p_connect.values import OPERATIONS
from ..openapi import schemas_v2
from ..openapi.examples import examples, listing_examples
from . import strategies as s
from .test_openapi_schemas import ABSENT, MAX_ITEMS, PROBES, Validator

PROFILE = schemas_v2.PROFILE
FAS = [
    {
        "strategy_id": 1,
        "fa_type": token,
        **dict.fromkeys((*required, *optional), "x"),
        **({ALIASES[kind]: "x"} if kind in ALIASES else {}),
    }
    for token, (kind, required, optional) in SHAPES.items()
]
PAGE_PROBES = [
    "bank_name",
    "-bank_code",
    "sp_code",
    "-id",
    2,
    {"id": 1},
    {"id": "1"},
    {"bank_name": "x"},
]
PAGE_PROBES += [{"branch_code": None}, {"bank_id": 1}, {"nothing": 1}]


def envelope(payload, pagination=None):
    header = {"sender_app_mnemonic": "a", "sender_app_url": "u", "request_id": "r"}
    header |= {"request_timestamp": "t", "instance_id": None}
    body = {"pagination_request": pagination, "request_payload": payload}
    return {"request_header": header, "request_body": body}


def full(operation, fa):
    item = {"reference_id": "r1", "timestamp": "t", "id": "token:1@nationalId", "fa": fa}
    item |= {"name": "n", "phone_number": "1", "additional_info": [], "locale": "en"}
    item |= {"scope": "details"}
    known = schemas_v2.request_item(operation)["properties"]
    items = [{name: value for name, value in item.items() if name in known}]
    return envelope({"transaction_id": "t", f"{operation}_request": items})


def objects(payload, operation=None):
    """Every object of a request, with its name."""
    body = payload["request_body"]
    yield "", payload
    yield "header", payload["request_header"]
    yield "body", body
    if operation:
        [item] = body["request_payload"][f"{operation}_request"]
        yield "payload", body["request_payload"]
        yield "item", item
        if isinstance(item["fa"], dict):
            yield "fa", item["fa"]
    else:
        yield "page", body["pagination_request"]
        yield "payload", body["request_payload"]


def variants(whole, operation, probes, only=None):
    """The request with each member (of these places only) replaced by each probe, or left out."""
    for place, members in objects(whole, operation):
        if only and place not in only:
            continue
        for name in [*members, "unknown"]:
            for probe in probes:
                payload = copy.deepcopy(whole)
                target = dict(objects(payload, operation))[place]
                if probe is ABSENT:
                    target.pop(name, None)
                else:
                    target[name] = probe
                yield (place, name, probe), payload


def is_parsed(payload, operation):
    try:
        request = envelope_v2.parse_request(
            payload, operation, PROFILE, max_items=MAX_ITEMS, now=s.NOW, ts_window=s.WINDOW
        )
    except (EnvelopeError, HeaderRejected):
        return False
    return not any(map(_is_refused, request.items))


def _is_refused(item):
    if item.problem or (item.id and id_problem(item.id)):
        return True
    return bool(item.fa and not isinstance(item.fa, FaObject) and fa_problem(item.fa))


class TestOpenapiSchemasV2(BaseCase):
    def test_parser_and_schema_agree(self):
        disagreements = []
        for operation in OPERATIONS:
            validator = Validator(schemas_v2.request(operation, MAX_ITEMS))
            texts = [] if operation in ("link", "update") else ["account:1@b"]
            for fa in [*FAS, *texts]:
                whole = full(operation, fa)
                self.assertTrue(validator.is_valid(whole))
                self.assertTrue(is_parsed(whole, operation))
                # all others are the same with each operation, or with each address
                only = ("item", "fa") if fa is FAS[0] else ("fa",)
                if operation == "link" and fa is FAS[0]:
                    only = None
                for what, payload in variants(whole, operation, PROBES, only):
                    if validator.is_valid(payload) != is_parsed(payload, operation):
                        disagreements.append((operation, *what))
        self.assertEqual(disagreements, [])

    def test_parser_and_schema_of_listings_agree(self):
        page = {
            "current_page": 1,
            "page_size": 1,
            "sort_by": "",
            "filter_by": {},
            "search_text": "",
        }
        disagreements = []
        for listing in directory_v2.LISTINGS:
            validator = Validator(schemas_v2.listing_request(listing))
            whole = envelope({"bank_id": 1}, page)
            self.assertTrue(validator.is_valid(whole))
            for what, payload in variants(whole, None, [*PROBES, *PAGE_PROBES]):
                try:
                    directory_v2.parse_request(
                        payload, listing, PROFILE, now=s.NOW, ts_window=s.WINDOW
                    )
                    parsed = True
                except (EnvelopeError, HeaderRejected):
                    parsed = False
                if validator.is_valid(payload) != parsed:
                    disagreements.append((listing, *what))
        self.assertEqual(disagreements, [])

    def test_examples_are_valid(self):
        for operation in OPERATIONS:
            schema = {"oneOf": [schemas_v2.carried_out(operation), schemas_v2.rejected(operation)]}
            self.check(examples(operation, PROFILE), schemas_v2.request(operation, 10), schema)
        for listing in directory_v2.LISTINGS:
            request = schemas_v2.listing_request(listing)
            self.check(listing_examples(listing), request, schemas_v2.listed(listing))

    def check(self, shown, request_schema, answer_schema):
        for example in shown:
            unreadable = example.status == 400
            schema = schemas_v2.envelope_error() if unreadable else answer_schema
            self.assertEqual(list(Validator(schema).iter_errors(example.answer)), [])
            if example.name not in ("rejected", "unreadable"):
                errors = list(Validator(request_schema).iter_errors(example.request))
                self.assertEqual(errors, [], example.name)
