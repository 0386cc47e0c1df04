"""Owns the verbs that mean nothing to local processes: each says so, and what to do instead."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from console.errors import UsageError
from console.snapshots import Progress

Steps = AsyncGenerator[Progress, None]


class WithoutContainers:
    """What console.ports.Runtime asks of containers, images and compose files, where there are none."""

    def recreate(self, services: Sequence[str]) -> Steps:
        """There is nothing to replace."""
        del services
        raise UsageError("local processes are not recreated", "restart does it, with the settings as they are now")

    def scale(self, service: str, count: int, *, keep: bool = False) -> Steps:
        """One process each."""
        del service, count, keep
        raise UsageError("the local stack runs one process of each service", "scale works on Docker")

    def build(self, services: Sequence[str] = ()) -> Steps:
        """The installed package runs."""
        del services
        raise UsageError("the local stack has no images: it runs the installed package", "restart takes up a new one")

    def pull(self, services: Sequence[str] = ()) -> Steps:
        """The installed servers run."""
        del services
        raise UsageError("the local stack has no images: its servers come with the installed package")

    async def compare(self) -> None:
        """There are no files to compare with."""

    async def configuration(self, form: str = "yaml") -> str:
        """There are no compose files."""
        del form
        raise UsageError("the local stack has no compose files", "leadsctl config shows the console's own options")
