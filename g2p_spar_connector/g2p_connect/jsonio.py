# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""JSON in and out (RFC 8259, UTF-8), with what orjson lets pass but a signed message must not."""

import contextlib
import gc

import orjson


class MalformedJSON(ValueError):
    """Not a JSON text that we accept. The message never repeats the input."""


def loads(raw: bytes) -> object:
    """Parse; raises `MalformedJSON`.

    Refused too: duplicate members at any depth (two readers of one text may see two different
    messages), NaN and infinity, lone surrogates, and a nesting that could not be written again.
    """
    with _no_collection():
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise MalformedJSON(str(error)) from None
        try:
            written_again = orjson.dumps(value)
        except orjson.JSONEncodeError:
            raise MalformedJSON("nested too deep") from None
    if _lost_members(raw, written_again):
        raise MalformedJSON("an object has the same member twice")
    return value


def dumps(value: object) -> bytes:
    return orjson.dumps(value)


@contextlib.contextmanager
def _no_collection():
    """Millions of small lists and objects, none of them garbage, would set the collector off again
    and again: several times the cost of reading them."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _lost_members(raw: bytes, written_again: bytes) -> bool:
    """Whether the text has members that its parsed value has not."""
    # Texts that differ by white space only have the same structure. That settles nearly every
    # message; escapes and forms of numbers need the count.
    if raw == written_again or _without_white_space(raw) == _without_white_space(written_again):
        return False
    return _count_members(raw) != _count_members(written_again)


def _without_white_space(raw: bytes) -> bytes:
    return raw.translate(None, b" \t\r\n")


def _count_members(raw: bytes) -> int:
    """Members of all objects of a valid JSON text: the colons outside strings."""
    if b"\\" in raw:
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(raw.split(b'"')[::2]).count(b":")
