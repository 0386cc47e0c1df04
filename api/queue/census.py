"""Owns counting every job in its place as of one instant, without holding Redis up.

A queue that is not large is counted in one script. A large one is walked in short stretches: what is discarded, dead
and retried, then the stream to its end. Jobs move meanwhile, and the last script makes up for it at one instant. Every
job that is queued at that instant has been seen, because it is either where it was when the walk began, and the walk
came by; or it came into the stream, always at its end, which the last script reads; or it was moved out of the stream
or discarded, and that is in the log of moves, of which the last script reads what came since the walk began.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from api.errors import QueueUnavailableError
from api.queue.codec import text
from api.queue.link import Link
from api.queue.types import Places

SMALL = 3_000
STRETCH = 500
STRETCH_BYTES = 8_000_000
TAIL_ROUNDS = 20
TRIES = 3
PARKED = ("discarded", "dead", "retry")


@dataclass(slots=True)
class _Sightings:
    """Where jobs were seen, the latest last: id → places (a sorted set's name, or a stream entry)."""

    seqs: dict[str, int] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)

    def add(self, job_id: str, seq: int, place: str) -> None:
        self.seqs[job_id] = seq
        seen = self.places.setdefault(job_id, [])
        if place in seen:
            seen.remove(place)
        seen.append(place)


async def count(link: Link) -> Places:
    """Every queued job in its place.

    Raises:
        QueueUnavailableError: more jobs moved during the walk than the log of moves holds, time and again.
    """
    for _ in range(TRIES):
        accepted, moved, move, *sizes = await link.run("census_begin")
        places = await _count_at_once(link) if sum(sizes) <= SMALL else None
        if places is None:
            places = await _count_walking(link, accepted, moved, text(move))
        if places is not None:
            return places
    raise QueueUnavailableError("jobs move faster than they can be counted")


async def _count_at_once(link: Link) -> Places | None:
    """In one script; None if the jobs turn out to be too large for that."""
    accepted, _, last, ended, entries, _, parked = await link.run("census_end", "-", "-", STRETCH_BYTES, 1)
    if not ended:
        return None
    seen = _Sightings()
    for place, rows in zip(("retry", "dead", "discarded"), parked, strict=True):
        for member, seq in _by(2, rows):
            seen.add(text(member), int(seq), place)
    for entry, member, seq in _by(3, entries):
        seen.add(text(member), int(seq), text(entry))
    doubled = [job_id for job_id, places in seen.places.items() if len(places) > 1]
    return _places(seen, accepted, text(last), doubled)


async def _count_walking(link: Link, accepted: int, moved_before: int, move: str) -> Places | None:
    """In stretches; None if the log of moves has lost some meanwhile."""
    seen = _Sightings()
    for place in PARKED:
        await _walk_parked(link, place, seen)
    entry = await _walk_stream(link, "-", seen)
    for _ in range(TAIL_ROUNDS):
        _, moved, last, ended, entries, moves, _ = await link.run("census_end", entry, move, STRETCH_BYTES, 0)
        if ended:
            break
        entry = await _walk_stream(link, entry, seen)
    else:
        return None
    if len(moves) != 3 * (moved - moved_before):
        return None
    for entry_id, job_id, seq in _by(3, entries):
        seen.add(text(job_id), int(seq), text(entry_id))
    for job_id, seq, now_in in _by(3, moves):
        if now_in:
            seen.add(text(job_id), int(seq), text(now_in))
    return _places(seen, accepted, text(last), await _still_doubled(link, seen))


async def _walk_parked(link: Link, place: str, seen: _Sightings) -> None:
    score, member = "-inf", ""
    while True:
        rows = await link.run("census_parked", place, score, member, STRETCH)
        for found_score, job_id, seq in _by(3, rows):
            score, member = text(found_score), text(job_id)
            seen.add(member, int(seq), place)
        if len(rows) < 3 * STRETCH:
            return


async def _walk_stream(link: Link, entry: str, seen: _Sightings) -> str:
    """Walk from `entry` to the end of the stream; where to go on from."""
    while True:
        last, ended, rows = await link.run("census_stream", entry, STRETCH, STRETCH_BYTES)
        for found, job_id, seq in _by(3, rows):
            seen.add(text(job_id), int(seq), text(found))
        entry = f"({text(last)}" if last else entry
        if ended:
            return entry


async def _still_doubled(link: Link, seen: _Sightings) -> list[str]:
    """Of the jobs seen in several places, those that are in several at one and the same instant."""
    doubled = []
    doubtful = [(job_id, places) for job_id, places in seen.places.items() if len(places) > 1]
    for start in range(0, len(doubtful), STRETCH):
        part = doubtful[start : start + STRETCH]
        words = [word for job_id, places in part for place in places for word in (job_id, place)]
        there = iter(await link.run("census_check", *words))
        doubled += [job_id for job_id, places in part if sum(next(there) for _ in places) > 1]
    return doubled


def _places(seen: _Sightings, accepted: int, last_delivered: str, doubled: Sequence[str]) -> Places:
    found: dict[str, list[tuple[str, int]]] = {
        name: [] for name in ("ready", "in_flight", "retry", "dead", "discarded")
    }
    delivered = _position(last_delivered)
    for job_id, places in seen.places.items():
        seq, place = seen.seqs[job_id], places[-1]
        if not 0 < seq <= accepted:
            continue
        if place not in found:
            place = "in_flight" if _position(place) <= delivered else "ready"
        found[place].append((job_id, seq))
    return Places(accepted, doubled=tuple(doubled), **{name: tuple(pairs) for name, pairs in found.items()})


def _position(entry: str) -> tuple[int, int]:
    ms, _, n = entry.partition("-")
    return int(ms), int(n)


def _by(width: int, flat: Sequence[bytes]) -> Iterator[tuple[bytes, ...]]:
    """The rows of a flat list."""
    return zip(*(flat[i::width] for i in range(width)), strict=True)
