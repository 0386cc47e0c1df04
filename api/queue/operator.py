"""Owns what an operator does by hand: retry, discard, undo, edit, pause. Each job moves in one atomic script."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

import msgspec

from api.errors import PayloadError, QueueUnavailableError
from api.models import Job, JobState
from api.queue import pauses
from api.queue.codec import KEY_LENGTH, Note, clip, encode, encode_job
from api.queue.link import Link, Linked, Word
from api.queue.listing import Listing
from api.queue.matching import matcher
from api.queue.rows import Limits, Row
from api.queue.types import Changed

MOVE_COUNT = 100
MOVE_BYTES = 4_000_000
PAGE = 500
PAYLOAD_BYTES = 4_000_000
CLOCK_SLACK_S = 1.0
REFUSED_KEPT = 1_000
MISSING = "is in no place of the queue"
CHANGED = "changed meanwhile"
REASONS = {"changed": CHANGED, "waiting": "is ready already"}

Edit = Callable[[Job], Job]
Amend = Callable[[Job, str], Job]


def _with_payload(job: Job, payload: str) -> Job:
    return msgspec.structs.replace(job, payload=payload)


class Operator(Linked):
    """Moves jobs by hand. Every method raises QueueUnavailableError while Redis does not answer."""

    def __init__(
        self,
        redis_url: str,
        namespace: str = "leads",
        *,
        visibility_timeout: float = 60.0,
        gone_after: float = 3.0,
        sla_s: float = 300.0,
        timeout_s: float = 2.0,
    ) -> None:
        """The times (seconds) say from when on a job counts as stuck and a worker as gone."""
        super().__init__(Link(redis_url, namespace, timeout_s=timeout_s))
        self._limits = Limits(visibility_timeout, gone_after, sla_s)
        self._listing = Listing(self._link, self._limits)

    async def retry(self, ids: Sequence[str]) -> Changed:
        """Make jobs ready now: from retry, dead (with a new budget of attempts) or discarded, or stuck in flight.

        A job in flight at a worker that lives is refused; one that is ready already as well.
        """
        return await self._each(ids, lambda rows: self._move("ready", rows))

    async def retry_matching(
        self, state: JobState, match: str = "", progress: Callable[[int, int], None] | None = None
    ) -> Changed:
        """Retry all jobs that are in `state` now and match (see Inspector.jobs); undo, for discarded ones.

        `progress(done, scanned)` is called after each page.
        """
        fits = matcher(match)
        begun, limit = await self._begin()
        started = time.monotonic()
        changed = Changed()
        cursor, scanned = "", 0
        while scanned < limit:
            stretch = await self._listing.stretch(state, cursor, PAGE, newest_first=False)
            # What fails again at once comes back further on, with a later `since`: once is enough, and there is an end.
            # What seems to come from later than now was there before the server's clock was put back.
            latest = begun + time.monotonic() - started + CLOCK_SLACK_S
            rows = [row for row in stretch.rows if not begun < row.view.since <= latest and fits(row.view)]
            changed = _sum(changed, await self._move("ready", rows))
            cursor, scanned = stretch.cursor, scanned + stretch.looked
            if progress is not None:
                progress(len(changed.done), scanned)
            if not cursor:
                break
        return changed

    async def discard(self, ids: Sequence[str]) -> Changed:
        """Take jobs out of the queue, kept 30 days for `undo`. Not those in flight at a worker that lives.

        This is the Redis half: the delivery rows (outcome discarded) are written first.
        """

        async def discard(rows: list[Row]) -> Changed:
            return await self._only(rows, lambda row: row.place != "discarded", "is discarded already", "discarded")

        return await self._each(ids, discard)

    async def undo(self, ids: Sequence[str]) -> Changed:
        """Make discarded jobs ready again. The delivery rows are unmarked afterwards."""

        async def undo(rows: list[Row]) -> Changed:
            return await self._only(rows, lambda row: row.place == "discarded", "is not discarded", "ready")

        return await self._each(ids, undo)

    async def erase(self, ids: Sequence[str]) -> int:
        """Forget discarded jobs at once, payload and all; they cannot be taken back. How many there were."""
        return int(await self._link.run("erase", *ids)) if ids else 0

    async def rewrite_aof(self) -> None:
        """Let Redis write its append-only file anew in the background, so that what was erased is not in it either.

        Where that is under way or not allowed it is left: the server rewrites by itself as the file grows.
        """
        with contextlib.suppress(QueueUnavailableError):
            await self._link.call("BGREWRITEAOF")

    async def edit(self, job_id: str, payload: str, amend: Amend = _with_payload) -> Changed:
        """Replace a job's payload where it is (a ready or stuck one goes to the end of the line).

        `amend` makes the new job of the old one and the payload; it must keep id and seq.

        Raises:
            PayloadError: the payload is not JSON or too large, or `amend` cannot use it.
        """
        _check(payload)
        return await self._each([job_id], lambda rows: self._move("edited", rows, lambda job: amend(job, payload)))

    async def pause(self) -> None:
        """Workers take no more jobs; what they hold they finish. Webhooks are still accepted."""
        await self._link.run("pause", 1)

    async def resume(self) -> None:
        """Workers take jobs again."""
        await self._link.run("pause", 0)

    async def clear_pause(self, page: str) -> bool:
        """Lift a page's pause by hand, and make what waits for it ready; whether there was one."""
        lifted = bool(await self._link.call("HDEL", self._link.keys.of("pauses"), clip(page, KEY_LENGTH)))
        await pauses.release(self._link, page)
        return lifted

    async def clear_warning(self, key: str) -> bool:
        """Take note of a warning and remove it; whether there was one."""
        return bool(await self._link.call("HDEL", self._link.keys.of("warnings"), clip(key, KEY_LENGTH)))

    async def _each(self, ids: Sequence[str], verb: Callable[[list[Row]], Awaitable[Changed]]) -> Changed:
        """Find the jobs and do it; once more with those that changed between the two."""
        ids = list(dict.fromkeys(ids))
        rows = await self._listing.by_ids(ids) if ids else {}
        missing = Changed(refused=tuple((job_id, MISSING) for job_id in ids if job_id not in rows))
        first = await verb(list(rows.values()))
        changed = [job_id for job_id, reason in first.refused if reason == CHANGED]
        if not changed:
            return _sum(first, missing)
        kept = tuple(refusal for refusal in first.refused if refusal[1] != CHANGED)
        again = await self._listing.by_ids(changed)
        gone = tuple((job_id, MISSING) for job_id in changed if job_id not in again)
        return _sum(Changed(first.done, kept + gone), _sum(await verb(list(again.values())), missing))

    async def _only(self, rows: list[Row], may: Callable[[Row], bool], why_not: str, target: str) -> Changed:
        refused = tuple((row.view.job.id, why_not) for row in rows if not may(row))
        return _sum(await self._move(target, [row for row in rows if may(row)]), Changed(refused=refused))

    async def _move(self, target: str, rows: Sequence[Row], edit: Edit | None = None) -> Changed:
        limits, changed = self._limits, Changed()
        for part in _parts(rows):
            words: list[Word] = [target, limits.visibility_ms, limits.gone_ms]
            for row in part:
                words += _words(target, row, edit)
            outcomes = [outcome.decode() for outcome in await self._link.run("move", *words)]
            changed = _sum(changed, _changed(part, outcomes))
        return changed

    async def _begin(self) -> tuple[float, int]:
        """The server's time (epoch seconds), and how many jobs a walk through a state may meet at most."""
        seconds, micros = await self._link.call("TIME")
        _, _, _, *sizes = await self._link.run("census_begin")
        return int(seconds) + int(micros) / 1e6, 2 * sum(sizes) + 2 * PAGE


def _words(target: str, row: Row, edit: Edit | None) -> list[Word]:
    """What the script `move` has to know of one job."""
    view = row.view
    job: Job = view.job
    if edit:
        job = edit(job)
    elif target == "ready" and row.place in ("dead", "discarded"):
        job = msgspec.structs.replace(job, attempt=0)
    note = Note(seq=job.seq, page=job.page, error=clip(view.error), worker=view.worker, was=view.state.value)
    return [job.id, row.place, view.entry_id, row.sha, encode_job(job), encode(note), job.seq]


def _changed(rows: Sequence[Row], outcomes: Sequence[str]) -> Changed:
    done, refused = [], []
    for row, outcome in zip(rows, outcomes, strict=True):
        job_id = row.view.job.id
        if outcome == "done":
            done.append(job_id)
        elif outcome.startswith("held "):
            refused.append((job_id, f"is in flight at {outcome.removeprefix('held ')}, which is at work"))
        else:
            refused.append((job_id, REASONS[outcome]))
    return Changed(tuple(done), tuple(refused))


def _sum(one: Changed, other: Changed) -> Changed:
    """Both together; of the refused only so many as anybody reads."""
    return Changed(one.done + other.done, (one.refused + other.refused)[:REFUSED_KEPT])


def _parts(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows in parts that a script moves at once."""
    part: list[Row] = []
    size = 0
    for row in rows:
        if part and (len(part) == MOVE_COUNT or size + len(row.view.job.payload) > MOVE_BYTES):
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row.view.job.payload)
    if part:
        yield part


def _check(payload: str) -> None:
    if len(payload.encode("utf-8", "replace")) > PAYLOAD_BYTES:
        raise PayloadError(f"the payload is larger than {PAYLOAD_BYTES:,} bytes")
    try:
        msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise PayloadError(f"the payload is not JSON: {clip(str(error), 200)}") from error
