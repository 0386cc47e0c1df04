"""What becomes of a job that did not end well: tried again when, given up when, and what its history says. Pure."""

from __future__ import annotations

import random

import msgspec

from api.graph.verdict import TRANSIENT_DELAY_S, Trouble
from api.models import Attempt, Job

HISTORY = 20
"""Attempts a job remembers."""

MAX_DELAY_S = 3_600.0
JITTER = 0.2
"""A delay is lengthened by up to this share, so that what failed together is not tried again together."""

MAX_DELIVERIES = 10
"""Times a job may be handed to workers without an end before it counts as what kills them."""


def attempted(job: Job, worker: str, started_at: float, took_s: float, error: str = "") -> Job:
    """The job after one more counted attempt."""
    attempt = Attempt(n=job.attempt + 1, worker=worker, started_at=started_at, took_s=round(took_s, 4), error=error)
    history = (*job.history, attempt)[-HISTORY:] if job.history else (attempt,)
    return msgspec.structs.replace(job, attempt=job.attempt + 1, history=history)


def waited(job: Job, worker: str, now: float, reason: str) -> Job:
    """The job after a wait that burns no attempt. The same wait again is not told twice: it may last for days."""
    last = job.history[-1] if job.history else None
    if last and last.n == 0 and last.error == reason:
        return job
    history = (*job.history, Attempt(n=0, worker=worker, started_at=now, error=reason))[-HISTORY:]
    return msgspec.structs.replace(job, history=history)


def delay_after(job: Job, trouble: Trouble, *, max_attempts: int, retry_base: float) -> float | None:
    """Seconds until the job (with the failed attempt counted) is tried again; None: it has had its attempts.

    The trouble's delay follows the first attempt and doubles with each further one, up to an hour.
    """
    tries = min(trouble.tries or max_attempts, max_attempts)
    if job.attempt >= tries:
        return None
    scale = retry_base / TRANSIENT_DELAY_S
    delay_s = trouble.delay_s * scale * 2 ** min(job.attempt - 1, 20)
    return jittered(min(delay_s, max(MAX_DELAY_S * min(scale, 1.0), trouble.delay_s * scale)))


def jittered(seconds: float) -> float:
    """`seconds`, or up to a fifth more."""
    return seconds * (1.0 + JITTER * random.random())  # noqa: S311 - spreads load, guards nothing


def at_once(job: Job) -> int:
    """Leads to ask for in one call with this one: fewer once it has failed, lest it is what fails the others."""
    if job.attempt < 2:
        return 50
    return 10 if job.attempt < 4 else 1
