"""Replays: the request made again is one that its source takes, with the same ids; nothing personal is shown of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import msgspec
import pytest

from api.models import Job, Lead
from api.settings import Settings
from api.sources import SOURCES
from api.sources.base import Incoming, Parsed
from console import send
from console.errors import ConsoleError, UsageError
from console.masking import HIDDEN
from console.replay import Origin, of_job, of_lead, shown_body, shown_headers, webhook
from console.send import Webhook

STACK = {
    "META_APP_SECRET": "s3cret",
    "FORMS_SECRET": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=",
    "GOOGLE_KEY": "key-of-the-tests",
    "TYPEFORM_SECRET": "typeform-secret",
}
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
ANSWERS = {"full_name": "Ana Silva", "email": "ana@gmail.com"}


def taken(source: str, request: Webhook) -> Parsed:
    """What the source makes of a request, once it has verified it."""
    found = SOURCES[source](Settings.load(STACK))
    headers = {name.lower(): value for name, value in request.headers.items()}
    name = request.path.removeprefix(f"/webhooks/{source}").strip("/")
    incoming = Incoming(body=request.body, headers=headers, name=name, received_at=time.time())
    found.verify(incoming, time.time())
    return found.parse(incoming)


def first(source: str, form: str = "") -> tuple[Job, Lead]:
    """A test lead as it was queued, and as it was stored."""
    request = send.prepare(STACK, source=source, form=form, fields=ANSWERS)
    name = "forms" if form else source
    (job,) = taken(name, request).jobs
    lead = SOURCES[name](Settings.load(STACK)).lead(job)
    return job, msgspec.structs.replace(lead, id=7)


@pytest.mark.parametrize(("source", "form"), [("meta", "contact"), ("google", ""), ("typeform", "")])
def test_a_stored_or_queued_lead_is_taken_again_under_its_id(source: str, form: str) -> None:
    job, lead = first(source, form)
    for origin in (of_lead(lead), of_job(job)):
        (again,) = taken(job.source, webhook(origin, STACK)).jobs
        assert (again.source, again.external_id, again.form) == (job.source, job.external_id, job.form)
        assert msgspec.json.decode(again.payload) == msgspec.json.decode(job.payload)
    assert of_lead(lead).target == "lead 7"
    assert of_job(job).target == f"job {job.id}"


def test_metas_change_is_made_of_the_row() -> None:
    lead = Lead(
        "meta",
        "4711",
        AT,
        id=9,
        page_id="1029",
        form_id="77",
        ad_id="5",
        raw='{"email":"ana@gmail.com"}',
        created_at=AT,
    )
    request = webhook(of_lead(lead), STACK)
    (job,) = taken("meta", request).jobs
    assert (job.external_id, job.page, job.form) == ("4711", "1029", "77")
    assert msgspec.json.decode(job.payload) == {
        "leadgen_id": "4711", "page_id": "1029", "form_id": "77", "ad_id": "5", "created_time": int(AT.timestamp()),
    }  # fmt: skip
    assert b"ana@" not in request.body, "Meta sends ids only"


def test_a_dead_letter_of_meta_keeps_every_figure_of_its_value() -> None:
    value = '{"leadgen_id":1.5,"page_id":900719925474099312345,"x":[1e400]}'
    request = webhook(Origin("job J", "meta", "invalid-1", "1029", "", value), STACK)
    assert value.encode() in request.body
    ((job, why),) = taken("meta", request).dead
    assert "floating-point" in why
    assert "900719925474099312345" in job.payload


@pytest.mark.parametrize(("source", "form"), [("meta", "contact"), ("google", ""), ("typeform", "")])
def test_what_is_shown_holds_no_secret_and_no_personal_data(source: str, form: str) -> None:
    request = webhook(of_job(first(source, form)[0]), STACK)
    text = shown_body(request) + str(shown_headers(request))
    for secret in ("Silva", "ana@", "key-of", '"k' + HIDDEN):
        assert secret not in text, secret
    assert HIDDEN in text
    signature = [value for name, value in request.headers.items() if "ignature" in name]
    assert [value for value in signature if value in text] == []


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (Origin("job J", "forms", "unreadable-1", "contact", "contact", "{"), "could not be understood"),
        (Origin("job J", "forms", "m1", "contact", "contact", "{"), "is no body of forms"),
        (Origin("job J", "google", "m1", "", "", "[1]"), "is no body of google"),
        (Origin("job J", "acme", "m1", "", "", "{}"), "nobody knows how acme sends"),
        (Origin("job J", "forms", "m1", "../up", "", "{}"), "cannot be a form's name"),
    ],
)
def test_what_cannot_be_sent_again_is_said(origin: Origin, text: str) -> None:
    with pytest.raises(ConsoleError, match=text):
        webhook(origin, STACK)


def test_without_the_secret_nothing_is_signed() -> None:
    with pytest.raises(UsageError, match="FORMS_SECRET is not set"):
        webhook(of_job(first("meta", "contact")[0]), {})
