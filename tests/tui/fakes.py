"""A stack that is made up: sources and a runner with rich data, on a clock that stands still or moves."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from api.models import (
    Accounting,
    Attempt,
    Delivery,
    Job,
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

NOW = 1_795_608_273.0
"""25 November 2026, 12:04:33 UTC."""
MB = 1_000_000

HOSTILE = "\x1b[31m\x1b]0;owned\x07[bold red]{x}\u202egnp.exe\u200b\x9b2J\x00\r\n\t" + "Z\u0334\u0335\u0336\u0337algo"
"""What somebody may put into any text: escapes, markup, bidi, zero width, C1, NUL, line breaks, piles of marks."""

PEOPLE = (
    ("Ana Silva", "ana.silva@gmail.com", "+55 11 98765-4321", "Imóveis São Paulo"),
    ("Jürgen Müller-Lüdenscheidt", "juergen@web.de", "+49 171 2345678", "Probefahrt"),
    ("山田 太郎", "yamada@example.jp", "+81 90-1234-5678", "資料請求"),
    ("Chinedu Okafor", "chinedu@mail.ng", "+234 803 123 4567", "Test drive"),
    ("Zoë 🚀 van der Berg", "zoe@example.nl", "+31 6 12345678", "Offerte 🏡"),
    ("محمد الأحمد", "mohammed@example.sa", "+966 50 123 4567", "طلب عرض سعر"),
    ("प्रिया शर्मा", "priya@example.in", "+91 98765 43210", "संपर्क"),
    ("Nguyễn Thị Minh Khai", "khai@example.vn", "+84 91 234 56 78", "Đăng ký tư vấn"),
    ("김민수", "minsu@example.kr", "+82 10-1234-5678", "상담 신청"),
    ("O'Brien, Siobhán", "siobhan@example.ie", "+353 85 123 4567", "Brochure request"),
)
ERRORS = (
    "Graph 500, code 2: An unexpected error has occurred. Please retry your request later.",
    "Graph 400, code 100, subcode 33: Unsupported get request. Object does not exist",
    "Graph 403, code 190: Error validating access token: Session has expired",
)


def job_id(n: int) -> str:
    """A ULID-like id."""
    return f"01J9ZK3F8Q{n:06d}R7W2M4X{n % 10}V"


@dataclass
class World:
    """What the fakes tell. Tests change its fields and wait for the next reading."""

    clock: Callable[[], float] = lambda: NOW
    hostile: bool = False
    stack_error: str = ""
    queue_error: str = ""
    leads_error: str = ""
    empty: bool = False
    calm: bool = False
    paused: bool = False
    states: dict[str, State] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    total: int = 18_204
    jobs_gone: set[str] = field(default_factory=set)
    jobs_discarded: set[str] = field(default_factory=set)
    payloads: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    reads: dict[str, int] = field(default_factory=dict)

    def now(self) -> float:
        """Epoch seconds."""
        return self.clock()

    def text(self, plain: str) -> str:
        """A text from outside: plain, or with everything that can go wrong."""
        return f"{plain[:6]}{HOSTILE}{plain[6:]}" if self.hostile else plain

    async def visit(self, name: str, error: str) -> None:
        """A read begins: count it, take its time, fail if it is to fail."""
        self.reads[name] = self.reads.get(name, 0) + 1
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if error:
            raise UnreachableError(error, "Start it, or try leadsctl demo")

    def jobs(self, state: JobState) -> list[JobView]:
        """All jobs in a state."""
        if self.empty or self.calm:
            return []
        counts = {"ready": 230, "in-flight": 51, "retry": 3, "stuck": 3, "dead": 8, "discarded": 2}
        offset = list(JobState).index(state) * 10_000
        views = [self._job(state, offset + n, n) for n in range(counts[state.value])]
        if state is JobState.DISCARDED:
            views += [
                replace(view, state=JobState.DISCARDED)
                for other in (JobState.DEAD, JobState.STUCK, JobState.RETRY)
                for view in (
                    self._job(other, list(JobState).index(other) * 10_000 + n, n) for n in range(counts[other.value])
                )
                if view.job.id in self.jobs_discarded
            ]
            return [view for view in views if view.job.id not in self.jobs_gone]
        return [v for v in views if v.job.id not in self.jobs_gone and v.job.id not in self.jobs_discarded]

    def _job(self, state: JobState, n: int, index: int) -> JobView:
        now = self.now()
        received = now - 140 - index * 0.73
        form_name = PEOPLE[n % len(PEOPLE)][3]
        meta = n % 4 != 3
        payload = (
            json.dumps(
                {"leadgen_id": f"{123450000 + n}", "page_id": "1029", "form_id": "77", "created_time": int(received)}
            )
            if meta
            else json.dumps(
                {"name": self.text(PEOPLE[n % 10][0]), "email": PEOPLE[n % 10][1], "form": "site"}, ensure_ascii=False
            )
        )
        tries = {JobState.DEAD: 8, JobState.RETRY: 2, JobState.STUCK: 1 + n % 2}.get(state, 0)
        history = tuple(
            Attempt(
                n=k,
                worker=f"worker-{1 + k % 3}",
                started_at=received + 3.0**k / 3,
                took_s=0.31,
                error=self.text(ERRORS[n % 3]),
            )
            for k in range(1, tries + 1)
        )
        identity = job_id(n)
        job = Job(
            id=identity,
            source="meta" if meta else "forms",
            external_id=self.text(f"{123450000 + n}" if meta else f"msg_2KWP{n:05d}"),
            payload=self.payloads.get(identity, payload),
            received_at=received,
            request_id=f"9f2c4e{n:06x}",
            page=self.text("1029" if meta else "site"),
            form=self.text(form_name),
            attempt=tries + (state in (JobState.IN_FLIGHT, JobState.STUCK)),
            seq=18_200 + n,
            history=history,
        )
        gone = state is JobState.STUCK
        return JobView(
            job=job,
            state=state,
            since=now - 74 if gone else received + 3,
            due_at=now + 4 + n % 7 if state is JobState.RETRY else 0.0,
            worker=("worker-2" if gone else f"worker-{1 + n % 3}")
            if state in (JobState.IN_FLIGHT, JobState.STUCK)
            else "",
            idle_s=74.0 if gone else 0.4 if state is JobState.IN_FLIGHT else 0.0,
            deliveries=1,
            error=history[-1].error if history and state in (JobState.DEAD, JobState.RETRY) else "",
            stuck="worker worker-2 gone for 74 s" if gone else "",
            entry_id=f"{int(received * 1000)}-0",
        )

    def lead(self, identity: int) -> Lead:
        """A stored lead."""
        name, email, phone, form = PEOPLE[identity % len(PEOPLE)]
        age_s = (self.total - identity) * 0.9
        received = datetime.fromtimestamp((NOW if self.calm else self.now()) - age_s - 0.8, UTC)
        return Lead(
            id=identity,
            source="meta" if identity % 4 else "forms",
            external_id=self.text(f"{987650000 + identity}"),
            received_at=received,
            stored_at=received + timedelta(seconds=0.7 + identity % 5 / 10),
            job_id=job_id(identity),
            page_id="1029",
            page_name=self.text("Casa & Cia"),
            form_id="77",
            form_name=self.text(form),
            ad_id="5550001",
            ad_name=self.text("Carousel 3"),
            campaign_id="5550002",
            campaign_name=self.text("Black Friday 2026"),
            full_name=self.text(name),
            email=self.text(email),
            phone=self.text(phone),
            phone_e164=phone.replace(" ", "").replace("-", ""),
            platform="fb" if identity % 2 else "ig",
            fields={
                self.text("full_name"): [self.text(name)],
                "email": [email],
                "wann_möchten_sie_probe_fahren?": [self.text("Nächste Woche, am liebsten vormittags")],
                "budget": ["250.000 – 400.000", "financiamento"],
            },
            consent={self.text("I agree to be contacted by phone"): True, "newsletter": False},
            raw=json.dumps({"id": f"{987650000 + identity}", "field_data": [{"name": "email", "values": [email]}]}),
            status="stored" if identity % 17 else "partial",
            is_test=identity % 23 == 0,
            cleaned=identity % 13 == 0,
        )


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
                    restarts=2 if name == "worker" and n == 2 else 0,
                    health=world.text("GET /health/live 200") if name == "app" else "",
                    exit_code=None if up else 137 if state is State.FAILED else 0,
                    oom_killed=state is State.FAILED,
                )
                for n in range(1, count + 1)
            )

        services: tuple[Service, ...] = (
            Service("app", Role.APP, replicas("app", 1, 3, 84 * MB, 200_000), image="leadsctl", version="0.1.0",
                    image_created_at=now - 900_000, ports=("0.0.0.0:3000→3000",)),
            Service("worker", Role.WORKER, replicas("worker", 3, 4, 72 * MB, 200_000), wanted=3, image="leadsctl",
                    version="0.1.0", image_created_at=now - 900_000),
            Service("db", Role.DB, replicas("db", 1, 4, 310 * MB, 200_000), image="postgres:15-alpine",
                    image_created_at=now - 9_000_000, ports=("5432",)),
            Service("redis", Role.REDIS, replicas("redis", 1, 1, 12 * MB, 200_000), image="redis:7-alpine",
                    image_created_at=now - 9_000_000, ports=("6379",)),
        )  # fmt: skip
        services = tuple(s if s.name not in world.removed else replace(s, replicas=()) for s in services)
        return StackSnapshot("docker", "leads", "unix:///var/run/docker.sock", services, now)

    async def logs(
        self, services: Sequence[str] = (), *, since: float = 0.0, tail: int | None = None, follow: bool = False
    ) -> AsyncIterator[list[LogLine]]:
        """A few lines, then what the test writes."""
        del services, tail
        if self.world.stack_error:
            raise UnreachableError(self.world.stack_error)
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
            return QueueSnapshot(taken_at=now, aof="always", server="redis 7.4.1")
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
            server="redis 7.4.1",
            memory_bytes=12 * MB,
            aof="always",
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
        return StoreSnapshot(world.total, 18_402, latest, "PostgreSQL 15.8", 4_200 * MB, tables, latest[0].stored_at)

    async def page(self, where: LeadFilter, *, cursor: str = "", limit: int = 50) -> LeadPage:
        """A page, newest first."""
        world = self.world
        await world.visit("page", world.leads_error)
        if world.empty:
            return LeadPage(())
        start = int(cursor or world.total)
        found: list[Lead] = []
        identity = start
        while identity > max(0, world.total - 5_000) and len(found) < limit:
            lead = world.lead(identity)
            haystack = f"{lead.full_name} {lead.email} {lead.phone} {lead.external_id}".lower()
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
                Volume(world.text("postgres_data"), "/var/lib/postgresql/data", ("db",), 4_200 * MB + grown),
                Volume("redis_data", "/data", ("redis",), 86 * MB),
            ),
            now,
            512_000 * MB,
            317_000 * MB,
        )


@dataclass
class FakeChecker:
    """Checker that is content."""

    async def accounting(self) -> Accounting:
        """Balanced."""
        return Accounting(3, 0, 0, 0, 0, {Outcome.STORED: 3})


@dataclass
class FakeRunner:
    """Runner that notes what it was asked, and changes the World as the real one would."""

    world: World
    read_only: bool = False
    done: list[Action] = field(default_factory=list)
    fails: dict[Verb, Result] = field(default_factory=dict)
    risks: tuple[str, ...] = ("51 jobs in flight: workers get time to finish",)
    gate: asyncio.Event | None = None

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
        yield Progress(f"{name}: nearly done", done=2, total=2)
        self._change(action)
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
            case Verb.DISCARD:
                world.jobs_discarded |= set(action.targets)
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
    return Sources(FakeStack(world), FakeQueue(world), FakeLeads(world), FakeChecker(), FakeVolumes(world))
