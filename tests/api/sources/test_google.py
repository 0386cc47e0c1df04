"""Google Ads lead forms: the key is in the body, checked and never kept; ids keep all their digits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import PayloadError, RejectedError
from api.models import Lead
from api.settings import Settings
from api.sources import GoogleSource, Incoming, amended
from api.sources.google import MAX_BODY

KEY = "s3cret-kéy"
SOURCE = GoogleSource(Settings(source_secrets={"GOOGLE_KEY": (b"other", KEY.encode())}))
BIG = 9_223_372_036_854_775_807


def lead_body(**members: Any) -> dict[str, Any]:
    """A body as Google sends it."""
    columns = [
        {"column_id": "FULL_NAME", "column_name": "Nombre completo", "string_value": "Ana López"},
        {"column_id": "EMAIL", "column_name": "Correo", "string_value": "ana@example.com"},
        {"column_id": "PHONE_NUMBER", "column_name": "Teléfono", "string_value": "+34600123456"},
        {"column_id": "what_color?", "column_name": "What color?", "string_value": "red"},
    ]
    body: dict[str, Any] = {
        "lead_id": "MjpsZWFkX2lkOjE1NzI1ODA5MjQ4NTY=",
        "user_column_data": columns,
        "api_version": "1.0",
        "form_id": BIG,
        "campaign_id": 9_007_199_254_740_993,
        "adgroup_id": 7,
        "creative_id": 8,
        "asset_group_id": 9,
        "gcl_id": "click-1",
        "google_key": KEY,
        "is_test": False,
        "lead_submit_time": "2024-09-26T12:30:00Z",
        "lead_stage": "NEW",
    }
    return body | members


def incoming(body: Any) -> Incoming:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Incoming(body=raw, headers={}, request_id="r-1", received_at=1.5)


def read(**members: Any) -> Lead:
    request = incoming(lead_body(**members))
    SOURCE.verify(request, now=0.0)
    (job,) = SOURCE.parse(request).jobs
    return SOURCE.lead(job)


def test_a_body_becomes_a_lead() -> None:
    request = incoming(lead_body())
    SOURCE.verify(request, now=0.0)
    (job,) = SOURCE.parse(request).jobs
    assert (job.source, job.external_id, job.form, job.page) == ("google", lead_body()["lead_id"], str(BIG), "")
    assert (job.request_id, job.received_at) == ("r-1", 1.5)
    lead = SOURCE.lead(job)
    assert (lead.full_name, lead.email, lead.phone_e164) == ("Ana López", "ana@example.com", "+34600123456")
    assert (lead.form_id, lead.campaign_id, lead.ad_id) == (str(BIG), "9007199254740993", "8")
    assert lead.fields["What color?"] == ["red"]
    assert lead.created_at is not None
    assert lead.created_at.year == 2024
    assert (lead.status, lead.is_test, lead.cleaned) == ("stored", False, False)
    # What no column has is still in the raw text, digit for digit.
    assert json.loads(lead.raw) == {name: value for name, value in lead_body().items() if name != "google_key"}


@pytest.mark.parametrize("marked", [True, "true", 1])
def test_a_test_is_marked(marked: Any) -> None:
    assert read(is_test=marked).is_test


def test_first_and_last_name_are_joined() -> None:
    columns = [{"column_id": "FIRST_NAME", "string_value": "Ana"}, {"column_id": "LAST_NAME", "string_value": "Gil"}]
    assert read(user_column_data=columns).full_name == "Ana Gil"


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (None, {}),
        ("x", {}),
        ([None, 1, "x", []], {}),
        ([{}], {"unnamed": []}),
        ([{"column_id": "CITY", "string_value": None}], {"CITY": []}),
        ([{"column_name": "Why?", "string_value": "a"}], {"Why?": ["a"]}),
        ([{"column_id": "q", "column_name": "Why?", "string_value": "a"}], {"Why?": ["a"]}),
        ([{"column_id": "q", "string_value": "a"}, {"column_id": "q", "string_value": "b"}], {"q": ["a", "b"]}),
        ([{"column_id": "AGE", "int_value": 3, "value": 3}], {"AGE": ["3"]}),
        ([{"column_id": "AGE", "string_value": BIG}], {"AGE": [str(BIG)]}),
    ],
)
def test_columns_in_any_shape(columns: Any, found: dict[str, list[str]]) -> None:
    lead = read(user_column_data=columns)
    assert lead.fields == found
    assert lead.status == ("stored" if found else "partial")


@pytest.mark.parametrize("key", ["", "s3cret", KEY + " ", "S3CRET-KÉY", None, 0, True, [KEY], {"": KEY}, "\ud800"])
def test_a_wrong_key_is_refused(key: Any) -> None:
    with pytest.raises(RejectedError) as caught:
        SOURCE.verify(incoming(lead_body(google_key=key)), now=0.0)
    assert caught.value.status == 401
    assert KEY not in caught.value.reason


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b"\xff", b'"google_key"', b"{}", b"[" * 100_000])
def test_what_holds_no_key_is_refused(body: bytes) -> None:
    with pytest.raises(RejectedError) as caught:
        SOURCE.verify(incoming(body), now=0.0)
    assert caught.value.status == 401


def test_each_key_of_a_rotation_counts_and_an_empty_one_never() -> None:
    SOURCE.verify(incoming(lead_body(google_key="other")), now=0.0)
    for keys in ((), (b"",)):
        with pytest.raises(RejectedError):
            GoogleSource(Settings(source_secrets={"GOOGLE_KEY": keys})).verify(
                incoming(lead_body(google_key="")), now=0.0
            )


def test_a_key_sent_twice_counts_as_the_last_and_neither_is_kept() -> None:
    wrong_last = b'{"google_key":"other","google_key":"x","lead_id":"1"}'
    right_last = b'{"google_key":"x-first","google_\\u006bey":"other","lead_id":"1"}'
    with pytest.raises(RejectedError):
        SOURCE.verify(incoming(wrong_last), now=0.0)
    SOURCE.verify(incoming(right_last), now=0.0)
    assert SOURCE.parse(incoming(right_last)).jobs[0].payload == '{"lead_id":"1"}'


def test_a_large_body_is_refused_before_it_is_read() -> None:
    with pytest.raises(RejectedError) as caught:
        SOURCE.verify(incoming(lead_body(note="x" * MAX_BODY)), now=0.0)
    assert caught.value.status == 413


@pytest.mark.parametrize("lead_id", [None, "", " ", "a b", "é", "x" * 257, 1.5, True, -1, [], {}])
def test_a_lead_without_a_usable_id_is_kept_for_the_operator_without_the_key(lead_id: Any) -> None:
    parsed = SOURCE.parse(incoming(lead_body(lead_id=lead_id)))
    ((job, reason),) = parsed.dead
    assert (parsed.jobs, parsed.ignored) == ([], 1)
    assert "lead_id" in reason
    assert job.external_id.startswith("invalid-")
    assert "google_key" not in job.payload
    again = SOURCE.parse(incoming(lead_body(lead_id=lead_id))).dead[0][0]
    assert again.external_id == job.external_id


def test_a_number_is_an_id_too() -> None:
    assert SOURCE.parse(incoming(lead_body(lead_id=BIG))).jobs[0].external_id == str(BIG)


def test_nesting_beyond_reason_costs_the_nested_part_only() -> None:
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    assert read(user_column_data=deep).raw.count("nested too deeply") == 1


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8) | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)
MEMBERS = st.sampled_from(["lead_id", "form_id", "user_column_data", "is_test", "campaign_id", "other", "creative_id"])


@given(st.dictionaries(MEMBERS, ANYTHING))
def test_whatever_comes_with_the_key_is_one_job_or_one_dead_letter_without_it(members: dict[str, Any]) -> None:
    request = incoming({"google_key": KEY, **members})
    SOURCE.verify(request, now=0.0)
    parsed = SOURCE.parse(request)
    (job,) = [*parsed.jobs, *(dead for dead, _ in parsed.dead)]
    assert json.loads(job.payload) == json.loads(json.dumps(members))
    assert SOURCE.lead(job).external_id == job.external_id


def test_an_edit_decides_id_and_form_and_drops_a_pasted_key() -> None:
    ((job, _),) = SOURCE.parse(incoming(lead_body(lead_id=None))).dead
    changed = amended(job, json.dumps(lead_body(lead_id="L-1", form_id=5)))
    assert (changed.id, changed.external_id, changed.form) == (job.id, "L-1", "5")
    assert "google_key" not in changed.payload
    assert SOURCE.lead(changed).email == "ana@example.com"
    assert amended(job, '{"lead_id": "L-2"}').form == job.form


@pytest.mark.parametrize("payload", ["", "{", "[]", "{}", '{"lead_id": ""}', '{"lead_id": 1.5}', "1"])
def test_an_edit_that_makes_no_lead_is_refused(payload: str) -> None:
    (job,) = SOURCE.parse(incoming(lead_body())).jobs
    with pytest.raises(PayloadError):
        amended(job, payload)


def test_it_is_switched_off_without_a_key() -> None:
    assert not SOURCE.switched_off
    assert GoogleSource(Settings()).switched_off == "GOOGLE_KEY is not set"
