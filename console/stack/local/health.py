"""Says whether a service of the local stack really serves, and remembers a good answer for a moment."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

from api.errors import UnavailableError
from console.stack.local import probes
from console.stack.local.places import Access, Kept
from console.stack.local.rpc import Process

GOOD_FOR_S = 4.0


class Prober:
    """Probes the four services; `check` is what a start asks, `cached` what a display asks every second."""

    def __init__(self, kept: Kept, access: Access) -> None:
        self._kept = kept
        self._access = access
        self._good_until: dict[tuple[str, int], float] = {}

    async def check(self, name: str, process: Process) -> str:
        """ "" if the service serves, else one line saying why not."""
        if name == "db":
            return await probes.postgres(Path(self._kept.postgres_bin) / "pg_isready", self._kept.ports["db"])
        if name == "redis":
            password = unquote(urlsplit(self._access.redis_url).password or "")
            return await probes.redis(self._kept.ports["redis"], password)
        if name == "app":
            parts = urlsplit(self._access.web_url)
            return await probes.web(parts.hostname or "127.0.0.1", parts.port or 80)
        return await self._heartbeat(process.pid)

    async def cached(self, name: str, process: Process) -> str:
        """As `check`, but a good answer of the same process counts for GOOD_FOR_S seconds."""
        key = (name, process.pid)
        if time.monotonic() < self._good_until.get(key, 0.0):
            return ""
        answer = await self.check(name, process)
        if not answer:
            self._good_until = {known: until for known, until in self._good_until.items() if known[0] != name}
            self._good_until[key] = time.monotonic() + GOOD_FOR_S
        return answer

    async def _heartbeat(self, pid: int) -> str:
        """Whether the worker with that process id beats."""
        from api.queue import Inspector

        try:
            async with Inspector(self._access.redis_url, self._access.namespace) as queue:
                workers = (await queue.snapshot()).workers
        except UnavailableError as error:
            return f"no heartbeat: {error}"
        return "" if any(worker.alive and worker.pid == pid for worker in workers) else "no heartbeat"
