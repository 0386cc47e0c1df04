"""Owns what a backfill needs of the queue: which leads it knows, how full it is, the pages' pauses, how far it came."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence

import msgspec

from api.ids import first_id
from api.models import PagePause
from api.queue import census, pauses
from api.queue.codec import encode, pairs, text
from api.queue.link import Link, Linked
from api.queue.listing import Listing
from api.queue.rows import Limits

REMEMBERED_S = 6 * 86_400.0
"""Younger jobs are known by their `seen` key, which is kept a day longer."""

BOOKMARK_S = 86_400.0
"""How long a stopped backfill can be gone on with: cursors do not last."""

STEP = 500


class Bookmark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a backfill of a form came.

    Attributes:
        since: leads created after that are wanted, epoch seconds.
        began: when the listing was begun: what is newer is not in it.
        after: cursor of what comes next.
        done: there is nothing more.
        at: when it was written, epoch seconds.
    """

    since: float
    began: float
    after: str = ""
    done: bool = False
    at: float = 0.0


_decode = msgspec.json.Decoder(Bookmark).decode


class Backlog(Linked):
    """Every method raises QueueUnavailableError while Redis does not answer."""

    def __init__(self, redis_url: str, namespace: str = "leads", *, timeout_s: float = 2.0) -> None:
        super().__init__(Link(redis_url, namespace, timeout_s=timeout_s))
        # Where jobs are is asked, not whether they are stuck: any times do.
        self._listing = Listing(self._link, Limits(60.0, 3.0, 300.0))

    async def seen(self, source: str, external_ids: Sequence[str]) -> set[str]:
        """Those of the leads that were accepted within the last days."""
        if not external_ids:
            return set()
        values = await self._link.call("MGET", *(self._link.keys.seen(source, each) for each in external_ids))
        return {each for each, value in zip(external_ids, values, strict=True) if value is not None}

    async def queued_long(self, source: str) -> set[str]:
        """External ids of the leads that are still queued though they were accepted before `seen` remembers."""
        places = await census.count(self._link)
        before = first_id(time.time() - REMEMBERED_S)
        jobs = (*places.ready, *places.in_flight, *places.retry, *places.dead)
        old = [job_id for job_id, _ in jobs if job_id < before]
        found = set()
        for start in range(0, len(old), STEP):
            rows = await self._listing.by_ids(old[start : start + STEP])
            found |= {row.view.job.external_id for row in rows.values() if row.view.job.source == source}
        return found

    async def depth(self) -> int:
        """Jobs still to be stored."""
        ready = int(await self._link.call("XLEN", self._link.keys.ready))
        return ready + int(await self._link.call("ZCARD", self._link.keys.of("retry")))

    async def pauses(self) -> tuple[PagePause, ...]:
        """See `api.queue.pauses.read`."""
        return await pauses.read(self._link)

    async def set_pause(self, pause: PagePause) -> None:
        """See `api.queue.pauses.write`."""
        await pauses.write(self._link, pause)

    async def bookmarks(self, forms: Collection[str]) -> dict[str, Bookmark]:
        """How far stopped backfills of these forms came, as far as that is still of use."""
        kept = pairs(await self._link.call("HGETALL", self._link.keys.of("backfill")))
        found: dict[str, Bookmark] = {}
        for form, value in kept:
            try:
                mark = _decode(value)
            except ValueError:
                continue
            if text(form) in forms and time.time() - mark.at < BOOKMARK_S:
                found[text(form)] = mark
        return found

    async def keep(self, form: str, mark: Bookmark) -> None:
        """Write down how far the backfill of a form came."""
        key = self._link.keys.of("backfill")
        await self._link.call("HSET", key, form, encode(msgspec.structs.replace(mark, at=time.time())))
        await self._link.call("EXPIRE", key, int(BOOKMARK_S))

    async def drop(self, forms: Iterable[str]) -> None:
        """Nothing is left to go on with."""
        wanted = list(forms)
        if wanted:
            await self._link.call("HDEL", self._link.keys.of("backfill"), *wanted)
