"""Owns walking one state of the queue in bounded stretches, and finding jobs by their ids."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from api.ids import time_of
from api.models import JobState
from api.queue.codec import text
from api.queue.link import Link
from api.queue.rows import Limits, Row, found_row, held_row, parked_row, ready_row

STRETCH_BYTES = 4_000_000
"""Payload after which a stretch ends early."""
FIND_COUNT = 2_000
GET_COUNT = 50
CLOCK_SKEW_S = 2.0
SCAN_COUNT = 1_000
FRAGMENT_LIMIT = 200_000
"""Ready jobs whose ids are compared with a fragment, at most."""

_PARKED = {JobState.RETRY: "retry", JobState.DEAD: "dead", JobState.DISCARDED: "discarded"}
_NEWEST_FIRST = frozenset({JobState.DEAD, JobState.DISCARDED})
_ENTRY = re.compile(r"\d{1,20}-\d{1,20}")
_FRAGMENT = re.compile(r"[0-9A-Z-]+")
_SCORE = re.compile(r"-?\d{1,20}(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some rows in order. `cursor` goes on after all that was looked at, "" at the end of the state."""

    rows: tuple[Row, ...]
    cursor: str
    looked: int


class Listing:
    """Walks and finds. Each call is one short script; positions hold while jobs come and go."""

    def __init__(self, link: Link, limits: Limits) -> None:
        self._link = link
        self._limits = limits

    async def stretch(self, state: JobState, cursor: str, count: int, newest_first: bool | None = None) -> Stretch:
        """Up to `count` jobs after `cursor` ("": from the beginning). ValueError for a cursor that is none."""
        backwards = state in _NEWEST_FIRST if newest_first is None else newest_first
        if state in _PARKED:
            return await self._parked(_PARKED[state], cursor, count, backwards)
        if state is JobState.READY:
            return await self._ready(_entry(cursor), count, backwards, stuck=False)
        if state is JobState.IN_FLIGHT:
            return await self._held(_entry(cursor), count, stuck=False)
        kind, _, entry = cursor.partition(":")
        if kind not in ("", "held", "ready"):
            raise ValueError(f"not a cursor: {cursor!r}")
        return await self._stuck(kind or "held", _entry(entry), count)

    async def by_ids(self, ids: Sequence[str]) -> dict[str, Row]:
        """The jobs with these ids, wherever they are; those that are in no place are left out.

        Walks the stream as far as needed: from when the ids were made to its end, then from its beginning.
        """
        wanted = set(ids)
        found = await self._get_parked(wanted)
        left = wanted - found.keys()
        if left:
            found |= await self._find(left)
            left = wanted - found.keys()
        if left:
            found |= await self._get_parked(left)
        return found

    async def by_fragment(self, fragment: str) -> Row | None:
        """The only job whose id contains `fragment`; None if there is none, or more than one.

        What is no job goes by its entry's id, and a whole one of these is no fragment: `1-1` is in `1-10`.
        """
        if not _FRAGMENT.fullmatch(fragment) or _ENTRY.fullmatch(fragment):
            return None
        ids = set[str]()
        for place in _PARKED.values():
            ids |= await self._scan(place, fragment)
        found = await self._get_parked(ids) if len(ids) <= GET_COUNT else {}
        position, looked = "-", 0
        while position and looked < FRAGMENT_LIMIT and len(ids | found.keys()) <= 1:
            position = await self._find_stretch(position, fragment, (), found)
            looked += FIND_COUNT
        return next(iter(found.values())) if len(found) == 1 else None

    async def _scan(self, place: str, fragment: str) -> set[str]:
        ids, cursor = set[str](), b"0"
        while len(ids) < 2:
            key = self._link.keys.of(place)
            cursor, flat = await self._link.call("ZSCAN", key, cursor, "MATCH", f"*{fragment}*", "COUNT", SCAN_COUNT)
            ids |= {text(member) for member in flat[::2]}
            if cursor == b"0":
                break
        return ids

    async def _parked(self, place: str, cursor: str, count: int, backwards: bool) -> Stretch:
        score, _, member = cursor.partition(":")
        if cursor and not (_SCORE.fullmatch(score) and member):
            raise ValueError(f"not a cursor: {cursor!r}")
        start = score or ("+inf" if backwards else "-inf")
        _, ended, found = await self._link.run(
            "list_parked", place, start, member, int(backwards), count, STRETCH_BYTES
        )
        rows = tuple(parked_row(place, *row) for row in found)
        return Stretch(rows, "" if ended or not rows else rows[-1].after, len(rows))

    async def _ready(self, entry: str, count: int, backwards: bool, *, stuck: bool) -> Stretch:
        sla = self._limits.sla_ms if stuck else ""
        now, ended, found = await self._link.run(
            "list_ready", entry, int(backwards), count, STRETCH_BYTES, sla, self._limits.gone_ms
        )
        rows = tuple(ready_row(now, row, self._limits, stuck) for row in found)
        return Stretch(rows, "" if ended or not rows else rows[-1].after, len(rows))

    async def _held(self, entry: str, count: int, *, stuck: bool) -> Stretch:
        now, ended, looked, last, found = await self._link.run(
            "list_held", entry, count, STRETCH_BYTES, int(stuck), self._limits.visibility_ms, self._limits.gone_ms
        )
        rows = tuple(held_row(now, row, self._limits) for row in found)
        return Stretch(rows, "" if ended else last.decode(), looked)

    async def _stuck(self, kind: str, entry: str, count: int) -> Stretch:
        """First what is stuck in flight, then what is stuck waiting."""
        if kind == "held":
            held = await self._held(entry, count, stuck=True)
            return Stretch(held.rows, f"held:{held.cursor}" if held.cursor else "ready:", held.looked)
        ready = await self._ready(entry, count, backwards=False, stuck=True)
        return Stretch(ready.rows, f"ready:{ready.cursor}" if ready.cursor else "", ready.looked)

    async def _get_parked(self, ids: set[str]) -> dict[str, Row]:
        found = {}
        ordered = sorted(ids)
        for start in range(0, len(ordered), GET_COUNT):
            _, rows = await self._link.run("get_parked", *ordered[start : start + GET_COUNT])
            for member, place, score, value, note in rows:
                row = parked_row(place.decode(), member, score, value, note)
                found[row.view.job.id] = row
        return found

    async def _find(self, ids: set[str]) -> dict[str, Row]:
        made = min(time_of(job_id) for job_id in ids)
        first = f"{max(0, round((made - CLOCK_SKEW_S) * 1000))}"
        found: dict[str, Row] = {}
        for start, end in ((first, ""), ("-", first)):
            left, position = ids - found.keys(), start
            while left and position:
                position = await self._find_stretch(position, "", left, found)
                left -= found.keys()
                if end and position and int(position[1:].partition("-")[0]) >= int(end):
                    break
        return found

    async def _find_stretch(self, position: str, fragment: str, ids: Collection[str], found: dict[str, Row]) -> str:
        """Look in one stretch of the stream, adding to `found`; where to go on, "" at its end."""
        now, after, rows = await self._link.run("find", position, FIND_COUNT, STRETCH_BYTES, fragment, *ids)
        for values in rows:
            row = found_row(now, values, self._limits)
            job_id = row.view.job.id
            # An entry's id is a job's only where there is no other.
            if job_id in ids or (fragment and fragment in job_id):
                found[job_id] = row
        return text(after)


def _entry(cursor: str) -> str:
    if cursor and not _ENTRY.fullmatch(cursor):
        raise ValueError(f"not a cursor: {cursor!r}")
    return cursor
