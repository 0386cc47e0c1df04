"""Owns the OpenAPI 3.1 document: every route with what it takes and each answer that it gives."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from api.settings import Settings
from api.sources import Source, sources_of
from api.web import schemas
from api.web.described import DESCRIBED, EXAMPLE_SECRETS, Described, undescribed

JSON = dict[str, Any]

_ERROR = "#/components/schemas/Error"
_COUNTS = "#/components/schemas/Counts"
_REQUEST_ID: JSON = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
_SENT = "01J8Z5Y6W3M4N5P6Q7R8S9T0VW"
_ABOUT = (
    "Takes signed leads in, queues them durably and stores them. Every answer carries X-Request-Id; the client's own "
    "is kept if it is 1-64 of A-Z a-z 0-9 . _ -. Whatever can be got by GET can be asked by HEAD. The examples are "
    "signed with the secrets that they name, the bodies as compact JSON"
)


@cache
def openapi() -> JSON:
    """The OpenAPI 3.1 document as plain values; do not change them."""
    paths: JSON = {
        place_of(source): {"post": _ingest(source, DESCRIBED.get(source.name) or undescribed(source))}
        for source in sources_of(Settings()).values()
    }
    paths["/webhooks/meta"] = {"get": _handshake(), **paths["/webhooks/meta"]}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "leads webhook service",
            "version": _version(),
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "webhooks", "description": "Leads coming in"},
            {"name": "operation", "description": "Health, metrics and this description"},
        ],
        "paths": paths
        | {
            "/health/live": {"get": _live()},
            "/health/ready": {"get": _ready()},
            "/metrics": {"get": _text_page("metrics", "Prometheus metrics", "text/plain")},
            "/docs": {"get": _text_page("docs", "This interface as a page", "text/html")},
            "/openapi.json": {"get": _description()},
        },
        "components": {
            "schemas": {"Counts": _counts(), "Error": _error_schema("error"), "Readiness": schemas.readiness()},
            "responses": _protocol_responses(),
            "parameters": {"RequestId": _request_id()},
            "headers": {
                "RequestId": {"description": "Identifies the request in the logs", "schema": {"type": "string"}},
                "RetryAfter": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}},
                "Allow": {"description": "The methods there are", "schema": {"type": "string"}},
            },
        },
    }


def place_of(source: Source) -> str:
    """The path of a source's webhooks, as a template."""
    return f"/webhooks/{source.name}" + ("/{form}" if source.named else "")


def _version() -> str:
    try:
        return version("leadsctl")
    except PackageNotFoundError:  # the image carries the package without its metadata
        return "0"


def _handshake() -> JSON:
    return _operation(
        "metaHandshake",
        "webhooks",
        "Meta's subscription handshake",
        parameters=[
            _query("hub.mode", "subscribe", "subscribe", const="subscribe"),
            _query("hub.challenge", "Given back as it is, at most 1,024 bytes", "1158201444"),
            _query(
                "hub.verify_token", "What META_VERIFY_TOKEN says; here: example-verify-token", "example-verify-token"
            ),
        ],
        responses={
            "200": _answer("The challenge, byte for byte", "text/plain", {"type": "string"}, "1158201444"),
            "400": _error("A parameter is missing, repeated or wrong; or this is not valid HTTP"),
            "403": _error("The token is wrong, missing or repeated"),
        },
    )


def _ingest(source: Source, described: Described) -> JSON:
    parameters = [_form()] if source.named else []
    parameters += [_header(*header) for header in described.headers]
    key = f"With {source.secret} as {EXAMPLE_SECRETS.get(source.secret, 'the sender has it')}"
    return _operation(
        described.operation,
        "webhooks",
        described.summary,
        description=described.about,
        parameters=parameters,
        requestBody={
            "required": True,
            "description": described.schema["description"],
            "content": {
                "application/json": {
                    "schema": described.schema,
                    "examples": {"lead": {"summary": "A lead", "description": key, "value": described.example}},
                }
            },
        },
        responses=_ingest_responses(source, described),
    )


def _ingest_responses(source: Source, described: Described) -> JSON:
    key = source.reason_key
    busy = _error("The queue cannot take it now, or too much is being received: send it again later")
    busy["headers"] = {**_REQUEST_ID, "Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
    counts = {"accepted": 1, "duplicates": 0, "ignored": 0}
    limit = f"{described.limit} bytes" if described.limit else "MAX_BODY_BYTES"
    bad = "Signed, but not readable: kept for the operator; or the request was cut short, or is not valid HTTP"
    return {
        "200": _answer("On disk in the queue", "application/json", {"$ref": _COUNTS}, counts),
        "400": _either(bad, key),
        "401": _error("The signature is missing, malformed or wrong", key),
        "404": _error(
            f"{source.secret} is not set" + (", or this cannot be a form's name" if source.named else ""), key
        ),
        "408": _error("The body came too slowly", key),
        "413": _error(f"The body is larger than {limit}", key),
        "415": _error("Content-Encoding is not supported", key),
        "503": busy,
    }


def _live() -> JSON:
    schema = {"type": "object", "required": ["status"], "properties": {"status": {"const": "live"}}}
    found = _answer("It does", "application/json", schema, {"status": "live"})
    return _operation("live", "operation", "Whether the process answers", responses={"200": found})


def _ready() -> JSON:
    schema = {"$ref": "#/components/schemas/Readiness"}
    return _operation(
        "ready",
        "operation",
        "Whether Redis and Postgres do their part, and why the queue is as it is",
        responses={
            "200": _answer("Both do", "application/json", schema),
            "503": _answer("It says which does not", "application/json", schema),
        },
    )


def _text_page(name: str, summary: str, kind: str) -> JSON:
    return _operation(name, "operation", summary, responses={"200": _answer(summary, kind, {"type": "string"})})


def _description() -> JSON:
    found = _answer("OpenAPI 3.1", "application/json", {"type": "object"})
    return _operation("openapi", "operation", "This interface as an OpenAPI document", responses={"200": found})


def _operation(name: str, tag: str, summary: str, *, responses: JSON, **more: Any) -> JSON:
    """An operation with what every one has: the request's id, and the answers of HTTP itself."""
    shared = {status: {"$ref": f"#/components/responses/{kind}"} for status, kind in _PROTOCOL.items()}
    parameters = [*more.pop("parameters", ()), {"$ref": "#/components/parameters/RequestId"}]
    answers = dict(sorted((shared | responses).items()))
    return {"operationId": name, "tags": [tag], "summary": summary, **more, "parameters": parameters} | {
        "responses": answers
    }


_PROTOCOL = {
    "400": "NotHttp",
    "405": "OtherMethod",
    "408": "TooSlow",
    "417": "Expectation",
    "431": "HeadTooLarge",
    "503": "TooMany",
    "505": "Version",
}


def _protocol_responses() -> JSON:
    other = _error("Another method, at this path")
    other["headers"] = {**_REQUEST_ID, "Allow": {"$ref": "#/components/headers/Allow"}}
    return {
        "NotHttp": _error("This is not valid HTTP, or the request was cut short"),
        "OtherMethod": other,
        "TooSlow": _error("The request came too slowly"),
        "Expectation": _error("Expect is not 100-continue"),
        "HeadTooLarge": _error("The head is larger than 64 KiB, or has more than 100 headers"),
        "TooMany": _error("There are too many connections"),
        "Version": _error("The version is not HTTP/1.1 or 1.0"),
    }


def _answer(description: str, kind: str, schema: JSON, example: object = None) -> JSON:
    media: JSON = {"schema": schema} if example is None else {"schema": schema, "example": example}
    return {"description": description, "headers": _REQUEST_ID, "content": {kind: media}}


def _error(description: str, key: str = "error") -> JSON:
    schema = {"$ref": _ERROR} if key == "error" else _error_schema(key)
    return _answer(description, "application/json", schema, {key: description, "request_id": _SENT})


def _either(description: str, key: str) -> JSON:
    """An error that the source answers with its own key, or the server with the common one."""
    schema = {"$ref": _ERROR} if key == "error" else {"anyOf": [{"$ref": _ERROR}, _error_schema(key)]}
    return _answer(description, "application/json", schema, {key: description, "request_id": _SENT})


def _request_id() -> JSON:
    return {
        "name": "X-Request-Id",
        "in": "header",
        "description": "Kept if it is 1-64 of A-Z a-z 0-9 . _ -",
        "schema": {"type": "string"},
    }


def _form() -> JSON:
    return {
        "name": "form",
        "in": "path",
        "required": True,
        "description": "Names the form: 1-64 of A-Z a-z 0-9 . _ -",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "example": "contact",
    }


def _query(name: str, description: str, example: str, const: str = "") -> JSON:
    schema: JSON = {"type": "string", **({"const": const} if const else {"minLength": 1})}
    found: JSON = {"name": name, "in": "query", "required": True, "description": description, "schema": schema}
    return found | {"example": example}


def _header(name: str, description: str, pattern: str, example: str) -> JSON:
    schema: JSON = {"type": "string", **({"pattern": pattern} if pattern else {})}
    found: JSON = {"name": name, "in": "header", "required": True, "description": description, "schema": schema}
    return found | ({"example": example} if example else {})


def _counts() -> JSON:
    names = {
        "accepted": "New leads, queued",
        "duplicates": "Leads that had been accepted before",
        "ignored": "Events that are no leads, or leads without a usable id (kept for the operator)",
    }
    return {
        "type": "object",
        "required": list(names),
        "properties": {name: {"type": "integer", "minimum": 0, "description": text} for name, text in names.items()},
        "additionalProperties": False,
    }


def _error_schema(key: str) -> JSON:
    return {
        "type": "object",
        "required": [key, "request_id"],
        "properties": {key: {"type": "string", "description": "What is wrong"}, "request_id": {"type": "string"}},
        "additionalProperties": False,
    }
