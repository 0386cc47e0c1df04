"""Looks at Redis and Postgres: that they answer, their versions, the schema, how their clocks agree with this one."""

from __future__ import annotations

import time

from api.store.migrate import known_schema
from console.doctor.diagnosis import Diagnosis, Said, fail, fine, warn
from console.doctor.machine import numbers
from console.format import number, safe, took
from console.links import Links

REDIS_LEAST = (6, 2)
POSTGRES_LEAST = (13,)

SKEW_WARN_S = 2.0
SKEW_FAIL_S = 60.0
"""Signatures with a time are refused from five minutes on; ages and retries are off by as much long before."""


async def redis(links: Links) -> Said:
    """Redis: version and clock. UnreachableError when it does not answer."""
    asked_at = time.time()
    queue = await links.inspect(lambda inspector: inspector.snapshot())
    answered_at = time.time()
    return (redis_version(queue.server), clock("Redis", queue.taken_at, asked_at, answered_at))


async def postgres(links: Links) -> Said:
    """Postgres: version, clock and schema. UnreachableError when it does not answer."""
    asked_at = time.time()
    version, now = await links.read(lambda reader: reader.about())
    answered_at = time.time()
    schema_there = await links.read(lambda reader: reader.schema_there())
    return (postgres_version(version), clock("Postgres", now, asked_at, answered_at), schema(schema_there))


def redis_version(server: str) -> Diagnosis:
    """Of "Redis 7.2.4", or "Valkey 8.1", which began where Redis 7.2 was."""
    name, _, version = server.partition(" ")
    if name == "Redis" and numbers(version) < REDIS_LEAST:
        mend = "use redis:7-alpine, or another newer server"
        return fail("redis", f"{safe(server, 60)}; 6.2 or later is needed", mend)
    return fine("redis", safe(server, 60) or "answers; it does not tell its version")


def postgres_version(version: str) -> Diagnosis:
    """Of "15.8"."""
    if numbers(version) < POSTGRES_LEAST:
        return fail("postgres", f"Postgres {safe(version, 40)}; 13 or later is needed", "use postgres:15-alpine")
    return fine("postgres", f"Postgres {safe(version, 40)}")


def clock(whose: str, theirs: float, asked_at: float, answered_at: float, *, grain_s: float = 0.0) -> Diagnosis:
    """How a clock agrees with this machine's. The answer was made somewhere between the question and its arrival.

    `grain_s`: the clock is told in steps of so many seconds, cut off below.
    """
    early, late = asked_at - grain_s, answered_at
    skew = theirs - late if theirs > late else theirs - early if theirs < early else 0.0
    name = "clock"
    if abs(skew) < SKEW_WARN_S:
        return fine(name, f"{whose} agrees with this machine")
    text = f"this machine's clock is {took(abs(skew))} {'behind' if skew > 0 else 'ahead of'} that of {whose}"
    mend = "let both follow network time: timedatectl set-ntp true, or chrony"
    return fail(name, text, mend) if abs(skew) >= SKEW_FAIL_S else warn(name, text, mend)


def schema(there: int) -> Diagnosis:
    """How the last migration that was run compares with those of this program."""
    known = known_schema()
    if there < known:
        mend = "leadsctl restart app brings it up to date; leadsctl logs app says why it did not"
        return fail("schema", f"{number(known - there)} of {number(known)} migrations are missing", mend)
    if there > known:
        mend = "install the version of leadsctl that the stack runs"
        return warn("schema", f"it is newer ({there}) than this program ({known})", mend)
    return fine("schema", f"up to date ({there})")
