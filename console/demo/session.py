"""Owns a running demo: a stack in a directory of its own, the Graph stand-in, the traffic; all gone when it ends."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from api.sources import SOURCES
from console.config import defaults
from console.demo.graph import GraphStandIn, Temper
from console.demo.interrupts import Interrupts
from console.demo.leftovers import clear_leftovers, demo_directory, remove_demo
from console.demo.traffic import Traffic
from console.demo.world import World
from console.settings import Settings
from console.snapshots import Progress
from console.stack.local import LocalRuntime
from console.stack.local.environment import names
from console.stack.local.places import write_private

TUI_RATE = 6.0
"""Leads a second that a person can follow."""


Emit = Callable[[Progress], None]


class DemoSession:
    """A demo that runs while its `async with` block does.

    Ctrl-C, SIGTERM and SIGHUP cancel the block; the stack, the processes, the ports and the directory go in any case,
    and then the signal takes its course (KeyboardInterrupt, or SystemExit with 128 + its number). The settings of the
    operator's own stack are out of sight meanwhile. A demo whose console was killed is cleared away by the next one.

    Attributes (within the block):
        runtime: the stack; `settings`: what `console.session.Session` needs to look at it.
        traffic: sends already; its `rate` can be changed.
        graph: the stand-in. world: what they agree upon.
    """

    runtime: LocalRuntime
    settings: Settings
    traffic: Traffic
    graph: GraphStandIn
    world: World

    def __init__(
        self,
        *,
        rate: float = TUI_RATE,
        count: int | None = None,
        seed: int | None = None,
        temper: Temper | None = None,
        retry_base_s: float = 1.0,
        on_step: Emit = lambda _: None,
    ) -> None:
        """`rate` leads a second (0: as fast as they are taken), `count` leads (None: without end).

        `seed` None: another world each time. `retry_base_s`: seconds before a failed lead is tried for the second time.
        `on_step` hears how the start and the end go.
        """
        self._rate = rate
        self._count = count
        self._seed = secrets.randbelow(1_000_000) if seed is None else seed
        self._temper = temper or Temper(limit_every_s=150.0)
        self._retry_base_s = retry_base_s
        self._emit = on_step
        self._exit = AsyncExitStack()
        self._interrupts = Interrupts(self._rescue)
        self._folder: Path | None = None

    async def __aenter__(self) -> Self:
        """Start everything. ConsoleError when the stack does not come up; nothing is left behind then."""
        try:
            await self._begin()
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._interrupts.cleaning = True
        await self._exit.__aexit__(kind, error, trace)

    async def _begin(self) -> None:
        into = self._exit
        into.enter_context(self._interrupts)
        if cleared := await clear_leftovers():
            self._emit(Progress(f"removed {cleared} demo(s) whose console was killed", ok=True))
        folder = self._folder = into.enter_context(demo_directory())
        into.enter_context(_without(names()))
        token, secret = secrets.token_hex(20), secrets.token_hex(16)
        self.world = World(self._seed)
        self.graph = await into.enter_async_context(
            GraphStandIn(self.world, token=token, app_secret=secret, temper=self._temper, seed=self._seed)
        )
        others = {"google": secrets.token_urlsafe(24), "typeform": secrets.token_hex(20)}
        _write_settings(folder, self.graph.url, token, meta=secret, others=others, retry_base_s=self._retry_base_s)
        config = defaults().changed("backup.dir", folder / "backups")
        self.settings = Settings(runtime="local", directory=folder, config=config)
        self.runtime = LocalRuntime(folder, throwaway=True)
        into.push_async_callback(self._down)
        async with aclosing(self.runtime.up()) as steps:
            async for step in steps:
                self._emit(step)
        url = (await self.runtime.endpoints()).web_url
        self.traffic = Traffic(
            self.world, url, secret, rate=self._rate, count=self._count, seed=self._seed, secrets=others
        )
        sending = asyncio.ensure_future(self.traffic.run())
        into.push_async_callback(_cancelled, sending)

    async def _down(self) -> None:
        self._tell(Progress("ending the demo"))
        async for step in self.runtime.down():
            self._tell(step)
        self._tell(Progress("the demo has ended", ok=True))

    def _tell(self, step: Progress) -> None:
        """Say it if anybody is still there to hear it: the end goes on in any case."""
        with contextlib.suppress(OSError, ValueError):
            self._emit(step)

    def _rescue(self) -> None:
        if self._folder is not None:
            asyncio.run(remove_demo(self._folder))


def _write_settings(
    folder: Path, graph_url: str, token: str, *, meta: str, others: Mapping[str, str], retry_base_s: float
) -> None:
    """The stack's `.env`: everything is its own, and retries come quickly."""
    settings = {
        "POSTGRES_PASSWORD": secrets.token_hex(16),
        "REDIS_PASSWORD": secrets.token_hex(16),
        "META_APP_SECRET": meta,
        "META_VERIFY_TOKEN": secrets.token_hex(8),
        "META_ACCESS_TOKEN": token,
        "META_GRAPH_URL": graph_url,
        "FORMS_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode(),
        **{SOURCES[name].secret: value for name, value in others.items()},
        "RETRY_BASE_S": str(retry_base_s),
    }
    lines = "".join(f"{name}={value}\n" for name, value in settings.items())
    write_private(folder / ".env", f"# Settings of a demo; they go with it.\n{lines}".encode())


@contextmanager
def _without(hidden: list[str]) -> Iterator[None]:
    """The environment without the settings of any other stack, for everything in this process that reads it."""
    kept: Mapping[str, str] = {name: os.environ.pop(name) for name in hidden if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


async def _cancelled(task: asyncio.Future[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
