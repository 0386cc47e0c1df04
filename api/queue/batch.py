"""Owns the jobs of a publish on their way to Redis: what the script gets for each, and what became of the call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from api import logs
from api.errors import QueueUnavailableError
from api.models import Job
from api.queue.codec import Note, clip, encode, encode_job
from api.queue.keys import Keys
from api.queue.types import Published
from api.queue.wire import pack

log = logs.get_logger()

REMEMBERED_S = 7 * 86_400
"""How long an accepted lead is remembered, so that it is not accepted again."""

_ACCEPTED = ord("1")

Outcome = Published | QueueUnavailableError
Done = Callable[[Outcome], None]


class Call:
    """One `submit` that waits for the rest of its jobs."""

    __slots__ = ("_accepted", "_done", "_duplicates", "_left", "deadline", "over")

    def __init__(self, jobs: int, deadline: float, done: Done) -> None:
        self._left = jobs
        self._done = done
        self._accepted = 0
        self._duplicates = 0
        self.deadline = deadline
        self.over = False
        """All its jobs have been answered, it has failed, or nobody waits for it any more."""

    def count(self, accepted: bool, live: bool) -> None:
        """One of its jobs is in the queue, or was there already."""
        self._left -= 1
        if live and accepted:
            self._accepted += 1
        elif live:
            self._duplicates += 1
        if not self._left and not self.over:
            self._end(Published(self._accepted, self._duplicates))

    def fail(self, reason: str) -> None:
        """Tell that it has failed, unless it is over."""
        if not self.over:
            self._end(QueueUnavailableError(reason))

    def _end(self, outcome: Outcome) -> None:
        self.over = True
        try:
            self._done(outcome)
        except Exception as error:
            # A slip in one caller's code must not leave the others of its batch without an answer.
            log.error("queue.answer_failed", exc_info=error)


class Item(NamedTuple):
    """One job on its way. `args` are what the script gets for it: (id, job) or (id, job, note) for one born dead."""

    call: Call
    live: bool
    seen: bytes
    args: tuple[bytes, ...]
    size: int


def fail(items: Iterable[Item], reason: str) -> None:
    for item in items:
        item.call.fail(reason)


def expire(items: Sequence[Item], now: float, reason: str) -> float | None:
    """Fail the calls whose time is up, and these only; when the next one's is, None if nobody waits any more."""
    for item in items:
        if item.call.deadline <= now:
            item.call.fail(reason)
    return min([item.call.deadline for item in items if not item.call.over], default=None)


def tell(batch: Iterable[Item], outcomes: bytes) -> None:
    """Tell the calls what became of a batch: one character a job, as the script `publish` returns them."""
    for item, outcome in zip(batch, outcomes, strict=True):
        item.call.count(outcome == _ACCEPTED, item.live)


def items_of(keys: Keys, call: Call, jobs: Sequence[Job], dead: Sequence[tuple[Job, str]]) -> list[Item]:
    """What is to be sent for a call: its jobs, then those born dead, each with the reason."""
    items, seen_of = [], keys.seen
    for job in jobs:
        text = encode_job(job)
        items.append(Item(call, True, seen_of(job.source, job.external_id), (job.id.encode(), text), len(text)))
    for job, reason in dead:
        text = encode_job(job)
        note = encode(Note(error=clip(reason), page=job.page))
        seen = seen_of(job.source, job.external_id)
        items.append(Item(call, False, seen, (job.id.encode(), text, note), len(text)))
    return items


def packed(command: bytes, script: bytes, named: Sequence[bytes], batch: Sequence[Item]) -> bytes:
    """The command that has the script `publish` take a batch, live jobs first; `named` are the script's own keys."""
    live = sum([item.live for item in batch])
    words: list[str | bytes] = [command, script, str(len(named) + len(batch)), *named]
    words.extend([item.seen for item in batch])
    words.append(str(REMEMBERED_S))
    words.append(str(live))
    for item in batch:
        words += item.args
    return pack(*words)
