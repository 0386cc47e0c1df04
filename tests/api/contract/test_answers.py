"""Every described answer of every webhook is one that a server gives, with the described headers and body."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
import schemathesis
from jsonschema_rs import Draft202012Validator

from api.web.openapi import openapi
from tests.api.contract.conftest import LIMIT
from tests.api.contract.signing import signature_headers
from tests.api.pressure.crowd import Reply, line_to
from tests.api.web.conftest import WebProcess

DOCUMENT = schemathesis.openapi.from_dict(openapi())
INGESTS = [path for path, methods in openapi()["paths"].items() if "post" in methods]
PAGES = [(path, method) for path, methods in openapi()["paths"].items() for method in methods if method == "get"]

Make = Callable[[str], bytes]


def request(path: str, *lines: str, method: str = "POST", body: bytes = b"", version: str = "1.1") -> bytes:
    place = path.replace("{form}", "contact")
    head = [f"{method} {place} HTTP/{version}", "Host: leads.test", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


def signed(path: str, body: bytes, *lines: str) -> bytes:
    headers = signature_headers(path, body)
    given = [f"{name}: {value}" for name, value in headers.items()]
    return request(path, *given, f"Content-Length: {len(body)}", *lines, body=body)


def taken(path: str) -> bytes:
    """A body that is no lead for most; for Google, one with its key and no lead."""
    return signed(path, b'{"google_key":"example-google-key"}')


ANSWERS: dict[str, Make] = {
    "200": taken,
    "400": lambda path: request(path, "Content-Length: 5", "Transfer-Encoding: chunked"),
    "401": lambda path: request(path, "Content-Length: 2", body=b"{}"),
    "405": lambda path: request(path, method="DELETE"),
    "408": lambda path: request(path, "Content-Length: 10", body=b"{"),
    "413": lambda path: request(path, f"Content-Length: {LIMIT + 1}"),
    "415": lambda path: request(path, "Content-Length: 2", "Content-Encoding: gzip", body=b"{}"),
    "417": lambda path: request(path, "Content-Length: 2", "Expect: a miracle", body=b"{}"),
    "431": lambda path: request(path, *[f"X-{number}: y" for number in range(200)]),
}


@pytest.mark.parametrize("status", ANSWERS)
@pytest.mark.parametrize("path", INGESTS)
async def test_a_webhook_answers_as_described(web: WebProcess, path: str, status: str) -> None:
    reply = await ask(web, ANSWERS[status](path))
    assert_described(path, "post", status, reply)


@pytest.mark.parametrize("path", INGESTS)
async def test_every_described_answer_of_a_webhook_is_seen_here(path: str) -> None:
    described = set(openapi()["paths"][path]["post"]["responses"])
    assert described - set(ANSWERS) == {"404", "503", "505"}


@pytest.mark.parametrize("path", INGESTS)
async def test_without_its_secret_a_source_is_not_found_and_without_redis_not_available(
    web: WebProcess, lonely_web: WebProcess, path: str
) -> None:
    status = "503" if path == "/webhooks/meta" else "404"
    body = b'{"object":"page","entry":[{"id":"1","changes":[{"field":"leadgen","value":{"leadgen_id":"1"}}]}]}'
    assert_described(path, "post", status, await ask(lonely_web, signed(path, body)))


@pytest.mark.parametrize("path", INGESTS)
async def test_a_signed_body_that_cannot_be_read(web: WebProcess, path: str) -> None:
    # Google's key is in the body: what cannot be read has none.
    status = "401" if "google" in path else "400"
    assert_described(path, "post", status, await ask(web, signed(path, b"{")))


async def test_a_body_larger_than_a_source_s_own_limit(web: WebProcess) -> None:
    body = b" " * 262_145
    assert_described("/webhooks/google", "post", "413", await ask(web, signed("/webhooks/google", body)))


async def test_a_name_that_is_no_form_s(web: WebProcess) -> None:
    reply = await ask(web, request("/webhooks/forms/a,b", "Content-Length: 0"))
    assert_described("/webhooks/forms/{form}", "post", "404", reply)


@pytest.mark.parametrize("status", ["200", "400", "405", "417", "431"])
@pytest.mark.parametrize(("path", "method"), PAGES)
async def test_a_page_answers_as_described(web: WebProcess, path: str, method: str, status: str) -> None:
    query = "?hub.mode=subscribe&hub.challenge=1&hub.verify_token=example-verify-token" if "meta" in path else ""
    asked = {
        "200": request(path + query, method="GET"),
        "400": request(path, "Content-Length: 1", "Content-Length: 2", method="GET"),
        "405": request(path, method="PUT"),
        "417": request(path, "Expect: a miracle", method="GET"),
        "431": request(path, *[f"X-{number}: y" for number in range(200)], method="GET"),
    }
    assert_described(path, method, status, await ask(web, asked[status]))


async def test_readiness_without_servers(lonely_web: WebProcess) -> None:
    path = "/health/ready"
    assert_described(path, "get", "503", await ask(lonely_web, request(path, method="GET")))


async def test_a_token_that_is_wrong(web: WebProcess) -> None:
    query = "?hub.mode=subscribe&hub.challenge=1&hub.verify_token="
    for token, status in (("wrong", "403"), ("", "403")):
        reply = await ask(web, request(f"/webhooks/meta{query}{token}", method="GET"))
        assert_described("/webhooks/meta", "get", status, reply)
    assert_described("/webhooks/meta", "get", "400", await ask(web, request("/webhooks/meta", method="GET")))


async def ask(web: WebProcess, data: bytes) -> Reply:
    async with line_to(web) as line, asyncio.timeout(30):
        await line.write(data)
        reply = await line.read()
    assert reply is not None
    return reply


def assert_described(path: str, method: str, status: str, reply: Reply) -> None:
    """The reply has this status, and headers and a body as the document says of it at this place."""
    assert str(reply.status) == status, reply
    operation = DOCUMENT[path][method.upper()]
    found = httpx.Response(
        reply.status, headers=reply.headers, content=reply.body, request=httpx.Request(method, "http://leads.test")
    )
    found.elapsed = timedelta(0)
    operation.validate_response(found)
    described = resolved(openapi()["paths"][path][method]["responses"][status])
    for name, header in described["headers"].items():
        schema = resolved(header)["schema"]
        value: Any = reply.headers[name.lower()]
        Draft202012Validator(schema).validate(int(value) if schema["type"] == "integer" else value)
    ((kind, _),) = described["content"].items()
    assert reply.headers["content-type"].startswith(kind)
    assert reply.headers.get("x-content-type-options", "nosniff") == "nosniff"


def resolved(value: dict[str, Any]) -> dict[str, Any]:
    found: Any = openapi()
    for part in value.get("$ref", "").removeprefix("#/").split("/"):
        found = found[part] if part else value
    return dict(found)
