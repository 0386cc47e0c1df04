"""Forms: one signed body is one job; what cannot be stored safely is refused."""

from __future__ import annotations

import json

import pytest

from api.errors import PayloadError, RejectedError
from api.settings import Settings
from api.signatures import sign_standard
from api.sources import FormsSource, Incoming, amended
from api.sources.base import unreadable

KEY, NOW = b"0123456789", 1_700_000_000
SOURCE = FormsSource(Settings(forms_secrets=(b"other", KEY)))


def incoming(body: bytes, message_id: str = "msg_1") -> Incoming:
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(NOW),
        "webhook-signature": sign_standard(KEY, message_id, NOW, body),
    }
    return Incoming(body=body, headers=headers, name="contact", request_id="r-1", received_at=1.5)


def test_a_body_becomes_a_job() -> None:
    request = incoming('{"name": "Zoë", "n": 12345678901234567890123}'.encode())
    SOURCE.verify(request, now=NOW)
    parsed = SOURCE.parse(request)
    (job,) = parsed.jobs
    assert (job.source, job.external_id, job.page, job.form) == ("forms", "msg_1", "contact", "contact")
    assert (job.request_id, job.received_at) == ("r-1", 1.5)
    assert json.loads(job.payload) == {"name": "Zoë", "n": 12345678901234567890123}
    assert (parsed.ignored, parsed.dead, parsed.notices) == (0, [], [])


def test_verify_refuses_another_body_and_another_time() -> None:
    request = incoming(b"{}")
    with pytest.raises(RejectedError):
        SOURCE.verify(Incoming(body=b"{ }", headers=request.headers), now=NOW)
    with pytest.raises(RejectedError):
        SOURCE.verify(request, now=NOW + 301)
    with pytest.raises(RejectedError):
        SOURCE.verify(Incoming(body=b"{}", headers={}), now=NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b"\xff", b'{"a":' + b"[" * 100 + b"]" * 100 + b"}"])
def test_what_cannot_be_stored_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError):
        SOURCE.parse(incoming(body))


def test_it_is_switched_off_without_a_secret() -> None:
    assert not SOURCE.switched_off
    assert "FORMS_SECRET" in FormsSource(Settings()).switched_off


def test_an_unreadable_body_is_kept_once_for_the_same_bytes() -> None:
    first, second, other = (unreadable("forms", incoming(body), "why") for body in (b"\xff{", b"\xff{", b"\xfe{"))
    assert first[1] == "why"
    assert first[0].payload == "\ufffd{"
    assert first[0].external_id == second[0].external_id != other[0].external_id
    assert first[0].external_id.startswith("unreadable-")
    assert first[0].form == "contact"


def test_an_edit_must_be_json_and_keeps_the_id() -> None:
    (job,) = SOURCE.parse(incoming(b'{"email": "typo@example"}')).jobs
    changed = amended(job, '{"email": "ana@example.com"}')
    assert (changed.id, changed.external_id) == (job.id, job.external_id)
    assert SOURCE.lead(changed).email == "ana@example.com"
    with pytest.raises(PayloadError):
        amended(job, "{")
