"""The description of the interface agrees with the interface."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx

from api.web import docs
from tests.api.web.test_app import leads, post_form, post_meta

METHODS = ("get", "post", "put", "patch", "delete")


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in docs.openapi()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


async def test_each_path_takes_the_described_methods_and_no_other(client: httpx.AsyncClient) -> None:
    for path, methods in docs.openapi()["paths"].items():
        for method in METHODS:
            status = (await client.request(method, path.replace("{form}", "contact"))).status_code
            assert status != 404
            assert (status == 405) == (method not in methods), (method, path)


async def test_answers_have_a_described_status_type_and_shape(client: httpx.AsyncClient) -> None:
    handshake = "/webhooks/meta?hub.mode=subscribe&hub.challenge=1&hub.verify_token="
    answers = [
        ("/webhooks/meta", await client.get("/webhooks/meta")),
        ("/webhooks/meta", await client.get(handshake + "test_verify_token")),
        ("/webhooks/meta", await client.get(handshake)),
        ("/webhooks/meta", await post_meta(client, leads(1))),
        ("/webhooks/meta", await post_meta(client, b"{")),
        ("/webhooks/meta", await client.post("/webhooks/meta")),
        ("/webhooks/forms/{form}", await post_form(client, b"{}", "msg_1")),
        ("/webhooks/forms/{form}", await client.post("/webhooks/forms/contact")),
        *[
            (path, await client.get(path))
            for path, method, _ in operations()
            if method == "get" and "hooks" not in path
        ],
    ]
    schemas = docs.openapi()["components"]["schemas"]
    for path, answer in answers:
        described = docs.openapi()["paths"][path][answer.request.method.lower()]["responses"][str(answer.status_code)]
        ((kind, media),) = described["content"].items()
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["x-request-id"]
        if "$ref" in media["schema"]:
            schema = schemas[media["schema"]["$ref"].rsplit("/", 1)[-1]]
            assert sorted(answer.json()) == sorted(schema["properties"]) == sorted(schema["required"])


def test_every_reference_leads_somewhere_and_every_name_is_unique() -> None:
    document = docs.openapi()
    for reference in references(document):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    for _, _, operation in operations():
        for parameter in operation.get("parameters", ()):
            re.compile(parameter["schema"].get("pattern", ""))


async def test_the_document_is_served_as_it_is(client: httpx.AsyncClient) -> None:
    assert json.loads((await client.get("/openapi.json")).content) == docs.openapi()


async def test_the_page_shows_every_operation_and_loads_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs")
    for path, method, _ in operations():
        assert f"<code>{method.upper()} {path}</code>" in answer.text
    assert not re.search(r"<script|src=|@import|url\(|https?://(?!standardwebhooks)", answer.text)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
