"""Owns log views: one reader a container, opened again where it ended, new containers joined, lines merged by time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.errors import ConsoleError, StackError, UnreachableError
from console.snapshots import LogLine
from console.stack.docker import events, labels, wire
from console.stack.docker.containers import seconds
from console.stack.docker.engine import Engine
from console.stack.docker.frames import LogDecoder
from console.stack.docker.lanes import Lane, Lanes

if TYPE_CHECKING:
    import docker

GATHER_S = 0.02
"""How long lines are gathered into a batch."""

HISTORY_S = 3.0
"""A follower takes lines as they come after so long, whoever still catches up."""

REOPEN_S = 1.0
LONGEST_REOPEN_S = 60.0
"""Between two tries at a stream that has ended, growing, while no event says that the container started."""


@dataclass(frozen=True, slots=True)
class Target:
    """A container whose log is read."""

    id: str
    service: str
    replica: str
    tty: bool


@dataclass(frozen=True, slots=True)
class Span:
    """Which lines are wanted: since (epoch seconds, 0 for all), the last `tail` of each before following."""

    since: float = 0.0
    tail: int | None = None
    follow: bool = False


class Reader:
    """Reads one container's log into a lane, across restarts of the container and of the engine."""

    def __init__(self, engine: Engine, target: Target, lane: Lane, span: Span) -> None:
        self._engine = engine
        self._target = target
        self._lane = lane
        self._span = span
        self._decoder = LogDecoder(target.service, target.replica, tty=target.tty)
        self._opened_at = 0.0
        self.wake = asyncio.Event()

    async def run(self) -> None:
        """Until the log ends, or while following until the container is gone."""
        wait = REOPEN_S
        try:
            while await self._once() and self._span.follow:
                self._lane.settle()
                wait = REOPEN_S if await self._woken(wait) else min(2 * wait, LONGEST_REOPEN_S)
        finally:
            self._lane.close()

    async def _woken(self, wait: float) -> bool:
        try:
            async with asyncio.timeout(wait):
                await self.wake.wait()
        except TimeoutError:
            return False
        self.wake.clear()
        return True

    async def _once(self) -> bool:
        """Read one stream to its end; False when there is nothing to come back for.

        Raises:
            UnreachableError: not following, and the engine is away.
        """
        try:
            stream = await wire.get(
                await self._engine.address(), f"/containers/{wire.part(self._target.id)}/logs", **self._query()
            )
        except wire.NoSuchThingError:
            return False
        except UnreachableError:
            if not self._span.follow:
                raise
            return True
        except StackError as error:
            await self._lane.put([self._notice(str(error))])
            return False
        self._opened_at = self._opened_at or time.time()
        self._decoder.rewind()
        try:
            async for piece in stream.body():
                await self._lane.put(self._decoder.feed(piece), len(piece))
        except (OSError, ValueError, StackError):
            return True
        finally:
            stream.close()
        if not self._span.follow or await self._ended():
            await self._lane.put(self._decoder.finish())
        return True

    async def _ended(self) -> bool:
        """Whether the stream ended because the container did, and not because the engine or the way to it broke."""
        try:
            found = await self._engine.ask(lambda client: client.inspect_container(self._target.id))
        except wire.NoSuchThingError:
            return True
        except ConsoleError:
            return False
        return not found["State"]["Running"] or seconds(found["State"]["StartedAt"]) > self._decoder.newest_at

    def _query(self) -> dict[str, str | int]:
        query: dict[str, str | int] = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": int(self._span.follow)}
        if self._decoder.since:
            return query | {"since": self._decoder.since}
        since = self._span.since
        if self._span.tail is not None:
            if self._opened_at:
                since = max(since, self._opened_at)
            else:
                query["tail"] = self._span.tail
        return query | {"since": f"{since:.9f}"} if since else query

    def _notice(self, text: str) -> LogLine:
        return LogLine(0.0, self._target.service, self._target.replica, text, "stderr")


class LogView:
    """The merged lines of some services' containers. Lives on the stream loop: use it through `StreamLoop.call`."""

    def __init__(self, engine: Engine, project: str, services: Sequence[str], span: Span) -> None:
        self._engine = engine
        self._project = project
        self._services = frozenset(services)
        self._span = span
        self._lanes = Lanes()
        self._readers: dict[str, Reader] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._history = True
        self._failure: ConsoleError | None = None

    async def open(self) -> None:
        """Find the containers and begin to read.

        Raises:
            UnreachableError: the engine does not answer.
        """
        await self._adopt(self._span)
        if self._span.follow:
            self._start(self._watch())
            self._start(self._settle())

    async def next(self) -> list[LogLine] | None:
        """The next batch; None at the end, which comes only when not following.

        Raises:
            UnreachableError: the engine went away, when not following.
        """
        while True:
            self._lanes.changed.clear()
            if batch := self._lanes.take():
                return batch
            if self._failure is not None:
                raise self._failure
            if not self._span.follow and self._lanes.done:
                return None
            await self._lanes.changed.wait()
            if not self._lanes.full:
                await asyncio.sleep(GATHER_S)

    async def close(self) -> None:
        """Drop every stream."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), ConsoleError):
            self._failure = error
            self._lanes.changed.set()

    async def _adopt(self, span: Span) -> None:
        """Begin to read every container that is not read yet, and wake the readers of the others."""
        known = set(self._readers)
        for target in await self._engine.ask(lambda client: targets(client, self._project, known)):
            if self._services and target.service not in self._services:
                continue
            lane = self._lanes.add()
            if not self._history:
                lane.settle()
            reader = self._readers[target.id] = Reader(self._engine, target, lane, span)
            self._start(reader.run())
        for reader in self._readers.values():
            reader.wake.set()

    async def _watch(self) -> None:
        """Join containers that appear; a new one is read from its beginning."""
        async for event in events.watch(self._engine, self._project):
            if isinstance(event, events.Link):
                look = event is events.Link.OPENED
            else:
                look = event.what == "start"
                if event.what == "destroy":
                    self._readers.pop(event.container, None)
            if look:
                with contextlib.suppress(ConsoleError):
                    await self._adopt(Span(follow=True))

    async def _settle(self) -> None:
        """End the ordering of history once every reader has caught up."""
        await self._lanes.settle(HISTORY_S)
        self._history = False


def targets(client: docker.APIClient, project: str, known: set[str]) -> list[Target]:
    """The project's containers that are not known yet, stopped ones too."""
    from docker.errors import NotFound

    found = []
    for listed in client.containers(all=True, filters=labels.filters(project)):
        service = labels.service(listed)
        if not service or listed["Id"] in known:
            continue
        with contextlib.suppress(NotFound):
            inspected = client.inspect_container(listed["Id"])
            name = str(inspected["Name"]).lstrip("/")
            found.append(Target(listed["Id"], service, name, bool(inspected["Config"].get("Tty"))))
    return found
