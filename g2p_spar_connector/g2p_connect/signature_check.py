# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Why the signature of a sample message holds or not: for people who set up both sides."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from . import jsonio
from .jwk import PublicKey
from .signature import DIALECTS, SignatureProblem, Verified, kid_of, verify
from .text import parse_timestamp

NAMES = {
    "openg2p_1": "OpenG2P 1.x",
    "openg2p_2": "OpenG2P 2.x",
    "g2p_connect": "G2P-Connect",
}
_CREATED = re.compile(r'created\s*=\s*"?([0-9]{1,11})\b')
_RSA_ALGORITHMS = {"RS256": "PS256", "PS256": "RS256"}


class Sample(NamedTuple):
    """A message to look into. `ended` are keys that are revoked or out of their validity."""

    dialect: str
    raw: bytes
    signature_header: str
    keys: Sequence[PublicKey]
    ended: Sequence[PublicKey]
    now: datetime


class Explanation(NamedTuple):
    """Whether the signature belongs to message and key, and what there is to say about it. The
    lines name members, keys and times, and repeat nothing else of the message."""

    holds: bool
    lines: tuple[str, ...]


def explain(sample: Sample) -> Explanation:
    """Look into a sample. That it was made a while ago does not matter, but is told."""
    try:
        payload = jsonio.loads(sample.raw)
    except jsonio.MalformedJSON as error:
        return Explanation(False, (f"The body cannot be read: {error}.",))
    made = sample._replace(now=_made_at(sample, payload))
    try:
        verified = _verify(made, payload)
    except SignatureProblem as problem:
        lines = [problem.message, *_keys_that_hold(sample)]
        if isinstance(payload, dict):
            lines += [*_other_dialects(made, payload), *_other_keys(made, payload)]
            lines += _other_bytes(made, payload)
        return Explanation(False, tuple(lines))
    return Explanation(True, (*_what_holds(made, verified), *_times(sample, payload, verified)))


def _verify(sample: Sample, payload: object) -> Verified:
    return verify(
        sample.dialect, sample.raw, payload, sample.signature_header, sample.keys, sample.now
    )


def _holds(sample: Sample, payload: object) -> bool:
    try:
        return bool(_verify(sample, payload))
    except SignatureProblem:
        return False


def _made_at(sample: Sample, payload: object) -> datetime:
    """When a signature says that it was made, if it says so; else now."""
    signed = payload.get("signature") if isinstance(payload, dict) else None
    found = _CREATED.search(signed) if isinstance(signed, str) else None
    if sample.dialect != "g2p_connect" or not found:
        return sample.now
    return datetime.fromtimestamp(int(found[1]), UTC)


# --- it holds ---


def _what_holds(sample: Sample, verified: Verified) -> Iterator[str]:
    yield f"The signature holds. Key: {verified.kid} ({verified.algorithm})."
    if sample.dialect == "g2p_connect":
        yield "Signed are the bytes of header and message as they stand in the body."
    elif _holds(sample, {}):
        yield "Signed are the bytes of the body as they are."
    else:
        order = "sorted members" if sample.dialect == "openg2p_2" else "members in their order"
        yield f"Signed is the body written again as compact JSON, {order}."


def _times(sample: Sample, payload: dict, verified: Verified) -> Iterator[str]:
    if verified.created:
        yield _distance("created", verified.created, sample.now)
        if verified.expires <= sample.now:
            yield "It has expired since then (expires): sent now, it would be refused."
    for envelope, name in (("header", "message_ts"), ("request_header", "request_timestamp")):
        header = payload.get(envelope)
        if isinstance(header, dict) and name in header:
            moment = parse_timestamp(str(header[name]))
            if moment:
                yield _distance(name, moment, sample.now)
            else:
                yield f"{name}: is no time with a zone, such as 2026-01-31T12:00:00+00:00."


def _distance(name: str, moment: datetime, now: datetime) -> str:
    seconds = round((now - moment).total_seconds())
    if seconds < 0:
        return f"{name}: {timedelta(seconds=-seconds)} ahead of this server's clock."
    return f"{name}: {timedelta(seconds=seconds)} ago by this server's clock."


# --- it does not hold ---


def _keys_that_hold(sample: Sample) -> Iterator[str]:
    names = [f"{key.kid} ({key.algorithm})" for key in sample.keys if key.is_valid(sample.now)]
    yield f"Registered keys that hold now: {', '.join(names) or 'none'}."


def _other_dialects(sample: Sample, payload: dict) -> Iterator[str]:
    for dialect in DIALECTS:
        if dialect != sample.dialect and _holds(sample._replace(dialect=dialect), payload):
            yield (
                f"It holds in the dialect {NAMES[dialect]}: set the participant to that, or its "
                f"system to {NAMES[sample.dialect]}."
            )


def _other_keys(sample: Sample, payload: dict) -> Iterator[str]:
    try:
        kid = kid_of(sample.dialect, payload, sample.signature_header)
    except SignatureProblem:
        return
    for key in sample.ended:
        unlimited = key._replace(not_before=None, not_after=None)
        if _holds(sample._replace(keys=[unlimited]), payload):
            yield f"It is made with the key {key.kid}, which is revoked or out of its validity."
    for key in sample.keys:
        named = key._replace(kid=kid or key.kid)
        if named != key and _holds(sample._replace(keys=[named]), payload):
            yield f"It is made with the key registered as {key.kid}, but calls it otherwise (kid)."
        other = _RSA_ALGORITHMS.get(key.algorithm)
        if other and _holds(sample._replace(keys=[named._replace(algorithm=other)]), payload):
            yield f"It is made with {other}, but {key.kid} is registered for {key.algorithm}."


def _other_bytes(sample: Sample, payload: dict) -> Iterator[str]:
    for what, raw in _forms(sample, payload):
        # a header dialect takes bytes as they are: nothing else is made of no members at all
        read_as = payload if sample.dialect == "g2p_connect" else {}
        if raw != sample.raw and _holds(sample._replace(raw=raw), read_as):
            yield f"It is made over {what}."


def _forms(sample: Sample, payload: dict) -> Iterable[tuple[str, bytes]]:
    """Mistakes that are made, and what pasting does to a text."""
    yield "the body without the line break at its end", sample.raw.rstrip(b"\r\n")
    yield "the body with a line break at its end", sample.raw.rstrip(b"\r\n") + b"\n"
    yield "the body with line breaks as Windows writes them", sample.raw.replace(b"\n", b"\r\n")
    for sorted_members in (False, True):
        for ascii_only in (False, True):
            for separators in ((",", ":"), (", ", ": ")):
                text = json.dumps(
                    payload,
                    sort_keys=sorted_members,
                    ensure_ascii=ascii_only,
                    separators=separators,
                )
                yield _describe(sorted_members, ascii_only, separators), text.encode()


def _describe(sorted_members: bool, ascii_only: bool, separators: tuple[str, str]) -> str:
    return (
        f"the body written again as {'compact ' if separators[0] == ',' else ''}JSON"
        f"{'' if separators[0] == ',' else ' with blanks after commas and colons'}, "
        f"{'sorted members' if sorted_members else 'members in their order'}, "
        f"{'all but ASCII escaped' if ascii_only else 'nothing escaped that need not be'}"
    )
