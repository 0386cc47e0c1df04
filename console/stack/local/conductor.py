"""Brings the local stack up and down: prepares, then starts and stops services in the order they need each other."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.errors import StackError, UnreachableError, UsageError
from console.format import safe
from console.snapshots import Progress
from console.stack.local import account, cluster, daemon, environment, health, ports, programs, rpc
from console.stack.local.config import MANNERS, redis_configuration, service_specs, write_spec
from console.stack.local.environment import Environment
from console.stack.local.places import SERVICES, Access, Kept, Places, remove_tree, write_private
from console.stack.local.processes import Record, end, read_record
from console.stack.local.programs import Program
from console.stack.local.runner import run
from console.stack.local.tasks import in_thread, together

READY_S = 60.0
_TRIES = 2
"""Starts that may fail before we say so; the supervisor goes on trying."""

Emit = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is needed to start services."""

    kept: Kept
    environment: Environment
    access: Access
    postgres: Program
    redis: Program
    specs: dict[str, dict[str, Any]] = field(repr=False)


class Conductor:
    """Does the verbs; `emit` hears of every step. The caller holds the lock."""

    def __init__(self, places: Places, env: Mapping[str, str], emit: Emit, *, throwaway: bool = False) -> None:
        self._places = places
        self._env = env
        self._emit = emit
        self._throwaway = throwaway

    async def up(self, services: Sequence[str]) -> None:
        """Start the services and what they need; wait until all of them serve."""
        wanted = _with_needs(services or SERVICES)
        self._emit(Progress("preparing"))
        plan = await self._prepare()
        places = self._places
        if await daemon.adopt(places, plan.kept):
            await self._data(plan)
        else:
            await self._begin(plan)
        await self._start(plan, wanted)

    async def _begin(self, plan: Plan) -> None:
        """Start the supervisor and have the data, at the same time; no supervisor stays if there is no data."""
        try:
            await together([self._data(plan), daemon.start(self._places, plan.kept, plan.environment.base)])
        except StackError:
            await daemon.shut_down(self._places, plan.kept)
            raise

    async def start(self, services: Sequence[str]) -> None:
        """Start services of a stack that is up; only those."""
        await self._demand_supervisor()
        await self._start(await self._prepare(), services)

    async def stop(self, services: Sequence[str]) -> None:
        """Stop services; what feeds others is stopped first."""
        kept = self._places.load()
        if kept is None or not await daemon.answers(self._places, kept):
            return
        for wave in (("app",), ("worker",), ("db", "redis")):
            await together(self._stop_one(kept, name) for name in wave if name in services)

    async def down(self, *, volumes: bool) -> None:
        """Stop everything, end the supervisor, leave no process behind. With `volumes` the data goes too."""
        places = self._places
        kept = places.load() or Kept(token="", ports={})
        await self.stop(SERVICES)
        await daemon.shut_down(places, kept)
        daemon.forget_socket(kept)
        # Specs hold secrets; the lock and `.env` stay.
        await in_thread(remove_tree, places.run)
        if volumes:
            for folder in (places.postgres_data, places.redis_data):
                await in_thread(remove_tree, folder)
            self._emit(Progress("data removed", ok=True))

    async def _demand_supervisor(self) -> None:
        kept = self._places.load()
        if kept is None or not await daemon.answers(self._places, kept):
            raise StackError("the local stack is not up", self._places.up)

    async def _prepare(self) -> Plan:
        kept = self._places.load()
        running: set[str] = set()
        if kept:
            with contextlib.suppress(UnreachableError):
                found = await rpc.processes(self._places.socket(kept))
                running = {name for name, process in found.items() if process.state in ("RUNNING", "STARTING")}
        return await in_thread(_plan, self._places, self._env, running)

    async def _data(self, plan: Plan) -> None:
        """Have the data directories; the database is created if there is none."""
        user, places, began = plan.kept.user, self._places, time.monotonic()
        places.redis_data.mkdir(mode=0o700, exist_ok=True)
        account.own(places.redis_data, user)
        made = await cluster.ensure(places, plan.postgres, user, plan.environment, throwaway=self._throwaway)
        if made:
            self._emit(Progress(f"database created in {time.monotonic() - began:.1f} s", "db"))

    async def _start(self, plan: Plan, wanted: Sequence[str]) -> None:
        self._places.save_access(plan.access)
        await together(self._start_one(plan, name) for name in ("db", "redis") if name in wanted)
        if "app" in wanted or "worker" in wanted:
            await cluster.demand_password(self._places, plan.postgres, plan.environment, plan.kept)
            await self._migrate(plan)
            await together(self._start_one(plan, name) for name in ("app", "worker") if name in wanted)

    async def _migrate(self, plan: Plan) -> None:
        spec = plan.specs["app"]
        done = await run(
            [sys.executable, "-m", "api", "migrate"],
            env=spec["env"], cwd=spec["cwd"], record=self._places.record("migrate"), timeout_s=300,
        )  # fmt: skip
        if done.code:
            raise StackError(f"the database cannot be brought up to date: {safe(done.last_line, 300)}")

    async def _start_one(self, plan: Plan, name: str) -> None:
        places, socket, began = self._places, self._places.socket(plan.kept), time.monotonic()
        process = (await rpc.processes(socket))[name]
        if process.state == "STOPPING" or (process.state in ("RUNNING", "STARTING") and not self._current(plan, name)):
            self._emit(Progress("stopping: its settings changed", name))
            await self._stop_one(plan.kept, name)
            process = (await rpc.processes(socket))[name]
        if process.state not in ("RUNNING", "STARTING"):
            self._emit(Progress("starting", name))
            if process.state == "BACKOFF":
                await self._stop_one(plan.kept, name)
            if name == "db":
                await cluster.clear(places, plan.kept.token)
            places.record(name).unlink(missing_ok=True)
            self._write(plan, name)
            with _tolerate(rpc.ALREADY_STARTED):
                await rpc.call(socket, "startProcess", name, False)
        await self._ready(plan, name)
        self._emit(Progress(f"ready in {time.monotonic() - began:.1f} s", name, ok=True))

    def _write(self, plan: Plan, name: str) -> None:
        write_spec(self._places, name, plan.specs[name])
        if name == "redis":
            text = redis_configuration(plan.kept.ports["redis"], plan.environment.settings)
            write_private(self._places.run / "redis.conf", text.encode())

    def _current(self, plan: Plan, name: str) -> bool:
        record = read_record(self._places.record(name))
        return record is not None and record.digest == plan.specs[name]["digest"]

    async def _ready(self, plan: Plan, name: str) -> None:
        """Wait until the service serves.

        Raises:
            StackError: it keeps ending, or does not serve in time.
        """
        reason = ""
        prober = health.Prober(plan.kept, plan.access)
        async for process, record in self._polled(plan, name):
            if process.state == "FATAL" or (process.state == "BACKOFF" and record and record.starts >= _TRIES):
                reason = await in_thread(_last_words, self._places, name)
                break
            if process.state in ("RUNNING", "STARTING") and record:
                reason = await prober.check(name, process)
                if not reason:
                    return
        reason = safe(reason or "it does not become ready", 300)
        self._emit(Progress(f"failed: {reason}", name, ok=False))
        raise StackError(f"{name} does not start: {reason}", f"leadsctl --local logs {name}")

    async def _polled(self, plan: Plan, name: str) -> AsyncIterator[tuple[rpc.Process, Record | None]]:
        """The service as it is, again and again, ever more slowly, for READY_S seconds."""
        deadline, pause = time.monotonic() + READY_S, 0.01
        while time.monotonic() < deadline:
            yield (await rpc.processes(self._places.socket(plan.kept)))[name], read_record(self._places.record(name))
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, 0.25)

    async def _stop_one(self, kept: Kept, name: str) -> None:
        socket, grace_s = self._places.socket(kept), MANNERS[name].grace_s
        record = read_record(self._places.record(name))
        began, asked = time.monotonic(), False
        with _tolerate(rpc.NOT_RUNNING):
            await rpc.call(socket, "stopProcess", name, False)
            asked = True
            self._emit(Progress("stopping", name))
        # Each call wakes the supervisor from its one-second sleep, so that it sees the end at once.
        pause = 0.005
        while (await rpc.processes(socket))[name].state in ("STOPPING", "RUNNING", "STARTING", "BACKOFF"):
            if time.monotonic() - began > grace_s + 10:
                raise StackError(f"{name} does not stop")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.1)
        if record:
            await end(record, kept.token, MANNERS[name].stop, 5)
        self._places.record(name).unlink(missing_ok=True)
        if asked:
            self._emit(Progress(f"stopped in {time.monotonic() - began:.1f} s", name, ok=True))


def demand_known(services: Iterable[str]) -> None:
    """UsageError for a service that is none."""
    for name in services:
        if name not in SERVICES:
            raise UsageError(f"there is no service {safe(name, 40)}", f"the services are {', '.join(SERVICES)}")


def _plan(places: Places, env: Mapping[str, str], running: set[str]) -> Plan:
    """Find out everything that a start needs. Blocks for a moment: it runs programs, and may copy them."""
    programs.demand_supervisor()
    user = account.choose()
    account.demand_way(user, places.state)
    places.prepare(user)
    settings = environment.load(places, env)
    copies = places.state / "bin"
    postgres = programs.find_postgres(env, user, copies)
    redis = programs.find_redis(env, user, copies)
    old = places.load()
    kept = Kept(
        token=old.token if old else secrets.token_hex(8),
        ports=ports.settle(old.ports if old else {}, running, settings.host, settings.port),
        user=user,
        socket_dir=places.socket_dir(old),
        postgres_version=postgres.version,
        postgres_origin=postgres.origin,
        postgres_bin=str(postgres.path),
        redis_version=redis.version,
        redis_origin=redis.origin,
        database=old.database if old and old.database else settings.settings["POSTGRES_DB"],
        database_user=old.database_user if old and old.database_user else settings.settings["POSTGRES_USER"],
    )
    access = Access(
        database_url=settings.database_url(kept.ports["db"], kept.database_user, kept.database),
        redis_url=settings.redis_url(kept.ports["redis"]),
        web_url=settings.web_url(kept.ports["app"]),
        namespace=settings.settings.get("QUEUE_NAMESPACE", "leads"),
    )
    specs = service_specs(places, kept, access=access, environment=settings, postgres=postgres, redis=redis)
    places.save(kept)
    return Plan(kept, settings, access, postgres, redis, specs)


def _with_needs(services: Iterable[str]) -> list[str]:
    """The services in starting order, with db and redis if one of the others is among them."""
    wanted = set(services)
    if wanted & {"app", "worker"}:
        wanted |= {"db", "redis"}
    return [name for name in SERVICES if name in wanted]


def _last_words(places: Places, name: str) -> str:
    try:
        with places.log(name).open("rb") as log:
            log.seek(max(log.seek(0, 2) - 4_096, 0))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return "no output"
    return next((line for line in reversed(lines) if line.strip()), "no output")


@contextlib.contextmanager
def _tolerate(code: int) -> Iterator[None]:
    """A call that changes nothing because it is so already."""
    try:
        yield
    except rpc.RefusedError as error:
        if error.code != code:
            raise
