"""The app in process: routes, limits, what is kept and what is told, and that nothing private is logged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.settings import Settings
from api.signatures import sign_meta, sign_standard
from api.store import migrate
from tests.api.web.conftest import FORMS_NOW, SECRETS, VERIFY_TOKEN, LogLines, Queue, Serving

FORMS_SECRET = Settings.load({"FORMS_SECRET": "whsec_TWZLUTlyOEdLWXFyVHdqVVBEOElMUFpJbzJMYUxhU3c="}).forms_secrets[0]


def leads(*ids: Any, **more: Any) -> bytes:
    """A Meta webhook with one leadgen change for each id."""
    changes = [{"field": "leadgen", "value": {"leadgen_id": x, "page_id": "5", **more}} for x in ids]
    return json.dumps({"object": "page", "entry": [{"id": "5", "time": 1, "changes": changes}]}).encode()


async def post_meta(client: httpx.AsyncClient, body: bytes, **headers: str) -> httpx.Response:
    signed = {"x-hub-signature-256": sign_meta(SECRETS[0], body), **headers}
    return await client.post("/webhooks/meta", content=body, headers=signed)


async def post_form(client: httpx.AsyncClient, body: bytes, message_id: str, form: str = "contact") -> httpx.Response:
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(FORMS_NOW),
        "webhook-signature": sign_standard(FORMS_SECRET, message_id, FORMS_NOW, body),
    }
    return await client.post(f"/webhooks/forms/{form}", content=body, headers=headers)


async def test_a_webhook_becomes_jobs(client: httpx.AsyncClient, queue: Queue, log_lines: LogLines) -> None:
    answer = await post_meta(client, leads(1, "2", 1), **{"x-request-id": "req-7"})
    assert answer.status_code == 200
    assert answer.json() == {"accepted": 2, "duplicates": 1, "ignored": 0}
    assert answer.headers["x-request-id"] == "req-7"
    assert [(job.external_id, job.request_id, job.page) for job in queue.ready()] == [
        ("1", "req-7", "5"),
        ("2", "req-7", "5"),
    ]
    (line,) = [line for line in await log_lines() if line["event"].startswith("webhook.")]
    assert line["event"] == "webhook.accepted"
    assert (line["request_id"], line["accepted"], line["duplicates"], line["level"]) == ("req-7", 2, 1, "info")


async def test_one_lead_can_be_followed_by_its_log_line(
    client: httpx.AsyncClient, queue: Queue, log_lines: LogLines
) -> None:
    await post_meta(client, leads(77))
    (job,) = queue.ready()
    (line,) = [line for line in await log_lines() if line["event"] == "webhook.accepted"]
    assert (line["job_id"], line["external_id"], line["request_id"]) == (job.id, "77", job.request_id)


async def test_a_form_is_idempotent_by_its_id(client: httpx.AsyncClient, queue: Queue) -> None:
    first = await post_form(client, b'{"name":"A"}', "msg_1")
    again = await post_form(client, b'{"name":"A"}', "msg_1")
    other = await post_form(client, b'{"name":"A"}', "msg_2", "quote-2.b_c")
    assert [answer.json()["accepted"] for answer in (first, again, other)] == [1, 0, 1]
    assert [(job.external_id, job.form) for job in queue.ready()] == [("msg_1", "contact"), ("msg_2", "quote-2.b_c")]


@pytest.mark.parametrize("form", ["", "a b", "a/b", "%2e%2e%2fx", "a" * 65, "%00", "%C3%A9", "a%0a"])
async def test_a_form_with_a_name_that_is_none_is_not_found(client: httpx.AsyncClient, form: str) -> None:
    assert (await post_form(client, b"{}", "msg_1", form)).status_code == 404


async def test_an_invalid_lead_is_kept_dead_and_the_others_are_taken(client: httpx.AsyncClient, queue: Queue) -> None:
    for _ in range(2):
        answer = await post_meta(client, leads(1.5, "8"))
        assert answer.status_code == 200
    assert answer.json() == {"accepted": 0, "duplicates": 1, "ignored": 1}
    assert [job.external_id for job in queue.ready()] == ["8"]
    (dead,) = queue.dead()
    assert json.loads(dead.payload)["leadgen_id"] == 1.5


@pytest.mark.parametrize(
    "body",
    [b'{"entry":[', b"null", b"\xff\xfe", b"[" * 100_000, b""],
    ids=["cut", "null", "not utf-8", "deep", "empty"],
)
async def test_a_signed_body_that_cannot_be_read_is_refused_and_kept(
    body: bytes, client: httpx.AsyncClient, queue: Queue
) -> None:
    for _ in range(2):
        answer = await post_meta(client, body)
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("the body is n")
    (dead,) = queue.dead()
    assert dead.payload == body.decode("utf-8", "replace")[:262_144]
    assert queue.ready() == []


async def test_an_unsigned_body_is_not_kept(client: httpx.AsyncClient, queue: Queue) -> None:
    for headers in ({}, {"x-hub-signature": "sha1=" + "0" * 40}, {"x-hub-signature-256": sign_meta(b"x", b"{")}):
        answer = await client.post("/webhooks/meta", content=b"{", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert queue.dead() == []


async def test_a_header_sent_twice_is_refused(client: httpx.AsyncClient) -> None:
    body = leads(1)
    twice = [("x-hub-signature-256", sign_meta(SECRETS[0], body))] * 2
    assert (await client.post("/webhooks/meta", content=body, headers=twice)).status_code == 401


async def test_what_the_operator_must_know_is_told(
    settings: Settings, serving: Serving, queue: Queue, log_lines: LogLines
) -> None:
    async with serving(settings) as client:
        body = b'{"object":"page","entry":[{"id":"9","changed_fields":["leadgen"]}]}'
        assert (await post_meta(client, body)).json()["ignored"] == 1
        for _ in range(3):
            await client.post("/webhooks/meta", content=b"{}", headers={"x-hub-signature-256": sign_meta(b"x", b"{}")})
    told = queue.warnings()
    assert sorted(told) == ["include-values:9", "signature:meta"]
    assert "Include Values" in told["include-values:9"]
    assert '"count":1' in told["signature:meta"].replace(" ", "")
    assert [line["key"] for line in await log_lines() if line["event"] == "notice"] == [
        "include-values:9",
        "signature:meta",
    ]


async def test_hostile_field_names_are_counted_harmlessly(client: httpx.AsyncClient) -> None:
    fields = ["[bold]\x1b[2J\u202e", "x" * 5000, 'a"} 1\nfake{b="'] + [f"field_{n}" for n in range(200)]
    changes = [{"field": field, "value": {}} for field in fields]
    body = json.dumps({"object": "page", "entry": [{"changes": changes}]}).encode()
    assert (await post_meta(client, body)).json() == {"accepted": 0, "duplicates": 0, "ignored": len(fields)}
    text = (await client.get("/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith("leads_webhook_unhandled_total")]
    assert len(lines) == 51
    assert text.isascii()
    assert max(map(len, lines)) < 150
    assert 'leads_webhook_unhandled_total{field="other",object="other"} 153.0' in lines


async def test_nothing_private_is_logged_or_shown(
    client: httpx.AsyncClient, log_lines: LogLines, tmp_path: Any
) -> None:
    await post_form(client, b'{"name":"Greta Private","email":"greta@example.com"}', "msg_1")
    await post_form(client, b'{"name":"Greta Private"', "msg_2")
    await client.get(f"/webhooks/meta?hub.mode=subscribe&hub.challenge=Greta&hub.verify_token={VERIFY_TOKEN}")
    await client.get("/webhooks/meta?hub.mode=subscribe&hub.challenge=1&hub.verify_token=Greta")
    assert len(await log_lines()) >= 4
    text = (tmp_path / "log").read_text() + (await client.get("/metrics")).text
    for private in ("Greta", "example.com", VERIFY_TOKEN, SECRETS[0].decode()):
        assert private not in text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/webhooks/meta", "GET, HEAD, POST"),
        ("GET", "/webhooks/forms/contact", "POST"),
        ("HEAD", "/webhooks/forms/contact", "POST"),
        ("DELETE", "/webhooks/forms/contact", "POST"),
        ("POST", "/health/live", "GET, HEAD"),
        ("OPTIONS", "/health/ready", "GET, HEAD"),
        ("POST", "/metrics", "GET, HEAD"),
        ("BREW", "/docs", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    method: str, path: str, allowed: str, client: httpx.AsyncClient
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path",
    ["/", "/webhooks", "/webhooks/", "/webhooks/meta/", "/webhooks/meta/x", "/webhooks/forms", "/%00", "/x" * 999],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_path_is_not_found(method: str, path: str, client: httpx.AsyncClient) -> None:
    assert (await client.request(method, path)).status_code == 404


@pytest.mark.parametrize("path", ["/health/live", "/metrics", "/docs", "/openapi.json"])
async def test_head_is_get_without_the_body(path: str, client: httpx.AsyncClient) -> None:
    got, head = await client.get(path), await client.head(path)
    assert (got.status_code, head.status_code) == (200, 200)
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]
    if path != "/metrics":
        assert head.headers["content-length"] == str(len(got.content))


@pytest.mark.parametrize("given", ["a b", "x" * 65, "é", "a\tb", "", "a,b", "<x>"])
async def test_an_unsafe_request_id_is_replaced(given: str, client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/live", headers=[(b"x-request-id", given.encode("latin-1"))])
    assert len(answer.headers["x-request-id"]) == 26


async def test_a_source_without_a_secret_is_switched_off(settings: Settings, serving: Serving) -> None:
    async with serving(replace(settings, forms_secrets=(), meta_app_secrets=())) as client:
        for answer in (await post_meta(client, leads(1)), await post_form(client, b"{}", "msg_1")):
            assert answer.status_code == 404
            assert "is not set" in answer.json()["error"]


async def test_a_compressed_body_is_refused(client: httpx.AsyncClient) -> None:
    assert (await post_meta(client, leads(1), **{"content-encoding": "gzip"})).status_code == 415


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_a_body_too_large_is_refused_before_it_is_read(settings: Settings, serving: Serving) -> None:
    taken = []

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(50):
            taken.append(1)
            yield b"x" * 1_000

    async with serving(replace(settings, max_body_bytes=10_000)) as client:
        declared = await client.post("/webhooks/meta", content=b"x" * 10_001)
        assert (declared.status_code, declared.headers["connection"]) == (413, "close")
        undeclared = await client.post("/webhooks/meta", content=pieces())
        assert undeclared.status_code == 413
        assert len(taken) == 11
        fits = await client.post("/webhooks/meta", content=stream(b"x" * 10_000))
        assert fits.status_code == 401


@pytest.mark.parametrize("length", ["x", "-1", "1e3", "9" * 30, "²"])
async def test_a_length_that_is_none_is_refused(length: str, client: httpx.AsyncClient) -> None:
    headers = [(b"content-length", length.encode("latin-1"))]
    assert (await client.post("/webhooks/meta", content=stream(b"{}"), headers=headers)).status_code == 400


async def test_a_body_of_another_length_is_refused(client: httpx.AsyncClient) -> None:
    for length in ("1", "3"):
        answer = await client.post("/webhooks/meta", content=stream(b"{}"), headers={"content-length": length})
        assert answer.status_code == 400


async def test_a_slow_body_is_given_up(settings: Settings, serving: Serving) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async with serving(replace(settings, body_timeout=0.05)) as client:
        answer = await client.post("/webhooks/meta", content=pieces())
        assert (answer.status_code, answer.headers["connection"]) == (408, "close")


async def test_too_many_webhooks_at_once_are_sent_away_and_room_is_made_again(
    settings: Settings, serving: Serving
) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        entered.set()
        await leave.wait()
        yield b"{}"

    async with serving(replace(settings, max_requests=1)) as client:
        first = asyncio.create_task(client.post("/webhooks/meta", content=pieces()))
        await entered.wait()
        second = await post_meta(client, leads(1))
        assert (second.status_code, second.headers["retry-after"]) == (503, "5")
        leave.set()
        assert (await first).status_code == 401
        assert (await post_meta(client, leads(1))).status_code == 200


async def test_bodies_are_held_within_the_memory_allowed(settings: Settings, serving: Serving) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 100
        entered.set()
        await leave.wait()
        yield b"x"

    async with serving(replace(settings, max_buffered_bytes=150)) as client:
        first = asyncio.create_task(client.post("/webhooks/meta", content=pieces()))
        await entered.wait()
        second = await client.post("/webhooks/meta", content=stream(b"y" * 100))
        assert (second.status_code, second.headers["retry-after"]) == (503, "5")
        assert "leads_webhook_body_bytes 100.0" in (await client.get("/metrics")).text
        leave.set()
        assert (await first).status_code == 401
        assert "leads_webhook_body_bytes 0.0" in (await client.get("/metrics")).text


async def test_the_metrics_tell_what_happened(client: httpx.AsyncClient) -> None:
    await post_meta(client, leads(1, 2, 2, 1.5))
    await client.post("/webhooks/meta", content=b"{}")
    await client.get("/nothing")
    text = (await client.get("/metrics")).text
    for line in (
        'leads_webhook_events_total{outcome="accepted",source="meta"} 2.0',
        'leads_webhook_events_total{outcome="duplicate",source="meta"} 1.0',
        'leads_webhook_events_total{outcome="dead",source="meta"} 1.0',
        'leads_webhook_rejected_total{reason="signature",source="meta",status="401"} 1.0',
        'leads_http_requests_total{method="POST",route="/webhooks/meta",status="200"} 1.0',
        'leads_http_requests_total{method="GET",route="(unknown)",status="404"} 1.0',
        'leads_http_request_seconds_count{route="/webhooks/meta"} 2.0',
        "leads_queue_up 1.0",
        'leads_queue_jobs{state="ready"} 2.0',
        'leads_queue_jobs{state="dead"} 1.0',
        "leads_queue_accepted_total 3.0",
        "leads_store_up 0.0",
    ):
        assert line in text.splitlines()


async def test_ready_when_redis_and_a_migrated_postgres_answer(
    settings: Settings, serving: Serving, database_url: str
) -> None:
    await migrate(database_url)
    async with serving(replace(settings, database_url=database_url)) as client:
        answer = await client.get("/health/ready")
        assert answer.status_code == 200
        told = answer.json()
        assert told["status"] == "ready"
        for name in ("redis", "postgres"):
            assert told[name].pop("ms") >= 0
            assert told[name] == {"ok": True, "reason": ""}
        assert told["queue"] == {"cause": "no_worker", "means": "no worker answers"}
        assert "leads_store_leads 0.0" in (await client.get("/metrics")).text


async def test_not_ready_names_what_is_wrong_without_its_address(
    settings: Settings, serving: Serving, free_port: Callable[[], int]
) -> None:
    away = replace(
        settings,
        redis_url=f"redis://:hidden@127.0.0.1:{free_port()}/0",
        database_url=f"postgresql://leads:hidden@127.0.0.1:{free_port()}/leads",
    )
    async with serving(away) as client:
        ready, metrics = await client.get("/health/ready"), await client.get("/metrics")
        assert ready.status_code == 503
        told = ready.json()
        assert [told[name]["reason"] for name in ("redis", "postgres")] == ["connection refused", "connection refused"]
        assert (told["status"], told["queue"]["cause"]) == ("not ready", "redis_away")
        assert "127.0.0.1" not in ready.text
        assert "hidden" not in ready.text
        assert (metrics.status_code, "leads_queue_up 0.0" in metrics.text) == (200, True)
        assert (await client.get("/health/live")).status_code == 200
        webhook = await post_meta(client, leads(1))
        assert (webhook.status_code, webhook.headers["retry-after"]) == (503, "5")
        assert "hidden" not in webhook.text


async def test_a_webhook_without_leads_needs_no_queue(
    settings: Settings, serving: Serving, free_port: Callable[[], int]
) -> None:
    async with serving(replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")) as client:
        assert (await post_meta(client, b'{"object":"user","entry":[{}]}')).json()["ignored"] == 1
