"""Owns the page that shows the HTTP interface: made from the OpenAPI document, it loads nothing."""

from __future__ import annotations

import html
from functools import cache
from typing import Any

import msgspec

from api.web.openapi import openapi

JSON = dict[str, Any]

_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;"
    "padding:0 1rem}small{opacity:.6}section{border-top:1px solid #8886;padding:.5rem 0}h2{font-size:1.1rem}"
    "code,pre{font-family:ui-monospace,monospace}pre{overflow:auto;font-size:.85rem}"
    "table{border-collapse:collapse}td,th{padding:.15rem 1rem .15rem 0;vertical-align:top;text-align:left}"
)


@cache
def openapi_json() -> bytes:
    """The OpenAPI 3.1 document."""
    return msgspec.json.encode(openapi())


@cache
def page() -> bytes:
    """The interface as one HTML page: no script, nothing loaded from anywhere."""
    document = openapi()
    rows = [
        _operation(document, method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    title, about = html.escape(document["info"]["title"]), html.escape(document["info"]["description"])
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{_STYLE}</style></head><body>
<h1>{title} <small>{html.escape(document["info"]["version"])}</small></h1>
<p>{about}.</p><p>Machine readable: <a href="/openapi.json">/openapi.json</a></p>
{"".join(rows)}</body></html>
""".encode()


def _operation(document: JSON, method: str, path: str, operation: JSON) -> str:
    return (
        f"<section><h2><code>{method.upper()} {html.escape(path)}</code></h2><p>{html.escape(operation['summary'])}. "
        f"{html.escape(operation.get('description', ''))}</p>"
        f"<table>{''.join(_parameter(_resolved(document, each)) for each in operation['parameters'])}</table>"
        f"{_body(operation.get('requestBody'))}"
        f"<h3>Answers</h3><table>{_answers(document, operation['responses'])}</table></section>\n"
    )


def _parameter(parameter: JSON) -> str:
    cells = (f"<code>{html.escape(parameter['name'])}</code>", parameter["in"], html.escape(parameter["description"]))
    return _row(*cells)


def _body(body: JSON | None) -> str:
    if body is None:
        return ""
    ((kind, media),) = body["content"].items()
    examples = "".join(
        f"<p>{html.escape(example['summary'])}. {html.escape(example['description'])}:</p>"
        f"<pre>{html.escape(msgspec.json.format(msgspec.json.encode(example['value'])).decode())}</pre>"
        for example in media["examples"].values()
    )
    return f"<h3>Body</h3><p>{html.escape(body['description'])} ({kind}).</p>{examples}"


def _answers(document: JSON, responses: JSON) -> str:
    found = {status: _resolved(document, response) for status, response in responses.items()}
    return "".join(
        _row(f"<code>{status}</code>", html.escape(answer["description"])) for status, answer in found.items()
    )


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _resolved(document: JSON, value: JSON) -> JSON:
    """What a reference names, or the value itself."""
    found: JSON = document
    for part in value.get("$ref", "").removeprefix("#/").split("/"):
        found = found[part] if part else value
    return found
