# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import contextlib
import gc
import json

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..g2p_connect.jsonio import MalformedJSON, dumps, loads
from . import strategies as s


@st.composite
def objects_with_a_duplicate(draw):
    """A JSON text in which one object has a member twice, at any depth, in any spelling."""
    name = draw(s.text)
    spellings = [json.dumps(name), json.dumps(name, ensure_ascii=False), _escaped(name)]
    blank = st.sampled_from(["", " ", "\n", "\t "])
    values = s.json_values.map(json.dumps)
    members = [
        f"{draw(st.sampled_from(spellings))}{draw(blank)}:{draw(blank)}{draw(values)}"
        for _ in range(2)
    ]
    members += [
        f"{json.dumps(f'other {n}')}:{draw(values)}" for n in range(draw(st.integers(0, 2)))
    ]
    body = "{" + ",".join(draw(st.permutations(members))) + "}"
    for _ in range(draw(st.integers(0, 4))):
        body = draw(
            st.sampled_from(['{{"x": {}}}', '[1, {}, ":"]', '{{"a:b":"{{",":" :{}}}'])
        ).format(body)
    return body.encode()


def _escaped(name):
    units = name.encode("utf-16-be")
    pairs = (units[i : i + 2].hex() for i in range(0, len(units), 2))
    return '"' + "".join(f"\\u{pair}" for pair in pairs) + '"'


class TestJsonIo(BaseCase):
    @s.quick
    @given(s.json_values)
    def test_inverse(self, value):
        self.assertEqual(loads(dumps(value)), value)

    @s.quick
    @given(s.json_values, st.booleans(), st.sampled_from([None, 1, "\t"]))
    def test_other_writers(self, value, ensure_ascii, indent):
        """Whatever the form of a text without duplicates, it is not taken for one with them."""
        raw = json.dumps(value, ensure_ascii=ensure_ascii, indent=indent).encode()
        self.assertEqual(loads(raw), json.loads(raw))

    @s.quick
    @given(objects_with_a_duplicate())
    def test_duplicates(self, raw):
        with self.assertRaises(MalformedJSON):
            loads(raw)

    def test_duplicates_that_hide(self):
        for raw in (
            b'{"a":1,"a":1}',
            b'{"a":1,"\\u0061":2}',
            b'{"a":1,"a":"x","b":"\\u003a"}',
            b'{"a" :1,"a"\t:2,"b":"\\":"}',
            b'{"\\\\":1,"\\\\":2}',
            b'{"a":{"b":1},"a":{}}',
            b'[[[{"":1,"":2}]]]',
        ):
            with self.subTest(raw), self.assertRaisesRegex(MalformedJSON, "twice"):
                loads(raw)

    def test_no_garbage_is_collected_meanwhile(self):
        """Nor does the collector stay off, whatever comes of the text, or go on where it was."""
        collections = []

        def note(phase, _info):
            collections.append(phase)

        gc.callbacks.append(note)
        self.addCleanup(gc.callbacks.remove, note)
        self.addCleanup(gc.enable)
        loads(b"[" + b"[]," * 200_000 + b"[]]")
        during = len(collections)
        self.assertLess(during, 6)  # some at the end; without care it is hundreds
        for raw in (b"{}", b"{"):
            with contextlib.suppress(MalformedJSON):
                loads(raw)
            self.assertTrue(gc.isenabled())
        gc.disable()
        loads(b"{}")
        self.assertFalse(gc.isenabled())

    def test_colons_and_quotes_in_strings(self):
        raw = b' {"a:b":"\\":\\\\", ":" : ["\\\\", "x\\\\\\":y"],"n":1E2, "\\/":"\\u00e9:"} '
        self.assertEqual(loads(raw), json.loads(raw))

    def test_malformed(self):
        for raw in (
            b"",
            b" ",
            b"{",
            b"[1,]",
            b"{'a':1}",
            b"NaN",
            b"[Infinity]",
            b"[1e999]",
            b"01",
            b'"\\ud800"',
            b'"\\udc00\\ud800"',
            b'"\xed\xa0\x80"',
            b'"\xff"',
            b'"\x00"',
            b'"a\nb"',
            b"\xef\xbb\xbf{}",
            b"{} {}",
            '"ü"'.encode("latin-1"),
            '"ü"'.encode("utf-16"),
        ):
            with self.subTest(raw), self.assertRaises(MalformedJSON):
                loads(raw)

    def test_depth(self):
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            self.assertTrue(loads(opening * 100 + b"1" + closing * 100))
            for depth in (300, 1_000, 100_000):
                with self.subTest(depth), self.assertRaises(MalformedJSON):
                    loads(opening * depth + b"1" + closing * depth)

    def test_what_can_be_read_can_be_written(self):
        depth = 1
        with self.assertRaises(MalformedJSON):
            while depth < 400:
                value = loads(b"[" * depth + b"]" * depth)
                self.assertTrue(dumps(value))
                depth += 1

    def test_message_without_the_input(self):
        for raw in (b'{"id":"SECRET","id":"SECRET"}', b'["SECRET" x', b'"SECRET\\ud800"'):
            with self.assertRaises(MalformedJSON) as caught:
                loads(raw)
            self.assertNotIn("SECRET", str(caught.exception))

    def test_numbers(self):
        self.assertEqual(
            loads(b"[9223372036854775807,-9223372036854775808]"), [2**63 - 1, -(2**63)]
        )
        self.assertIs(type(loads(b"1.0")), float)
        self.assertIs(type(loads(b"1")), int)
        # Beyond 64 bits numbers are doubles (RFC 8259, section 6).
        self.assertEqual(loads(b"1" + b"0" * 300), 1e300)
