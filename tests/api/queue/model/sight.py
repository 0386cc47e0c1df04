"""Owns looking at a queue's keys as they are, without the queue's own scripts, and moving the clock under them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import msgspec
import redis

from api.models import Job
from api.queue.codec import decode_job

GROUP = "workers"
PARKED = ("retry", "dead", "discarded")


def key(name: str) -> str:
    """The full name of a key of the tests' namespace."""
    return f"{{leads}}:{name}"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A job where it was seen.

    Attributes:
        place: ready, in flight, orphaned (handed out, and nobody holds it), retry, dead or discarded.
        at_ms: the score of a parked one.
    """

    place: str
    job: Job
    entry: str = ""
    holder: str = ""
    deliveries: int = 0
    at_ms: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """All of a queue at one instant. `jobs` are in the stream's order, then by score; one job may have several."""

    jobs: dict[str, list[Sighting]]
    counters: dict[str, int]
    waiting: dict[str, int]
    beats: frozenset[str] = frozenset()
    pauses: frozenset[str] = frozenset()
    paused: bool = False
    parked: frozenset[str] = frozenset()
    noted: frozenset[str] = frozenset()
    warnings: frozenset[str] = frozenset()
    group: bool = False
    tallies: tuple[tuple[str, str], ...] = ()

    def canonical(self) -> dict[str, Any]:
        """What two runs of the same operations must have in common: no times, no entries, no deliveries."""
        return {
            "jobs": {
                job_id: [(one.place, one.holder, msgspec.to_builtins(one.job), one.error) for one in found]
                for job_id, found in self.jobs.items()
            },
            "accepted": self.counters.get("accepted", 0),
            "waiting": self.waiting,
            "pauses": self.pauses,
            "paused": self.paused,
            "parked": self.parked,
            "noted": self.noted,
            "warnings": self.warnings,
            "tallies": self.tallies,
        }


def connected(url: str) -> Any:
    """A connection that gives strings, in the shapes in which Redis gives them, whatever redis-py makes of them."""
    raw: Any = redis.Redis.from_url(url, protocol=2, decode_responses=True)
    raw.response_callbacks.clear()
    return raw


def syncs(raw: Any, policy: str) -> None:
    """From now on the server syncs its file "always" before it answers, or leaves that to the system ("no")."""
    raw.execute_command("CONFIG", "SET", "appendfsync", policy)


def look(raw: Any) -> Sight:
    """Read everything in one transaction, by a connection from `connected`."""
    pipe = raw.pipeline(transaction=True)
    pipe.execute_command("XRANGE", key("ready"), "-", "+")
    pipe.execute_command("XPENDING", key("ready"), GROUP, "-", "+", 100_000)
    pipe.execute_command("XINFO", "GROUPS", key("ready"))
    for place in PARKED:
        pipe.execute_command("ZRANGE", key(place), 0, -1, "WITHSCORES")
    for name in ("parked", "notes", "waiting", "counters", "beats", "pauses", "warnings", "control", "tallies"):
        pipe.execute_command("HGETALL", key(name))
    entries, pending, groups, *flat = pipe.execute(raise_on_error=False)
    retry, dead, discarded, parked, notes, *hashes = map(_pairs, flat)
    waiting, counters, beats, pauses, warnings, control, tallies = hashes
    jobs: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in _in_stream(entries, pending, groups):
        jobs[sighting.job.id].append(sighting)
    for place, members in zip(PARKED, (retry, dead, discarded), strict=True):
        for job_id, score in members.items():
            note = json.loads(notes.get(job_id, "{}"))
            job = decode_job(parked[job_id].encode(), note.get("seq", 0))
            jobs[job_id].append(Sighting(place, job, at_ms=float(score), error=note.get("error", "")))
    return Sight(
        dict(jobs),
        {name: int(count) for name, count in counters.items()},
        {page: int(count) for page, count in waiting.items()},
        frozenset(beats),
        frozenset(pauses),
        "paused" in control,
        frozenset(parked),
        frozenset(notes),
        frozenset(warnings),
        bool(groups) and not isinstance(groups, Exception),
        tuple(sorted(tallies.items())),
    )


def _in_stream(entries: Any, pending: Any, groups: Any) -> list[Sighting]:
    holds = {}
    if not isinstance(pending, Exception):
        holds = {entry: (consumer, deliveries) for entry, consumer, _, deliveries in pending}
    last = (0, 0)
    if not isinstance(groups, Exception):
        for group in groups:
            last = _position(_pairs(group)["last-delivered-id"])
    found = []
    for entry, words in entries:
        fields = _pairs(words)
        job = decode_job(fields["j"].encode(), int(fields["n"]))
        hold = holds.pop(entry, None)
        if hold:
            found.append(Sighting("in flight", job, entry, *hold))
        else:
            found.append(Sighting("ready" if _position(entry) > last else "orphaned", job, entry))
    assert not holds, f"held entries that are in no stream: {list(holds)}"
    return found


def _pairs(flat: list[Any]) -> dict[str, Any]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _position(entry: str) -> tuple[int, int]:
    ms, _, n = entry.partition("-")
    return int(ms), int(n)


def pass_time(raw: Any, seconds: int) -> None:
    """Let all look as if so much time had passed: heartbeats, holds, due times, ages, pauses, what is remembered.

    Less than none when the clock was put back. What is left out are the stream's own ids: they cannot be changed.
    """
    ms = seconds * 1000
    pipe = raw.pipeline(transaction=True)
    pending = raw.execute_command("XPENDING", key("ready"), GROUP, "-", "+", 100_000) if _has_group(raw) else []
    for entry, consumer, idle, _ in pending:
        pipe.execute_command("XCLAIM", key("ready"), GROUP, consumer, 0, entry, "IDLE", max(0, idle + ms), "JUSTID")
    for place in PARKED:
        for member in raw.zrange(key(place), 0, -1):
            pipe.zincrby(key(place), -ms, member)
    for name, field_name in (("beats", "at"), ("notes", "at"), ("pauses", "ends")):
        for member, value in _pairs(raw.hgetall(key(name))).items():
            pipe.hset(key(name), member, _earlier(value, field_name, ms))
    for seen in raw.keys(key("seen:*")):
        left = raw.pttl(seen) - ms
        pipe.pexpire(seen, left) if left > 0 else pipe.delete(seen)
    pipe.execute()


def _has_group(raw: Any) -> bool:
    return bool(raw.exists(key("ready"))) and bool(raw.execute_command("XINFO", "GROUPS", key("ready")))


def _earlier(value: str, name: str, ms: int) -> str:
    """A time in front of a JSON object, moved to the past; 0 stays what it is."""
    return re.sub(rf'"{name}":([1-9]\d*)', lambda match: f'"{name}":{max(1, int(match[1]) - ms)}', value, count=1)
