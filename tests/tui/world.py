"""What the fakes tell: people of many languages, jobs in every state, hostile text, a clock that stands or moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from api.models import (
    Attempt,
    Job,
    JobState,
    JobView,
    Lead,
)
from console.errors import UnreachableError
from console.snapshots import (
    State,
)

NOW = 1_795_608_273.0
"""25 November 2026, 12:04:33 UTC."""
MB = 1_000_000

HOSTILE = "\x1b[31m\x1b]0;owned\x07[bold red]{x}\u202egnp.exe\u200b\x9b2J\x00\r\n\t" + "Z\u0334\u0335\u0336\u0337algo"
"""What somebody may put into any text: escapes, markup, bidi, zero width, C1, NUL, line breaks, piles of marks."""

LONG = 10_000
"""Characters of a text that is long besides."""

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
    long: bool = False
    empty: bool = False
    calm: bool = False
    paused: bool = False
    disk_free: int = 317_000 * MB
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
        if not self.hostile:
            return plain
        return f"{plain[:6]}{HOSTILE * (LONG // len(HOSTILE) if self.long else 1)}{plain[6:]}"

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
                worker=self.text(f"worker-{1 + k % 3}"),
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
            request_id=self.text(f"9f2c4e{n:06x}"),
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
            stuck=self.text("worker worker-2 gone for 74 s") if gone else "",
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
            phone_e164=self.text(phone.replace(" ", "").replace("-", "")),
            platform=self.text("fb" if identity % 2 else "ig"),
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
