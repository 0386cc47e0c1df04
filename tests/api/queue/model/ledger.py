"""Owns the model: what is known of every accepted job, and what each operation must do to it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from api.models import Job
from tests.api.queue.model.sight import Sight, Sighting

VISIBILITY_S = 3_500
GONE_S = 1_500
"""Both far from the multiples of 1,000 s by which the clock is moved: no real second decides anything."""
REMEMBERED_S = 7 * 86_400
TOGETHER = {0: math.inf, 1: math.inf, 2: 100, 3: 10}
"""How many jobs that were handed out so often come together; 1 after more."""
GONE = "gone"
"""The place of a job that is in the queue no more."""


@dataclass(slots=True)
class Record:
    """One accepted job as it has to be. Times are seconds of the model's clock. `waits`: for its page, in retry."""

    job: Job
    place: str = "ready"
    entry: str = ""
    holder: str = ""
    deliveries: int = 0
    held_since: int = 0
    due: float = 0.0
    since: int = 0
    error: str = ""
    waits: bool = False

    @property
    def label(self) -> str:
        """What it is called in a failing example."""
        return f"J{self.job.seq}"


@dataclass(slots=True)
class Ledger:
    """All accepted jobs, and the rows that their ends have left in the database.

    `ready` is the line, its end last; those in `fresh` have come since the last look, in whatever order.
    """

    now: int = 1_000_000  # so that no time is 0 or less when the clock is put back
    records: dict[str, Record] = field(default_factory=dict)
    ready: list[str] = field(default_factory=list)
    fresh: set[str] = field(default_factory=set)
    leads: dict[str, tuple[str, int]] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)
    duplicates: int = 0
    beats: dict[str, int] = field(default_factory=dict)
    pauses: dict[str, float] = field(default_factory=dict)
    paused: bool = False
    group: bool = False
    reported: int = 0

    def in_place(self, *places: str) -> list[Record]:
        """Records in these places, by seq."""
        return sorted((r for r in self.records.values() if r.place in places), key=lambda r: r.job.seq)

    def in_stream(self, *places: str) -> list[Record]:
        """Records in these places of the stream, in its order."""
        return sorted((r for r in self.records.values() if r.place in places), key=lambda r: position(r.entry))

    def is_alive(self, worker: str) -> bool:
        """Whether it was heard of lately."""
        return worker in self.beats and self.now - self.beats[worker] <= GONE_S

    def is_overdue(self, record: Record) -> bool:
        """Whether it has been in flight for too long."""
        return self.now - record.held_since > VISIBILITY_S

    def is_stuck(self, record: Record) -> bool:
        """Whether an operator may take it out of its worker's hands, when in flight."""
        return record.place == "in flight" and (self.is_overdue(record) or not self.is_alive(record.holder))

    def is_remembered(self, lead: str) -> bool:
        """Whether a lead that was accepted is known to be so still."""
        return lead in self.leads and self.leads[lead][1] > self.now

    # -- what operations do -------------------------------------------------------------------------------------------

    def publish(self, jobs: Sequence[Job], dead: Sequence[tuple[Job, str]]) -> tuple[int, int]:
        """Accept what is new; (accepted, duplicates) of the live ones."""
        accepted = 0
        for job, error in [*((job, "") for job in jobs), *dead]:
            if self.is_remembered(job.external_id):
                if self.leads[job.external_id][0] != job.id:
                    self.duplicates += 1
                    continue
            else:
                self.leads[job.external_id] = (job.id, self.now + REMEMBERED_S)
                numbered = msgspec.structs.replace(job, seq=len(self.records) + 1)
                self.records[job.id] = Record(numbered, since=self.now, error=error)
                if error:
                    self.records[job.id].place = "dead"
                else:
                    self._arrive(self.records[job.id])
            accepted += not error
        return accepted, len(jobs) - accepted

    def hand_out(self, job_id: str, worker: str) -> None:
        """It is in a worker's hands now."""
        record = self.records[job_id]
        self._leave(record)
        record.deliveries = record.deliveries + 1 if record.place == "in flight" else 1
        record.place, record.holder, record.held_since = "in flight", worker, self.now

    def end(self, job_id: str) -> None:
        """It is done, and leaves the queue."""
        self._leave(self.records[job_id])
        self.records[job_id].place = GONE

    def park(self, job_id: str, place: str, job: Job, error: str, due: float = 0.0, waits: bool = False) -> None:
        """It waits for its time, for its page, or for an operator."""
        record = self.records[job_id]
        self._leave(record)
        record.place, record.job, record.error = place, job, error
        record.due, record.waits, record.since, record.deliveries = due, waits, self.now, 0

    def release(self, page: str) -> int:
        """What waits for a page is due now ("*": for any that has no pause of its own); how many."""
        waiting = [
            record
            for record in self.in_place("retry")
            if record.waits and record.due > self.now
            and (record.job.page == page or (page == "*" and record.job.page not in self.pauses))
        ]  # fmt: skip
        for record in waiting:
            record.due = self.now
        return len(waiting)

    def make_ready(self, job_id: str, job: Job | None = None) -> None:
        """It goes to the end of the line."""
        record = self.records[job_id]
        self._leave(record)
        record.place, record.error = "ready", ""
        record.job = job or record.job
        self._arrive(record)

    def retry(self, record: Record) -> bool:
        """An operator makes it ready now; whether it may be."""
        if record.place in (GONE, "ready") or (record.place == "in flight" and not self.is_stuck(record)):
            return False
        fresh = record.place in ("dead", "discarded")
        if record.place == "discarded" and self.rows.get(record.job.id) == "discarded":
            del self.rows[record.job.id]
        self.make_ready(record.job.id, msgspec.structs.replace(record.job, attempt=0) if fresh else None)
        return True

    def discard(self, record: Record) -> bool:
        """An operator takes it out of the queue; whether it may be."""
        if record.place in (GONE, "discarded") or (record.place == "in flight" and not self.is_stuck(record)):
            return False
        self.rows.setdefault(record.job.id, "discarded")
        error = record.error or next((a.error for a in reversed(record.job.history) if a.error), "")
        self.park(record.job.id, "discarded", record.job, error)
        return True

    def undo(self, record: Record) -> bool:
        """An operator takes a discard back; whether there is one."""
        return record.place == "discarded" and self.retry(record)

    def edit(self, record: Record, payload: str, page: str) -> bool:
        """An operator gives it another payload, which is another page's; whether it may be."""
        if record.place == GONE or (record.place == "in flight" and not self.is_stuck(record)):
            return False
        job = msgspec.structs.replace(record.job, payload=payload, page=page)
        if record.place in ("ready", "in flight", "orphaned"):
            self.make_ready(record.job.id, job)
        else:
            record.job = job
        return True

    def lose_consumer(self, worker: str) -> None:
        """Somebody deletes a consumer by hand, with what it holds."""
        for record in self.in_place("in flight"):
            if record.holder == worker:
                self._leave(record)
                record.place = "orphaned"

    def lose_group(self) -> None:
        """Somebody destroys the group by hand: all that is in the stream is there to be handed out."""
        self.group = False
        for record in self.in_place("in flight", "orphaned"):
            self._leave(record)
            record.place = "ready"
        self.ready = [record.job.id for record in self.in_stream("ready")]

    def rescue_orphans(self, count: int) -> None:
        """What a reclaim does to what nobody holds at the head of the stream."""
        for record in self.in_stream("in flight", "orphaned")[:count]:
            if record.place != "orphaned":
                return
            self.make_ready(record.job.id)

    def put_back(self, seconds: int) -> None:
        """The clock shows an earlier time. What is in flight is so from now on at the earliest."""
        self.now -= seconds
        for record in self.records.values():
            record.held_since = min(record.held_since, self.now)

    # -- what was seen ------------------------------------------------------------------------------------------------

    def adopt(self, sight: Sight, free: Iterable[str] = ()) -> None:
        """Take over what the model does not foresee: entries, the order of what came together, all of `free` jobs."""
        for job_id in free:
            found = sight.jobs.get(job_id)
            self._adopt(self.records[job_id], found[0] if found else None)
        for job_id, found in sight.jobs.items():
            if job_id in self.records:
                self.records[job_id].entry = found[0].entry
        self.fresh.clear()
        self.group = sight.group
        order = {job_id: n for n, job_id in enumerate(sight.jobs)}
        self.ready.sort(key=lambda job_id: order.get(job_id, len(order)))

    def _adopt(self, record: Record, sighting: Sighting | None) -> None:
        before, kept = (record.place, record.entry, record.deliveries), (record.due, record.waits)
        self._leave(record)
        record.place = sighting.place if sighting else GONE
        if sighting:
            record.job, record.error = sighting.job, sighting.error
            record.holder, record.deliveries = sighting.holder, sighting.deliveries
        if sighting and before != (sighting.place, sighting.entry, sighting.deliveries):
            record.held_since = record.since = self.now
        elif sighting:
            record.due, record.waits = kept
        if record.place == "ready":
            self._arrive(record)

    def _arrive(self, record: Record) -> None:
        record.deliveries = 0
        self.ready.append(record.job.id)
        self.fresh.add(record.job.id)

    def _leave(self, record: Record) -> None:
        if record.place == "ready":
            self.ready.remove(record.job.id)
            self.fresh.discard(record.job.id)
        record.holder, record.due, record.waits = "", 0.0, False


def position(entry: str) -> tuple[int, int]:
    """How entries are ordered."""
    ms, _, n = entry.partition("-")
    return (int(ms), int(n)) if ms else (0, 0)
