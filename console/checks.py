"""Judges whether the pipeline is well: every figure against what is still fine. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from api.cause import Database, Kind, why
from api.models import Accounting, QueueSnapshot
from console.config import Configuration
from console.format import age, number, size
from console.snapshots import VolumesSnapshot

_FAILING = (Kind.DATABASE_AWAY, Kind.REDIS_MEMORY, Kind.REDIS_DISK)


class Verdict(StrEnum):
    """How one thing is. WARN does not fail a check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still fine (the options `check.…`).

    Attributes:
        max_age_s: seconds a job may wait.
        max_dead: None: any number, which only warns.
        max_disk: per cent of the disk that may be used.
        aof: the weakest appendfsync.
        max_backup_age_s: seconds since the last backup; None: it is only told.
    """

    max_age_s: float = 300.0
    max_stuck: int = 0
    max_dead: int | None = None
    min_workers: int = 1
    max_disk: int = 90
    aof: str = "everysec"
    max_backup_age_s: float | None = None


def limits(config: Configuration) -> Limits:
    """The limits that the options `check.…` set."""
    names = ("max_age", "max_stuck", "max_dead", "min_workers", "max_disk", "aof", "max_backup_age")
    return Limits(*(config[f"check.{name}"] for name in names))


@dataclass(frozen=True, slots=True)
class Observed:
    """What is judged. `volumes` None: the runtime does not tell; `backup_at` epoch seconds, 0 where there is none."""

    accounting: Accounting
    queue: QueueSnapshot
    volumes: VolumesSnapshot | None = None
    backup_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked: its name, how it is, one line why, and the figure behind it where there is one.

    `unit` of the figure: "s" seconds, "%" per cent, "" a count.
    """

    name: str
    verdict: Verdict
    text: str
    value: float | None = None
    unit: str = ""


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


def judge(seen: Observed, limits: Limits) -> CheckReport:
    """Hold the figures against the limits."""
    queue = seen.queue
    findings = (
        _accounting(seen.accounting),
        _age(queue, limits),
        _count("stuck", queue.stuck, limits.max_stuck, "leadsctl queue list stuck shows them"),
        _dead(queue, limits),
        _workers(queue, limits),
        _cause(queue),
        _aof(queue, limits),
        _disk(seen.volumes, limits),
        _backup(seen.backup_at, queue.taken_at, limits),
        _pauses(queue),
    )
    return CheckReport(findings, seen.accounting, queue)


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
    verdict = Verdict.FAIL if late else Verdict.OK
    return Finding("age", verdict, f"{text}; {age(limits.max_age_s)} allowed" if late else text, oldest, "s")


def _count(name: str, count: int, most: int, hint: str) -> Finding:
    if count > most:
        return Finding(name, Verdict.FAIL, f"{number(count)}; {hint}", count)
    return Finding(name, Verdict.OK, number(count), count)


def _dead(queue: QueueSnapshot, limits: Limits) -> Finding:
    if not queue.dead:
        return Finding("dead", Verdict.OK, "0", 0)
    if limits.max_dead is not None:
        return _count("dead", queue.dead, limits.max_dead, f"{number(limits.max_dead)} allowed")
    return Finding("dead", Verdict.WARN, f"{number(queue.dead)}; leadsctl queue list dead shows them", queue.dead)


def _workers(queue: QueueSnapshot, limits: Limits) -> Finding:
    alive = sum(worker.alive for worker in queue.workers)
    beats = [worker.beat_age_s for worker in queue.workers if worker.alive]
    if alive < limits.min_workers:
        text = "none answers" if not alive else f"{number(alive)} alive, {number(limits.min_workers)} wanted"
        return Finding("workers", Verdict.FAIL, f"{text}; leadsctl start worker", alive)
    if queue.paused:
        text = f"{number(alive)} alive, paused by an operator; leadsctl queue resume"
        return Finding("workers", Verdict.WARN, text, alive)
    beat = f", last heartbeat {age(min(beats))} ago" if beats else ""
    return Finding("workers", Verdict.OK, f"{number(alive)} alive{beat}", alive)


def _cause(queue: QueueSnapshot) -> Finding:
    """Why the queue is as it is. What has a finding of its own fails there."""
    cause = why(queue, database=Database(ok=True))
    return Finding("cause", Verdict.FAIL if cause.kind in _FAILING else Verdict.OK, cause.text)


def _aof(queue: QueueSnapshot, limits: Limits) -> Finding:
    if queue.aof in ("off", "no", ""):
        return Finding("aof", Verdict.FAIL, f"{queue.aof or 'unknown'}: a crash of Redis loses accepted leads")
    if not queue.aof_ok:
        return Finding("aof", Verdict.FAIL, "the last write to disk failed")
    if queue.aof == "everysec":
        verdict = Verdict.FAIL if limits.aof == "always" else Verdict.WARN
        return Finding("aof", verdict, "everysec: a crash of Redis may lose the last second")
    return Finding("aof", Verdict.OK, queue.aof)


def _disk(volumes: VolumesSnapshot | None, limits: Limits) -> Finding:
    if volumes is None or not volumes.disk_total:
        return Finding("disk", Verdict.OK, "not known here")
    used = 100 * (1 - volumes.disk_free / volumes.disk_total)
    text = f"{used:.0f} % used, {size(volumes.disk_free)} free"
    if used > limits.max_disk:
        return Finding("disk", Verdict.FAIL, f"{text}; {limits.max_disk} % allowed", used, "%")
    return Finding("disk", Verdict.OK, text, used, "%")


def _backup(at: float, now: float, limits: Limits) -> Finding:
    most = limits.max_backup_age_s
    if not at:
        return Finding(
            "backup", Verdict.OK if most is None else Verdict.FAIL, "none was made; leadsctl backup makes one"
        )
    old = max(now - at, 0.0)
    if most is not None and old > most:
        return Finding("backup", Verdict.FAIL, f"the last is {age(old)} old; {age(most)} allowed", old, "s")
    return Finding("backup", Verdict.OK, f"the last is {age(old)} old", old, "s")


def _pauses(queue: QueueSnapshot) -> Finding:
    if not queue.pauses:
        return Finding("graph", Verdict.OK, "no page waits", 0)
    acts = [f"{pause.name} ({pause.page})" if pause.name else pause.page for pause in queue.pauses if pause.until == 0]
    pages = "1 page waits" if len(queue.pauses) == 1 else f"{number(len(queue.pauses))} pages wait"
    if acts:
        return Finding(
            "graph",
            Verdict.FAIL,
            f"{pages}; {', '.join(acts[:5])} until an operator acts (token, permission)",
            len(queue.pauses),
        )
    return Finding("graph", Verdict.WARN, f"{pages}, as Meta asked", len(queue.pauses))
