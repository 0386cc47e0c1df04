"""A lead's ids come out as they went in, whatever unknown members stand around them and however they are written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.described import EXAMPLE_SECRETS
from tests.api.fuzz.bodies import steady
from tests.api.fuzz.reading import FOUND, message_id_of, parsed

JSON = dict[str, Any]

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
ANY = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
UNKNOWN = st.dictionaries(st.text(max_size=12).map("x".__add__), ANY, max_size=4)
"""Members that no sender has, among them texts with NUL, lone surrogates and anything else."""

DIGITS = st.text("0123456789", min_size=1, max_size=40)
TOKENS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)


def meta(lead: str, form: str, more: list[JSON]) -> JSON:
    value = {"leadgen_id": lead, "page_id": "5", "form_id": form} | more[0]
    change = {"field": "leadgen", "value": value} | more[1]
    return {"object": "page", "entry": [{"id": "5", "time": 1, "changes": [change]} | more[2]]} | more[3]


def google(lead: str, form: str, more: list[JSON]) -> JSON:
    column = {"column_id": "EMAIL", "string_value": "ana@example.com"} | more[0]
    known = {"lead_id": lead, "form_id": form, "google_key": EXAMPLE_SECRETS["GOOGLE_KEY"]}
    return known | {"user_column_data": [column]} | more[1]


def typeform(lead: str, form: str, more: list[JSON]) -> JSON:
    answer = {"type": "email", "email": "ana@example.com", "field": {"id": "1"} | more[0]} | more[1]
    return (
        {"event_type": "form_response"}
        | more[2]
        | {"form_response": {"token": lead, "form_id": form, "answers": [answer]} | more[3]}
    )


@pytest.mark.parametrize(
    ("make", "ids"), [(meta, DIGITS), (google, TOKENS), (typeform, TOKENS)], ids=["meta", "google", "typeform"]
)
def test_unknown_members_change_nothing(make: Callable[[str, str, list[JSON]], JSON], ids: Any) -> None:
    source = FOUND[make.__name__]

    @steady
    @given(
        lead=ids,
        form=DIGITS,
        more=st.lists(UNKNOWN, min_size=4, max_size=4),
        indent=st.sampled_from([None, 0, 2]),
        order=st.booleans(),
    )
    def check(lead: str, form: str, more: list[JSON], indent: int | None, order: bool) -> None:
        body = json.dumps(make(lead, form, more), indent=indent, sort_keys=order).encode()
        found = parsed(source, body)
        assert found is not None
        assert [(job.external_id, job.form) for job in found.jobs] == [(lead, form)]
        assert (found.dead, found.ignored) == ([], 0)

    check()


@steady
@given(number=st.integers(0, 10**40 - 1), text=st.booleans())
def test_meta_s_ids_keep_every_digit(number: int, text: bool) -> None:
    body = json.dumps(meta(str(number), str(number), [{}, {}, {}, {}]))
    if not text:
        body = body.replace(f'"{number}"', str(number))
    found = parsed(FOUND["meta"], body.encode())
    assert found is not None
    assert [(job.external_id, job.form) for job in found.jobs] == [(str(number), str(number))]


@steady
@given(body=st.dictionaries(st.text(), ANY, max_size=5))
def test_a_form_s_lead_is_known_by_its_header_whatever_it_says(body: JSON) -> None:
    content = json.dumps(body).encode()
    found = parsed(FOUND["forms"], content)
    assert found is not None
    assert [(job.external_id, job.form) for job in found.jobs] == [(message_id_of(content), "contact")]
