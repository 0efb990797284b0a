"""The API's own description as a page to read, made from its OpenAPI on this machine.

FastAPI's page loads its script from a content network: without one, or on a machine that must not tell anybody what it
is used for, it stays empty.
"""

from __future__ import annotations

from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; --edge: #8886; --quiet: #777; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem; }
h2 { font-size: 1.05rem; border-top: 1px solid var(--edge); padding-top: 1rem; overflow-wrap: anywhere; }
h2 b { display: inline-block; min-width: 3.6rem; }
table { border-collapse: collapse; width: 100%; margin: .3rem 0 .8rem; }
td { border-bottom: 1px solid var(--edge); padding: .2rem .6rem .2rem 0; vertical-align: top; overflow-wrap: anywhere; }
td:nth-child(1) { width: 14rem; } td:nth-child(2) { width: 15rem; color: var(--quiet); } caption { text-align: left; color: var(--quiet); }
code { font: .95em ui-monospace, monospace; }
@media (max-width: 30rem) { td, td:nth-child(n) { width: auto; display: block; border: 0; padding: 0; } tr { display: block; padding: .3rem 0; } }
"""


def reference(openapi: dict[str, Any], where: str) -> str:
    """The whole page.

    Args:
        openapi: the description.
        where: the address it is served at as JSON.
    """
    operations = [
        _operation(openapi, method, path, operation)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    ]
    info = openapi["info"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])} API</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style>'
        f"<body><h1>{escape(info['title'])} API</h1><p>{escape(info.get('description', ''))}</p>"
        f'<p><a href="{escape(where, quote=True)}">openapi.json</a> for programs.</p>'
        f"{''.join(operations)}{_forms(openapi)}</body></html>"
    )


def _operation(openapi: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    said = [f"<h2><b>{method.upper()}</b> <code>{escape(path)}</code></h2>"]
    said.append(f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>")
    given = [
        (p["name"], _kind(p.get("schema", {}), openapi), p.get("description", ""), p.get("required", False))
        for p in operation.get("parameters", [])
    ]
    said.append(_table("Parameters", given))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        said.append(_table("Body, JSON", _fields(body, openapi)))
    for status, answer in operation["responses"].items():
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if status.startswith("2") and schema:
            data = _resolved(schema, openapi).get("properties", {}).get("data", schema)
            said.append(_table(f"Answer {status}, its data", _fields(data, openapi)))
        elif status.startswith("2"):
            said.append(f"<p>Answer {status}: {escape(', '.join(answer.get('content', {})))}</p>")
    bad = ", ".join(s for s in operation["responses"] if not s.startswith("2"))
    return "".join([*said, f"<p>Errors: {escape(bad)}</p>" if bad else ""])


def _forms(openapi: dict[str, Any]) -> str:
    """What the tables name: each form with its fields."""
    schemas = openapi.get("components", {}).get("schemas", {})
    return "".join(
        f'<h2 id="{escape(name, quote=True)}">{escape(name)}</h2>'
        + (f"<p>{escape(schema['description'])}</p>" if "description" in schema else "")
        + _table("Fields", _fields(schema, openapi))
        for name, schema in sorted(schemas.items())
        if "properties" in schema and not name.startswith("Success")
    )


Field = tuple[str, str, str, bool]  # name, kind, description, whether it must be there


def _table(caption: str, fields: list[Field]) -> str:
    if not fields:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code>{'' if must else ' ?'}</td><td>{escape(kind)}</td>"
        f"<td>{escape(description)}</td></tr>"
        for name, kind, description, must in fields
    )
    return f"<table><caption>{escape(caption)}</caption>{rows}</table>"


def _fields(schema: dict[str, Any], openapi: dict[str, Any]) -> list[Field]:
    whole = _resolved(schema, openapi)
    if "items" in whole:
        whole = _resolved(whole["items"], openapi)
    must = whole.get("required", [])
    found: list[Field] = []
    for name, of in whole.get("properties", {}).items():
        found.append((name, _kind(of, openapi), _resolved(of, openapi).get("description", ""), name in must))
        if "properties" in of:  # written out at its place
            nested = _fields(of, openapi)
            found += [(f"{name}.{inner}", kind, told, needed) for inner, kind, told, needed in nested]
    return found


def _resolved(schema: dict[str, Any], openapi: dict[str, Any]) -> dict[str, Any]:
    """The schema itself for a reference to it; what was said beside the reference stays."""
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rpartition("/")[2]
    return {**openapi["components"]["schemas"][name], **{k: v for k, v in schema.items() if k != "$ref"}}


def _kind(schema: dict[str, Any], openapi: dict[str, Any]) -> str:
    """A type as a person writes it: "a | b", "string[]", "number"."""
    if "$ref" in schema:
        inner = _resolved(schema, openapi)
        name = schema["$ref"].rpartition("/")[2]
        return _kind({k: v for k, v in inner.items() if k != "$ref"}, openapi) if "enum" in inner else name
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    for joined in ("anyOf", "oneOf"):
        if joined in schema:
            kinds = (_kind(option, openapi) for option in schema[joined])
            return " | ".join(dict.fromkeys(k for k in kinds if k != "null"))
    if schema.get("type") == "array":
        return f"{_kind(schema.get('items', {}), openapi) or 'any'}[]"
    return str(schema.get("format") or schema.get("type") or "")
