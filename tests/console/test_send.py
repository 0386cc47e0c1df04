"""Test webhooks: signed so that the service takes them, with the stack's own secret, told plainly when it does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from api.settings import Settings
from api.sources import FormsSource, GoogleSource, Incoming, MetaSource, TypeformSource
from console import send
from console.errors import UnreachableError, UsageError
from tests.console.cli.calls import leadsctl

FORMS_SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ="
STACK = {
    "META_APP_SECRET": "new,old",
    "FORMS_SECRET": FORMS_SECRET,
    "GOOGLE_KEY": "kéy,old",
    "TYPEFORM_SECRET": "ts,old",
}
NOW = 1_795_500_000.0


def incoming(webhook: send.Webhook, name: str = "") -> Incoming:
    headers = {key.lower(): value for key, value in webhook.headers.items()}
    return Incoming(body=webhook.body, headers=headers, name=name)


def test_metas_webhook_verifies_and_holds_one_lead() -> None:
    webhook = send.prepare(STACK, external_id="4711", page="1029")
    source = MetaSource(Settings.load({"META_APP_SECRET": "new"}))
    source.verify(incoming(webhook), NOW)
    (job,) = source.parse(incoming(webhook)).jobs
    assert (job.external_id, job.page, webhook.external_id, webhook.path) == ("4711", "1029", "4711", "/webhooks/meta")


def test_a_made_up_id_is_new_each_time() -> None:
    ids = {send.prepare(STACK).external_id for _ in range(20)}
    assert len(ids) == 20
    assert all(len(text) == 16 and text.isdigit() for text in ids)


def test_a_forms_webhook_verifies_and_carries_its_answers() -> None:
    webhook = send.prepare(STACK, form="contact", fields={"email": "ana@example.com"})
    assert webhook.path == "/webhooks/forms/contact"
    source = FormsSource(Settings.load({"FORMS_SECRET": FORMS_SECRET}))
    source.verify(incoming(webhook, "contact"), float(webhook.headers["webhook-timestamp"]))
    (job,) = source.parse(incoming(webhook, "contact")).jobs
    assert json.loads(job.payload)["data"] == {"email": "ana@example.com"}
    lead = source.lead(job)
    assert (lead.email, lead.is_test, lead.fields) == ("ana@example.com", True, {"email": ["ana@example.com"]})
    assert job.external_id == webhook.external_id


@pytest.mark.parametrize(("name", "kind"), [("google", GoogleSource), ("typeform", TypeformSource)])
def test_other_sources_verify_and_are_test_leads(name: str, kind: type[GoogleSource | TypeformSource]) -> None:
    source = kind(Settings.load(STACK))
    webhook = send.prepare(STACK, source=name)
    source.verify(incoming(webhook), NOW)
    (job,) = source.parse(incoming(webhook)).jobs
    assert (webhook.path, webhook.external_id, job.form) == (f"/webhooks/{name}", job.external_id, send.TEST_FORM)
    lead = source.lead(job)
    assert (lead.full_name, lead.email, lead.phone_e164) == ("Test Lead", "test@example.com", "+12025550123")
    assert lead.is_test
    given = send.prepare(STACK, source=name, external_id="x-1", fields={"Why?": "so"})
    (job,) = source.parse(incoming(given)).jobs
    assert (job.external_id, source.lead(job).fields["Why?"]) == ("x-1", ["so"])


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("google", "GOOGLE_KEY is not set"),
        ("typeform", "TYPEFORM_SECRET is not set"),
        ("forms", "forms is no source of test leads"),
        ("pigeon", "pigeon is no source of test leads"),
    ],
)
def test_a_source_that_cannot_be_sent_as_is_a_usage_error(source: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        send.prepare({"META_APP_SECRET": "x"}, source=source)


@pytest.mark.parametrize(
    ("stack", "form", "text"),
    [
        ({}, "", "META_APP_SECRET is not set"),
        ({"META_APP_SECRET": "x"}, "contact", "FORMS_SECRET is not set"),
        ({"FORMS_SECRET": "plain"}, "contact", "FORMS_SECRET is not valid"),
        (STACK, "../admin", "cannot be a form's name"),
        (STACK, "a b", "cannot be a form's name"),
        (STACK, "ünder", "cannot be a form's name"),
    ],
)
def test_what_cannot_be_signed_is_a_usage_error(stack: Mapping[str, str], form: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        send.prepare(stack, form=form)


@pytest.mark.parametrize("given", ["é", "a\nb", "a b", "x" * 257])
@pytest.mark.parametrize("where", [{}, {"form": "contact"}, {"source": "google"}])
def test_an_id_that_cannot_be_one_is_a_usage_error(given: str, where: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="cannot be a lead's id"):
        send.prepare(STACK, external_id=given, source=where.get("source", "meta"), form=where.get("form", ""))


def test_an_answer_that_is_no_text_is_a_usage_error(tmp_path: Path) -> None:
    call = leadsctl("--local", "--dir", str(tmp_path), "send", "--form", "contact", "--field", "name=\udcff")
    assert call.code == 2
    assert "is not UTF-8" in call.err


async def test_the_answer_is_told_whatever_its_status() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["x-hub-signature-256"].startswith("sha256=")
        return httpx.Response(401, text="no " * 10_000, headers={"X-Request-Id": "r1"})

    transport = httpx.MockTransport(answer)
    got = await send.deliver("http://127.0.0.1:3000/", send.prepare(STACK), transport=transport)
    assert (got.status, got.accepted, got.request_id, got.url) == (
        401,
        False,
        "r1",
        "http://127.0.0.1:3000/webhooks/meta",
    )
    assert len(got.body) == send.MAX_ANSWER
    assert (got.result().ok, got.result().exit_code) == (False, 1)


async def test_nobody_there_is_unreachable() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    with pytest.raises(UnreachableError, match=r"does not answer at http://h: connection refused"):
        await send.deliver("http://h", send.prepare(STACK), transport=httpx.MockTransport(refuse))
