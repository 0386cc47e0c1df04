"""Random keys, clicks, sizes and events: nothing raises, and every line stays in its place.

LEADSCTL_FUZZ_PRESSES=10000 presses so many keys, LEADSCTL_FUZZ_SEED begins elsewhere.
"""

from __future__ import annotations

import os
import random
from collections import Counter, deque
from pathlib import Path

import pytest

from console.snapshots import LogLine, State
from console.tui.places import PAGES
from console.tui.screens.page import Page
from tests.tui.conftest import NARROW, Seat, opened
from tests.tui.fakes import HOSTILE, FakeRunner, FakeStack, World
from tests.tui.test_hostile import check

PRESSES = int(os.environ.get("LEADSCTL_FUZZ_PRESSES", "120"))
SEED = int(os.environ.get("LEADSCTL_FUZZ_SEED", "0"))
LONG = PRESSES >= 10_000
SIZES = (NARROW, (160, 45), (200, 60), (40, 12), (20, 6), (110, 34))
NAMES = {"/": "slash", "!": "exclamation_mark", "?": "question_mark", ":": "colon", " ": "space"}
KEYS = (
    *"123456", *"jkgGhlrRXUepvmnNfwtLaicST/!?:soudDEbBP ", "enter", "enter", "escape", "escape", "tab", "shift+tab",
    "up", "down", "left", "right", "pageup", "pagedown", "home", "end", "backspace", "ctrl+p", "ctrl+s", "f2", "f5",
)  # fmt: skip
WAYS = (("3", "e"), ("3", "X"), ("1", "D"), ("1", "enter"), ("2", "a"), ("2", "/"), ("4", "enter", "v"), ("6", "enter"))
"""Keys that lead to what is seldom found by chance."""


class Fuzz:
    """One run: what is pressed next, and what has been seen."""

    def __init__(self, seat: Seat, seed: int) -> None:
        self.seat = seat
        self.chance = random.Random(seed)
        self.last: deque[str] = deque(maxlen=40)
        self.seen: Counter[str] = Counter()
        stack = seat.app.sources.stack
        assert isinstance(stack, FakeStack)
        self.stack = stack

    async def press(self, key: str) -> None:
        """Press a key, and look."""
        self.last.append(key)
        await self.seat.pilot.press(NAMES.get(key, key))
        screen = self.seat.app.screen
        self.seen[type(screen).__name__] += 1
        assert self.seat.app._exception is None

    async def step(self) -> int:
        """A few keys, or something else that happens; the number of keys."""
        chance, seat = self.chance, self.seat
        kind = chance.random()
        if kind < 0.04:
            size = chance.choice(SIZES)
            self.last.append(f"{size}")
            await seat.pilot.resize_terminal(*size)
        elif kind < 0.08:
            width, height = seat.app.size
            self.last.append("click")
            await seat.pilot.click(offset=(chance.randrange(width), chance.randrange(height)))
        elif kind < 0.14:
            self.happen()
        elif kind < 0.17:
            way = chance.choice(WAYS)
            for key in ("escape", "escape", *way):
                await self.press(key)
            return len(way) + 2
        else:
            await self.press(chance.choice(KEYS))
            return 1
        return 0

    def happen(self) -> None:
        """The outside changes."""
        chance, world = self.chance, self.seat.world
        world.total += chance.randrange(3)
        world.hostile = chance.random() < 0.3
        world.empty = chance.random() < 0.1
        world.queue_error = f"away {HOSTILE}" if chance.random() < 0.1 else ""
        world.leads_error = "away" if chance.random() < 0.1 else ""
        world.stack_error = "no engine" if chance.random() < 0.1 else ""
        world.states["worker"] = chance.choice(list(State))
        now = world.now() - chance.random() * 3
        lines = [
            LogLine(now + n / 100, "app", "leads_app", chance.choice((HOSTILE * 9, "{", "x" * 9_000))) for n in range(9)
        ]
        self.stack.written.put_nowait(lines)


@pytest.mark.timeout(3600 if LONG else 120)
@pytest.mark.parametrize("seed", [SEED] if LONG else range(SEED, SEED + 3))
async def test_random_keys_never_break_it(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # what is saved or exported is written here
    world = World()
    async with opened(world, runner=FakeRunner(world)) as seat:
        fuzz = Fuzz(seat, seed)
        pressed = steps = 0
        try:
            while pressed < PRESSES:
                pressed += await fuzz.step()
                steps += 1
                if steps % 10 == 0:
                    await seat.pilot.pause(0.02)
                    if isinstance(seat.app.screen, Page):
                        await seat.until(lambda: len(seat.lines) == seat.app.size.height, "the screen's new size")
                        check(seat)
        except BaseException as error:
            error.add_note(f"seed {seed}, after {pressed} keys: {' '.join(fuzz.last)}")
            raise
        assert seat.app.is_running
        if LONG:
            seen = {name.lower() for name in fuzz.seen}
            assert seen >= {*PAGES, "confirm", "edit", "reader", "choose"}, fuzz.seen
