"""The time line of a lead: the order of its steps, the gaps, whose log lines belong to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from api.models import Attempt, Delivery, Job, JobState, JobView, Lead, LeadDetails, Outcome
from console import loglines
from console.snapshots import LogLine
from console.trace import Kind, belongs, ids_of, traced

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
T = START.timestamp()


def details(*attempts: Attempt, end: float = 10.0, job: str = "J1") -> LeadDetails:
    """A stored lead whose job ended `end` seconds after its request."""
    finished = datetime.fromtimestamp(T + end, UTC)
    lead = Lead(source="meta", external_id="4711", received_at=START, id=7)
    delivery = Delivery(job, 3, "meta", "4711", Outcome.STORED, 2, "req-1", START, finished, 7, "w-1")
    return LeadDetails(lead, (delivery,), tuple((job, attempt) for attempt in attempts))


def line(at: float, **fields: object) -> LogLine:
    """A JSON log line of the worker."""
    return LogLine(T + at, "worker", "worker-1", json.dumps({"level": "info", **fields}))


def test_the_steps_are_in_order_with_the_gaps_between_them() -> None:
    tries = [
        Attempt(n=1, worker="w-1", started_at=T + 0.5, took_s=1.5, error="timeout"),
        Attempt(n=2, worker="w-1", started_at=T + 9.0, took_s=0.5),
    ]
    (job,) = traced([details(*tries)], [], [line(2.1, event="job.retry", job_id="J1", wait=7)])
    assert [step.kind for step in job.steps] == [
        Kind.REQUEST, Kind.QUEUED, Kind.ATTEMPT, Kind.LOG, Kind.ATTEMPT, Kind.END,
    ]  # fmt: skip
    assert [round(step.gap_s, 1) for step in job.steps] == [0, 0, 0.5, 0.1, 6.9, 0.5]
    assert (job.steps[2].level, job.steps[2].text) == (loglines.WARN, "1, w-1: timeout")
    assert job.steps[3].text == "job.retry wait=7"
    assert job.steps[-1].text == "stored: row 7 by w-1"
    assert (job.place, job.ended, job.took_s) == ("stored", True, 10.0)


@pytest.mark.parametrize(
    ("state", "stuck", "error", "text"),
    [
        (JobState.DEAD, "", "Meta says 803", "dead: Meta says 803"),
        (JobState.IN_FLIGHT, "worker w-2 gone for 74 s", "", "stuck: worker w-2 gone for 74 s"),
        (JobState.READY, "", "", "ready"),
    ],
)
def test_a_queued_job_ends_with_where_it_is(state: JobState, stuck: str, error: str, text: str) -> None:
    job = Job(id="J2", source="meta", external_id="4712", payload="{}", received_at=T, request_id="req-2")
    (found,) = traced([], [JobView(job, state, since=T + 5, error=error, stuck=stuck)])
    assert (found.steps[-1].kind, found.steps[-1].text) == (Kind.PLACE, text)
    assert not found.ended


def test_a_job_that_is_queued_and_has_a_row_is_told_once() -> None:
    job = Job(id="J1", source="meta", external_id="4711", payload="{}", received_at=T, request_id="req-1")
    (found,) = traced([details()], [JobView(job, JobState.IN_FLIGHT)])
    assert found.place == "stored"


def test_clocks_that_differ_leave_the_request_first_and_the_end_after_the_attempts() -> None:
    tries = [Attempt(n=1, worker="w-1", started_at=T - 3, took_s=0.1), Attempt(n=2, worker="w-1", started_at=T + 5)]
    (job,) = traced([details(*tries, end=-2)], [], [line(60, event="late", job_id="J1")])
    assert [step.kind for step in job.steps] == [
        Kind.REQUEST, Kind.QUEUED, Kind.ATTEMPT, Kind.ATTEMPT, Kind.END, Kind.LOG,
    ]  # fmt: skip
    assert all(step.gap_s >= 0 for step in job.steps)
    assert job.took_s == 0


@pytest.mark.parametrize(
    ("fields", "mine"),
    [
        ({"job_id": "J1"}, True),
        ({"request_id": "req-1"}, True),
        ({"external_id": "4711"}, True),
        ({"job_id": ["J0", "J1"]}, True),
        ({"count": "4711"}, False),
        ({"external_id": "47110"}, False),
        ({"job_id": {"J1": 1}}, False),
    ],
)
def test_a_line_belongs_to_a_job_by_its_fields_for_ids(fields: dict[str, object], mine: bool) -> None:
    ids = ids_of([details()], [])
    assert belongs(json.dumps({"event": "x", **fields}), ids) is mine


def test_lines_of_another_job_of_the_same_request_are_left_out() -> None:
    lines = [
        line(1.0, event="webhook.accepted", request_id="req-1", external_id=["4711", "4712"]),
        line(2.0, event="mine", request_id="req-1", job_id="J1"),
        line(3.0, event="another's", request_id="req-1", job_id="J9"),
        line(4.0, event="ours", request_id="req-1", job_id=["J9", "J1"]),
    ]
    (job,) = traced([details()], [], lines)
    assert [step.text for step in job.steps if step.kind is Kind.LOG] == ["webhook.accepted", "mine", "ours"]


def test_a_line_that_is_not_json_belongs_to_none() -> None:
    assert not belongs("J1 req-1 4711", ids_of([details()], []))


def test_what_is_shown_has_no_control_characters() -> None:
    bad = "\x1b[31m\u202eevil\x07"
    (job,) = traced([details(Attempt(n=1, worker=bad, started_at=T, error=bad))], [], [line(1, event=bad, job_id="J1")])
    assert not any(ord(char) < 32 or char == "\u202e" for step in job.steps for char in step.text)
