"""Owns what containers use: one statistics stream a container, open only while somebody asks.

Source: https://docs.docker.com/reference/api/engine/ (container stats); the formulas are those of `docker stats`.
"""

from __future__ import annotations

import asyncio
import time

import msgspec

from console.errors import ConsoleError
from console.stack.docker import wire
from console.stack.docker.containers import Usage
from console.stack.docker.engine import Engine

WANTED_S = 10.0
"""The streams are closed when nobody has asked for so long."""

REOPEN_S = 2.0


class _CpuUsage(msgspec.Struct):
    total_usage: int = 0


class _Cpu(msgspec.Struct):
    cpu_usage: _CpuUsage = msgspec.field(default_factory=_CpuUsage)
    system_cpu_usage: int = 0
    online_cpus: int = 0


class _MemoryParts(msgspec.Struct):
    inactive_file: int = 0
    total_inactive_file: int | None = None


class _Memory(msgspec.Struct):
    usage: int = 0
    stats: _MemoryParts = msgspec.field(default_factory=_MemoryParts)


class _Sample(msgspec.Struct):
    cpu_stats: _Cpu = msgspec.field(default_factory=_Cpu)
    precpu_stats: _Cpu = msgspec.field(default_factory=_Cpu)
    memory_stats: _Memory = msgspec.field(default_factory=_Memory)


_decoder = msgspec.json.Decoder(_Sample)


def usage(line: bytes) -> Usage | None:
    """One sample; None for what is not one."""
    try:
        sample = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    now, before = sample.cpu_stats, sample.precpu_stats
    system = now.system_cpu_usage - before.system_cpu_usage
    used = now.cpu_usage.total_usage - before.cpu_usage.total_usage
    known = before.system_cpu_usage > 0 and system > 0 and used >= 0
    cpu = used / system * max(now.online_cpus, 1) * 100 if known else None
    parts = sample.memory_stats.stats
    idle = parts.inactive_file if parts.total_inactive_file is None else parts.total_inactive_file
    total = sample.memory_stats.usage
    return Usage(cpu, (total - idle if 0 <= idle < total else total) or None)


class StatsWatch:
    """The latest sample of each container. Lives on the stream loop, `latest` can be read from anywhere."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._wanted_until = 0.0
        self.latest: dict[str, Usage] = {}

    async def want(self, running: set[str]) -> None:
        """These containers run and somebody looks: open what is missing, close what is gone."""
        self._wanted_until = time.monotonic() + WANTED_S
        for gone in set(self._tasks) - running:
            self._tasks.pop(gone).cancel()
            self.latest.pop(gone, None)
        for new in running - set(self._tasks):
            self._tasks[new] = asyncio.ensure_future(self._read(new))

    async def close(self) -> None:
        """Close every stream."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, container: str) -> None:
        """One container's samples, once a second as the engine sends them."""
        while time.monotonic() < self._wanted_until:
            try:
                stream = await wire.get(
                    await self._engine.address(), f"/containers/{wire.part(container)}/stats", stream=1
                )
                try:
                    await self._samples(container, stream)
                finally:
                    stream.close()
            except (ConsoleError, OSError, ValueError):
                self.latest.pop(container, None)
            await asyncio.sleep(REOPEN_S)
        self._tasks.pop(container, None)
        self.latest.pop(container, None)

    async def _samples(self, container: str, stream: wire.Stream) -> None:
        rest = b""
        async for piece in stream.body():
            *lines, rest = (rest + piece).split(b"\n")
            if lines and (sample := usage(lines[-1])) is not None:
                self.latest[container] = sample
            if time.monotonic() >= self._wanted_until:
                return
