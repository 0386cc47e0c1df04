"""Owns what Compose does to the stack: up, down, start, stop, restart, recreate, scale, build, pull."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing

from console.errors import StackError
from console.snapshots import Progress
from console.stack.docker import files as stack_files
from console.stack.docker import images, layout, plan
from console.stack.docker.compose import Compose
from console.stack.docker.drift import Drift
from console.stack.docker.files import StackFiles
from console.stack.docker.labels import service
from console.stack.docker.stack import StackReader

Steps = AsyncGenerator[Progress, None]
UP_S = 300
"""How long `up` waits for the services to become healthy, after everything is built and pulled."""
WAIT = ("--detach", "--wait", "--wait-timeout", str(UP_S))


class Lifecycle:
    """Changes one project. Each verb yields Compose's steps, the command line before them.

    Args:
        meant: gives services the names that they have here; UnreachableError where no engine answers.
        explained: adds a broken service's last words to an error.
    """

    def __init__(
        self,
        stack: StackReader,
        compose: Compose,
        drift: Drift,
        meant: Callable[[Sequence[str]], Awaitable[list[str]]],
        explained: Callable[[StackError], Awaitable[StackError]],
    ) -> None:
        self._stack = stack
        self._compose = compose
        self._drift = drift
        self._meant = meant
        self._explained = explained

    @property
    def _files(self) -> StackFiles:
        return self._compose.files

    async def up(self, services: Sequence[str], *, build: bool | None) -> Steps:
        """Build what must be, say what differs, and bring it up. `build` None: where the sources have changed."""
        services = await self._prepared(services)
        wanted = await self._drift.plan()
        held = await self._drift.held(wanted)
        built = plan.to_build(wanted, held, services) if build is None else ()
        if build:
            built = tuple(name for name, one in wanted.services.items() if one.built)
        if built:
            async for step in _all(self.build(built)):
                yield step
        for name, lines in (await self._drift.compare(await self._stack.containers())).items():
            if not services or name in services:
                yield Progress(f"differs: {'; '.join(lines)}", name)
        words = ["up", *WAIT, "--remove-orphans", *(["--no-build"] if build is False else [])]
        async for step in _all(self._waited(*words, *_named(services))):
            yield step

    async def recreate(self, services: Sequence[str]) -> Steps:
        """New containers, whether anything has changed or not; of what they depend on only what differs is new."""
        services = await self._prepared(services)
        async for step in _all(self._waited("up", *WAIT, "--force-recreate", *_named(services))):
            yield step

    async def scale(self, name: str, count: int, *, keep: bool) -> Steps:
        """So many replicas. Others are left as they are.

        Args:
            keep: write WORKERS to `.env`, so that it stays so.

        Raises:
            StackError: it cannot be scaled.
        """
        [name] = await self._prepared([name])
        if keep:
            layout.set_setting(self._files.env_file, "WORKERS", str(count))
            yield Progress(f"WORKERS={count} in {self._files.env_file}", name, ok=True)
        # Not --no-deps: Compose would note the service without what it depends on, and take it for another ever after.
        words = ["up", *WAIT, "--no-recreate", "--scale", f"{name}={count}", "--", name]
        async for step in _all(self._waited(*words)):
            yield step

    async def build(self, services: Sequence[str] = ()) -> Steps:
        """Build the images anew from the sources beside the compose files.

        Raises:
            StackError: one cannot be built; the message says why.
        """
        services = await self._prepared(services)
        async for step in _all(self._compose.run("build", *services, given=self._sources())):
            yield step

    async def pull(self, services: Sequence[str]) -> Steps:
        """Fetch the images that are not built here, in their newest form. What runs stays as it is."""
        services = await self._prepared(services)
        wanted = (await self._drift.plan()).pulled
        if built := [name for name in services if name not in wanted]:
            raise StackError(f"{', '.join(built)}: not an image that is pulled.", f"Pulled are: {', '.join(wanted)}.")
        async for step in _all(self._compose.run("pull", *(services or wanted))):
            yield step

    def down(self, *, volumes: bool) -> Steps:
        """Stop and remove everything, services of other profiles too."""
        return self._run("down", "--remove-orphans", *(["--volumes"] if volumes else []))

    async def start(self, services: Sequence[str]) -> Steps:
        """Start what is stopped. A service that was never created is created."""
        services = await self._meant(services)
        missing = set(services) - {service(one) for one in await self._stack.containers()}
        run = self.up(services, build=None) if missing else self._run("start", services=services)
        async for step in _all(run):
            yield step

    def stop(self, services: Sequence[str]) -> Steps:
        """Stop, each with its grace period."""
        return self._run("stop", services=services)

    def restart(self, services: Sequence[str]) -> Steps:
        """Stop and start again, as they are: changed files need `up`."""
        return self._run("restart", services=services)

    async def _prepared(self, services: Sequence[str]) -> list[str]:
        """The services by the names that they have here, once an engine answers and the files are there."""
        names = await self._meant(services)
        stack_files.prepare(self._files)
        return names

    async def _run(self, verb: str, *words: str, services: Sequence[str] = ()) -> Steps:
        """Run a verb on what exists, whatever its profile, with the compose files where these can be read."""
        names = await self._meant(services)
        run = self._compose.run(verb, *words, *_named(names), files=self._readable(), every=verb != "start")
        async for step in _all(run):
            yield step

    async def _waited(self, *words: str) -> Steps:
        try:
            async for step in _all(self._compose.run(*words, given=self._sources())):
                yield step
        except StackError as error:
            raise await self._explained(error) from None

    def _sources(self) -> dict[str, str]:
        try:
            return images.variables(self._files)
        except OSError as error:
            raise StackError(f"{error.filename} cannot be read: {error.strerror}") from None

    def _readable(self) -> bool:
        """Whether the compose files can be read: without their settings Compose goes by the containers' labels."""
        return self._files.files[0].is_file() and self._files.env_file.is_file()


def _named(services: Sequence[str]) -> list[str]:
    return ["--", *services] if services else []


async def _all(steps: Steps) -> AsyncIterator[Progress]:
    """The steps, and their generator closed whatever becomes of the reader."""
    async with aclosing(steps) as each:
        async for step in each:
            yield step
