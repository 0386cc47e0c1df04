"""Owns what a backfill does with listed leads: finds those that came before, and puts the others into the queue."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from api.graph import GraphLead
from api.models import Job
from api.sources.meta_listed import listed_job
from console.backfill.patience import Patience
from console.backfill.records import Count
from console.errors import UnreachableError
from console.format import number
from console.links import Links

SOURCE = "meta"

MOST_WAITING = 20_000
"""Jobs still to be stored beyond which nothing more is queued: Redis keeps room for what webhooks bring."""

_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of some listed leads: known before, or missing (and queued unless only counted)."""

    known: int
    missing: int


class Intake:
    """The queue and the store, to a backfill. `run` becomes the jobs' request id; `dry`: nothing is queued."""

    def __init__(self, links: Links, patience: Patience, run: str, *, dry: bool) -> None:
        self._links = links
        self._patience = patience
        self._run = run
        self._dry = dry
        self._long: set[str] = set()
        self._met: set[str] = set()

    async def begin(self) -> None:
        """Learn which leads are still queued that the queue would not know as duplicates any more.

        Raises:
            UnreachableError: Redis or Postgres does not answer; at the start nobody waits for them.
        """
        await self._links.read(lambda reader: reader.ping())
        self._long = await self._links.backlog(lambda backlog: backlog.queued_long(SOURCE))

    async def take(self, count: Count, leads: Sequence[GraphLead]) -> Taken:
        """Queue those of a form's leads that are missing. Returns once they are acknowledged."""
        found: dict[str, Job] = {}
        for lead in leads:
            job = listed_job(lead.data, page=count.page, form=count.form, received_at=time.time(), request_id=self._run)
            if job:
                found[job.external_id] = job
        ids = list(found)
        known = await self._patience.insist(lambda: self._links.read(lambda reader: reader.known(SOURCE, ids)), "store")
        known |= self._long.intersection(found)
        new = [job for external_id, job in found.items() if external_id not in known]
        missing = await (self._missing(new) if self._dry else self._queue(new))
        return Taken(len(leads) - missing, missing)

    async def _missing(self, jobs: Sequence[Job]) -> int:
        """How many of the jobs would be queued. A lead that stands in two listings counts once."""
        ids = [job.external_id for job in jobs]
        seen = await self._patience.insist(
            lambda: self._links.backlog(lambda backlog: backlog.seen(SOURCE, ids)), "queue"
        )
        missing = set(ids) - seen - self._met
        self._met |= missing
        return len(missing)

    async def _queue(self, jobs: Sequence[Job]) -> int:
        """Put the jobs into the queue, once there is room; how many were not there yet.

        After an error the same jobs are published again: the queue knows its own, and counts each once.
        """
        if not jobs:
            return 0
        await self._room()
        published = await self._patience.insist(
            lambda: self._links.publish(lambda publisher: publisher.publish(jobs)), "queue"
        )
        return published.accepted

    async def _room(self) -> None:
        """Wait while more is queued than workers have stored."""
        least, sank_at, waited = MOST_WAITING * 1_000, time.monotonic(), False
        while True:
            depth = await self._patience.insist(lambda: self._links.backlog(lambda backlog: backlog.depth()), "queue")
            if depth <= MOST_WAITING:
                if waited:
                    self._patience.over("goes on", "queue")
                return
            now = time.monotonic()
            if depth < least:
                least, sank_at = depth, now
            elif now - sank_at > self._patience.patience_s:
                raise UnreachableError(
                    f"{number(depth)} jobs wait in the queue, and they do not get fewer", "leadsctl queue says why"
                )
            much = f"more than {number(MOST_WAITING)} jobs are still to be stored"
            self._patience.tell(f"{much}: waiting for workers", "queue")
            waited = True
            await self._patience.sleep(_LOOK_S)
