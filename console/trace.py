"""Owns the time line of a lead: request, queue, attempts, matching log lines, row, with the gaps between them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from api.models import Attempt, Delivery, JobState, JobView, Lead, LeadDetails
from console import loglines
from console.format import age, number, safe
from console.snapshots import LogLine

ID_FIELDS = ("request_id", "job_id", "external_id")


class Kind(StrEnum):
    """What a step is."""

    REQUEST = "request"
    QUEUED = "queued"
    ATTEMPT = "attempt"
    HELD = "held back"
    LOG = "log"
    PLACE = "now"
    END = "end"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened.

    Attributes:
        at: epoch seconds.
        text: one line, safe to show.
        took_s: how long it lasted, seconds.
        gap_s: seconds in which nothing happened before it.
        level: as in console.loglines; WARN and above is trouble.
        service: which wrote the line (LOG only).
    """

    at: float
    kind: Kind
    text: str
    took_s: float = 0.0
    gap_s: float = 0.0
    level: int = loglines.INFO
    service: str = ""


@dataclass(frozen=True, slots=True)
class JobTrace:
    """The way of one job. `place` is its outcome, or the state it is in; `ended` whether there is more to come."""

    job_id: str
    source: str
    external_id: str
    request_id: str
    seq: int
    place: str
    ended: bool
    received_at: float
    steps: tuple[Step, ...]

    @property
    def took_s(self) -> float:
        """Seconds from the request to the end, or to the place where it is now."""
        last = next(step for step in self.steps if step.kind in (Kind.END, Kind.PLACE))
        return max(last.at - self.received_at, 0.0)


@dataclass(frozen=True, slots=True)
class Trace:
    """All that is known of what was asked for. `notices` say what could not be looked at."""

    leads: tuple[Lead, ...] = ()
    jobs: tuple[JobTrace, ...] = ()
    notices: tuple[str, ...] = ()


class TraceSource(Protocol):
    """Follows leads through the pipeline."""

    async def find(self, text: str) -> Trace:
        """All about a lead id, external id, job id, request id or e-mail address. Empty when nothing has it."""
        ...


def traced(
    found: Sequence[LeadDetails], queued: Sequence[JobView], lines: Sequence[LogLine] = ()
) -> tuple[JobTrace, ...]:
    """The time lines of all jobs of `found` and `queued`, the oldest first; a job in both has its row's line."""
    index = _Lines(lines)
    ended = [
        _ended(delivery, [attempt for id_, attempt in details.attempts if id_ == delivery.job_id], index)
        for details in found
        for delivery in details.deliveries
    ]
    known = {trace.job_id for trace in ended}
    waiting = [_waiting(view, index) for view in queued if view.job.id not in known]
    return tuple(sorted((*ended, *waiting), key=lambda trace: (trace.received_at, trace.job_id)))


def ids_of(found: Iterable[LeadDetails], queued: Iterable[JobView]) -> frozenset[str]:
    """Every id by which a log line may belong to one of the jobs."""
    deliveries = [delivery for details in found for delivery in details.deliveries]
    jobs = [view.job for view in queued]
    every = [(d.request_id, d.job_id, d.external_id) for d in deliveries]
    every += [(j.request_id, j.id, j.external_id) for j in jobs]
    return frozenset(id_ for ids in every for id_ in ids if id_)


def belongs(text: str, ids: frozenset[str]) -> bool:
    """Whether a log line names one of the ids in a field for ids."""
    fields = loglines.fields_of(text) if any(id_ in text for id_ in ids) else None
    return fields is not None and any(_names(fields.get(name), ids) for name in ID_FIELDS)


def _is_of(text: str, request_id: str, job_id: str) -> bool:
    if not belongs(text, frozenset(filter(None, (request_id, job_id)))):
        return False
    fields = loglines.fields_of(text) or {}
    return not fields.get("job_id") or _names(fields["job_id"], frozenset((job_id,)))


def _names(value: object, ids: frozenset[str]) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(isinstance(each, str) and each in ids for each in values)


class _Lines:
    """Log lines, to be found by a job's ids."""

    def __init__(self, lines: Sequence[LogLine]) -> None:
        self._lines = lines

    def of(self, request_id: str, job_id: str) -> list[Step]:
        """The steps of the lines that name the job, or its request and no job: a request may bring many."""
        return [_line(line) for line in self._lines if _is_of(line.text, request_id, job_id)]


def _line(line: LogLine) -> Step:
    parsed = loglines.parse(line.text)
    fields = " ".join(f"{name}={value}" for name, value in parsed.fields if name not in ID_FIELDS)
    return Step(
        line.at, Kind.LOG, safe(f"{parsed.event} {fields}".strip(), 300), level=parsed.level, service=line.service
    )


def _ended(delivery: Delivery, attempts: Sequence[Attempt], lines: _Lines) -> JobTrace:
    start, end = delivery.received_at.timestamp(), delivery.finished_at.timestamp()
    row = f"row {delivery.lead_id}" if delivery.lead_id else "no row"
    worker = f" by {safe(delivery.worker, 60)}" if delivery.worker else ""
    steps = [
        *_beginning(start, delivery.request_id, delivery.seq),
        *map(_attempt, attempts),
        *lines.of(delivery.request_id, delivery.job_id),
        Step(end, Kind.END, f"{delivery.outcome.value}: {row}{worker}"),
    ]
    return JobTrace(
        delivery.job_id,
        delivery.source,
        delivery.external_id,
        delivery.request_id,
        delivery.seq,
        delivery.outcome.value,
        True,
        start,
        _in_order(steps),
    )


def _waiting(view: JobView, lines: _Lines) -> JobTrace:
    job = view.job
    steps = [
        *_beginning(job.received_at, job.request_id, job.seq),
        *map(_attempt, job.history),
        *lines.of(job.request_id, job.id),
    ]
    place = JobState.STUCK if view.stuck else view.state
    why = view.stuck or view.error
    text = f"{place.value}{f': {safe(why, 300)}' if why else ''}"
    if view.due_at:
        text += f"; due in {age(max(view.due_at - view.since, 0.0))}" if view.since else ""
    level = loglines.WARN if place in (JobState.STUCK, JobState.DEAD) else loglines.INFO
    steps.append(Step(max([view.since, *(step.at + step.took_s for step in steps)]), Kind.PLACE, text, level=level))
    return JobTrace(
        job.id,
        job.source,
        job.external_id,
        job.request_id,
        job.seq,
        place.value,
        False,
        job.received_at,
        _in_order(steps),
    )


def _beginning(at: float, request_id: str, seq: int) -> list[Step]:
    queued = f"job #{number(seq)} of all accepted" if seq else "job accepted"
    return [Step(at, Kind.REQUEST, safe(request_id, 100) or "no request id"), Step(at, Kind.QUEUED, queued)]


def _attempt(attempt: Attempt) -> Step:
    text = f"{safe(attempt.worker, 60)}: {safe(attempt.error, 300) or 'done'}"
    return Step(
        attempt.started_at,
        Kind.ATTEMPT if attempt.n else Kind.HELD,
        f"{attempt.n}, {text}" if attempt.n else text,
        attempt.took_s,
        level=loglines.WARN if attempt.error else loglines.INFO,
    )


def _in_order(steps: list[Step]) -> tuple[Step, ...]:
    """By time, each with the gap before it; clocks differ, so the request stays first, the end after every attempt."""
    first, middle, last = steps[:2], steps[2:-1], steps[-1]
    ends = max([last.at, *(step.at for step in middle if step.kind is not Kind.LOG)])
    late = sorted((step for step in middle if step.at > ends), key=lambda step: step.at)
    early = sorted((step for step in middle if step.at <= ends), key=lambda step: step.at)
    result, until = [], first[0].at
    for step in (*first, *early, last, *late):
        result.append(replace(step, gap_s=max(step.at - until, 0.0)))
        until = max(until, step.at + step.took_s)
    return tuple(result)
