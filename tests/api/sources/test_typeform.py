"""Typeform: signed over the raw body, every type of answer kept, other events counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import PayloadError, RejectedError
from api.models import Lead
from api.settings import Settings
from api.signatures import sign_typeform
from api.sources import Incoming, TypeformSource, amended
from tests.api.sources.test_google import ANYTHING

SECRET = b"typeform-secret"
SOURCE = TypeformSource(Settings(source_secrets={"TYPEFORM_SECRET": (b"other", SECRET)}, default_region="DE"))


def asked(title: str, kind: str, **value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A question as in the definition, and its answer; `value` has one member, named after the answer's type."""
    identity = {"id": f"id-{title}", "ref": f"ref-{title}", "type": kind}
    ((answer_type, content),) = value.items()
    return identity | {"title": title}, {"type": answer_type, answer_type: content, "field": identity}


QUESTIONS = [
    asked("Thanks! What's your *first name*?", "short_text", text="Ana"),
    asked("And your last name?", "short_text", text="López"),
    asked("Where can we write to?", "email", email="ana@example.com"),
    asked("And call you?", "phone_number", phone_number="0170 1234567"),
    asked("Which one?", "multiple_choice", choice={"id": "c", "label": "London", "ref": "r"}),
    asked("Which other one?", "multiple_choice", choice={"other": "Rome"}),
    asked("Which ones?", "picture_choice", choices={"labels": ["A", "B"], "other": "C", "ids": ["1", "2"]}),
    asked("How many?", "number", number=9_007_199_254_740_993),
    asked("Agreed?", "yes_no", boolean=False),
    asked("May we write to you?", "legal", boolean=True),
    asked("When?", "date", date="2005-10-15"),
    asked("Your site?", "website", url="https://example.com"),
    asked("Your file?", "file_upload", file_url="https://api.typeform.com/f"),
    asked("Pay", "payment", payment={"amount": "1.10", "last4": "1234", "success": True}),
    asked("New kind", "hologram", hologram={"beam": 1}),
]


def event(**members: Any) -> dict[str, Any]:
    """A `form_response` event; `members` are of the response."""
    response: dict[str, Any] = {
        "form_id": "lT4Z3j",
        "token": "a3a12ec67a1365927098a606107fac15",
        "landed_at": "2018-01-18T18:07:02Z",
        "submitted_at": "2018-01-18T18:17:02Z",
        "calculated": {"score": 9},
        "variables": [{"key": "plan", "type": "text", "text": "pro"}],
        "hidden": {"utm_campaign": "spring", "user_id": "abc"},
        "definition": {"id": "lT4Z3j", "title": "Contact us", "fields": [question for question, _ in QUESTIONS]},
        "answers": [answer for _, answer in QUESTIONS],
    }
    return {"event_id": "LtWXD3crgy", "event_type": "form_response", "form_response": response | members}


def incoming(body: Any, secret: bytes = SECRET) -> Incoming:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"typeform-signature": sign_typeform(secret, raw)}
    return Incoming(body=raw, headers=headers, request_id="r-1", received_at=1.5)


def read(**members: Any) -> Lead:
    request = incoming(event(**members))
    SOURCE.verify(request, now=0.0)
    (job,) = SOURCE.parse(request).jobs
    return SOURCE.lead(job)


def answered(*questions: tuple[dict[str, Any], dict[str, Any]], **members: Any) -> Lead:
    return read(
        answers=[answer for _, answer in questions], definition={"fields": [q for q, _ in questions]}, **members
    )


def test_an_event_becomes_a_lead() -> None:
    request = incoming(event())
    SOURCE.verify(request, now=0.0)
    (job,) = SOURCE.parse(request).jobs
    assert (job.source, job.external_id, job.form) == ("typeform", "a3a12ec67a1365927098a606107fac15", "lT4Z3j")
    lead = SOURCE.lead(job)
    assert (lead.full_name, lead.email) == ("Ana López", "ana@example.com")
    assert (lead.phone, lead.phone_e164) == ("0170 1234567", "+491701234567")
    assert (lead.form_id, lead.form_name, lead.campaign_name) == ("lT4Z3j", "Contact us", "spring")
    assert lead.consent == {"May we write to you?": True}
    assert lead.created_at is not None
    assert lead.created_at.minute == 17
    assert (lead.status, lead.is_test) == ("stored", False)
    assert json.loads(lead.raw) == event()


def test_every_type_of_answer_is_kept() -> None:
    found = read().fields
    assert found["Which one?"] == ["London"]
    assert found["Which other one?"] == ["Rome"]
    assert found["Which ones?"] == ["A", "B", "C"]
    assert found["How many?"] == ["9007199254740993"]
    assert found["Agreed?"] == ["false"]
    assert found["When?"] == ["2005-10-15"]
    assert found["Your site?"] == ["https://example.com"]
    assert found["Your file?"] == ["https://api.typeform.com/f"]
    assert json.loads(found["Pay"][0]) == {"amount": "1.10", "last4": "1234", "success": True}
    assert found["New kind"] == ['{"beam":1}']
    assert found["hidden.user_id"] == ["abc"]
    assert found["calculated.score"] == ["9"]
    assert found["variables.plan"] == ["pro"]
    assert len(found) == len(QUESTIONS) + 4


def test_who_it_is_comes_from_texts_then_types_then_hidden_fields() -> None:
    typed = asked("Reach you at", "phone_number", phone_number="+34600123456")
    named = asked("Phone number", "short_text", text="+34600999999")
    assert answered(typed, named).phone == "+34600999999"
    assert answered(typed, hidden={"phone": "+1 202 555 0123"}).phone == "+34600123456"
    known = answered(asked("Why?", "short_text", text="x"), hidden={"email": "a@b.co", "name": "Ana", "phone": "1"})
    assert (known.email, known.full_name, known.phone, known.phone_e164) == ("a@b.co", "Ana", "1", "")


def test_answers_without_a_definition_go_by_their_reference() -> None:
    _, answer = asked("x", "short_text", text="v")
    assert read(definition=None, answers=[answer]).fields["ref-x"] == ["v"]
    assert read(definition=None, answers=[{"type": "text", "text": "v"}]).fields["unnamed"] == ["v"]


def test_tests_are_marked() -> None:
    assert read(hidden={"leads_test": "1"}).is_test
    assert answered(asked("Mail", "email", email="an_account@example.com")).is_test


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        "sha256=é",
        "sha1=" + sign_typeform(SECRET, b"{}")[7:],
        sign_typeform(SECRET, b"{}")[7:],
        sign_typeform(b"wrong", b"{}"),
        sign_typeform(SECRET, b"{ }"),
        sign_typeform(SECRET, b"{}") + ", " + sign_typeform(SECRET, b"{}"),
        sign_typeform(b"", b"{}"),
        "sha256=" + "0" * 64,
    ],
)
def test_a_wrong_signature_is_refused(header: str) -> None:
    with pytest.raises(RejectedError) as caught:
        SOURCE.verify(Incoming(body=b"{}", headers={"typeform-signature": header}), now=0.0)
    assert caught.value.status == 401


def test_the_signature_of_typeform_s_own_recipe_fits() -> None:
    # echo -n '{"a": "é"}' | openssl dgst -sha256 -hmac typeform-secret -binary | base64
    assert sign_typeform(SECRET, '{"a": "é"}'.encode()) == "sha256=DNG/C0vgKx9ZfC/msmseWG725UQaJv74C4LU6Sy3Kg4="


def test_each_secret_of_a_rotation_counts_and_an_empty_one_never() -> None:
    SOURCE.verify(incoming(b"{}", b"other"), now=0.0)
    for secrets in ((), (b"",)):
        with pytest.raises(RejectedError):
            TypeformSource(Settings(source_secrets={"TYPEFORM_SECRET": secrets})).verify(incoming(b"{}", b""), now=0.0)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"event_type": "form_response_partial", "form_response": {"token": "1"}}, "form_response_partial"),
        ({"event_type": "ping"}, "ping"),
        ({"event_type": 5}, "(no event_type)"),
        ({}, "(no event_type)"),
    ],
)
def test_other_events_are_counted(body: Any, kind: str) -> None:
    parsed = SOURCE.parse(incoming(body))
    assert (parsed.jobs, parsed.dead, parsed.ignored) == ([], [], 1)
    assert parsed.unhandled == [("typeform", kind)]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"1"])
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError):
        SOURCE.parse(incoming(body))


@pytest.mark.parametrize("token", [None, "", "a b", 1.5, {}])
def test_a_response_without_a_usable_token_is_kept_for_the_operator(token: Any) -> None:
    parsed = SOURCE.parse(incoming(event(token=token)))
    ((job, reason),) = parsed.dead
    assert "token" in reason
    assert job.external_id.startswith("invalid-")
    fixed = amended(job, json.dumps(event(token="t-1", form_id="F")))
    assert (fixed.id, fixed.external_id, fixed.form) == (job.id, "t-1", "F")
    assert SOURCE.lead(fixed).email == "ana@example.com"


@pytest.mark.parametrize(
    "payload", ["", "{", "[]", "{}", json.dumps({"event_type": "form_response"}), json.dumps(event(token=""))]
)
def test_an_edit_that_makes_no_lead_is_refused(payload: str) -> None:
    (job,) = SOURCE.parse(incoming(event())).jobs
    with pytest.raises(PayloadError):
        amended(job, payload)


MEMBERS = st.sampled_from(["answers", "definition", "hidden", "calculated", "variables", "form_id", "landed_at"])


@given(st.dictionaries(MEMBERS, ANYTHING))
def test_no_shape_loses_the_lead(members: dict[str, Any]) -> None:
    parsed = SOURCE.parse(incoming(event(**members)))
    (job,) = parsed.jobs
    assert SOURCE.lead(job).external_id == job.external_id


@given(ANYTHING, ANYTHING)
def test_no_answer_loses_the_lead(kind: Any, value: Any) -> None:
    answer = {"type": kind, str(kind): value, "field": value}
    assert read(answers=[answer], definition={"fields": [value, {"id": kind, "title": value}]}).status == "stored"


def test_it_is_switched_off_without_a_secret() -> None:
    assert not SOURCE.switched_off
    assert TypeformSource(Settings()).switched_off == "TYPEFORM_SECRET is not set"
