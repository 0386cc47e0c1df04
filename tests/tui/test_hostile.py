"""Whatever comes from outside is shown as plain text, and no line is ever wider or narrower than the screen."""

from __future__ import annotations

import unicodedata

import pytest
from rich.cells import cell_len

from console.tui.state import Kind
from tests.tui.conftest import NARROW, WIDE, Seat, opened
from tests.tui.fakes import World

TOURS: dict[str, tuple[str, ...]] = {
    "overview": (),
    "service": ("j", "enter"),
    "question": ("j", "s"),
    "logs": ("2",),
    "logs wrapped": ("2", "w"),
    "logs unfolded": ("2", "k", "k", "enter"),
    "queue": ("3",),
    "queue dead, revealed": ("3", "right", "j", "j", "j", "v"),
    "queue question": ("3", "X"),
    "queue in full": ("3", "right", "enter", "pagedown"),
    "leads": ("4",),
    "lead in full": ("4", "enter"),
    "lead revealed": ("4", "enter", "v", "G"),
    "volumes": ("5",),
    "activity": ("6",),
    "activity in full": ("6", "enter"),
    "edit": ("3", "right", "j", "j", "j", "e"),
    "help": ("3", "question_mark"),
    "trace": ("4", "t"),
    "trace of a job": ("3", "t"),
    "filters": ("4", "f"),
    "palette": ("3", "t", "escape", "ctrl+p"),
}


def check(seat: Seat) -> None:
    """Every line is as wide as the screen, and holds nothing but what can be shown."""
    width, height = seat.app.size
    lines = seat.lines
    assert len(lines) == height
    for line in lines:
        assert cell_len(line) == width, f"{line!r}\n{seat.text}"
        for char in line:
            assert unicodedata.category(char) not in ("Cc", "Cf", "Cs"), f"{char!r} in {line!r}"


@pytest.mark.parametrize(
    ("size", "long"), [(NARROW, False), (WIDE, False), (WIDE, True)], ids=["80x24", "160x45", "long"]
)
@pytest.mark.parametrize("tour", TOURS)
async def test_hostile_text_stays_where_it_belongs(tour: str, size: tuple[int, int], long: bool) -> None:
    async with opened(World(hostile=True, long=long), size=size) as seat:
        for key in TOURS[tour]:
            await seat.press(key)
            await seat.pilot.pause(0.02)
            check(seat)
        await seat.pilot.pause(0.15)
        check(seat)
        if "\\u001b" not in seat.text:  # a revealed payload shows its JSON escapes
            assert "owned" not in seat.text, "what an escape sequence carries is gone with it"


@pytest.mark.parametrize("error", ["stack_error", "queue_error", "leads_error"])
async def test_hostile_errors(error: str) -> None:
    world = World(**{error: "\x1b[2J[red]no\u202e answer\x00 " + "x" * 2000})  # type: ignore[arg-type]
    async with opened(world, settled=False) as seat:
        kind = Kind(error.removesuffix("_error"))
        await seat.until(lambda: seat.app.known.reading(kind).error)
        for key in "123456":
            await seat.press(key)
            await seat.pilot.pause(0.05)
            check(seat)


@pytest.mark.parametrize("size", [(20, 6), (40, 12), (60, 20), (81, 25), (109, 33), (111, 35), (250, 70)])
async def test_every_size_is_drawn_whole(size: tuple[int, int]) -> None:
    async with opened(size=size) as seat:
        for key in "123456":
            await seat.press(key)
            await seat.pilot.pause(0.05)
            check(seat)


async def test_resizing_keeps_everything_in_place() -> None:
    async with opened(size=WIDE) as seat:
        for size in ((80, 24), (200, 60), (30, 10), (160, 45)):
            await seat.pilot.resize_terminal(*size)
            await seat.pilot.pause(0.05)
            for key in "1234":
                await seat.press(key)
                await seat.pilot.pause(0.02)
                check(seat)
