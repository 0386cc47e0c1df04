"""The short way through usual deliveries finds what the full reading finds, and leaves everything else to it."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import PayloadError
from api.models import Job
from api.settings import Settings
from api.sources import meta
from api.sources.base import Incoming, Parsed
from api.sources.meta_usual import usual_jobs
from tests.api.web.cases import load

SOURCE = meta.MetaSource(Settings(meta_app_secrets=(b"s",)))

_IDS: st.SearchStrategy[Any] = st.one_of(
    st.integers(0, 10**42),
    st.integers(0, 10**18).map(str),
    st.sampled_from(["", " 7 ", "+1", "１２", "7\0", "0", "1" * 41, -1, 1.5, True, None, [], {}, "\ud800"]),
)
_VALUES = st.fixed_dictionaries(
    {"leadgen_id": _IDS},
    optional={
        "page_id": _IDS,
        "form_id": _IDS,
        "ad_id": _IDS,
        "created_time": _IDS,
        "other": st.sampled_from(["x", 1]),
    },
)
_CHANGES = st.one_of(
    st.fixed_dictionaries({"field": st.just("leadgen"), "value": _VALUES}),
    st.sampled_from([{"field": "feed", "value": {}}, {"field": "leadgen"}, 1, {}]),
)
_ENTRIES = st.one_of(
    st.fixed_dictionaries({"changes": st.lists(_CHANGES, max_size=3)}, optional={"id": _IDS, "time": _IDS}),
    st.sampled_from([{}, {"id": "1", "messaging": [{}]}, {"changed_fields": ["leadgen"]}, None]),
)
_BODIES = st.one_of(
    st.fixed_dictionaries({"object": st.sampled_from(["page", "Page"]), "entry": st.lists(_ENTRIES, max_size=3)}),
    st.sampled_from([{}, [], None, {"object": "page"}]),
)


def parsed(body: bytes, *, fully: bool) -> tuple[Any, ...]:
    """What the source finds, without what no two readings have alike."""
    incoming = Incoming(body=body, headers={}, request_id="r", received_at=1.0)
    try:
        with patch.object(meta, "usual_jobs", (lambda *_: None) if fully else usual_jobs):
            found: Parsed = SOURCE.parse(incoming)
    except PayloadError as error:
        return ("refused", str(error))
    dead = [(plain(job), why) for job, why in found.dead]
    return [plain(job) for job in found.jobs], dead, found.ignored, found.unhandled, found.notices


def plain(job: Job) -> tuple[Any, ...]:
    return job.source, job.external_id, json.loads(job.payload), job.page, job.form, job.request_id, job.received_at


@given(_BODIES)
def test_both_ways_find_the_same(body: Any) -> None:
    text = json.dumps(body).encode()
    assert parsed(text, fully=False) == parsed(text, fully=True)


@pytest.mark.parametrize("case", load("cases.json")[1], ids=lambda case: case.name)
def test_both_ways_find_the_same_in_the_recorded_bodies(case: Any) -> None:
    assert parsed(case.body, fully=False) == parsed(case.body, fully=True)


def test_a_usual_delivery_goes_the_short_way() -> None:
    value = {"leadgen_id": "7", "page_id": 5, "form_id": "6", "ad_id": "1", "adgroup_id": "1", "created_time": 1}
    change = {"field": "leadgen", "value": value}
    body = json.dumps({"object": "page", "entry": [{"id": "5", "time": 1, "changes": [change, change]}]}).encode()
    jobs = usual_jobs(body, 1.0, "r")
    assert jobs is not None
    assert [(job.external_id, job.page, job.form, json.loads(job.payload)) for job in jobs] == [
        ("7", "5", "6", value)
    ] * 2
    assert jobs[0].id < jobs[1].id
