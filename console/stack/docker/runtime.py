"""Owns the Docker runtime: Compose for what changes the stack, the engine's API for all that is live."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from console.errors import ConsoleError, StackError, UnreachableError
from console.foreground import Foreground
from console.settings import state_dir
from console.snapshots import Endpoints, LogLine, Progress, StackSnapshot, State, VolumesSnapshot
from console.stack import refill
from console.stack.docker import events as engine_events
from console.stack.docker import files as stack_files
from console.stack.docker import masking, replicas
from console.stack.docker.compose import Compose
from console.stack.docker.drift import Drift
from console.stack.docker.endpoints import EndpointFinder
from console.stack.docker.engine import Engine
from console.stack.docker.events import EngineEvent
from console.stack.docker.files import StackFiles
from console.stack.docker.labels import service
from console.stack.docker.lifecycle import Lifecycle
from console.stack.docker.logs import LogView, Span
from console.stack.docker.origin import origin
from console.stack.docker.planbook import PlanBook
from console.stack.docker.roles import called
from console.stack.docker.shell import demand_running, exec_words
from console.stack.docker.stack import StackReader
from console.stack.docker.volumes import VolumeReader
from console.stack.piping import output

PROJECT = "leads"
Steps = AsyncGenerator[Progress, None]

BROKEN = (State.FAILED, State.RESTARTING, State.UNHEALTHY)
LAST_LINES = 5
LAST_WORDS = 200
COMPARE_S = 10.0


class DockerRuntime:
    """console.ports.Runtime on a Docker Engine.

    Nothing is connected before something is asked. An engine that is away, or goes away, raises UnreachableError at
    each use and is found again by the next one; a followed log waits for it.

    Args:
        project: Compose project; "" for COMPOSE_PROJECT_NAME in `.env`, or the one the compose file names ("leads").
        directory, files, env_file: where the stack's files are, see `files.locate`. Of a project that is only named
            and runs already, those it was started from.
        profiles: Compose's; () for COMPOSE_PROFILES in `.env`.
        docker_host: the engine's address; "" to find it as the docker command does.

    Raises:
        UsageError: files were named that are not there.
    """

    name = "docker"

    def __init__(
        self,
        *,
        project: str = "",
        directory: Path | None = None,
        files: Sequence[Path] = (),
        env_file: Path | None = None,
        profiles: Sequence[str] = (),
        docker_host: str = "",
    ) -> None:
        found = stack_files.locate(directory, files, env_file, profiles=profiles)
        named = stack_files.filed(found.env_file).get("COMPOSE_PROJECT_NAME")
        self.project = self.title = project or named or PROJECT
        self._foreign = bool(project) and directory is None and not files
        self._engine = Engine(docker_host)
        self._stack = StackReader(self._engine, self.project)
        self._volumes = VolumeReader(self._engine, self.project)
        self._endpoints = EndpointFinder(self._engine, self._stack, lambda: stack_files.settings(self.files))
        self._compose = Compose(self.project, found, self._names, docker_host)
        self._drift = Drift(self._engine, self._compose, PlanBook(state_dir() / "plans.json"))
        self._lifecycle = Lifecycle(self._stack, self._compose, self._drift, self._meant, self._explained)

    @property
    def files(self) -> StackFiles:
        """The stack's files."""
        return self._compose.files

    async def snapshot(self) -> StackSnapshot:
        """See Runtime. Asked again within seconds, it watches: statistics come from the second reading on."""
        found = await self._stack.read()
        return self._drift.shown(found, self._stack.known)

    def up(self, services: Sequence[str] = (), *, build: bool | None = None) -> Steps:
        """See Runtime."""
        return self._lifecycle.up(services, build=build)

    def down(self, *, volumes: bool = False) -> Steps:
        """See Runtime."""
        return self._lifecycle.down(volumes=volumes)

    def start(self, services: Sequence[str]) -> Steps:
        """See Runtime. A service that was never created is created."""
        return self._lifecycle.start(services)

    def stop(self, services: Sequence[str]) -> Steps:
        """See Runtime."""
        return self._lifecycle.stop(services)

    def restart(self, services: Sequence[str], *, index: int = 0) -> Steps:
        """See Runtime."""
        return self._restart_one(services[0], index) if index else self._lifecycle.restart(services)

    async def _restart_one(self, service: str, index: int) -> Steps:
        [name] = await self._meant([service])
        container = replicas.find(await self._stack.containers(), name, index)
        async with aclosing(replicas.restart(self._engine, container, name)) as steps:
            async for step in steps:
                yield step

    def recreate(self, services: Sequence[str]) -> Steps:
        """See Runtime."""
        return self._lifecycle.recreate(services)

    def scale(self, service: str, count: int, *, keep: bool = False) -> Steps:
        """See Runtime."""
        return self._lifecycle.scale(service, count, keep=keep)

    def build(self, services: Sequence[str] = ()) -> Steps:
        """See Runtime."""
        return self._lifecycle.build(services)

    def pull(self, services: Sequence[str] = ()) -> Steps:
        """See Runtime."""
        return self._lifecycle.pull(services)

    async def compare(self) -> None:
        """See Runtime."""
        with contextlib.suppress(ConsoleError):
            async with asyncio.timeout(COMPARE_S):
                # Compose, where it must be asked, works while the engine answers.
                ahead = () if self._foreign else (self._drift.plan(),)
                containers, *_ = await asyncio.gather(self._stack.containers(), *ahead, return_exceptions=True)
                if isinstance(containers, list):
                    await self._adopt(containers)
                    await self._drift.compare(containers)

    async def configuration(self, form: str = "yaml") -> str:
        """See Runtime. Secrets never reach it: Compose is given a mask in their place."""
        return await masking.configuration(self._compose, form)

    async def logs(
        self, services: Sequence[str] = (), *, since: float = 0.0, tail: int | None = None, follow: bool = False
    ) -> AsyncGenerator[list[LogLine], None]:
        """See Runtime."""
        loop = self._engine.loop
        services = called(await self._stack.containers(), services) if services else services
        view = LogView(self._engine, self.project, services, Span(since, tail, follow))
        try:
            await loop.call(view.open())
            if follow:
                yield []
            while (batch := await loop.call(view.next())) is not None:
                yield batch
        finally:
            with contextlib.suppress(UnreachableError):
                await loop.call(view.close())

    async def events(self) -> AsyncGenerator[EngineEvent, None]:
        """What happens to the stack's containers, from now on, across an engine that comes and goes."""
        loop = self._engine.loop
        stream = engine_events.watch(self._engine, self.project)
        try:
            while True:
                event = await loop.call(anext_of(stream))
                if isinstance(event, EngineEvent):
                    yield event
        finally:
            with contextlib.suppress(UnreachableError):
                await loop.call(stream.aclose())

    async def volumes(self) -> VolumesSnapshot:
        """See Runtime. Sizes are the engine's last count."""
        return await self._volumes.read()

    async def execute(
        self, service: str, command: Sequence[str], source: AsyncIterator[bytes] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """See Runtime. Postgres is spoken to over TCP, with the password that its container has."""
        [service] = await self._meant([service])
        given = stack_files.settings(self.files)
        settings = {
            "PGHOST": "127.0.0.1",
            "PGUSER": given.get("POSTGRES_USER", "leads"),
            "PGDATABASE": given.get("POSTGRES_DB", "leads"),
        }
        words = ["exec", "--no-TTY"]
        for name, value in settings.items():
            words += ["--env", f"{name}={value}"]
        async with aclosing(self._compose.pipe([*words, service, *command], source, files=self._readable())) as chunks:
            async for chunk in chunks:
                yield chunk

    async def foreground(
        self, service: str, words: Sequence[str] = (), *, tool: str = "", index: int = 0
    ) -> Foreground:
        """See Runtime."""
        [service] = await self._meant([service])
        containers = await self._stack.containers()
        demand_running([replicas.find(containers, service, index)] if index else containers, service, self.project)
        terminal = sys.stdin.isatty() and sys.stdout.isatty()
        inside = exec_words(service, words, tool, terminal=terminal, index=index)
        return Foreground(*await self._compose.command(inside, files=self._readable()))

    async def refill_redis(self, source: AsyncIterator[bytes], *, single: bool) -> None:
        """See Runtime. A container of its own does it, on the volume, as Redis' own user."""
        await self._in_redis_volume(refill.FILL, source, "single" if single else "parts")

    async def keep_redis(self, *, restored: bool) -> None:
        """See Runtime."""
        await self._in_redis_volume(refill.LET_GO if restored else refill.PUT_BACK, None)

    async def _in_redis_volume(self, script: str, source: AsyncIterator[bytes] | None, *words: str) -> None:
        run = ["run", "--rm", "--no-TTY", "--no-deps", "--workdir", "/data", "--entrypoint", "sh", "redis"]
        await output(self._compose.pipe([*run, "-c", script, "sh", *words], source))

    async def endpoints(self) -> Endpoints:
        """See Runtime. A part that is down has an address too, at which nothing answers yet."""
        await self._meant(())
        return await self._endpoints.find()

    async def close(self) -> None:
        """See Runtime."""
        await self._drift.close()
        with contextlib.suppress(UnreachableError):
            await self._engine.loop.call(self._close())
        await self._engine.close()

    async def _close(self) -> None:
        await self._stack.close()
        await self._endpoints.close()

    async def _meant(self, services: Sequence[str]) -> list[str]:
        """The services by the names that they have here. A project that was only named brings its own files."""
        containers = await self._stack.containers()
        await self._adopt(containers)
        return called(containers, services)

    async def _adopt(self, containers: list[dict[str, Any]]) -> None:
        """A project that was only named is known by the files that it was started from."""
        if self._foreign and (found := origin(containers)) is not None and (await self._engine.address()).local:
            self._foreign = False
            self._compose.files = found

    async def _explained(self, error: StackError) -> StackError:
        """The error with the last words of a service that does not come up."""
        try:
            found = await self._stack.read()
            named = [one.name for one in found.services if str(error).startswith(f"{one.name} ")]
            broken = named or [one.name for one in found.services if one.state in BROKEN]
            if not broken:
                return error
            async with aclosing(self.logs(broken[:1], tail=LAST_LINES)) as batches:
                lines = [line.text.strip() async for batch in batches for line in batch if line.text.strip()]
        except (UnreachableError, StackError):
            return error
        words = f" Its last words: {lines[-1][:LAST_WORDS]}" if lines else ""
        return StackError(f"{error}{words}", f"leadsctl logs {broken[0]} shows more.")

    def _readable(self) -> bool:
        """Whether the compose files can be read: without their settings Compose goes by the containers' labels."""
        return self.files.files[0].is_file() and self.files.env_file.is_file()

    async def _names(self) -> dict[str, str]:
        containers = await self._stack.containers()
        return {str(one["Name"]).lstrip("/"): service(one) for one in containers}


async def anext_of(stream: AsyncIterator[EngineEvent | engine_events.Link]) -> EngineEvent | engine_events.Link:
    """The next value, as a coroutine."""
    return await anext(stream)
