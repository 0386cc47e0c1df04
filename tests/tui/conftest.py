"""The interface over fakes: opened at a size, driven by keys, read as text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.ports import Action, Verb
from console.tui.app import LeadsApp
from tests.tui.fakes import FakeRunner, World, sources

NARROW, WIDE = (80, 24), (160, 45)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local times are the same everywhere."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Seat:
    """An operator's seat: the app, its world, and what can be done and seen."""

    def __init__(self, app: LeadsApp, world: World, runner: FakeRunner, pilot: Pilot[None]) -> None:
        self.app = app
        self.world = world
        self.runner = runner
        self.pilot = pilot

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        """What is on the screen, as one text."""
        return "\n".join(self.lines)

    async def press(self, *keys: str) -> None:
        """Press keys; each has been taken afterwards, and what it opens at once is in place."""
        await self.pilot.press(*keys)
        await self.taken()

    async def taken(self) -> None:
        """Wait until no key is under way: the toolkit's pilot waits for a while in which the processor is idle.

        Where others keep the processor busy, this process is idle although it has not had its turn.
        """
        came = asyncio.Event()
        self.app.call_later(came.set)
        await self.until(lambda: self.app._exit or (came.is_set() and not self.app._taken_at), "the keys taken")

    async def type(self, text: str) -> None:
        """Type text."""
        await self.press(*("space" if char == " " else char for char in text))

    async def clear(self, text: str = "") -> None:
        """Put `text` in the place of what the prompt holds."""
        await self.until(lambda: self.app.screen.query(Input))
        self.app.screen.query_one(Input).value = text
        await self.pilot.pause()

    async def until(self, condition: Callable[[], Any], what: str = "") -> None:
        """Wait until the condition holds (at most 10 s)."""
        deadline = time.monotonic() + 10
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"never: {what or condition}\n{self.text}")
            await self.pilot.pause(0.01)

    async def sees(self, text: str) -> None:
        """Wait until the text is on the screen."""
        await self.until(lambda: text in self.text, f"{text!r} on the screen")

    async def misses(self, text: str) -> None:
        """Wait until the text is not on the screen any more."""
        await self.until(lambda: text not in self.text, f"{text!r} off the screen")

    async def did(self, verb: Verb, *targets: str) -> Action:
        """Wait until the runner was asked for that; gives the action."""
        await self.until(lambda: [a for a in self.runner.done if a.verb is verb], f"{verb} in {self.runner.done}")
        action = [a for a in self.runner.done if a.verb is verb][-1]
        if targets:
            assert action.targets == targets
        return action


Open = Callable[..., Any]


@asynccontextmanager
async def opened(
    world: World | None = None,
    *,
    size: tuple[int, int] = NARROW,
    runner: FakeRunner | None = None,
    settled: bool = True,
    **options: Any,
) -> AsyncIterator[Seat]:
    """An app over the world, with everything read once unless `settled` is false."""
    world = world or World()
    runner = runner or FakeRunner(world)
    app = LeadsApp(sources(world), runner, clock=world.clock, **{"theme": "dark", **options})
    async with app.run_test(size=size, notifications=True) as pilot:
        seat = Seat(app, world, runner, pilot)
        if settled:
            known = app.known
            await seat.until(lambda: known.stack.seq and known.queue.seq and known.leads.seq and len(known.logs))
            await pilot.pause()
        yield seat
