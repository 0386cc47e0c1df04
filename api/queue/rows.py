"""Owns what a row from a listing script becomes: a JobView, with what a later move has to know beside it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.models import Job, JobState, JobView
from api.queue.codec import decode_note, job_or_rest, text


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on a job is stuck and a worker gone; seconds."""

    visibility_timeout: float = 60.0
    gone_after: float = 3.0
    sla_s: float = 300.0

    @property
    def visibility_ms(self) -> int:
        """For the scripts."""
        return round(self.visibility_timeout * 1000)

    @property
    def gone_ms(self) -> int:
        """For the scripts."""
        return round(self.gone_after * 1000)

    @property
    def sla_ms(self) -> int:
        """For the scripts."""
        return round(self.sla_s * 1000)


@dataclass(frozen=True, slots=True)
class Row:
    """A job as it was seen.

    Attributes:
        place: "stream", or the sorted set it is in.
        sha: SHA-1 of its text in Redis: a move is refused when the text is another by then.
        after: the position in its listing, to go on after it.
    """

    view: JobView
    place: str
    sha: str
    after: str


def parked_row(place: str, member: bytes, score: bytes, value: bytes, note_value: bytes) -> Row:
    """A row of list_parked or get_parked."""
    note, job_id = decode_note(note_value), text(member)
    job = job_or_rest(value, note.seq, job_id)
    at = float(score) / 1000
    retried = place == "retry"
    view = JobView(
        job=job,
        state=JobState(place),
        since=note.at / 1000 if retried else at,
        due_at=at if retried else 0.0,
        worker=note.worker,
        error=note.error or _last_error(job),
    )
    return Row(view, place, _sha(value), f"{text(score)}:{job_id}")


def ready_row(now_ms: int, row: Sequence[Any], limits: Limits, workers_up: bool = False) -> Row:
    """A row of list_ready: entry, job, seq. With `workers_up` one that waits too long says so."""
    entry, value, seq = row
    entry_id = text(entry)
    job = job_or_rest(value, _number(seq), entry_id)
    since = int(entry_id.partition("-")[0]) / 1000
    waited = now_ms / 1000 - since
    view = JobView(
        job=job,
        state=JobState.READY,
        since=since,
        error=_last_error(job),
        stuck=f"waiting for {waited:.0f} s" if workers_up and waited > limits.sla_s else "",
        entry_id=entry_id,
    )
    return Row(view, "stream", _sha(value), entry_id)


def held_row(now_ms: int, row: Sequence[Any], limits: Limits) -> Row:
    """A row of list_held: entry, job, seq, consumer, idle ms, deliveries, ms since its heartbeat or -1."""
    entry, value, seq, consumer, idle_ms, deliveries, beat_ms = row
    entry_id, worker, idle_s = text(entry), text(consumer), idle_ms / 1000
    job = job_or_rest(value, _number(seq), entry_id)
    view = JobView(
        job=job,
        state=JobState.IN_FLIGHT,
        since=now_ms / 1000 - idle_s,
        worker=worker,
        idle_s=idle_s,
        deliveries=int(deliveries),
        error=_last_error(job),
        stuck=_why_stuck(worker, idle_s, beat_ms, limits),
        entry_id=entry_id,
    )
    return Row(view, "stream", _sha(value), entry_id)


def found_row(now_ms: int, row: Sequence[Any], limits: Limits) -> Row:
    """A row of find: as list_held, or ready if nobody holds it, and whether it was handed out."""
    *held, handed_out = row
    if held[3]:
        return held_row(now_ms, held, limits)
    ready = ready_row(now_ms, held[:3], limits)
    if not handed_out:
        return ready
    view = JobView(
        job=ready.view.job,
        state=JobState.IN_FLIGHT,
        since=ready.view.since,
        error=ready.view.error,
        stuck="was handed out, and nobody holds it",
        entry_id=ready.view.entry_id,
    )
    return Row(view, "stream", ready.sha, ready.after)


def _why_stuck(worker: str, idle_s: float, beat_ms: int, limits: Limits) -> str:
    if beat_ms < 0:
        return f"worker {worker} gone"
    if beat_ms > limits.gone_ms:
        return f"worker {worker} gone for {beat_ms / 1000:.0f} s"
    return f"in flight for {idle_s:.0f} s" if idle_s > limits.visibility_timeout else ""


def _last_error(job: Job) -> str:
    return next((attempt.error for attempt in reversed(job.history) if attempt.error), "")


def _number(value: bytes) -> int:
    return int(value) if value.isdigit() else 0


def _sha(value: bytes) -> str:
    return hashlib.sha1(value, usedforsecurity=False).hexdigest()
