"""What a closed box leaves behind: it is let go soon, before it has come to many boxes' worth."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from functools import partial

import pytest
from textual.screen import Screen

from console.tui.garbage import collect_seldom
from console.tui.screens.reader import Reader
from tests.tui.conftest import opened
from tests.tui.fakes import World


@pytest.fixture
def only_when_asked() -> Iterator[None]:
    """Python does not look for garbage by itself."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def as_before() -> Iterator[None]:
    """How often Python looks for garbage is put back."""
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("as_before")
async def test_the_start_goes_without_it_and_what_follows_does_not() -> None:
    gc.disable()
    collect_seldom()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0, "what the start has made is looked through again"


def gone(box: weakref.ref[Screen[object]]) -> bool:
    """Whether nothing is left of it."""
    return box() is None


@pytest.mark.usefixtures("only_when_asked")
async def test_a_closed_box_is_soon_gone() -> None:
    async with opened(World()) as seat:
        for _ in range(3):
            await seat.press("question_mark")
            await seat.sees("Everywhere")
            box = weakref.ref(seat.app.screen)
            assert isinstance(box(), Reader)
            await seat.press("escape")
            await seat.until(partial(gone, box), "the box to be gone")
