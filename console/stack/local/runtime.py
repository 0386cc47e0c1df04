"""The local runtime: four supervised processes under one state directory, behind `console.ports.Runtime`."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

from console.errors import StackError, UnreachableError
from console.foreground import Foreground
from console.snapshots import Endpoints, LogLine, Progress, StackSnapshot, Volume, VolumesSnapshot
from console.stack import refill
from console.stack.local import logs, rpc, shell, view
from console.stack.local.conductor import Conductor, demand_known
from console.stack.local.health import Prober
from console.stack.local.lock import locked
from console.stack.local.places import SERVICES, Access, Kept, Places, default_state_dir
from console.stack.local.processes import Record, read_record
from console.stack.local.tasks import in_thread, steps, to_its_end
from console.stack.local.usage import Usage, UsageMeter
from console.stack.local.without import WithoutContainers
from console.stack.piping import output, piped

Emit = Callable[[Progress], None]


class LocalRuntime(WithoutContainers):
    """Local processes under supervisord. Every method raises console.errors.ConsoleError only.

    The processes outlive this object and the program: another `LocalRuntime` on the same directory finds them.
    """

    name = "local"

    def __init__(
        self, state_dir: Path | None = None, env: Mapping[str, str] | None = None, *, throwaway: bool = False
    ) -> None:
        """`env` (default: this process's) wins over `state_dir`/.env, at the verbs that start something.

        A `throwaway` stack need not survive the loss of power while it is being created.
        """
        self._places = Places((state_dir or default_state_dir()).absolute())
        self.title = self._places.state.name or "leads"
        self._env = dict(os.environ if env is None else env)
        self._throwaway = throwaway
        self._meter = UsageMeter()
        self._prober: tuple[tuple[Kept, Access], Prober] | None = None

    @property
    def state_dir(self) -> Path:
        """Where everything lies."""
        return self._places.state

    async def snapshot(self) -> StackSnapshot:
        """The four services now; those that were never started, or were taken down, have no replica."""
        try:
            return await self._snapshot()
        except OSError as error:
            raise UnreachableError(f"{self.state_dir} cannot be read: {error.strerror}") from error

    def up(self, services: Sequence[str] = (), *, build: bool | None = None) -> AsyncGenerator[Progress, None]:
        """Create and start the services (all when empty), with what they need, and wait until they serve."""
        if build:
            return self.build(services)
        demand_known(services)
        return self._changing("up", lambda conductor: conductor.up(services))

    def down(self, *, volumes: bool = False) -> AsyncGenerator[Progress, None]:
        """Stop everything and leave no process behind; data stays unless `volumes`."""
        return self._changing("down", lambda conductor: conductor.down(volumes=volumes))

    def start(self, services: Sequence[str]) -> AsyncGenerator[Progress, None]:
        """Start services (all when empty) of a stack that is up."""
        demand_known(services)
        return self._changing("start", lambda conductor: conductor.start(services or SERVICES))

    def stop(self, services: Sequence[str]) -> AsyncGenerator[Progress, None]:
        """Stop services (all when empty), each with its grace period: a worker drains."""
        demand_known(services)
        return self._changing("stop", lambda conductor: conductor.stop(services or SERVICES))

    def restart(self, services: Sequence[str], *, index: int = 0) -> AsyncGenerator[Progress, None]:
        """Stop services (all when empty) and start them again, with the settings as they are now.

        Who gives up in the middle of it has them started all the same.
        """
        demand_known(services)
        view.demand_only(services[0] if services else "", index)

        async def work(conductor: Conductor) -> None:
            try:
                await conductor.stop(services or SERVICES)
            finally:
                await to_its_end(conductor.start(services or SERVICES))

        return self._changing("restart", work)

    async def logs(
        self, services: Sequence[str] = (), *, since: float = 0.0, tail: int | None = None, follow: bool = False
    ) -> AsyncGenerator[list[LogLine], None]:
        """See `console.ports.Runtime.logs`; outputs are together, so `stream` is always "stdout"."""
        demand_known(services)
        chosen = {name: self._places.log(name) for name in services or SERVICES}
        try:
            async with aclosing(logs.read(chosen, since=since, tail=tail, follow=follow)) as batches:
                async for batch in batches:
                    yield batch
        except OSError as error:
            raise UnreachableError(f"{self._places.logs} cannot be read: {error.strerror}") from error

    async def volumes(self) -> VolumesSnapshot:
        """The data directories, with what they take on disk."""
        try:
            return await in_thread(_volumes, self._places)
        except OSError as error:
            raise UnreachableError(f"{self._places.data} cannot be read: {error.strerror}") from error

    async def execute(
        self, service: str, command: Sequence[str], source: AsyncIterator[bytes] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """See Runtime. The programs are those of the Postgres in use."""
        demand_known([service])
        kept, access = self._up()
        env = {**self._env, **shell.postgres_environment(access.database_url), "LC_ALL": "C"}
        words = [str(Path(kept.postgres_bin) / command[0]), *command[1:]]
        async with aclosing(piped(words, source, env=env, name=command[0])) as chunks:
            async for chunk in chunks:
                yield chunk

    async def foreground(
        self, service: str, words: Sequence[str] = (), *, tool: str = "", index: int = 0
    ) -> Foreground:
        """See Runtime. A local program, with the environment of the service's own."""
        demand_known([service])
        view.demand_only(service, index)
        kept, access = self._up()
        return shell.foreground(self._places, kept, access, service, words, tool=tool, env=self._env)

    async def refill_redis(self, source: AsyncIterator[bytes], *, single: bool) -> None:
        """See Runtime."""
        await self._in_redis_data(refill.FILL, source, "single" if single else "parts")

    async def keep_redis(self, *, restored: bool) -> None:
        """See Runtime."""
        await self._in_redis_data(refill.LET_GO if restored else refill.PUT_BACK, None)

    async def _in_redis_data(self, script: str, source: AsyncIterator[bytes] | None, *words: str) -> None:
        kept = self._places.load()
        entry = pwd.getpwnam(kept.user) if kept and kept.user else None
        ids = (entry.pw_uid, entry.pw_gid) if entry else (None, None)
        data = str(self._places.redis_data)
        shell = ["/bin/sh", "-c", script, "sh", *words]
        await output(piped(shell, source, env=self._env, cwd=data, user=ids[0], group=ids[1], name="sh"))

    def _up(self) -> tuple[Kept, Access]:
        kept, access = self._places.load(), self._places.access()
        if kept is None or access is None:
            raise UnreachableError(f"no local stack is up in {self.state_dir}", self._places.up)
        return kept, access

    async def endpoints(self) -> Endpoints:
        """How to reach the running stack. UnreachableError while it is down."""
        try:
            access = self._places.access()
        except OSError as error:
            raise UnreachableError(f"{self.state_dir} cannot be read: {error.strerror}") from error
        if access is None:
            raise UnreachableError(f"no local stack is up in {self.state_dir}", self._places.up)
        return Endpoints(database_url=access.database_url, redis_url=access.redis_url, web_url=access.web_url)

    async def close(self) -> None:
        """Nothing is held between calls; the stack goes on."""

    def _changing(self, verb: str, work: Callable[[Conductor], Awaitable[None]]) -> AsyncGenerator[Progress, None]:
        async def whole(emit: Emit) -> None:
            if not self.state_dir.exists():
                if verb in ("start", "restart"):
                    raise StackError("the local stack is not up", self._places.up)
                if verb != "up":
                    return
                self.state_dir.mkdir(parents=True, mode=0o711)
            async with locked(self.state_dir / "lock", lambda text: emit(Progress(text))):
                await work(Conductor(self._places, self._env, emit, throwaway=self._throwaway))

        return steps(whole, verb)

    async def _snapshot(self) -> StackSnapshot:
        kept = self._places.load()
        records = {name: record for name in SERVICES if (record := read_record(self._places.record(name)))}
        if kept is None:
            return view.build(self._places, None)
        try:
            processes = await rpc.processes(self._places.socket(kept))
        except rpc.GoneError:
            usage = self._usage([record.pid for record in records.values() if record.alive()])
            return view.build(self._places, kept, records=records, usage=usage)
        alive = {name: process for name, process in processes.items() if process.state in ("RUNNING", "STARTING")}
        usage = self._usage([process.pid for process in alive.values()])
        health = await self._health(kept, alive, records)
        return view.build(self._places, kept, processes=processes, records=records, health=health, usage=usage)

    async def _health(
        self, kept: Kept, alive: Mapping[str, rpc.Process], records: Mapping[str, Record]
    ) -> dict[str, str]:
        access = self._places.access()
        if access is None:
            return {}
        if self._prober is None or self._prober[0] != (kept, access):
            self._prober = ((kept, access), Prober(kept, access))
        prober = self._prober[1]
        asked = [name for name in alive if name in records]
        answers = await asyncio.gather(*(prober.cached(name, alive[name]) for name in asked))
        return dict(zip(asked, answers, strict=True))

    def _usage(self, pids: list[int]) -> dict[int, Usage]:
        """Nothing where psutil is not installed: the rest of the picture needs none."""
        try:
            return self._meter.measure(pids)
        except ImportError:
            return {}


def _volumes(places: Places) -> VolumesSnapshot:
    """Walks the data directories: blocks."""
    found = []
    for name, path, user in (
        ("postgres_data", places.postgres_data, "db"),
        ("redis_data", places.redis_data, "redis"),
    ):
        if path.exists():
            found.append(
                Volume(
                    name=name,
                    mount=str(path),
                    used_by=(user,),
                    size_bytes=_size(path),
                    driver="directory",
                    path=str(path),
                )
            )
    total = free = 0
    if places.state.exists():
        disk = shutil.disk_usage(places.state)
        total, free = disk.total, disk.free
    return VolumesSnapshot(volumes=tuple(found), taken_at=time.time(), disk_total=total, disk_free=free)


def _size(folder: Path) -> int:
    """Bytes on disk; files that vanish meanwhile do not count, hard links count once."""
    seen: set[tuple[int, int]] = set()
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                found = os.lstat(os.path.join(parent, name))  # noqa: PTH118 - ten thousands of files: Path is slow
            except OSError:
                continue
            if (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                size += found.st_blocks * 512
    return size
