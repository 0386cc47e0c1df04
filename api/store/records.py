"""The values that only the store's callers exchange with it: what is written, what came of it, what an operator did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from api.models import Job, Lead, Outcome

CHANNEL = "leads"
"""The NOTIFY channel: a notification for one or several written batches, its payload the number of deliveries."""


NAMED = ("page", "form", "campaign")
"""Kinds of things that leads have by id and name, and can be filtered by."""


@dataclass(frozen=True, slots=True)
class Write:
    """A job that ends in a row: its lead, and the job whose `history` already holds the attempt that succeeded."""

    job: Job
    lead: Lead
    worker: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a `Write`.

    Attributes:
        outcome: STORED if this job's lead is the row (also when it was written by an earlier delivery of the same job),
            DUPLICATE if another job had brought the same lead before.
        lead_id: id of the row in `leads`.
        redelivered: the job had ended before; nothing was changed.
    """

    job_id: str
    outcome: Outcome
    lead_id: int
    redelivered: bool = False


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """One row of `operator_actions`, newest first in listings."""

    id: int
    at: datetime
    who: str
    what: str
    target: str
    result: str


@dataclass(frozen=True, slots=True)
class FormDay:
    """How many leads of a form were received on a day (UTC). `form_name` is "" where it is not known."""

    form_id: str
    form_name: str
    day: date
    leads: int


class Places(Protocol):
    """Where the queue's jobs were at one instant: the pairs are (job id, seq). `api.queue.Places` is one."""

    @property
    def accepted(self) -> int:
        """Jobs accepted by that instant: seqs 1..accepted were given out."""
        ...

    @property
    def ready(self) -> Sequence[tuple[str, int]]:
        """In the stream, not delivered to a worker."""
        ...

    @property
    def in_flight(self) -> Sequence[tuple[str, int]]:
        """Delivered to a worker, not acknowledged."""
        ...

    @property
    def retry(self) -> Sequence[tuple[str, int]]:
        """Waiting for a due time."""
        ...

    @property
    def dead(self) -> Sequence[tuple[str, int]]:
        """Waiting for an operator."""
        ...

    @property
    def discarded(self) -> Sequence[tuple[str, int]]:
        """Put away by an operator; each has a delivery row."""
        ...

    @property
    def doubled(self) -> Sequence[str]:
        """Ids of jobs that the queue itself found in two places."""
        ...
