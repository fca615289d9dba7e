# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What the page for people shows of the API's document. Plain Python without the ORM."""

import json
import re
import urllib.parse
from itertools import chain

from markupsafe import Markup

from odoo.addons.g2p_spar_connector.openapi import schemas

from .openapi import FORM, JSON

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; }
body { max-width: 70rem; padding: 0 1rem 4rem; }
h1, h2, h3 { line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
h3 { margin-top: 2.5rem; }
h3 code { font-size: 1.1rem; }
pre, code { font: .85rem/1.4 ui-monospace, monospace; }
pre { background: var(--soft); padding: .75rem; overflow-x: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { border: 1px solid var(--line); padding: .3rem .5rem; }
th, td { text-align: left; vertical-align: top; }
td:first-child { overflow-wrap: anywhere; min-width: 9rem; }
summary { cursor: pointer; font-weight: 600; margin: .75rem 0; }
nav ul { columns: 20rem; padding-left: 1.2rem; }
@media (max-width: 45rem) {
  thead { display: none; }
  table, tbody, tr, td { display: block; border: 0; padding: 0; }
  tr { border-bottom: 1px solid var(--line); padding: .4rem 0; }
}
:target { scroll-margin-top: 1rem; background: var(--soft); }
"""
_CODE_TITLES = {
    "header": "In a header: the message as a whole",
    "item": "In an item",
    "error": "Errors of transport",
    "token": "Errors of the sign-in",
}
_NOW = "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
_TOKEN = """\
TOKEN=$(curl -s "$URL{path}" \\
  -d grant_type=client_credentials -d "client_id=$CLIENT_ID" -d "client_secret=$CLIENT_SECRET" |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')"""


def page_values(document: dict) -> dict:
    """What the template needs."""
    operations = [
        _operation(document, method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return {
        "title": document["info"]["title"],
        "paragraphs": [_inline(text) for text in document["info"]["description"].split("\n\n")],
        "style": Markup(STYLE),  # noqa: S704 - ours
        "groups": [
            {
                "name": tag["name"],
                "operations": [row for row in operations if row["tag"] == tag["name"]],
            }
            for tag in document["tags"]
        ],
        "codes": [
            {"title": _CODE_TITLES[place], "place": place, "rows": _code_rows(place, table)}
            for place, table in document["x-codes"].items()
        ],
    }


def _operation(document, method, path, operation):
    content = operation.get("requestBody", {}).get("content", {})
    mimetype = next(iter(content), None)
    body = content.get(mimetype, {})
    answers = [_resolved(document, answer) for answer in operation["responses"].values()]
    return {
        "id": operation["operationId"],
        "tag": operation["tags"][0],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "description": _inline(operation.get("description", "")),
        "mimetype": mimetype,
        "members": list(_members(document, body.get("schema", {}))),
        "examples": [
            {
                "summary": example["summary"],
                "command": _command(path, mimetype, example["value"]),
                "status": status,
                "answer": json.dumps(answer, indent=2, ensure_ascii=False),
            }
            for name, example in body.get("examples", {}).items()
            for status, answer in _answers(operation, name)
        ],
        "command": None if body else f'curl -s "$URL{path}"',
        "answers": [
            {
                "status": status,
                "description": answer["description"],
                "members": _answer_members(document, answer),
            }
            for status, answer in zip(operation["responses"], answers, strict=True)
        ],
    }


def _answers(operation, name):
    """HTTP status and value of the answer to the example of that name."""
    for status, answer in operation["responses"].items():
        for content in answer.get("content", {}).values():
            if name in content.get("examples", {}):
                yield status, content["examples"][name]["value"]


def _command(path, mimetype, value):
    """A command for the shell, with the present time where the message needs it."""
    if mimetype == FORM:
        return _TOKEN.format(path=path)
    body = json.dumps(value, indent=2, ensure_ascii=False)
    body = re.sub('("message_ts": )"[^"]*T[^"]*"', f"\\1\"'{_NOW}'\"", body)
    body = re.sub('("message_id": "[^"]*)"', "\\1-'$(date +%s%N)'\"", body)
    return (
        f'curl -s "$URL{path}" -H "Authorization: Bearer $TOKEN" \\\n'
        f"  -H 'Content-Type: {JSON}' -d '{body}'"
    )


def _answer_members(document, answer):
    content = answer.get("content", {}).get(JSON)
    return list(_members(document, content["schema"])) if content else []


def _members(document, schema, place=""):
    """Rows of the table of members, from the outside to the inside."""
    schema = _resolved(document, schema)
    yield from _alternatives(document, schema.get("oneOf", []), place)
    required = schema.get("required", [])
    for name, member in schema.get("properties", {}).items():
        member = _resolved(document, member)
        path = f"{place}{name}"
        yield {
            "name": path,
            "required": name in required,
            "limits": _limits(member),
            "description": member.get("description", ""),
        }
        yield from _members(document, member, f"{path}.")
        if "items" in member:
            yield from _members(document, member["items"], f"{path}[].")


def _alternatives(document, schemas, place):
    """Rows of each alternative; those that all have come once, others name theirs."""
    named = [
        (_resolved(document, schema).get("title"), list(_members(document, schema, place)))
        for schema in schemas
    ]
    seen = []
    for row in chain.from_iterable(rows for _title, rows in named):
        if row in seen:
            continue
        seen.append(row)
        titles = [title for title, rows in named if title and row in rows]
        if titles and len(titles) < len(named):
            row = {**row, "description": f"({', '.join(titles)}) {row['description']}"}
        yield row


def _resolved(document, value):
    while "$ref" in value:
        place = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            place = place[urllib.parse.unquote(part)]
        value = place
    return value


_PATTERNS = {
    schemas.NO_CONTROL: "no control characters",
    schemas.STORABLE: "no NUL",
    schemas.TIMESTAMP_PATTERN: "RFC 3339 with a time zone",
}
_LIMITS = {
    "maxLength": "at most {} characters",
    "maxItems": "at most {} items",
    "minimum": "at least {}",
}


def _limits(schema):
    kinds = schema.get("type", [])
    parts = [" or ".join([kinds] if isinstance(kinds, str) else kinds)]
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    parts.append(", ".join(json.dumps(value) for value in values))
    parts += ["not empty"] * (1 in (schema.get("minLength"), schema.get("minItems")))
    parts += [text.format(schema[key]) for key, text in _LIMITS.items() if key in schema]
    if pattern := schema.get("pattern"):
        parts.append(_PATTERNS.get(pattern) or f"pattern {pattern}")
    return "; ".join(filter(None, parts))


def _code_rows(place, table):
    return [
        {
            "id": f"{place}-{code}",
            "code": code,
            "where": ", ".join(meaning.get("operations", [])),
            "when": meaning["when"],
            "what_to_do": meaning["what_to_do"],
        }
        for code, meaning in table.items()
    ]


def _inline(text):
    """The two marks of Markdown that the document uses, as HTML."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(Markup.escape(text)))
    return Markup(re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text))  # noqa: S704 - escaped above
