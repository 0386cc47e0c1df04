"""Owns the queue's figures: what the script `snapshot` and Redis' own INFO say, as one QueueSnapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from api.models import AofFile, Notice, PagePause, QueueSnapshot, WorkerView
from api.queue.codec import Beat, Warned, pairs, pauses_in, text
from api.queue.link import Link, Word
from api.queue.rows import Limits

STUCK_CAP = 1_000
RATE_SPAN_MS = 10_000
"""Over which rates are taken, as far as there are samples."""

_RATE_LEAST_MS = 1_500
_SAMPLED_WITHIN_MS = 5_000
_FULL = 0.99
"""Of maxmemory: a reply on its way and a job that has just ended make the figure waver around it."""
INFO: tuple[tuple[Word, ...], ...] = (("INFO", "server"), ("INFO", "memory"), ("INFO", "persistence"))
PING: tuple[Word, ...] = ("PING",)
FSYNC: tuple[Word, ...] = ("CONFIG", "GET", "appendfsync")

_beats = msgspec.json.Decoder(Beat)
_warnings = msgspec.json.Decoder(Warned)


class Figures:
    """Reads the snapshot. Asks for the fsync policy until the server refuses, as managed ones do."""

    def __init__(self, link: Link, limits: Limits) -> None:
        self._link = link
        self._limits = limits
        self._ask_fsync = True

    async def read(self) -> QueueSnapshot:
        """All figures in one round trip."""
        limits = self._limits
        args: list[Word] = [limits.visibility_ms, limits.gone_ms, limits.sla_ms, STUCK_CAP]
        commands = [PING, *INFO, FSYNC] if self._ask_fsync else [PING, *INFO]
        figures, ping, *answers = await self._link.run_with("snapshot", args, commands)
        fsync = answers.pop() if self._ask_fsync else None
        if isinstance(fsync, Exception):
            self._ask_fsync = False
        return _snapshot(figures, _info(answers), _fsync(fsync), ping, limits)

    async def tallies(self) -> dict[str, int]:
        """What workers and operators have done since the queue began, by name or name|label."""
        found = pairs(await self._link.call("HGETALL", self._link.keys.of("tallies")))
        return {text(name): int(count) for name, count in found}


def _snapshot(figures: Sequence[Any], info: dict[str, str], fsync: str, ping: Any, limits: Limits) -> QueueSnapshot:
    (
        now, ready, in_flight, retry, dead, discarded, stuck, accepted, duplicates, oldest_ready, oldest_in_flight,
        next_retry, paused, holders, beats, pauses, paused_pages, waits, warnings, samples,
    ) = figures  # fmt: skip
    aof, aof_ok = _aof(info, fsync)
    left = accepted - ready - in_flight - retry - dead - discarded
    arriving, leaving = rates(now, accepted, left, [text(sample) for sample in samples])
    return QueueSnapshot(
        taken_at=now / 1000,
        ready=ready,
        in_flight=in_flight,
        retry=retry,
        dead=dead,
        discarded=discarded,
        stuck=stuck,
        accepted=accepted,
        duplicates=duplicates,
        oldest_ready_s=oldest_ready / 1000,
        oldest_in_flight_s=oldest_in_flight / 1000,
        next_retry_s=next_retry / 1000,
        paused=bool(paused),
        workers=_workers(now, holders, beats, limits),
        pauses=_pauses(now, pauses, dict(zip(paused_pages, waits, strict=True))),
        notices=(*_dangers(now, info), *_notices(warnings)),
        server=_server(info),
        memory_bytes=_int(info.get("used_memory")),
        aof=aof,
        aof_ok=aof_ok,
        arriving=arriving,
        leaving=leaving,
        memory_limit=_int(info.get("maxmemory")),
        refuses=_refuses(info, ping),
        aof_file=_aof_file(info),
    )


def rates(now: int, accepted: int, left: int, samples: Sequence[str]) -> tuple[float | None, float | None]:
    """Jobs that came and that left a second. None, None while the samples ("ms accepted left", newest first) are
    missing, too young or stale, or of a queue that has begun anew since.
    """
    known = [tuple(int(part) for part in sample.split(" ")) for sample in samples]
    if not known or now - known[0][0] > _SAMPLED_WITHIN_MS:
        return None, None
    since, accepted_then, left_then = next((s for s in known if now - s[0] >= RATE_SPAN_MS), known[-1])
    if now - since < _RATE_LEAST_MS or accepted < accepted_then:
        return None, None
    seconds = (now - since) / 1000
    return (accepted - accepted_then) / seconds, max(0.0, (left - left_then) / seconds)


def _refuses(info: dict[str, str], ping: Any) -> str:
    """Why Redis takes no new jobs. It refuses even PING when it cannot write its files."""
    if isinstance(ping, Exception) and str(ping).startswith("MISCONF"):
        return "disk"
    limit, policy = _int(info.get("maxmemory")), info.get("maxmemory_policy", "noeviction")
    used = _int(info.get("used_memory")) - _int(info.get("mem_not_counted_for_evict"))
    return "memory" if limit and policy == "noeviction" and used >= _FULL * limit else ""


def _workers(now: int, holders: Sequence[Any], beats: Sequence[bytes], limits: Limits) -> tuple[WorkerView, ...]:
    """Workers by name: those that beat, and those that hold jobs without having been heard of."""
    held = {text(name): int(count) for name, count in holders}
    found = {name: WorkerView(name, 0.0, alive=False, in_flight=count) for name, count in held.items()}
    for raw_name, value in pairs(beats):
        name = text(raw_name)
        try:
            beat = _beats.decode(value)
        except ValueError:
            continue
        age = max(0, now - beat.at)
        found[name] = WorkerView(
            name, age / 1000, age <= limits.gone_ms, held.get(name, 0),
            beat.pid, beat.host, beat.started_at, beat.stored, beat.failed, beat.state,
        )  # fmt: skip
    return tuple(found[name] for name in sorted(found))


def _pauses(now: int, flat: Sequence[bytes], waits: dict[bytes, int]) -> tuple[PagePause, ...]:
    return tuple(
        replace(pause, waiting=int(waits.get(pause.page.encode(), 0)))
        for pause in pauses_in(pairs(flat))
        if not pause.until or pause.until * 1000 > now
    )


def _notices(flat: Sequence[bytes]) -> tuple[Notice, ...]:
    """Warnings, the latest first."""
    found = []
    for key, value in pairs(flat):
        try:
            warned = _warnings.decode(value)
        except ValueError:
            continue
        found.append(Notice(text(key), warned.text, warned.count, warned.first_ms / 1000, warned.last_ms / 1000))
    return tuple(sorted(found, key=lambda notice: -notice.last_at))


def _dangers(now: int, info: dict[str, str]) -> tuple[Notice, ...]:
    """What about the server itself puts leads at risk."""
    policy = info.get("maxmemory_policy", "noeviction")
    if _int(info.get("maxmemory")) and policy != "noeviction":
        words = f"Redis may throw jobs away when its memory is full: maxmemory-policy is {policy}, not noeviction"
        return (Notice("redis.eviction", words, 1, now / 1000, now / 1000),)
    return ()


def _aof(info: dict[str, str], fsync: str) -> tuple[str, bool]:
    """What is on disk when Redis says yes ("on": it does not tell how often it syncs), and whether that goes well."""
    if not info:
        return "", True
    if info.get("aof_enabled") != "1":
        return "off", True
    ok = info.get("aof_last_write_status", "ok") == "ok" and info.get("aof_last_bgrewrite_status", "ok") == "ok"
    return fsync or "on", ok


def _aof_file(info: dict[str, str]) -> AofFile | None:
    """What INFO persistence tells of the file (redis.io/docs/latest/commands/info); -1 seconds: no rewrite yet."""
    if info.get("aof_enabled") != "1":
        return None
    took = info.get("aof_last_rewrite_time_sec", "")
    rewriting = info.get("aof_rewrite_in_progress")
    return AofFile(
        size_bytes=_known(info.get("aof_current_size")),
        base_bytes=_known(info.get("aof_base_size")),
        pending_fsyncs=_known(info.get("aof_pending_bio_fsync")),
        delayed_fsyncs=_known(info.get("aof_delayed_fsync")),
        rewriting=None if rewriting is None else rewriting == "1",
        rewrite_s=_known(took),
    )


def _fsync(answer: Any) -> str:
    return text(answer[1]) if isinstance(answer, list) and len(answer) == 2 else ""


def _server(info: dict[str, str]) -> str:
    """Name and version. Valkey also gives the Redis version that it is compatible with, which is not its own."""
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info['redis_version']}" if "redis_version" in info else ""


def _info(answers: Sequence[Any]) -> dict[str, str]:
    """The fields of INFO sections; empty for what the server refuses."""
    lines = [line for answer in answers if isinstance(answer, bytes) for line in text(answer).splitlines()]
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _known(value: str | None) -> int | None:
    return int(value) if value and value.isdigit() else None


def _int(value: str | None) -> int:
    return int(value) if value and value.isdigit() else 0
