"""Proves the accounting, and judges whether the pipeline is well: the one verdict for monitoring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from api.cause import Database, Kind, why
from api.models import Accounting, QueueSnapshot
from console.config import Configuration
from console.format import age, number
from console.links import Links

NAMED_AT_MOST = 100


class AccountingReader:
    """Where every accepted lead is (console.ports.Checker)."""

    def __init__(self, links: Links) -> None:
        self._links = links

    async def accounting(self) -> Accounting:
        """The queue first, then the store, so that a moving system balances too; lost jobs are named where possible."""
        places = await self._links.inspect(lambda inspector: inspector.places())
        found = await self._links.read(lambda reader: reader.accounting(places))
        found = replace(found, doubled=tuple(dict.fromkeys((*found.doubled, *places.doubled)))[:NAMED_AT_MOST])
        return replace(found, missing=await self._named(found.missing)) if found.missing else found

    async def _named(self, missing: tuple[str, ...]) -> tuple[str, ...]:
        """ "#12" becomes "#12 meta:4711 01J9…" where the door still remembers the job."""
        seqs = [int(text[1:]) for text in missing if text[1:].isdecimal()]
        seen = await self._links.inspect(lambda inspector: inspector.seen_of(seqs))
        named = {f"#{s.seq}": f"#{s.seq} {s.source}:{s.external_id} {s.job_id}" for s in seen.values()}
        return tuple(named.get(text, text) for text in missing)


_FAILING = (Kind.DATABASE_AWAY, Kind.REDIS_MEMORY, Kind.REDIS_DISK)


class Verdict(StrEnum):
    """How one thing is. WARN does not fail a check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still fine. Ages in seconds; `max_dead` and `max_stuck` are counts, `max_dead` None: any number."""

    max_age_s: float = 300.0
    max_stuck: int = 0
    max_dead: int | None = None


def limits(config: Configuration) -> Limits:
    """The limits that the options `check.…` set."""
    return Limits(config["check.max_age"], config["check.max_stuck"], config["check.max_dead"])


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked: its name, how it is, and one line why."""

    name: str
    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Everything that was checked."""

    findings: tuple[Finding, ...]
    accounting: Accounting
    queue: QueueSnapshot

    @property
    def ok(self) -> bool:
        """True unless something failed."""
        return all(finding.verdict is not Verdict.FAIL for finding in self.findings)


def judge(accounting: Accounting, queue: QueueSnapshot, limits: Limits) -> CheckReport:
    """Hold the figures against the limits. Pure."""
    findings = (
        _accounting(accounting),
        _age(queue, limits),
        _count("stuck", queue.stuck, limits.max_stuck, "leadsctl queue list stuck shows them"),
        _dead(queue, limits),
        _workers(queue),
        _cause(queue),
        _aof(queue),
        _pauses(queue),
    )
    return CheckReport(findings, accounting, queue)


def _accounting(found: Accounting) -> Finding:
    if found.balanced:
        return Finding("accounting", Verdict.OK, f"{number(found.accepted)} accepted, each in exactly one place")
    parts = [f"{number(found.accepted)} accepted, {number(found.accounted)} accounted for"]
    parts += [f"{number(len(found.missing))} missing"] if found.missing else []
    parts += [f"{number(len(found.doubled))} in two places"] if found.doubled else []
    return Finding("accounting", Verdict.FAIL, "; ".join(parts))


def _age(queue: QueueSnapshot, limits: Limits) -> Finding:
    oldest = max(queue.oldest_ready_s, queue.oldest_in_flight_s)
    text = f"{number(queue.depth)} to store, the oldest waits {age(oldest)}" if queue.depth else "nothing waits"
    late = oldest > limits.max_age_s
    return Finding(
        "age", Verdict.FAIL if late else Verdict.OK, f"{text}; {age(limits.max_age_s)} allowed" if late else text
    )


def _count(name: str, count: int, most: int, hint: str) -> Finding:
    if count > most:
        return Finding(name, Verdict.FAIL, f"{number(count)}; {hint}")
    return Finding(name, Verdict.OK, number(count))


def _dead(queue: QueueSnapshot, limits: Limits) -> Finding:
    if not queue.dead:
        return Finding("dead", Verdict.OK, "0")
    if limits.max_dead is not None:
        return _count("dead", queue.dead, limits.max_dead, f"{number(limits.max_dead)} allowed")
    return Finding("dead", Verdict.WARN, f"{number(queue.dead)}; leadsctl queue list dead shows them")


def _workers(queue: QueueSnapshot) -> Finding:
    alive = sum(worker.alive for worker in queue.workers)
    if not alive:
        return Finding("workers", Verdict.FAIL, "none answers; leadsctl start worker")
    if queue.paused:
        return Finding("workers", Verdict.WARN, f"{number(alive)} alive, paused by an operator; leadsctl queue resume")
    return Finding("workers", Verdict.OK, f"{number(alive)} alive")


def _cause(queue: QueueSnapshot) -> Finding:
    """Why the queue is as it is. What has a finding of its own fails there."""
    cause = why(queue, database=Database(ok=True))
    return Finding("cause", Verdict.FAIL if cause.kind in _FAILING else Verdict.OK, cause.text)


def _aof(queue: QueueSnapshot) -> Finding:
    if queue.aof in ("off", "no", ""):
        return Finding("aof", Verdict.FAIL, f"{queue.aof or 'unknown'}: a crash of Redis loses accepted leads")
    if not queue.aof_ok:
        return Finding("aof", Verdict.FAIL, "the last write to disk failed")
    if queue.aof == "everysec":
        return Finding("aof", Verdict.WARN, "everysec: a crash of Redis may lose the last second")
    return Finding("aof", Verdict.OK, queue.aof)


def _pauses(queue: QueueSnapshot) -> Finding:
    if not queue.pauses:
        return Finding("graph", Verdict.OK, "no page waits")
    acts = [f"{pause.name} ({pause.page})" if pause.name else pause.page for pause in queue.pauses if pause.until == 0]
    pages = "1 page waits" if len(queue.pauses) == 1 else f"{number(len(queue.pauses))} pages wait"
    if acts:
        return Finding(
            "graph", Verdict.FAIL, f"{pages}; {', '.join(acts[:5])} until an operator acts (token, permission)"
        )
    return Finding("graph", Verdict.WARN, f"{pages}, as Meta asked")
