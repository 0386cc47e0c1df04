"""Every recorded request gets its recorded answer and leaves its leads in the queue, in process and over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from tests.api.web import cases
from tests.api.web.conftest import FORMS_KEY, FORMS_NOW, SECRETS, VERIFY_TOKEN, Queue, WebProcess

META, META_CASES = cases.load("cases.json")
FORMS, FORMS_CASES = cases.load("generic_cases.json")


def named(found: list[cases.Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", found, ids=lambda case: case.name)


def check(case: cases.Case, answer: httpx.Response, queue: Queue, source: str) -> None:
    """The answer's outcome, and exactly the leads it speaks of in the queue, safe to be stored."""
    counts = answer.json() if answer.status_code == 200 else {}
    assert cases.outcome(answer.status_code, counts) == case.outcome
    assert answer.headers["content-type"] == "application/json"
    jobs = queue.ready()
    assert len({job.external_id for job in jobs}) == len(jobs) == counts.get("accepted", 0)
    if case.leads is not None and counts:
        assert [job.external_id for job in jobs] == list(case.leads)
    if case.leads_count is not None:
        assert len(jobs) == case.leads_count
    for job in [*jobs, *queue.dead()]:
        assert job.source == source
        assert job.request_id == answer.headers["x-request-id"]
        job.payload.encode("utf-8")
    for job in jobs:
        assert isinstance(msgspec.json.decode(job.payload), dict)


def test_the_fixtures_are_the_cases_secrets() -> None:
    assert (META["secret"].encode(), META["previous_secret"].encode()) == SECRETS
    assert META["verify_token"] == VERIFY_TOKEN
    assert (FORMS["secret"], FORMS["frozen_now"]) == (FORMS_KEY, FORMS_NOW)


@named(META_CASES)
async def test_meta(case: cases.Case, client: httpx.AsyncClient, queue: Queue) -> None:
    answer = await client.post("/webhooks/meta", content=case.body, headers=list(case.headers))
    check(case, answer, queue, "meta")


@named(META_CASES)
def test_meta_over_http(case: cases.Case, web: WebProcess, redis_url: str, queue: Queue) -> None:
    answer = httpx.post(f"{web.url}/webhooks/meta", content=case.body, headers=list(case.headers))
    check(case, answer, queue, "meta")


@named(FORMS_CASES)
async def test_forms(case: cases.Case, client: httpx.AsyncClient, queue: Queue) -> None:
    answer = await client.post("/webhooks/forms/contact", content=case.body, headers=list(case.headers))
    check(case, answer, queue, "forms")


@pytest.mark.parametrize("case", cases.handshakes(), ids=lambda case: case["name"])
async def test_handshake(case: dict[str, Any], client: httpx.AsyncClient) -> None:
    answer = await client.request(case["method"], f"/webhooks/meta?{case['query']}")
    check_handshake(case, answer)


@pytest.mark.parametrize("case", cases.handshakes(), ids=lambda case: case["name"])
def test_handshake_over_http(case: dict[str, Any], web: WebProcess) -> None:
    check_handshake(case, httpx.request(case["method"], f"{web.url}/webhooks/meta?{case['query']}"))


def check_handshake(case: dict[str, Any], answer: httpx.Response) -> None:
    assert answer.status_code == case["expect_status"]
    if case["expect_body"] is not None:
        assert answer.text == case["expect_body"]
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_redelivery_is_a_duplicate_whatever_its_envelope(client: httpx.AsyncClient, queue: Queue) -> None:
    case = next(case for case in META_CASES if case.name == "redelivery_other_envelope_time")
    for accepted, duplicates in ((1, 0), (0, 1), (0, 1)):
        answer = await client.post("/webhooks/meta", content=case.body, headers=list(case.headers))
        assert answer.json() == {"accepted": accepted, "duplicates": duplicates, "ignored": 0}
    assert len(queue.ready()) == 1
