"""Proves the accounting, and reads what a check judges."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from api.models import Accounting
from console.errors import ConsoleError
from console.links import Links
from console.ports import VolumesSource
from console.snapshots import VolumesSnapshot

if TYPE_CHECKING:
    from console.checks import Observed

NAMED_AT_MOST = 100
DISK_TIMEOUT_S = 10.0


class AccountingReader:
    """Where every accepted lead is (console.ports.Checker)."""

    def __init__(self, links: Links, volumes: VolumesSource | None) -> None:
        self._links = links
        self._volumes = volumes

    async def accounting(self) -> Accounting:
        """The queue first, then the store, so that a moving system balances too; lost jobs are named where possible."""
        places = await self._links.inspect(lambda inspector: inspector.places())
        found = await self._links.read(lambda reader: reader.accounting(places))
        found = replace(found, doubled=tuple(dict.fromkeys((*found.doubled, *places.doubled)))[:NAMED_AT_MOST])
        return replace(found, missing=await self._named(found.missing)) if found.missing else found

    async def _named(self, missing: tuple[str, ...]) -> tuple[str, ...]:
        """ "#12" becomes "#12 meta:4711 01J9…" where the door still remembers the job."""
        seqs = [int(text[1:]) for text in missing if text[1:].isdecimal()]
        seen = await self._links.inspect(lambda inspector: inspector.seen_of(seqs))
        named = {f"#{s.seq}": f"#{s.seq} {s.source}:{s.external_id} {s.job_id}" for s in seen.values()}
        return tuple(named.get(text, text) for text in missing)

    async def observe(self) -> Observed:
        """Everything that `console.checks.judge` judges. UnreachableError when Redis or Postgres does not answer."""
        from console.checks import Observed

        accounting = await self.accounting()
        queue = await self._links.inspect(lambda inspector: inspector.snapshot())
        return Observed(accounting, queue, await self._disk(), await self.last_backup())

    async def last_backup(self) -> float:
        """See console.ports.Checker. UnreachableError when Postgres does not answer."""
        at = await self._links.read(lambda reader: reader.last_backup())
        return at.timestamp() if at else 0.0

    async def _disk(self) -> VolumesSnapshot | None:
        """The volumes; None without a source, and where the runtime does not tell: a check by URLs alone has none."""
        if self._volumes is None:
            return None
        try:
            async with asyncio.timeout(DISK_TIMEOUT_S):
                return await self._volumes.read()
        except (ConsoleError, TimeoutError):
            return None
