"""Owns the names of the keys: all under one hash tag, so that a cluster keeps them together.

ready      stream     jobs to do and in flight (group `workers`); an entry is removed as it is acknowledged
retry      zset       job id → ms at which it is due
dead       zset       job id → ms of death
discarded  zset       job id → ms at which an operator discarded it
parked     hash       job id → job JSON, for those three
notes      hash       job id → JSON: seq, when it came there, last error, last worker, page
waiting    hash       page → how many of its jobs are in `retry`
seen:…     string     source and external id → "seq id" of the job that was accepted, for seven days
counters   hash       accepted, duplicates; moved: jobs put into `retry`, `dead` or `discarded` since ever
moves      stream     the last of those moves, so that a long count can make up for them
beats      hash       worker → JSON: heartbeat and figures
told       hash       worker → which of its reports was counted last
tallies    hash       what workers and operators have done since the queue began: name, or name|label → how often
samples    list       the last half minute, newest first: ms, accepted, jobs that had left the queue by then
pauses     hash       page → JSON
trying:…   string     page → the worker that tries whether the page goes on, for as long as no other may
warnings   hash       key → JSON
backfill   hash       form → JSON: how far a backfill came that was stopped
control    hash       paused: since when (ms)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

SEEN_ID_LENGTH = 200


class Keys:
    """Full names of the keys of one namespace."""

    def __init__(self, namespace: str) -> None:
        self._prefix = f"{{{namespace}}}:"
        self.ready = self.of("ready")
        self.seen_pattern = self.of("seen:*")

    def of(self, name: str) -> str:
        """The full name of a key from the table above."""
        return self._prefix + name

    def all_of(self, names: Iterable[str]) -> list[str]:
        """Several full names, in order."""
        return [self._prefix + name for name in names]

    def seen(self, source: str, external_id: str) -> bytes:
        """Where an accepted lead is remembered. An overlong external id is cut and made unique by its hash."""
        if len(external_id) > SEEN_ID_LENGTH:
            digest = hashlib.sha256(external_id.encode("utf-8", "replace")).hexdigest()
            external_id = f"{external_id[:SEEN_ID_LENGTH]}#{digest}"
        return f"{self._prefix}seen:{source}:{external_id}".encode("utf-8", "replace")

    def lead_of(self, seen_key: str) -> tuple[str, str]:
        """(source, external id) from the name of a `seen` key."""
        source, _, external_id = seen_key.removeprefix(self.of("seen:")).partition(":")
        return source, external_id
