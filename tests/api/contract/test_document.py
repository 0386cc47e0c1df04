"""The document: valid, complete, true to the registered routes, with examples that work; and the page made of it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
import schemathesis

from api.settings import Settings
from api.sources import SOURCES, TypeformSource, sources_of
from api.web.described import DESCRIBED, EXAMPLE_SECRETS, compact
from api.web.openapi import openapi, place_of
from tests.api.contract.conftest import LIMIT
from tests.api.contract.signing import signature_headers
from tests.api.web.conftest import WebProcess

METHODS = ("get", "post", "put", "patch", "delete", "options", "trace")
PAGES = {"/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def ingests() -> list[tuple[str, dict[str, Any]]]:
    return [(path, operation) for path, method, operation in operations() if method == "post"]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_it_is_valid_openapi() -> None:
    schemathesis.openapi.from_dict(openapi()).validate()
    broken = msgspec.json.decode(msgspec.json.encode(openapi()))
    del broken["paths"]["/docs"]["get"]["responses"]["200"]["description"]
    with pytest.raises(Exception, match="description"):
        schemathesis.openapi.from_dict(broken).validate()


def test_every_registered_source_is_described_and_nothing_else() -> None:
    places = {place_of(source) for source in sources_of(Settings()).values()}
    assert len(places) == len(SOURCES)
    assert set(openapi()["paths"]) == places | PAGES
    assert set(DESCRIBED) == set(SOURCES)
    for source in sources_of(Settings()).values():
        operation = openapi()["paths"][place_of(source)]["post"]
        described = {each["name"].lower() for each in operation["parameters"] if each.get("in") == "header"}
        assert described == set(source.headers)
        assert source.secret in EXAMPLE_SECRETS
        assert source.secret in operation["responses"]["404"]["description"]


def test_a_source_that_nothing_is_told_of_is_in_the_document_by_what_its_class_says() -> None:
    class Acme(TypeformSource):
        name = "acme"
        secret = "ACME_SECRET"
        headers = ("x-acme-signature",)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.web.openapi.sources_of", lambda settings: sources_of(settings) | {"acme": Acme(settings)})
        document = openapi.__wrapped__()
    schemathesis.openapi.from_dict(document).validate()
    operation = document["paths"]["/webhooks/acme"]["post"]
    assert operation["operationId"] == "acmeWebhook"
    assert operation["parameters"][0]["name"] == "x-acme-signature"
    assert "ACME_SECRET" in operation["responses"]["404"]["description"]


def test_every_described_path_takes_the_described_methods_and_no_other(web: WebProcess) -> None:
    with httpx.Client(base_url=web.url) as client:
        for path, methods in openapi()["paths"].items():
            for method in METHODS:
                answer = client.request(method, path.replace("{form}", "contact"))
                assert answer.status_code not in (404, 501)
                assert (answer.status_code == 405) == (method not in methods), (method, path)
                if answer.status_code == 405:
                    allowed = {name.lower() for name in answer.headers["allow"].split(", ")}
                    assert allowed - {"head"} == set(methods)
        for path in ("/", "/webhooks", "/webhooks/", "/webhooks/nobody", "/webhooks/forms", "/webhooks/meta/x"):
            for method in ("get", "post"):
                assert client.request(method, path).status_code == 404, (method, path)


def test_head_answers_as_get_without_the_body(web: WebProcess) -> None:
    with httpx.Client(base_url=web.url) as client:
        for path, method, _ in operations():
            if method == "get":
                head, get = client.head(path), client.get(path)
                assert (head.status_code, head.content) == (get.status_code, b"")
                assert head.headers["content-type"] == get.headers["content-type"]


def test_every_reference_leads_somewhere_every_name_is_unique_and_every_component_used() -> None:
    document = openapi()
    found = set(references(document))
    for reference in found:
        value: Any = document
        for part in reference.removeprefix("#/").split("/"):
            value = value[part]
    components = {f"#/components/{kind}/{name}" for kind, named in document["components"].items() for name in named}
    assert found == components
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    for _, _, operation in operations():
        for parameter in operation["parameters"]:
            pattern = parameter.get("schema", {}).get("pattern", "")
            assert re.search(pattern, parameter.get("example", "")) or not pattern


def test_every_answer_is_described_with_its_type_its_schema_and_its_request_id() -> None:
    document = openapi()
    for path, method, operation in operations():
        for status, named in operation["responses"].items():
            answer = named
            if "$ref" in named:
                answer = document["components"]["responses"][named["$ref"].rsplit("/", 1)[-1]]
            where = (path, method, status)
            assert answer["description"], where
            assert "X-Request-Id" in answer["headers"], where
            ((_, media),) = answer["content"].items()
            assert media["schema"], where
            assert int(status) < 400 or path == "/health/ready" or "example" in media, where
            assert (status == "405") == ("Allow" in answer["headers"]), where
        assert {"400", "405", "408", "417", "431", "503", "505"} <= set(operation["responses"])
    for path, operation in ingests():
        assert {"200", "401", "404", "413", "415"} <= set(operation["responses"]), path
        assert "Retry-After" in operation["responses"]["503"]["headers"], path


def test_the_examples_of_requests_are_taken_as_they_stand(web: WebProcess) -> None:
    with httpx.Client(base_url=web.url) as client:
        for path, operation in ingests():
            place = path.replace("{form}", "contact")
            ((_, media),) = operation["requestBody"]["content"].items()
            ((_, example),) = media["examples"].items()
            body = compact(example["value"])
            headers = {each["name"]: each["example"] for each in operation["parameters"] if each.get("in") == "header"}
            if "webhook-timestamp" in headers:
                # A form's example is of another day: refused as it stands, taken when it is signed anew.
                assert client.post(place, content=body, headers=headers).status_code == 401
                headers |= signature_headers(place, body, headers["webhook-id"])
            answer = client.post(place, content=body, headers=headers)
            assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "duplicates": 0, "ignored": 0}), path
            assert len(body) < LIMIT
        handshake = openapi()["paths"]["/webhooks/meta"]["get"]
        query = {each["name"]: each["example"] for each in handshake["parameters"] if each.get("in") == "query"}
        answer = client.get("/webhooks/meta", params=query)
        described = handshake["responses"]["200"]["content"]["text/plain"]["example"]
        assert (answer.status_code, answer.text) == (200, described)


def test_it_is_served_as_it_is(web: WebProcess) -> None:
    assert httpx.get(f"{web.url}/openapi.json").json() == openapi()


def test_the_page_shows_every_operation_and_loads_nothing(web: WebProcess) -> None:
    answer = httpx.get(f"{web.url}/docs")
    for path, method, operation in operations():
        assert f"<code>{method.upper()} {path}</code>" in answer.text
        assert html.escape(operation["summary"]) in answer.text
    assert not re.search(r"<script|<link|<img|<iframe|src=|@import|url\(|https?://", answer.text)
    assert re.findall(r'href="([^"]*)"', answer.text) == ["/openapi.json"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
