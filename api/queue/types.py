"""Owns the frozen values that only the queue gives: what a publish did, what was taken, where every job is."""

from __future__ import annotations

from dataclasses import dataclass

from api.models import Job


@dataclass(frozen=True, slots=True)
class Published:
    """What a publish did: jobs now durable in the queue, and jobs whose lead had been accepted before."""

    accepted: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A job this consumer holds.

    Attributes:
        entry_id: of its stream entry, for `settle` and the transitions.
        job: with `seq` filled in.
        deliveries: times it was handed to a worker, this one included. More than one means that a worker died or
            hung with it: a job that kills its workers shows here, and nowhere else.
    """

    entry_id: str
    job: Job
    deliveries: int = 1


@dataclass(frozen=True, slots=True)
class Changed:
    """What an operator's verb did: the ids it changed, and id → reason for those it left alone."""

    done: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Places:
    """Where every accepted job that is still queued is, as of one instant: (job id, seq) pairs for each place.

    Only jobs with `seq` ≤ `accepted` are listed, so that jobs accepted during the read do not disturb the accounting.

    Attributes:
        accepted: jobs accepted up to that instant; their seqs are 1..accepted.
        discarded: kept for undo; these are accounted for by their delivery row, not by their place.
        doubled: ids of jobs found in two places at once.
    """

    accepted: int
    ready: tuple[tuple[str, int], ...] = ()
    in_flight: tuple[tuple[str, int], ...] = ()
    retry: tuple[tuple[str, int], ...] = ()
    dead: tuple[tuple[str, int], ...] = ()
    discarded: tuple[tuple[str, int], ...] = ()
    doubled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What the door remembers of an accepted job for seven days: enough to name one that was lost."""

    seq: int
    source: str
    external_id: str
    job_id: str
