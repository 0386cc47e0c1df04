"""Meta's webhooks: every leadgen change becomes a job, exactly; everything else is counted; nothing raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import PayloadError, RejectedError
from api.settings import Settings
from api.signatures import sign_meta
from api.sources import Incoming, MetaSource, Parsed, amended
from api.sources.meta import handshake, lead_id

SOURCE = MetaSource(Settings(meta_app_secrets=(b"secret",)))
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("leadgen") | st.just("page"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["object", "entry", "changes", "field", "value", "leadgen_id", "page_id", "id", "changed_fields"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


def parse(body: Any) -> Parsed:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return SOURCE.parse(Incoming(body=data, headers={}, request_id="r-1", received_at=12.5))


def page(*changes: Any, **entry: Any) -> dict[str, Any]:
    return {"object": "page", "entry": [{"id": "11", "time": 1, "changes": list(changes), **entry}]}


def leadgen(**value: Any) -> dict[str, Any]:
    return {"field": "leadgen", "value": value}


def test_a_job_carries_what_the_worker_needs() -> None:
    parsed = parse(page(leadgen(leadgen_id=23842978613670425, page_id="22", form_id=33, created_time="any", x=[1.5])))
    (job,) = parsed.jobs
    assert (job.source, job.external_id, job.page, job.form) == ("meta", "23842978613670425", "22", "33")
    assert (job.request_id, job.received_at, job.attempt, job.seq) == ("r-1", 12.5, 0, 0)
    assert json.loads(job.payload) == {
        "leadgen_id": 23842978613670425,
        "page_id": "22",
        "form_id": 33,
        "created_time": "any",
        "x": [1.5],
    }
    assert len(job.id) == 26
    assert parsed.ignored == 0


def test_all_entries_and_changes_are_read_in_order() -> None:
    body = page(leadgen(leadgen_id="1"), leadgen(leadgen_id="2"))
    body["entry"] += [{"changes": [leadgen(leadgen_id="3")]}, {"changes": [leadgen(leadgen_id="1")]}]
    parsed = parse(body)
    assert [job.external_id for job in parsed.jobs] == ["1", "2", "3", "1"]
    assert len({job.id for job in parsed.jobs}) == 4


@pytest.mark.parametrize(
    ("value", "entry_id", "expected"),
    [
        ({"page_id": 22}, "11", "22"),
        ({}, "11", "11"),
        ({}, 11, "11"),
        ({"page_id": "x"}, "11", "11"),
        ({}, "0", ""),
        ({}, 0, ""),
        ({}, None, ""),
    ],
)
def test_the_page_is_the_values_else_the_entrys(value: dict[str, Any], entry_id: Any, expected: str) -> None:
    (job,) = parse(page(leadgen(leadgen_id="1", **value), id=entry_id)).jobs
    assert job.page == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (17, "17"),
        (10**40 - 1, "9" * 40),
        ("0017", "0017"),
        (" 17\r\n", "17"),
        (10**40, ""),
        (-1, ""),
        (True, ""),
        (1.0, ""),
        (None, ""),
        ([], ""),
        ({}, ""),
        ("", ""),
        (" ", ""),
        ("+1", ""),
        ("-1", ""),
        ("1 2", ""),
        ("1\0", ""),
        ("1\x1f", ""),
        ("\u00a01", ""),
        ("１２", ""),
        ("²", ""),
        ("1" * 41, ""),
        ("1e3", ""),
        ("1_000", ""),
    ],
)
def test_what_is_an_id(value: Any, expected: str) -> None:
    assert lead_id(value) == expected


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (leadgen(leadgen_id=1.5e15), "floating-point"),
        (leadgen(leadgen_id="+1"), "40 digits"),
        (leadgen(leadgen_id="1\0"), "40 digits"),
        (leadgen(page_id="1"), "no leadgen_id"),
        ({"field": "leadgen", "value": None}, "no value object"),
        ({"field": "leadgen", "value": "x"}, "no value object"),
        ({"field": "leadgen"}, "no value object"),
    ],
)
def test_a_lead_without_a_usable_id_is_kept_for_the_operator(change: Any, reason: str) -> None:
    parsed = parse(page(change, leadgen(leadgen_id="7")))
    assert [job.external_id for job in parsed.jobs] == ["7"]
    ((job, why),) = parsed.dead
    assert reason in why
    assert job.external_id.startswith("invalid-")
    assert json.loads(job.payload) == change.get("value")
    assert parsed.ignored == 1
    assert parsed.unhandled == []


def test_the_same_invalid_lead_has_the_same_external_id() -> None:
    first, second, other = (parse(page(leadgen(leadgen_id=x))).dead[0][0] for x in (1.5, 1.5, 2.5))
    assert first.external_id == second.external_id != other.external_id
    assert first.id != second.id


@pytest.mark.parametrize(
    ("body", "unhandled"),
    [
        ({"object": "page", "entry": []}, []),
        ({"object": "page"}, [("page", "(none)")]),
        ({"object": "page", "entry": None}, []),
        ({"object": "page", "entry": ["x", {}]}, [("page", "(not an object)"), ("page", "(no changes)")]),
        (page({"field": "feed", "value": {}}, {"field": "leadgen_update", "value": {"leadgen_id": "1"}}),
         [("page", "feed"), ("page", "leadgen_update")]),
        (page(None, "x", {}, {"field": ["leadgen"]}),
         [("page", "(not an object)"), ("page", "(not an object)"), ("page", "(none)"), ("page", "(not a text)")]),
        ({**page(leadgen(leadgen_id="1")), "object": "Page"}, [("Page", "leadgen")]),
        ({**page(leadgen(leadgen_id="1")), "object": 5}, [("(not a text)", "leadgen")]),
        (page(messaging=[{}, {}], standby=[{}]), [("page", "messaging"), ("page", "messaging"), ("page", "standby")]),
        ({"field": "leadgen", "value": {"leadgen_id": "1"}}, [("(none)", "leadgen")]),
    ],
)  # fmt: skip
def test_what_is_none_of_our_business_is_counted(body: Any, unhandled: list[tuple[str, str]]) -> None:
    parsed = parse(body)
    assert parsed.unhandled == unhandled
    assert parsed.ignored == len(unhandled)
    assert not parsed.jobs
    assert not parsed.dead


def test_a_change_without_values_is_told_to_the_operator() -> None:
    parsed = parse({"object": "page", "entry": [{"id": "11", "changed_fields": ["leadgen", "feed"]}]})
    ((key, text),) = parsed.notices
    assert key == "include-values:11"
    assert "Include Values" in text
    assert "11" in text
    assert parsed.ignored == 2
    other = parse({"object": "page", "entry": [{"changed_fields": ["feed", ["leadgen"], None]}]})
    assert other.notices == []


def test_a_value_nested_beyond_reason_keeps_its_flat_members() -> None:
    deep: Any = []
    for _ in range(500):
        deep = [deep]
    (job,) = parse(page(leadgen(leadgen_id="1", page_id="2", n=deep))).jobs
    assert json.loads(job.payload) == {"leadgen_id": "1", "page_id": "2", "n": "(nested too deeply)"}


@pytest.mark.parametrize("body", [b"null", b"true", b"7", b'"page"', b"[]", b"[{}]"])
def test_what_is_no_object_cannot_be_understood(body: bytes) -> None:
    with pytest.raises(PayloadError, match="not a JSON object"):
        parse(body)


@given(JUNK)
def test_no_shape_raises(value: Any) -> None:
    for body in (value, {"object": "page", "entry": value}, page(value), page(leadgen(leadgen_id=value))):
        try:
            parsed = parse(body)
        except PayloadError:
            assert not isinstance(body, dict)
            continue
        assert parsed.ignored == len(parsed.unhandled) + len(parsed.dead)
        assert all(job.external_id.isdigit() for job in parsed.jobs)


def test_verify_uses_the_raw_body() -> None:
    incoming = Incoming(body=b" {}", headers={"x-hub-signature-256": sign_meta(b"secret", b" {}")})
    SOURCE.verify(incoming, now=0)
    with pytest.raises(RejectedError):
        SOURCE.verify(Incoming(body=b"{}", headers=incoming.headers), now=0)
    with pytest.raises(RejectedError):
        SOURCE.verify(Incoming(body=b"{}", headers={}), now=0)


def test_it_is_switched_off_without_a_secret() -> None:
    assert not SOURCE.switched_off
    assert "META_APP_SECRET" in MetaSource(Settings()).switched_off


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=t", 400),
        ("hub.challenge=1&hub.verify_token=t", 400),
        ("hub.mode=subscribe&hub.mode=subscribe&hub.challenge=1&hub.verify_token=t", 400),
        ("hub.mode=subscribe&hub.challenge=1&hub.challenge=2&hub.verify_token=t", 400),
        ("hub.mode=subscribe&hub.challenge=&hub.verify_token=t", 400),
        ("hub.mode=subscribe&hub.verify_token=t&hub.challenge=" + "1" * 1025, 400),
        ("hub.mode=subscribe&hub.challenge=1&hub.verify_token=", 403),
        ("hub.mode=subscribe&hub.challenge=1&hub.verify_token=t&hub.verify_token=t", 403),
        ("hub.mode=subscribe&hub.challenge=1&hub.verify_token=T", 403),
        ("a=1&" * 100, 400),
        ("%FF=%FF&&&=;", 400),
    ],
)
def test_handshake_refuses(query: str, status: int) -> None:
    with pytest.raises(RejectedError) as caught:
        handshake(query, "t")
    assert caught.value.status == status


def test_handshake_gives_the_challenge_back_byte_for_byte() -> None:
    assert handshake("hub.mode=subscribe&hub.challenge=a%2Bb+%C3%A9%FF&hub.verify_token=t", "t") == b"a+b \xc3\xa9\xff"


def test_handshake_token_may_be_any_text_but_an_unset_one_matches_nothing() -> None:
    query = "hub.mode=subscribe&hub.challenge=1&hub.verify_token="
    assert handshake(query + "%C3%A9", "é") == b"1"
    with pytest.raises(RejectedError):
        handshake(query, "")


@given(st.text())
def test_no_query_raises_anything_else(query: str) -> None:
    with pytest.raises(RejectedError):
        handshake(query, "a token nobody guesses")


def test_an_edited_dead_letter_becomes_the_lead_it_names() -> None:
    ((job, _),) = parse(page(leadgen(leadgen_id=1.5, page_id="11"))).dead
    fixed = amended(job, '{"leadgen_id": 9000000000000001, "page_id": "12", "form_id": "77"}')
    assert (fixed.id, fixed.external_id, fixed.page, fixed.form) == (job.id, "9000000000000001", "12", "77")


def test_an_edited_body_may_hold_one_lead() -> None:
    ((job, _),) = parse(page(leadgen(leadgen_id="x"))).dead
    assert amended(job, json.dumps(page(leadgen(leadgen_id="5")))).payload == '{"leadgen_id":"5"}'
    with pytest.raises(PayloadError, match="2 leadgen changes"):
        amended(job, json.dumps(page(leadgen(leadgen_id="5"), leadgen(leadgen_id="6"))))


@pytest.mark.parametrize("payload", ["{}", "[]", "null", '{"leadgen_id": "x"}', '{"entry": []}', '{"entry": [1, {}]}'])
def test_an_edit_that_names_no_lead_is_refused(payload: str) -> None:
    ((job, _),) = parse(page(leadgen(leadgen_id="x"))).dead
    with pytest.raises(PayloadError, match="leadgen"):
        amended(job, payload)
