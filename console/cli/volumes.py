"""The command volumes: what lies on disk, how fast it grows, what holds it, and the last backup of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import Invocation, invocation

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from datetime import datetime

    from api.models import QueueSnapshot, StoreSnapshot
    from console.cli.output import Output
    from console.cli.stack_shapes import VolumesDocument
    from console.session import Session
    from console.snapshots import VolumesSnapshot

    T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Held:
    """What was read. None where it did not answer: `notices` say why."""

    volumes: VolumesSnapshot
    store: StoreSnapshot | None
    queue: QueueSnapshot | None
    backup_at: datetime | None
    notices: tuple[str, ...]


def volumes(ctx: typer.Context, *, json: JsonFlag = False, quiet: QuietFlag = False) -> int:
    """Show what lies on disk: volumes, tables, the queue's file.

    Growth is told from one call to the next: sizes are kept in the user's state directory. The database's tables,
    Redis' append-only file, the disk beneath and the last backup follow, as far as they can be read.
    """
    inv = invocation(ctx, json=json, quiet=quiet)

    async def body(session: Session) -> int:
        held = await _read(session)
        for notice in held.notices:
            inv.narrator.say(notice)
        if inv.json:
            inv.output.document(document(held))
        else:
            _show(inv, held)
        return 0

    return inv.run(body)


async def _read(session: Session) -> Held:
    import asyncio

    from console.errors import UnreachableError

    notices: list[str] = []

    async def answered(name: str, asked: Awaitable[T]) -> T | None:
        try:
            return await asked
        except UnreachableError as error:
            notices.append(f"{name} not read: {error}")
            return None

    found, store, queue, backup_at = await asyncio.gather(
        session.volumes.read(),
        answered("the database's tables were", session.leads.read()),
        answered("the queue's file was", session.queue.read()),
        answered("the last backup was", session.links.read(lambda reader: reader.last_backup())),
    )
    return Held(found, store, queue, backup_at, tuple(dict.fromkeys(notices)))


def document(held: Held) -> VolumesDocument:
    """volumes."""
    from console.cli import stack_shapes as shapes

    found, store, queue = held.volumes, held.store, held.queue
    listed = []
    for one in found.volumes:
        daily, since = one.growth_bytes_day, one.growth_over_s
        hourly = None if daily is None else daily / 24
        listed.append(
            shapes.VolumeDocument(
                one.name, one.size_bytes, hourly, since, one.mount, one.used_by, one.driver, one.path, daily
            )
        )
    return shapes.VolumesDocument(
        taken_at=found.taken_at,
        volumes=tuple(listed),
        disk_total=found.disk_total,
        disk_free=found.disk_free,
        database=shapes.DatabaseDocument(
            store.version, store.total, store.database_bytes,
            tuple(shapes.TableDocument(name, count) for name, count in store.table_bytes),
        ) if store else None,
        redis=shapes.RedisDocument(
            queue.server, queue.memory_bytes, queue.memory_limit, queue.aof, queue.aof_ok, queue.aof_file
        ) if queue else None,
        last_backup_at=held.backup_at,
        notices=held.notices,
        disk_days_left=found.days_left,
    )  # fmt: skip


def _show(inv: Invocation, held: Held) -> None:
    from console import wording
    from console.cli.table import Column
    from console.format import Cell, Tone, age, safe, size

    output = inv.output
    rows = [
        (
            Cell(safe(one.name, 80), Tone.STRONG),
            size(one.size_bytes),
            wording.growing_daily(one.growth_bytes_day, age(one.growth_over_s or 0.0))
            if one.growth_bytes_day is not None
            else "–",
            safe(one.mount or one.path, 160) or "–",
            ", ".join(safe(each, 40) for each in one.used_by) or "–",
        )
        for one in held.volumes.volumes
    ]
    if rows:
        columns = (Column("VOLUME", least=12), Column("SIZE", right=True), Column("GROWTH", right=True),
                   Column("MOUNTED AT", least=10, optional=1), Column("USED BY", least=6))  # fmt: skip
        output.table(columns, rows)
    else:
        inv.narrator.say("no volume yet; they come with the first up")
    output.line()
    _sheet(output, held)


def _sheet(output: Output, held: Held) -> None:
    """Disk, database, Redis, backup: a line each, the tables under their database."""
    import time

    from console import wording
    from console.cli.table import Column
    from console.format import Cell, Tone, age, percent, safe, size

    rows: list[tuple[str | Cell, str, str | Cell]] = []
    found, store, queue = held.volumes, held.store, held.queue
    if found.disk_total:
        used = (found.disk_total - found.disk_free) / found.disk_total
        tone = Tone.BAD if used > 0.95 else Tone.WARN if used > 0.85 else Tone.PLAIN
        text = f"{percent(used * 100)} used, {size(found.disk_free)} free{wording.full_in(found.days_left)}"
        rows.append(("disk", size(found.disk_total), Cell(text, tone)))
    else:
        rows.append(("disk", "–", "not known while nothing of the stack runs"))
    if store:
        rows.append(
            (
                "database",
                size(store.database_bytes),
                f"{wording.counted(store.total, 'lead')}, {wording.database_version(store.version)}",
            )
        )
        rows += [(Cell(f"  {safe(name, 40)}", Tone.DIM), size(count), "") for name, count in store.table_bytes]
    if queue:
        state = Cell("last write succeeded" if queue.aof_ok else "the last write FAILED",
                     Tone.PLAIN if queue.aof_ok else Tone.BAD)  # fmt: skip
        limit = f" of {size(queue.memory_limit)}" if queue.memory_limit else ""
        rows.append(("redis", size(queue.memory_bytes), f"in memory{limit}, {safe(queue.server, 60)}"))
        rows.append((Cell("  append-only file", Tone.DIM), safe(queue.aof, 40) or "–", state))
        rows += [(Cell(f"  {name}", Tone.DIM), figure, text) for name, figure, text in wording.aof_facts(queue)]
    if held.backup_at:
        rows.append(("backup", age(time.time() - held.backup_at.timestamp()), "ago, the last one"))
    elif store:
        rows.append(("backup", "–", "none was made; leadsctl backup makes one"))
    output.table((Column(""), Column("", right=True), Column("", least=16)), rows)
