"""Restores a backup: beside what is there, which is put away only once all of it is in place."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.store.migrate import known_schema
from console.backup.archive import POSTGRES, REDIS, Manifest, verify
from console.backup.seal import opening
from console.backup.taking import parts_of
from console.errors import ConsoleError, StackError
from console.format import number, safe, size
from console.links import Links
from console.ports import Checker, Result, Runtime
from console.snapshots import Progress
from console.stack.piping import output
from console.wording import counted

FRESH, OLD = "leadsctl_restoring", "leadsctl_before"
_DETACH = "UPDATE deliveries SET seq = NULL WHERE seq > {accepted}"
_DISCONNECT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ({names}) AND pid <> pg_backend_pid()"
)
_BEGUN = f"SELECT 1 FROM pg_database WHERE datname = '{FRESH}'"  # noqa: S608 - a name of ours
MULTIPART_SINCE = 7
"""From this version on the append-only file is a folder with a manifest (redis.io/docs, persistence)."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is in the stack now. `full` when there is anything to lose."""

    database: str
    postgres: str
    redis: str
    leads: int
    accepted: int

    @property
    def full(self) -> bool:
        """Whether there is anything to lose."""
        return bool(self.leads or self.accepted)


class Restorer:
    """Restores archives into one stack."""

    def __init__(self, runtime: Runtime, links: Links, checker: Checker) -> None:
        self._runtime = runtime
        self._links = links
        self._checker = checker

    async def target(self) -> Target:
        """What the archive would replace. UnreachableError when db or redis does not run."""
        queue = await self._links.inspect(lambda inspector: inspector.snapshot())
        store = await self._links.read(lambda reader: reader.snapshot(datetime.now(UTC), latest=0))
        database = (await self._sql("SELECT current_database()")).strip()
        return Target(database, store.version, queue.server, store.total, queue.accepted)

    async def restore(self, path: Path, identity: Path | None, manifest: Manifest) -> AsyncIterator[Progress | Result]:
        """Restore an archive that was checked; steps, then a result. Until the last steps all that was there is kept.

        Ended early it puts back what was there, or goes on to its end where what is restored is in place already.

        Raises:
            ConsoleError: it does not fit, or cannot be restored; the stack is as it was.
        """
        here = await self.target()
        if reason := misfit(manifest, here):
            raise ConsoleError(reason[0], reason[1])
        await self._tidy(here)
        runtime = self._runtime
        swapped = False

        async def swap() -> None:
            nonlocal swapped
            accepted = await self._links.inspect(lambda inspector: inspector.snapshot())
            await self._swap(here.database, accepted.accepted)
            swapped = True

        try:
            async for step in _steps(runtime.stop(["app", "worker"])):
                yield step
            yield Progress("restoring beside what is there", service="db")
            await self._load(path, identity)
            async for step in self._refill(path, identity, here):
                yield step
            yield Progress("restored", service="redis", ok=True)
            await _to_its_end(swap())
            yield Progress("restored", service="db", ok=True)
            self._links.forget()
            async for step in _steps(runtime.up()):
                yield step
            await self._clean()
        except (asyncio.CancelledError, GeneratorExit):
            if swapped:
                await self._ahead()
            raise
        finally:
            if not swapped:
                await self._back(here)
        yield await self._outcome(manifest)

    async def _tidy(self, here: Target) -> None:
        """Undo what a restore had begun that was killed, or let go what one had left that was in place.

        What such a one has put away must never be taken for what is there now.
        """
        begun = await self._sql(_BEGUN, database="postgres")
        await (self._back(here) if begun.strip() else self._clean())

    async def _load(self, path: Path, identity: Path | None) -> None:
        """The dump into a database of its own."""
        await self._sql(f'DROP DATABASE IF EXISTS "{FRESH}"', database="postgres")
        await self._sql(f'CREATE DATABASE "{FRESH}" TEMPLATE template0', database="postgres")
        words = ("pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={FRESH}")
        await output(self._runtime.execute("db", words, parts_of(path, identity, POSTGRES)))

    async def _refill(self, path: Path, identity: Path | None, here: Target) -> AsyncIterator[Progress]:
        async for step in _steps(self._runtime.stop(["redis"])):
            yield step
        single = int(re.sub(r"[^0-9.]", "", here.redis).partition(".")[0] or 0) < MULTIPART_SINCE
        await self._runtime.refill_redis(parts_of(path, identity, REDIS), single=single)
        async for step in _steps(self._runtime.up(["redis"])):
            yield step
        self._links.forget()

    async def _swap(self, database: str, accepted: int) -> None:
        """The new database under the old one's name, at once.

        Jobs that were accepted after Redis' snapshot and stored before Postgres' keep their rows, and give up their
        place in the accounting: the queue gives it out again.
        """
        await self._sql(_DETACH.format(accepted=int(accepted)), database=FRESH)
        await self._sql(
            _DISCONNECT.format(names=f"{_literal(database)}, {_literal(FRESH)}"),
            f'DROP DATABASE IF EXISTS "{OLD}"',
            f'ALTER DATABASE {_name(database)} RENAME TO "{OLD}"; ALTER DATABASE "{FRESH}" RENAME TO {_name(database)}',
            database="postgres",
        )

    async def _back(self, here: Target) -> None:
        """Put Redis' old files back, and let the half-restored database go."""
        async for _ in self._runtime.stop(["redis"]):
            pass
        await self._runtime.keep_redis(restored=False)
        async for _ in self._runtime.up():
            pass
        self._links.forget()
        await self._sql(f'DROP DATABASE IF EXISTS "{FRESH}"', database="postgres")

    async def _ahead(self) -> None:
        """Start what is in place, quietly."""
        self._links.forget()
        async for _ in self._runtime.up():
            pass
        await self._clean()

    async def _clean(self) -> None:
        """Let go what was there before."""
        await self._runtime.keep_redis(restored=True)
        await self._sql(f'DROP DATABASE IF EXISTS "{OLD}"', database="postgres")

    async def _outcome(self, manifest: Manifest) -> Result:
        found = await self._checker.accounting()
        text = f"restored: {counted(manifest.leads, 'lead')} as of {as_of(manifest)}; "
        if found.balanced:
            return Result(True, f"{text}{number(found.accepted)} accepted, each in exactly one place", 1)
        return Result(False, f"{text}the accounting does not add up", 1, "leadsctl check lists the ids", 1)

    async def _sql(self, *statements: str, database: str = "") -> str:
        words = ["psql", "-X", "-q", "-w", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        words += ["-d", database] if database else []
        for statement in statements:
            words += ["-c", statement]
        return (await output(self._runtime.execute("db", words))).decode("utf-8", "replace")


async def checked(path: Path, identity: Path | None) -> AsyncIterator[Progress | Manifest]:
    """Read an archive and check every sum; steps, then its manifest. ConsoleError when it is damaged."""
    with opening(path, identity) as stream:
        checking = verify(stream)
        while True:
            try:
                total = next(checking)
            except StopIteration as end:
                yield end.value
                return
            yield Progress(f"{size(total)} checked", service="archive")
            await asyncio.sleep(0)


def misfit(manifest: Manifest, here: Target) -> tuple[str, str] | None:
    """Why an archive cannot be restored into a stack, and what to do; None when it fits."""
    if manifest.schema > known_schema():
        return (
            f"the archive is of a newer leadsctl (schema {manifest.schema}, this one knows {known_schema()})",
            "bring leadsctl and the stack up to that version first",
        )
    if _numbers(manifest.postgres)[:1] > _numbers(here.postgres)[:1]:
        return (
            f"the archive is of Postgres {safe(manifest.postgres, 20)}, the stack runs {here.postgres}",
            "restore it into a stack with that version of Postgres, or a newer one",
        )
    made, kind = _server(manifest.redis), _server(here.redis)
    same = made[0] == kind[0] and made[1] <= kind[1]
    ancestor = made[0] == "redis" and kind[0] == "valkey" and made[1] <= (7, 2)
    if not (same or ancestor):
        return (
            f"the archive is of {safe(manifest.redis, 30)}, which {here.redis}, the stack's, cannot read",
            "restore it into a stack with that server, or a newer version of it",
        )
    return None


def as_of(manifest: Manifest) -> str:
    """When the backup was begun, fit to be shown: an archive may come from anywhere."""
    return f"{safe(manifest.began_at[:19], 19)}Z"


def _server(text: str) -> tuple[str, tuple[int, ...]]:
    kind = "valkey" if "valkey" in text.lower() else "redis"
    return kind, _numbers(text)[:2]


def _numbers(text: str) -> tuple[int, ...]:
    found = re.search(r"[0-9]{1,6}(?:\.[0-9]{1,6})*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """What must not be left half done; a cancellation is let through afterwards."""
    running = asyncio.ensure_future(work)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


async def _steps(steps: AsyncIterator[Progress]) -> AsyncIterator[Progress]:
    """The steps; StackError if one fails."""
    async with aclosing(steps) as found:  # type: ignore[type-var]  # see Runtime: generators
        async for step in found:
            yield step
            if step.ok is False:
                raise StackError(f"{step.service}: {step.text}")
