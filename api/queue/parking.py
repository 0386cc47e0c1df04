"""Owns putting held jobs among those to be tried again or the dead: what is asked for together shares round trips."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from api.errors import QueueUnavailableError
from api.models import Job
from api.queue.codec import Note, clip, encode, encode_job
from api.queue.link import Link
from api.queue.types import Taken

TAKE_BYTES = 8_000_000
"""Payload after which a script that hands jobs out, or is handed some, stops short of its count."""
PARK_COUNT = 200

_Waiting = tuple[tuple[str | bytes | int, ...], int, asyncio.Future[bool]]
"""What the script `park` has to know of a job, the size of its text, and who waits for the outcome."""


class Parking:
    """One consumer's way out of the stream for jobs that have not ended."""

    def __init__(self, link: Link, consumer: str) -> None:
        self._link = link
        self._consumer = consumer
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None

    async def park(self, taken: Taken, job: Job, place: str, due_at: float, error: str) -> bool:
        """Put `job` (with its new history) into `place` ("retry", "wait" or "dead") instead of the held one.

        False, and nothing changed, if the consumer does not hold it any more. QueueUnavailableError.
        """
        job = job if job.seq else msgspec.structs.replace(job, seq=taken.job.seq)
        value = encode_job(job)
        waits = place == "wait"
        note = encode(Note(seq=job.seq, page=job.page, error=clip(error), worker=self._consumer, waits=waits))
        words = (taken.entry_id, place, round(due_at * 1000), job.id, value, note, job.page, job.seq)
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((words, len(value), done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._park_all())
        return await done

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _park_all(self) -> None:
        """Move all that calls ask for at the same time in shared scripts."""
        while self._waiting:
            part: list[_Waiting] = []
            size = 0
            while self._waiting and len(part) < PARK_COUNT and size < TAKE_BYTES:
                part.append(self._waiting.popleft())
                size += part[-1][1]
            flat = [word for words, _, _ in part for word in words]
            try:
                outcomes = await self._link.run("park", self._consumer, *flat)
            except BaseException as error:
                reason = error if isinstance(error, QueueUnavailableError) else QueueUnavailableError("interrupted")
                for _, _, done in part:
                    if not done.done():
                        done.set_exception(reason)
                if reason is not error:
                    raise
            else:
                for (_, _, done), outcome in zip(part, outcomes, strict=True):
                    if not done.done():
                        done.set_result(bool(outcome))
