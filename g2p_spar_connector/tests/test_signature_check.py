# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..g2p_connect import jwk
from ..g2p_connect.signature import DIALECTS, SIGNING_ALGORITHMS, sign
from ..g2p_connect.signature_check import Sample, explain
from . import strategies as s
from .test_hostile_input import nasty_text

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OURS = {name: jwk.generate(name) for name in ("RS256", "EdDSA")}
OTHER = {name: jwk.generate(name) for name in OURS}
BODY = {
    "header": {"sender_id": "a.test", "message_ts": "2026-03-01T11:00:00+00:00"},
    "message": {"b": "SECRET é", "a": 1},
}


def public(key, **changes):
    return jwk.from_jwk(jwk.public_jwk(key))._replace(**changes)


class TestExplain(BaseCase):
    def explain(self, dialect, raw, text=None, keys=None, ended=(), now=NOW):
        keys = [public(OURS[SIGNING_ALGORITHMS[dialect]])] if keys is None else keys
        explanation = explain(Sample(dialect, raw, text or "", keys, ended, now))
        told = "\n".join(explanation.lines)
        self.assertNotIn("SECRET", told)
        return explanation.holds, told

    def assertHolds(self, what, *args, **kwargs):
        holds, told = self.explain(*args, **kwargs)
        self.assertTrue(holds, told)
        self.assertRegex(told, what)

    def assertRefused(self, what, *args, **kwargs):
        holds, told = self.explain(*args, **kwargs)
        self.assertFalse(holds)
        self.assertRegex(told, what)

    def sign(self, dialect, key=None):
        signed = sign(dialect, BODY, key or OURS[SIGNING_ALGORITHMS[dialect]], "a.test", NOW)
        return signed.raw, signed.headers.get("Signature")

    def jws(self, signed, key, algorithm="RS256", **header):
        token = jwt.api_jws.encode(signed, key.key.private_key, algorithm, header)
        head, _, value = token.split(".")
        return f"{head}..{value}"

    def test_it_holds(self):
        for dialect, what in (
            ("openg2p_1", "bytes of the body as they are.\nmessage_ts: 1:00:00 ago"),
            ("openg2p_2", "bytes of the body as they are"),
            ("g2p_connect", "header and message.*\ncreated: 0:00:00 ago"),
        ):
            self.assertHolds(what, dialect, *self.sign(dialect))
            self.assertHolds(OURS[SIGNING_ALGORITHMS[dialect]].kid, dialect, *self.sign(dialect))
        pretty = json.dumps(BODY, indent=1).encode()
        self.assertHolds("in their order", "openg2p_1", pretty, self.sign("openg2p_1")[1])
        self.assertHolds("sorted members", "openg2p_2", pretty, self.sign("openg2p_2")[1])

    def test_clocks(self):
        raw, _text = self.sign("g2p_connect")
        later = NOW + timedelta(hours=2)
        self.assertHolds("created: 2:00:00 ago.*\n.*expired", "g2p_connect", raw, now=later)
        sooner = NOW - timedelta(minutes=9)
        self.assertHolds("created: 0:09:00 ahead", "g2p_connect", raw, now=sooner)
        body = json.dumps({"header": {"message_ts": "yesterday"}}).encode()
        text = self.jws(body, OURS["RS256"])
        self.assertHolds("message_ts: is no time", "openg2p_1", body, text)

    def test_other_dialects(self):
        raw, text = self.sign("openg2p_2")
        pretty = json.dumps(BODY, indent=1).encode()
        self.assertRefused("holds in the dialect OpenG2P 2.x", "openg2p_1", pretty, text)
        raw, _text = self.sign("g2p_connect")
        keys = [public(OURS["EdDSA"])]
        self.assertRefused("holds in the dialect G2P-Connect", "openg2p_1", raw, keys=keys)

    def test_other_keys(self):
        raw, text = self.sign("openg2p_1", OTHER["RS256"])
        ours, other = public(OURS["RS256"]), public(OTHER["RS256"])
        self.assertRefused("that hold now: none", "openg2p_1", raw, text, keys=[])
        past = other._replace(not_after=NOW - timedelta(days=1))
        what = "revoked or out of its validity"
        self.assertRefused(what, "openg2p_1", raw, text, keys=[ours], ended=[past])
        renamed = other._replace(kid="ours")
        what = "registered as ours, but calls it otherwise"
        self.assertRefused(what, "openg2p_1", raw, text, keys=[ours, renamed])
        text = self.jws(raw, OURS["RS256"], "PS256")
        self.assertRefused("made with PS256, but .* RS256", "openg2p_1", raw, text)
        raw, _text = self.sign("g2p_connect", OTHER["EdDSA"])
        renamed = public(OTHER["EdDSA"], kid="ours")
        self.assertRefused(what.split(",")[1], "g2p_connect", raw, keys=[renamed])

    def test_other_bytes(self):
        compact = json.dumps(BODY, separators=(",", ":")).encode()
        for what, signed, raw in (
            ("without the line break", compact, compact + b" \n"),
            ("with a line break", compact + b"\n", compact),
            ("Windows", b'{\r\n"a": 1}', b'{\n"a": 1}'),
            ("blanks.*nothing escaped", json.dumps(BODY, ensure_ascii=False).encode(), compact),
            ("blanks.*all but ASCII", json.dumps(BODY).encode(), compact),
        ):
            text = self.jws(signed, OURS["RS256"])
            if what == "without the line break":
                raw = raw.replace(b" \n", b"\n")
                self.assertHolds("written again", "openg2p_1", raw, text)
                self.assertRefused(what, "openg2p_2", raw, text)
            else:
                self.assertRefused(what, "openg2p_1", raw, text)

    def test_nothing_to_say(self):
        for raw in (b"", b"[]", b"1", b"{}", b'{"a": 1, "a": 2}', b"\xff"):
            for dialect in DIALECTS:
                self.assertRefused(".", dialect, raw)

    @s.quick
    @given(nasty_text, nasty_text, st.sampled_from(DIALECTS))
    def test_hostile(self, member, text, dialect):
        for value in (member, f'created="{member}"', f'created="99999999999" {member}'):
            raw = json.dumps({"signature": value, "header": {"message_ts": member}}).encode()
            self.assertFalse(self.explain(dialect, raw, text)[0])
        head = base64.urlsafe_b64encode(text.encode(errors="replace")).decode()
        self.assertFalse(self.explain(dialect, b"{}", f"{head}..AAAA")[0])
