"""Volumes, disk, tables and the queue's file to rows and lines."""

from __future__ import annotations

from collections.abc import Mapping

from api.models import QueueSnapshot, StoreSnapshot
from console.format import Cell, Line, Tone, age, bars, fit, number, percent, safe, size
from console.history import Ring
from console.snapshots import PACE_S, Volume, VolumesSnapshot
from console.tui.present.grid import Column, Row
from console.wording import aof_facts, database_version, full_in, growing, growing_daily

COLUMNS = (
    Column("volume", 16, grow=1),
    Column("size", 8, right=True),
    Column("growth", 12, right=True),
    Column("last 20 min", 20, from_width=100),
    Column("mounted at", 20, grow=2, from_width=74),
    Column("used by", 10, grow=1),
    Column("driver", 9, from_width=107),
)
SPARK_S = 1200.0
LABEL = 10
FACTS = {"file": "size", "fsync": "fsyncs", "rewrite": "rewrite"}
OLD_S = 7 * 86_400.0
"""A backup that is older is worth a word."""


def volume_rows(volumes: VolumesSnapshot, sizes: Mapping[str, Ring]) -> list[Row]:
    """One row a volume."""
    rows = []
    for volume in volumes.volumes:
        ring = sizes.get(volume.name)
        spark = bars(ring.columns(20, volumes.taken_at, SPARK_S))[0] if ring else ""
        rows.append(
            Row(
                volume.name,
                (
                    Cell(safe(volume.name, 80)),
                    Cell(size(volume.size_bytes), Tone.STRONG),
                    Cell(growth(volume, ring), Tone.DIM),
                    Cell(spark, Tone.CHART),
                    Cell(safe(volume.mount or volume.path, 160) or "–", Tone.DIM),
                    Cell(", ".join(safe(s, 40) for s in volume.used_by) or "–"),
                    Cell(safe(volume.driver, 30), Tone.DIM),
                ),
            )
        )
    return rows


def growth(volume: Volume, ring: Ring | None) -> str:
    """How fast a volume grows: a day, from earlier readings of an hour or more, else an hour, from what was seen.

    "–" before two readings.
    """
    if volume.growth_bytes_day is not None and (volume.growth_over_s or 0.0) >= PACE_S:
        return growing_daily(volume.growth_bytes_day)
    samples = list(ring) if ring else []
    if len(samples) < 2:
        return "–"
    (since, before), (at, now) = samples[0], samples[-1]
    return growing((now - before) / (at - since) * 3600)


def disk_lines(volumes: VolumesSnapshot | None, width: int) -> list[Line]:
    """The disk beneath the volumes."""
    if volumes is None:
        return [(Cell("The disk has not been read yet.", Tone.DIM),)]
    if not volumes.disk_total:
        return [(Cell("The disk is not known while nothing of the stack runs.", Tone.DIM),)]
    used = volumes.disk_total - volumes.disk_free
    share = used / volumes.disk_total
    tone = Tone.BAD if share > 0.95 else Tone.WARN if share > 0.85 else Tone.OK
    said = f" {percent(share * 100)} used, {size(volumes.disk_free)} free of {size(volumes.disk_total)}"
    till = full_in(volumes.days_left)
    columns = max(min(width - LABEL - len(said) - len(till), 60), 8)
    full = round(share * columns)
    return [
        (
            Cell(fit("disk", LABEL), Tone.DIM),
            Cell("█" * full, tone),
            Cell("░" * (columns - full), Tone.DIM),
            Cell(said),
            Cell(till, Tone.WARN),
        )
    ]


def backup_line(at: float | None, error: str, now: float) -> Line:
    """When the last backup was. `at` None: not read yet; 0: there never was one."""
    label = Cell(fit("backup", LABEL), Tone.DIM)
    if error:
        return (label, Cell(f"✖ {safe(error, 200)}", Tone.BAD))
    if at is None:
        return (label, Cell("reading…", Tone.DIM))
    if not at:
        return (label, Cell("◐ there never was one", Tone.WARN))
    old = now - at > OLD_S
    return (label, Cell(f"{'◐' if old else '●'} {age(max(now - at, 0.0))} ago", Tone.WARN if old else Tone.OK))


def store_lines(store: StoreSnapshot | None, width: int) -> list[Line]:
    """The database and its tables."""
    if store is None:
        return [(Cell("The database has not been read yet.", Tone.DIM),)]
    about = " · ".join(filter(None, (f"{number(store.total)} leads", database_version(store.version))))
    lines: list[Line] = [
        (
            Cell(fit("database", 12), Tone.DIM),
            Cell(f"{size(store.database_bytes):>8}", Tone.STRONG),
            Cell(f"  {about}", Tone.DIM),
        )
    ]
    largest = max((count for _, count in store.table_bytes), default=0)
    columns = max(min(width - 34, 40), 6)
    for name, count in store.table_bytes[:12]:
        bar = "━" * max(1, round(columns * count / largest)) if largest and count else ""
        lines.append(
            (Cell(fit(f"  {safe(name, 40)}", 20), Tone.DIM), Cell(f"{size(count):>8}  "), Cell(bar, Tone.CHART))
        )
    return lines


def redis_line(queue: QueueSnapshot | None) -> Line:
    """What matters most of Redis, to stand below the database's line."""
    if queue is None:
        return (Cell("Redis has not been read yet.", Tone.DIM),)
    return (
        Cell(fit("redis", 12), Tone.DIM),
        Cell(f"{size(queue.memory_bytes):>8}", Tone.STRONG),
        Cell(f"  fsync {queue.aof or '–'} · ", Tone.DIM),
        _writes(queue),
    )


def _writes(queue: QueueSnapshot) -> Cell:
    return Cell("● writes succeed", Tone.OK) if queue.aof_ok else Cell("✖ the last write or rewrite failed", Tone.BAD)


def redis_lines(queue: QueueSnapshot | None) -> list[Line]:
    """What Redis says about its memory and its file."""
    if queue is None:
        return [(Cell("Redis has not been read yet.", Tone.DIM),)]
    safe_mode = {
        "always": Cell("● every accepted lead is on disk before it is acknowledged", Tone.OK),
        "everysec": Cell("◐ written once a second: a crash may lose the last second", Tone.WARN),
        "no": Cell("◐ written when the system likes: a crash may lose leads", Tone.WARN),
        "off": Cell("✖ nothing is kept on disk: a crash loses the queue", Tone.BAD),
    }.get(queue.aof, Cell("○ unknown", Tone.DIM))
    state = _writes(queue)
    label = LABEL
    return [
        (Cell(fit("server", label), Tone.DIM), Cell(safe(queue.server, 60) or "–")),
        (Cell(fit("memory", label), Tone.DIM), Cell(size(queue.memory_bytes))),
        (Cell(fit("fsync", label), Tone.DIM), Cell(queue.aof or "–"), Cell("  "), safe_mode),
        (Cell(fit("file", label), Tone.DIM), state),
        *(
            (Cell(fit(f"  {FACTS[name]}", label), Tone.DIM), Cell(fit(figure, 10)), Cell(meaning, Tone.DIM))
            for name, figure, meaning in aof_facts(queue)
        ),
        (
            Cell(fit("jobs", label), Tone.DIM),
            Cell(f"{number(queue.accepted)} in, {number(queue.duplicates)} duplicates"),
        ),
    ]  # fmt: skip
