"""Owns the description of the HTTP interface: an OpenAPI document, and a page made from it that loads nothing."""

from __future__ import annotations

import html
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

JSON = dict[str, Any]


@cache
def openapi_json() -> bytes:
    """The OpenAPI 3.1 document."""
    return msgspec.json.encode(openapi())


def openapi() -> JSON:
    """The OpenAPI 3.1 document as plain values."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "leads webhook service",
            "version": _version(),
            "description": "Takes signed leads in, queues them durably and stores them. Every answer carries "
            "X-Request-Id; the client's own is kept if it is 1-64 of A-Z a-z 0-9 . _ -",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "webhooks", "description": "Leads coming in"},
            {"name": "operation", "description": "Health, metrics and this description"},
        ],
        "paths": {
            "/webhooks/meta": {"get": _handshake(), "post": _meta()},
            "/webhooks/forms/{form}": {"post": _forms()},
            "/health/live": {"get": _live()},
            "/health/ready": {"get": _ready()},
            "/metrics": {"get": _text_page("metrics", "Prometheus metrics", "text/plain")},
            "/docs": {"get": _text_page("docs", "This interface as a page", "text/html")},
            "/openapi.json": {"get": _openapi()},
        },
        "components": {
            "schemas": {"Counts": _counts_schema(), "Error": _error_schema(), "Readiness": _readiness_schema()},
            "headers": {
                "RequestId": {"description": "Identifies the request in the logs", "schema": {"type": "string"}},
                "RetryAfter": {"description": "Seconds to wait", "schema": {"type": "integer"}},
            },
        },
    }


def page() -> bytes:
    """The interface as one HTML page: no script, nothing loaded from anywhere."""
    return _page()


@cache
def _page() -> bytes:
    document = openapi()
    rows = [
        _operation(method, path, operation)
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


_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;"
    "padding:0 1rem}small{opacity:.6}section{border-top:1px solid #8886;padding:.5rem 0}h2{font-size:1.1rem}"
    "code{font-family:ui-monospace,monospace}table{border-collapse:collapse}td,th{padding:.15rem 1rem .15rem 0;"
    "vertical-align:top;text-align:left}"
)


def _operation(method: str, path: str, operation: JSON) -> str:
    parameters = "".join(
        f"<tr><td><code>{html.escape(p['name'])}</code></td><td>{p['in']}</td>"
        f"<td>{html.escape(p.get('description', ''))}</td></tr>"
        for p in operation.get("parameters", ())
    )
    answers = "".join(
        f"<tr><td><code>{status}</code></td><td>{html.escape(response['description'])}</td></tr>"
        for status, response in operation["responses"].items()
    )
    return (
        f"<section><h2><code>{method.upper()} {html.escape(path)}</code></h2><p>{html.escape(operation['summary'])}. "
        f"{html.escape(operation.get('description', ''))}</p>"
        + (f"<table>{parameters}</table>" if parameters else "")
        + f"<h3>Answers</h3><table>{answers}</table></section>\n"
    )


def _version() -> str:
    try:
        return version("leadsctl")
    except PackageNotFoundError:  # the image carries the package without its metadata
        return "0"


def _handshake() -> JSON:
    return {
        "operationId": "metaHandshake",
        "tags": ["webhooks"],
        "summary": "Meta's subscription handshake",
        "parameters": [
            _query("hub.mode", "subscribe", const="subscribe"),
            _query("hub.challenge", "Given back as it is, at most 1,024 bytes"),
            _query("hub.verify_token", "What META_VERIFY_TOKEN says"),
        ],
        "responses": {
            "200": _response("The challenge, byte for byte", {"text/plain": {"schema": {"type": "string"}}}),
            "400": _error("A parameter is missing, repeated or wrong"),
            "403": _error("The token is wrong, missing or repeated"),
        },
    }


def _meta() -> JSON:
    return {
        "operationId": "metaWebhook",
        "tags": ["webhooks"],
        "summary": "Leads from Meta",
        "description": "One job for each leadgen change. Anything else that is signed well is counted and ignored.",
        "parameters": [
            _header(
                "X-Hub-Signature-256",
                "sha256= and the hexadecimal HMAC-SHA256 of the raw body",
                "^sha256=[0-9a-fA-F]{64}$",
            )
        ],
        "requestBody": _json_body("A Meta webhook: {object, entry: [{id, time, changes: [{field, value}]}]}"),
        "responses": _ingest_responses("META_APP_SECRET"),
    }


def _forms() -> JSON:
    return {
        "operationId": "formWebhook",
        "tags": ["webhooks"],
        "summary": "A lead from a form or another system",
        "description": "Signed as Standard Webhooks (standardwebhooks.com). One body is one lead.",
        "parameters": [
            {
                "name": "form",
                "in": "path",
                "required": True,
                "description": "Names the form: 1-64 of A-Z a-z 0-9 . _ -",
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
            },
            _header("webhook-id", "Idempotency key: visible ASCII without a full stop", "^[!-\\-/-~]{1,256}$"),
            _header("webhook-timestamp", "Epoch seconds, within five minutes of now", "^[0-9]{1,12}$"),
            _header(
                "webhook-signature", "v1, and the base64 HMAC-SHA256 of id.timestamp.body; several separated by spaces"
            ),
        ],
        "requestBody": _json_body("Any JSON object, nested at most 64 levels"),
        "responses": _ingest_responses("FORMS_SECRET"),
    }


def _ingest_responses(secret: str) -> JSON:
    counts = {"application/json": {"schema": {"$ref": "#/components/schemas/Counts"}}}
    busy = _error("The queue cannot take it now: send it again later")
    busy["headers"]["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    return {
        "200": _response("On disk in the queue", counts),
        "400": _error("Signed, but not readable: kept for the operator; or the body was cut short"),
        "401": _error("The signature is missing, malformed or wrong"),
        "404": _error(f"{secret} is not set, or there is no such endpoint"),
        "408": _error("The body came too slowly"),
        "413": _error("The body is too large"),
        "415": _error("Content-Encoding is not supported"),
        "503": busy,
    }


def _live() -> JSON:
    schema = {"type": "object", "required": ["status"], "properties": {"status": {"const": "live"}}}
    return {
        "operationId": "live",
        "tags": ["operation"],
        "summary": "Whether the process answers",
        "responses": {"200": _response("It does", {"application/json": {"schema": schema}})},
    }


def _ready() -> JSON:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Readiness"}}}
    return {
        "operationId": "ready",
        "tags": ["operation"],
        "summary": "Whether Redis and Postgres answer",
        "responses": {"200": _response("Both do", content), "503": _response("It says which does not", content)},
    }


def _text_page(name: str, summary: str, kind: str) -> JSON:
    return {
        "operationId": name,
        "tags": ["operation"],
        "summary": summary,
        "responses": {"200": _response(summary, {kind: {"schema": {"type": "string"}}})},
    }


def _openapi() -> JSON:
    return {
        "operationId": "openapi",
        "tags": ["operation"],
        "summary": "This interface as an OpenAPI document",
        "responses": {"200": _response("OpenAPI 3.1", {"application/json": {"schema": {"type": "object"}}})},
    }


def _response(description: str, content: JSON) -> JSON:
    return {
        "description": description,
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}},
        "content": content,
    }


def _error(description: str) -> JSON:
    return _response(description, {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}})


def _query(name: str, description: str, const: str = "") -> JSON:
    schema: JSON = {"type": "string", **({"const": const} if const else {})}
    return {"name": name, "in": "query", "required": True, "description": description, "schema": schema}


def _header(name: str, description: str, pattern: str = "") -> JSON:
    schema: JSON = {"type": "string", **({"pattern": pattern} if pattern else {})}
    return {"name": name, "in": "header", "required": True, "description": description, "schema": schema}


def _json_body(description: str) -> JSON:
    return {
        "required": True,
        "description": description,
        "content": {"application/json": {"schema": {"type": "object"}}},
    }


def _counts_schema() -> JSON:
    names = {
        "accepted": "New leads, queued",
        "duplicates": "Leads that had been accepted before",
        "ignored": "Events that are no leads, or leads without a usable id (kept for the operator)",
    }
    return {
        "type": "object",
        "required": list(names),
        "properties": {name: {"type": "integer", "minimum": 0, "description": text} for name, text in names.items()},
    }


def _error_schema() -> JSON:
    return {
        "type": "object",
        "required": ["error", "request_id"],
        "properties": {"error": {"type": "string"}, "request_id": {"type": "string"}},
    }


def _readiness_schema() -> JSON:
    return {
        "type": "object",
        "required": ["status", "redis", "postgres"],
        "properties": {
            "status": {"enum": ["ready", "not ready"]},
            "redis": {"type": "string", "description": "ok, or what is wrong"},
            "postgres": {"type": "string", "description": "ok, or what is wrong"},
        },
    }
