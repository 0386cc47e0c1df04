"""A stack that is made up: sources and a runner with rich data, on a clock that stands still or moves."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from api.models import (
    Accounting,
    AofFile,
    Attempt,
    Delivery,
    JobPage,
    JobState,
    JobView,
    Lead,
    LeadDetails,
    LeadFilter,
    LeadPage,
    Notice,
    Outcome,
    PagePause,
    QueueSnapshot,
    StoreSnapshot,
    WorkerView,
)
from api.store.records import OperatorAction
from console.errors import UnreachableError
from console.ports import Action, Result, Sources, Verb
from console.snapshots import (
    LogLine,
    Progress,
    Replica,
    Role,
    Service,
    StackSnapshot,
    State,
    Volume,
    VolumesSnapshot,
)
from console.trace import Trace, traced
from tests.tui.world import ERRORS, HOSTILE, MB, NOW, PEOPLE, World, job_id

__all__ = [
    "HOSTILE",
    "NOW",
    "PEOPLE",
    "FakeChecker",
    "FakeLeads",
    "FakeQueue",
    "FakeRunner",
    "FakeStack",
    "FakeTracer",
    "FakeVolumes",
    "World",
    "job_id",
    "log_lines",
    "sources",
]


@dataclass
class FakeStack:
    """StackSource over a World, with a log that a test can write to."""

    world: World
    written: asyncio.Queue[list[LogLine]] = field(default_factory=asyncio.Queue)

    async def read(self) -> StackSnapshot:
        """Four services, three workers."""
        world, now = self.world, self.world.now()
        await world.visit("stack", world.stack_error)

        def replicas(name: str, count: int, cpu: float, memory: int, age_s: float) -> tuple[Replica, ...]:
            state = world.states.get(name, State.HEALTHY)
            up = state.up
            return tuple(
                Replica(
                    id=f"{name}{n}" * 4,
                    name=world.text(f"leads_{name}" if count == 1 else f"{name}-{n}"),
                    state=state,
                    started_at=now - age_s if up else 0.0,
                    cpu_percent=(cpu + math.sin(now / 7 + n) * cpu / 2 + cpu / 2) if up else None,
                    memory_bytes=memory + n * MB if up else None,
                    memory_limit=512 * MB,
                    pid=4000 + n,
                    index=n,
                    restarts=2 if name == "worker" and n == 2 else 0,
                    health=world.text("GET /health/live 200") if name == "app" else "",
                    exit_code=None if up else 137 if state is State.FAILED else 0,
                    oom_killed=state is State.FAILED,
                )
                for n in range(1, count + 1)
            )

        image, version = world.text("leadsctl"), world.text("0.1.0")
        services: tuple[Service, ...] = (
            Service("app", Role.APP, replicas("app", 1, 3, 84 * MB, 200_000), image=image,
                    version=version, image_created_at=now - 900_000, ports=(world.text("0.0.0.0:3000→3000"),)),
            Service("worker", Role.WORKER, replicas("worker", 3, 4, 72 * MB, 200_000), wanted=3, image=image,
                    version=version, image_created_at=now - 900_000),
            Service("db", Role.DB, replicas("db", 1, 4, 310 * MB, 200_000), image=world.text("postgres:15-alpine"),
                    image_created_at=now - 9_000_000, ports=(world.text("5432"),)),
            Service("redis", Role.REDIS, replicas("redis", 1, 1, 12 * MB, 200_000), image="redis:7-alpine",
                    image_created_at=now - 9_000_000, ports=("6379",)),
        )  # fmt: skip
        services = tuple(s if s.name not in world.removed else replace(s, replicas=()) for s in services)
        return StackSnapshot("docker", world.text("leads"), world.text("unix:///var/run/docker.sock"), services, now)

    async def logs(
        self, services: Sequence[str] = (), *, since: float = 0.0, tail: int | None = None, follow: bool = False
    ) -> AsyncIterator[list[LogLine]]:
        """A few lines, then what the test writes."""
        del services, tail
        if self.world.stack_error:
            raise UnreachableError(self.world.stack_error)
        if follow:
            yield []
        if not since:
            yield log_lines(self.world, 120)
        while follow:
            yield await self.written.get()


def log_lines(world: World, count: int) -> list[LogLine]:
    """Lines as the four services write them, up to now."""
    now = world.now()
    out = []
    for n in range(count):
        at = now - (count - n) * 0.37
        kind = n % 12
        if kind in (0, 3, 6):
            text = json.dumps({
                "ts": datetime.fromtimestamp(at, UTC).isoformat(), "level": "info", "event": "webhook.accepted",
                "request_id": f"9f2c{n:04x}", "job_id": job_id(n), "accepted": 1 + n % 3, "duplicates": n % 2,
                "took_ms": 4.2,
            })  # fmt: skip
            out.append(LogLine(at, "app", "leads_app", world.text(text) if world.hostile and n % 2 else text))
        elif kind == 4:
            text = json.dumps({"level": "warning", "event": "graph.limited", "page": world.text("1029"), "wait_s": 38})
            out.append(LogLine(at, "worker", "worker-1", text, "stderr"))
        elif kind == 7:
            text = json.dumps({
                "level": "error", "event": "lead.retry", "job_id": job_id(n), "external_id": f"{123450000 + n}",
                "attempt": 2,
                "error": world.text("(#100) Invalid parameter"),
            })  # fmt: skip
            out.append(LogLine(at, "worker", "worker-2", text, "stderr"))
        elif kind == 9:
            stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
            out.append(
                LogLine(at, "db", "leads_db", f"{stamp} UTC [27] LOG:  {world.text('checkpoint starting: time')}")
            )
        elif kind == 11:
            out.append(
                LogLine(
                    at, "redis", "leads_redis", "1:M 25 Nov 2026 12:04:33.120 * Background saving started by pid 91"
                )
            )
        else:
            text = json.dumps({
                "level": "info" if n % 5 else "debug", "event": "lead.stored", "job_id": job_id(n),
                "external_id": f"{123450000 + n}", "attempt": 1, "took_ms": 700 + n,
            })  # fmt: skip
            out.append(LogLine(at, "worker", f"worker-{1 + n % 3}", text))
    return out


@dataclass
class FakeQueue:
    """QueueSource over a World."""

    world: World

    async def read(self) -> QueueSnapshot:
        """The figures."""
        world = self.world
        await world.visit("queue", world.queue_error)
        now = world.now()
        if world.empty:
            return QueueSnapshot(taken_at=now, aof="always", server=world.text("redis 7.4.1"))
        wave = int(480 + 420 * math.sin(now / 23))
        stuck, dead = len(world.jobs(JobState.STUCK)), len(world.jobs(JobState.DEAD))
        discarded = len(world.jobs(JobState.DISCARDED))
        ready = 0 if world.calm else wave + 230
        alive = not world.removed & {"worker"}
        return QueueSnapshot(
            taken_at=now,
            ready=ready,
            in_flight=0 if world.calm else 51,
            retry=len(world.jobs(JobState.RETRY)),
            dead=dead,
            discarded=discarded,
            stuck=stuck,
            accepted=18_000 + int(now - NOW) * 312,
            duplicates=391,
            oldest_ready_s=0.0 if world.calm else 4.0,
            oldest_in_flight_s=2.0,
            next_retry_s=4.0,
            paused=world.paused,
            workers=tuple(
                WorkerView(
                    f"worker-{n}",
                    74.0 if n == 2 and not world.calm else 0.4,
                    alive and (n != 2 or world.calm),
                    17,
                    4000 + n,
                    "host",
                )
                for n in (1, 2, 3)
            ),
            pauses=()
            if world.calm
            else (
                PagePause("1029", "limit", now + 38, world.text("(#4) Application request limit reached"), 214),
                PagePause("2040", "token", 0.0, world.text("Session has expired"), 3),
            ),
            notices=()
            if world.calm
            else (
                Notice(
                    "meta.values-off",
                    world.text("Page 3 sends leads without ids: turn Include Values on"),
                    4,
                    now - 900,
                    now - 60,
                ),
            ),
            server=world.text("redis 7.4.1"),
            memory_bytes=12 * MB,
            aof="always",
            aof_file=AofFile(86 * MB, 61 * MB, 0, 0, False, 0.4),
        )

    async def jobs(self, state: JobState, *, cursor: str = "", limit: int = 50, match: str = "") -> JobPage:
        """A page."""
        world = self.world
        await world.visit("jobs", world.queue_error)
        found = [
            view
            for view in world.jobs(state)
            if match.lower()
            in f"{view.job.id} {view.job.external_id} {view.job.page} {view.job.form} {view.error}".lower()
        ]
        start = int(cursor or 0)
        page = tuple(found[start : start + limit])
        return JobPage(page, str(start + limit) if start + limit < len(found) else "", len(found))

    async def job(self, job_id: str) -> JobView | None:
        """One job."""
        await self.world.visit("job", self.world.queue_error)
        return next((v for state in JobState for v in self.world.jobs(state) if v.job.id == job_id), None)


@dataclass
class FakeLeads:
    """LeadsSource over a World."""

    world: World

    async def read(self) -> StoreSnapshot:
        """Totals and the newest twenty."""
        world = self.world
        await world.visit("leads", world.leads_error)
        if world.empty:
            return StoreSnapshot(0, 0, ())
        latest = tuple(world.lead(world.total - n) for n in range(20))
        tables = (("leads", 2_900 * MB), ("deliveries", 900 * MB), ("attempts", 300 * MB), ("operator_actions", MB))
        return StoreSnapshot(world.total, 18_402, latest, "15.8", 4_200 * MB, tables, latest[0].stored_at)

    async def page(self, where: LeadFilter, *, cursor: str = "", limit: int = 50, full: bool = False) -> LeadPage:
        """A page, newest first."""
        del full
        world = self.world
        await world.visit("page", world.leads_error)
        if world.empty:
            return LeadPage(())
        start = int(cursor or world.total)
        found: list[Lead] = []
        identity = start
        while identity > max(0, world.total - 5_000) and len(found) < limit:
            lead = world.lead(identity)
            haystack = f"{lead.full_name} {lead.email} {lead.phone} {lead.external_id} {lead.job_id}".lower()
            if (
                where.text.lower() in haystack
                and where.form.lower() in lead.form_name.lower()
                and where.source in lead.source
            ):
                found.append(lead)
            identity -= 1
        more = identity > max(0, world.total - 5_000)
        return LeadPage(tuple(found), str(identity) if more else "")

    async def details(self, lead_id: int) -> LeadDetails:
        """One lead with a delivery of two attempts."""
        world = self.world
        await world.visit("details", world.leads_error)
        lead = world.lead(lead_id)
        start = lead.received_at
        end = start + timedelta(seconds=5.4)
        worker = "worker-1"
        delivery = Delivery(
            lead.job_id,
            lead_id,
            lead.source,
            lead.external_id,
            Outcome.STORED,
            2,
            "9f2c4e0001",
            start,
            end,
            lead_id,
            worker,
        )
        at = start.timestamp()
        attempts = (
            (lead.job_id, Attempt(n=1, worker=worker, started_at=at + 0.1, took_s=0.31, error=world.text(ERRORS[0]))),
            (lead.job_id, Attempt(n=2, worker=worker, started_at=at + 5.2, took_s=0.12)),
        )
        return LeadDetails(lead, (delivery,), attempts)

    async def actions(self, limit: int = 50) -> tuple[OperatorAction, ...]:
        """What operators did: a dozen things, the newest a minute ago."""
        world = self.world
        await world.visit("actions", world.leads_error)
        whats = ("retry", "reveal", "backup", "stop")
        return tuple(
            OperatorAction(
                500 - n,
                datetime.fromtimestamp(NOW - 60 * (n + 1), UTC),
                world.text("ana@ops"),
                whats[n % 4],
                world.text(job_id(n)),
                world.text("1 job made ready again"),
            )
            for n in range(0 if world.empty else min(limit, 12))
        )


@dataclass
class FakeTracer:
    """TraceSource over a World: any stored lead by its id, stuck jobs by theirs."""

    world: World

    async def find(self, text: str) -> Trace:
        """The way of one lead, with three log lines."""
        world = self.world
        await world.visit("trace", world.leads_error)
        view = next((v for v in world.jobs(JobState.STUCK) if v.job.id == text), None)
        if view is None and not text.isdecimal():
            return Trace()
        found = [] if view else [await FakeLeads(world).details(int(text))]
        start = view.job.received_at if view else found[0].deliveries[0].received_at.timestamp()
        job, request = (view.job.id, view.job.request_id) if view else (found[0].deliveries[0].job_id, "9f2c4e0001")
        lines = [
            LogLine(start + at, service, service, json.dumps({"level": level, "event": world.text(event), "job_id": job,
                                                               "request_id": request}))
            for at, service, level, event in (
                (0.004, "app", "info", "webhook.accepted"),
                (0.42, "worker", "warning", "lead.retry"),
                (5.35, "worker", "info", "lead.stored"),
            )
        ]  # fmt: skip
        leads = tuple(details.lead for details in found if details.lead)
        return Trace(leads, traced(found, [view] if view else [], lines), (world.text("a notice"),) if view else ())


@dataclass
class FakeVolumes:
    """VolumesSource over a World."""

    world: World

    async def read(self) -> VolumesSnapshot:
        """Two volumes."""
        world, now = self.world, self.world.now()
        await world.visit("volumes", world.stack_error)
        grown = int((now - NOW) * 40_000)
        return VolumesSnapshot(
            (
                Volume(
                    world.text("postgres_data"),
                    world.text("/var/lib/postgresql/data"),
                    (world.text("db"),),
                    4_200 * MB + grown,
                ),
                Volume("redis_data", "/data", ("redis",), 86 * MB, growth_bytes_day=9_400 * MB, growth_over_s=86_400.0),
            ),
            now,
            512_000 * MB,
            world.disk_free,
        )


@dataclass
class FakeChecker:
    """Checker that is content."""

    async def accounting(self) -> Accounting:
        """Balanced."""
        return Accounting(3, 0, 0, 0, 0, {Outcome.STORED: 3})

    async def last_backup(self) -> float:
        """Nine days ago."""
        return NOW - 9 * 86_400


@dataclass
class FakeRunner:
    """Runner that notes what it was asked, and changes the World as the real one would."""

    world: World
    read_only: bool = False
    done: list[Action] = field(default_factory=list)
    fails: dict[Verb, Result] = field(default_factory=dict)
    risks: tuple[str, ...] = ("51 jobs in flight: workers get time to finish",)
    gate: asyncio.Event | None = None
    away: tuple[str, ...] = ()
    breaks: bool = False
    refuses: frozenset[str] = frozenset()
    """Jobs that are not discarded."""

    async def warnings(self, action: Action) -> tuple[str, ...]:
        """The risks."""
        del action
        return tuple(self.world.text(risk) for risk in self.risks)

    async def run(self, action: Action) -> AsyncIterator[Progress | Result]:
        """Two steps and a result."""
        self.done.append(action)
        name = ", ".join(action.targets) or "everything"
        yield Progress(f"{name}: begun", done=1, total=2)
        if self.gate is not None:
            await self.gate.wait()
        if action.verb in self.fails:
            yield self.fails[action.verb]
            return
        self._change(action)
        yield Progress(f"{name}: nearly done", done=2, total=2, jobs=self.away)
        if self.breaks:
            yield Result(ok=False, text="Redis does not answer", exit_code=3)
            return
        if refused := self.refuses & set(action.targets):
            text = f"{len(self.away)} jobs discarded; {sorted(refused)[0]} has been stored meanwhile"
            yield Result(ok=False, text=text, changed=len(self.away), exit_code=1)
            return
        yield Result(ok=True, text=self.world.text(f"{name} is done"), changed=len(action.targets))

    def _change(self, action: Action) -> None:
        world = self.world
        match action.verb:
            case Verb.STOP:
                world.states.update(dict.fromkeys(action.targets, State.STOPPED))
            case Verb.UP | Verb.RESTART | Verb.START:
                for name in action.targets or tuple(world.states):
                    world.states.pop(name, None)
            case Verb.DOWN:
                world.removed |= {"app", "worker", "db", "redis"}
            case Verb.RETRY:
                world.jobs_gone |= set(action.targets)
            case Verb.RETRY_MATCHING:
                world.jobs_gone |= {v.job.id for v in world.jobs(JobState(action.args["state"]))}
            case Verb.DISCARD_MATCHING:
                self.away = tuple(v.job.id for v in world.jobs(JobState(action.args["state"])))
                world.jobs_discarded |= set(self.away)
            case Verb.DISCARD:
                self.away = tuple(target for target in action.targets if target not in self.refuses)
                world.jobs_discarded |= set(self.away)
            case Verb.UNDO:
                world.jobs_discarded -= set(action.targets)
                world.jobs_gone |= {
                    i for i in action.targets if i in {v.job.id for v in world.jobs(JobState.DISCARDED)}
                }
            case Verb.EDIT:
                world.payloads[action.targets[0]] = action.args["payload"]
            case Verb.PAUSE:
                world.paused = True
            case Verb.RESUME:
                world.paused = False
            case _:
                pass


def sources(world: World) -> Sources:
    """All fakes over one world."""
    return Sources(
        FakeStack(world), FakeQueue(world), FakeLeads(world), FakeChecker(), FakeVolumes(world), FakeTracer(world)
    )
