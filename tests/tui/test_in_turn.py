"""Keys that come faster than they are taken: each finds what the one before it has opened."""

from __future__ import annotations

import pytest
from textual import events
from textual.widgets import Input

from console.ports import Verb
from console.tools import Tools
from tests.tui.conftest import Seat, opened
from tests.tui.fakes import FakeRunner, World
from tests.tui.test_queue import at_queue, stuck
from tests.tui.test_typed import seated
from tests.tui.test_volumes import TOOLS

NAMES = {"/": "slash", ":": "colon", "?": "question_mark", "\r": "enter", "\x1b": "escape"}


def at_once(seat: Seat, text: str) -> None:
    """All these keys have been read from the terminal before the first of them is taken."""
    for char in text:
        seat.app.post_message(events.Key(NAMES.get(char, char), char))


def written(seat: Seat) -> str:
    """What stands in the prompt."""
    field = seat.app.screen.query(Input)
    return field.first().value if field else ""


async def test_what_follows_the_key_of_a_prompt_is_typed_into_it_and_does_nothing_else() -> None:
    async with opened() as seat:
        await at_queue(seat)
        at_once(seat, "/rXpRD190")
        await seat.until(lambda: written(seat) == "rXpRD190")
        await seat.sees("No job matches")
        assert not seat.runner.done


async def test_a_prompt_that_is_ended_is_gone_before_the_next_key() -> None:
    async with opened() as seat:
        await at_queue(seat)
        at_once(seat, "/123480001\rr")
        await seat.did(Verb.RETRY, stuck(1))


@pytest.mark.parametrize("screen", "234")
async def test_a_prompt_on_a_screen_that_has_never_been_shown(screen: str) -> None:
    async with opened() as seat:
        at_once(seat, f"{screen}/graph")
        await seat.until(lambda: written(seat) == "graph")
        assert not seat.runner.done


async def test_a_verb_on_a_screen_that_has_never_been_shown() -> None:
    async with opened(tools=TOOLS) as seat:
        at_once(seat, "5b")
        await seat.did(Verb.BACKUP)


async def test_a_question_takes_the_keys_behind_the_one_that_asked_it() -> None:
    world = World()
    async with opened(world, runner=FakeRunner(world, risks=())) as seat:
        at_once(seat, "D\x1bj?")
        await seat.sees("Everywhere")
        assert not seat.runner.done


async def test_a_command_typed_in_one_go() -> None:
    async with seated() as seat:
        at_once(seat, ":volumes\r")
        await seat.sees("postgres_data")


async def test_what_is_pasted_behind_the_key_of_a_prompt_is_in_it() -> None:
    async with opened(tools=Tools()) as seat:
        await at_queue(seat)
        at_once(seat, "/")
        seat.app.post_message(events.Paste("123480001"))
        at_once(seat, "\r")
        await seat.sees("1 shown")
        await seat.sees("/123480001")


async def test_one_can_always_leave() -> None:
    async with opened() as seat:
        at_once(seat, "3/abc")
        seat.app.post_message(events.Key("ctrl+c", None))
        await seat.until(lambda: seat.app._exit)
