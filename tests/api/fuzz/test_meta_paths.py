"""Meta's usual deliveries are read in a short way: for any body the outcome is that of the full reading."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.errors import PayloadError
from api.models import Job
from api.sources import Parsed, meta
from api.sources.meta_usual import usual_jobs
from tests.api.fuzz.bodies import bodies, deliveries, steady
from tests.api.fuzz.reading import FOUND, incoming

SOURCE = FOUND["meta"]

USUAL = {"object": "page", "entry": [{"changes": [{"field": "leadgen", "value": {"leadgen_id": "1", "page_id": "2"}}]}]}


@steady
@given(delivery=deliveries, ascii_only=st.booleans())
@example(USUAL, True)
def test_nearly_usual_deliveries(delivery: Any, ascii_only: bool) -> None:
    try:
        body = json.dumps(delivery, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:
        body = json.dumps(delivery).encode()
    agree(body)


@steady
@given(delivery=deliveries, data=st.data())
def test_usual_deliveries_with_bytes_changed(delivery: Any, data: st.DataObject) -> None:
    body = bytearray(json.dumps(delivery).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(st.sampled_from(CHANGES))
    agree(bytes(body))


CHANGES = (
    b"",
    b"\xff",
    b"\x00",
    rb"\ud800",
    rb"\u0031",
    b"9" * 41,
    b"1e3",
    b"1.0",
    b'"',
    b"}",
    b"]",
    b",",
    b" ",
    b"null",
    b"-",
)


@steady
@given(body=bodies)
def test_any_body(body: bytes) -> None:
    agree(body)


@pytest.mark.parametrize("digits", [19, 20, 21, 40, 41, 300, 301, 4_300, 4_301, 5_000])
@pytest.mark.parametrize("name", ["leadgen_id", "page_id", "form_id", "ad_id", "adgroup_id", "created_time"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_long_numbers(name: str, digits: int, quote: str) -> None:
    members = {"leadgen_id": "1", "page_id": "2"} | {name: quote + "9" * digits + quote}
    value = "{" + ",".join(f'"{key}":{text}' for key, text in members.items()) + "}"
    agree(b'{"object":"page","entry":[{"changes":[{"field":"leadgen","value":%b}]}]}' % value.encode())


@pytest.mark.parametrize(
    "body",
    [
        rb'{"object":"x","object":"page","entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":1,"page_id":2}}]}]}',
        rb'{"object":"page","entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":1,"leadgen_id":3,"page_id":2}}]}]}',
        rb'{"object":"page","entry":[],"entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":1,"page_id":2}}]}]}',
        rb'{"object":"page","entry":[{"changes":[{"field":"leadgen","value":{"leadgen\u005fid":1,"page_id":2}}]}]}',
        rb'{"object":"page","entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":"\u0031","page_id":2}}]}]}',
        rb'{"object":"page","entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":1,"page_id":2}},{"field":"x"}]}]}',
        b'{"object":"page","entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":1,"page_id":2}}]}]} x',
        b'{"object":"page","entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":01,"page_id":2}}]}]}',
    ],
)
def test_odd_bodies(body: bytes) -> None:
    agree(body)


def test_the_usual_is_read_in_the_short_way() -> None:
    assert usual_jobs(json.dumps(USUAL).encode(), 1e9, "r")


def agree(body: bytes) -> None:
    short = outcome(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(meta, "usual_jobs", lambda *_: None)
        full = outcome(body)
    assert short == full


def outcome(body: bytes) -> Any:
    """All that is found in a body but for the jobs' own ids; payloads by their value, because members may be sorted."""
    try:
        found: Parsed = SOURCE.parse(incoming(SOURCE, body))
    except PayloadError as error:
        return str(error)
    dead = [(facts(job), reason) for job, reason in found.dead]
    return [facts(job) for job in found.jobs], dead, found.ignored, found.unhandled, found.notices


def facts(job: Job) -> tuple[Any, ...]:
    payload = json.loads(job.payload, parse_int=str, parse_float=str)
    return job.source, job.external_id, payload, job.received_at, job.request_id, job.page, job.form
