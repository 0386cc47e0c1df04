"""Every source from a signed request over HTTP to a row, dead letters edited and retried, and a secret kept nowhere."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import redis
import structlog

from api import logs
from api.models import JobState, Lead, LeadFilter
from api.queue import Operator
from api.settings import Settings
from api.signatures import sign_meta, sign_standard, sign_typeform
from api.sources import amended
from tests.api.sources.conftest import SECRETS
from tests.api.sources.test_google import lead_body
from tests.api.sources.test_typeform import event
from tests.api.web.conftest import WebProcess
from tests.api.worker.rig import Rig

FORMS_KEY = Settings.load({"FORMS_SECRET": SECRETS["FORMS_SECRET"]}).forms_secrets[0]
KEY, OLD_KEY = "google-k3y", "google-old-k3y"

Sent = tuple[str, dict[str, str], bytes]


def google(**members: Any) -> Sent:
    return "/webhooks/google", {}, json.dumps(lead_body(**{"google_key": KEY, **members})).encode()


def typeform(**members: Any) -> Sent:
    body = json.dumps(event(**members)).encode()
    return "/webhooks/typeform", {"Typeform-Signature": sign_typeform(b"typeform-s3cret", body)}, body


def forms(**members: Any) -> Sent:
    body, now = (
        json.dumps({"data": {"full_name": "Ana López", "email": "ana@example.com"} | members}).encode(),
        time.time(),
    )
    signed = {"webhook-signature": sign_standard(FORMS_KEY, "msg_1", int(now), body)}
    return "/webhooks/forms/contact", signed | {"webhook-id": "msg_1", "webhook-timestamp": str(int(now))}, body


def meta(**members: Any) -> Sent:
    value = {"leadgen_id": "9703", "page_id": "1029", "form_id": "77"} | members
    entry = {"id": "1029", "time": 1, "changes": [{"field": "leadgen", "value": value}]}
    body = json.dumps({"object": "page", "entry": [entry]}).encode()
    return "/webhooks/meta", {"X-Hub-Signature-256": sign_meta(b"meta-s3cret", body)}, body


async def post(web: WebProcess, sent: Sent) -> httpx.Response:
    path, headers, body = sent
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(web.url + path, headers=headers, content=body)


async def stored(rig: Rig) -> Lead:
    """The one lead there is, once its row is there."""
    await rig.rows(1)
    (lead,) = (await rig.reader.page(LeadFilter(), limit=5, full=True)).leads
    return lead


@pytest.mark.parametrize(
    ("make", "external_id", "form", "name"),
    [
        (google, lead_body()["lead_id"], "9223372036854775807", "Ana López"),
        (typeform, "a3a12ec67a1365927098a606107fac15", "lT4Z3j", "Ana López"),
        (forms, "msg_1", "contact", "Ana López"),
        (meta, "9703", "77", "Person 9703"),
    ],
)
async def test_a_signed_webhook_becomes_one_row_however_often_it_is_sent(
    web: WebProcess, rig: Rig, make: Callable[[], Sent], external_id: str, form: str, name: str
) -> None:
    first, again = await post(web, make()), await post(web, make())
    assert (first.status_code, first.json()) == (200, {"accepted": 1, "duplicates": 0, "ignored": 0})
    assert (again.status_code, again.json()) == (200, {"accepted": 0, "duplicates": 1, "ignored": 0})
    async with rig.working():
        lead = await stored(rig)
        await rig.idle()
    assert lead.source == make.__name__
    assert (lead.external_id, lead.form_id, lead.full_name) == (external_id, form, name)
    assert not lead.is_test
    assert (await rig.accounting()).balanced


async def test_a_default_region_reaches_the_row_of_every_source(web: WebProcess, rig: Rig) -> None:
    for sent in (google(user_column_data=[{"column_id": "PHONE_NUMBER", "string_value": "0170 1234567"}]), typeform()):
        assert (await post(web, sent)).status_code == 200
    assert (await post(web, forms(phone="0170 1234567"))).status_code == 200
    async with rig.working(default_region="DE"):
        await rig.rows(3)
    leads = (await rig.reader.page(LeadFilter(), limit=5)).leads
    assert {(lead.phone, lead.phone_e164) for lead in leads} == {("0170 1234567", "+491701234567")}


async def test_tests_are_rows_marked_as_such(web: WebProcess, rig: Rig) -> None:
    assert (await post(web, google(is_test=True))).status_code == 200
    assert (await post(web, typeform(hidden={"leads_test": "1"}))).status_code == 200
    async with rig.working():
        await rig.rows(2)
    assert [lead.is_test for lead in (await rig.reader.page(LeadFilter(), limit=5)).leads] == [True, True]


@pytest.mark.parametrize(
    ("sent", "reason_key", "reason"),
    [
        (google(google_key="wrong"), "message", "the signature does not match"),
        (google(google_key=None), "message", "google_key is missing"),
        (("/webhooks/google", {}, b"{"), "message", "google_key cannot be found: the body is not JSON (character 1)"),
        ((typeform()[0], {}, typeform()[2]), "error", "Typeform-Signature is missing"),
        ((*typeform()[:2], b"{}"), "error", "the signature does not match"),
    ],
)
async def test_what_does_not_verify_is_refused_in_the_sender_s_words(
    web: WebProcess, rig: Rig, sent: Sent, reason_key: str, reason: str
) -> None:
    answer = await post(web, sent)
    assert answer.status_code == 401
    assert sorted(answer.json()) == sorted([reason_key, "request_id"])
    assert answer.json()[reason_key] == reason
    snapshot = await rig.inspector.snapshot()
    assert (snapshot.accepted, snapshot.dead) == (0, 0)


async def test_another_event_is_taken_and_counted(web: WebProcess, rig: Rig) -> None:
    body = b'{"event_type": "form_response_partial"}'
    signed = {"Typeform-Signature": sign_typeform(b"typeform-s3cret", body)}
    answer = await post(web, ("/webhooks/typeform", signed, body))
    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "duplicates": 0, "ignored": 1})
    metrics = httpx.get(f"{web.url}/metrics", trust_env=False).text
    assert 'leads_webhook_unhandled_total{field="form_response_partial",object="typeform"}' in metrics


@pytest.mark.parametrize(
    ("sent", "fixed", "external_id"),
    [
        (google(lead_id=None), json.dumps(lead_body(lead_id="L-1", google_key=KEY)), "L-1"),
        (typeform(token=None), json.dumps(event(token="t-1")), "t-1"),
    ],
)
async def test_a_dead_letter_is_edited_and_retried(
    web: WebProcess, rig: Rig, sent: Sent, fixed: str, external_id: str
) -> None:
    answer = await post(web, sent)
    assert (answer.status_code, answer.json()["ignored"]) == (200, 1)
    (view,) = (await rig.inspector.jobs(JobState.DEAD)).jobs
    async with Operator(rig.redis_url, "leads") as operator, rig.working():
        assert (await operator.edit(view.job.id, fixed, amended)).done == (view.job.id,)
        await operator.retry([view.job.id])
        lead = await stored(rig)
        await rig.idle()
    assert (lead.external_id, lead.email) == (external_id, "ana@example.com")
    assert KEY not in everything_in(rig.redis_url) + lead.raw


async def test_google_s_key_is_kept_nowhere(web: WebProcess, rig: Rig) -> None:
    out = io.BytesIO()
    logs.configure("debug", out)
    try:
        for sent in (
            google(),
            google(lead_id=None),
            google(lead_id="x", google_key=OLD_KEY),
            google(google_key=KEY + "x"),
        ):
            await post(web, sent)
        in_queue = everything_in(rig.redis_url)
        assert "ana@example.com" in in_queue
        async with rig.working():
            await rig.rows(2)
            await rig.idle()
    finally:
        structlog.reset_defaults()
    rows = (await rig.reader.page(LeadFilter(), limit=5, full=True)).leads
    assert len(rows) == 2
    log = (web.folder / "out").read_text() + (web.folder / "err").read_text() + out.getvalue().decode()
    for text in (in_queue, everything_in(rig.redis_url), repr(rows), log):
        assert KEY not in text
        assert OLD_KEY not in text


def everything_in(redis_url: str) -> str:
    """All values of all keys of a Redis, as text."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        read: dict[str, Callable[[str], Any]] = {
            "string": client.get,
            "hash": client.hgetall,
            "stream": client.xrange,
            "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
            "set": client.smembers,
            "list": lambda key: client.lrange(key, 0, -1),
        }
        return "\n".join(f"{key}={read[str(client.type(key))](key)}" for key in client.scan_iter())
