"""Selecting several jobs, and verbs on all that match."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from console.ports import Action, Result, Verb
from console.snapshots import Progress
from console.tui.screens.queue import Queue
from console.tui.widgets.selection import Selection
from tests.tui.conftest import Seat, opened
from tests.tui.fakes import FakeRunner, World, job_id


def dead(n: int) -> str:
    """The id of the n-th dead letter."""
    return job_id(40_000 + n)


def chosen(seat: Seat) -> set[str]:
    assert isinstance(seat.app.page, Queue)
    return seat.app.page.table.selected


async def at_dead(seat: Seat) -> None:
    await seat.press("3")
    await seat.sees("worker-2 go")
    await seat.press("right")
    await seat.sees("8 shown")


async def test_shift_and_arrows_select_a_range_and_give_back() -> None:
    async with opened() as seat:
        await at_dead(seat)
        await seat.press("shift+down", "shift+down", "shift+down")
        assert chosen(seat) == {dead(n) for n in range(4)}
        await seat.sees("4 selected")
        await seat.press("shift+up")
        assert chosen(seat) == {dead(n) for n in range(3)}
        await seat.press("j", "j", "shift+down")
        assert chosen(seat) == {dead(n) for n in (0, 1, 2, 4, 5)}, "another range beside the first"


async def test_a_range_by_one_key_follows_the_cursor_until_it_ends() -> None:
    async with opened() as seat:
        await at_dead(seat)
        await seat.press("j", "V", "j", "j")
        await seat.sees("3 selected · V ends the range")
        await seat.press("V", "j", "j")
        assert chosen(seat) == {dead(n) for n in (1, 2, 3)}
        await seat.press("space")
        assert chosen(seat) == {dead(n) for n in (1, 2, 3, 5)}
        await seat.press("escape")
        assert not chosen(seat)


async def test_all_that_are_shown() -> None:
    async with opened() as seat:
        await at_dead(seat)
        await seat.press("ctrl+a")
        await seat.sees("8 selected")
        await seat.press("ctrl+a")
        await seat.misses("selected")


async def test_verbs_take_all_that_are_selected_in_the_order_of_the_list() -> None:
    async with opened() as seat:
        await at_dead(seat)
        await seat.press("j", "shift+up", "r")
        await seat.did(Verb.RETRY, dead(0), dead(1))
        await seat.sees("6 shown")
        await seat.press("V", "j", "X")
        await seat.sees("Discard 2 jobs?")
        await seat.press("right", "enter")
        await seat.did(Verb.DISCARD, dead(2), dead(3))
        await seat.press("U")
        await seat.did(Verb.UNDO, dead(2), dead(3))


async def test_discard_all_that_match_asks_and_says_what_it_does() -> None:
    async with opened() as seat:
        await at_dead(seat)
        await seat.press("D")
        await seat.sees("Discard all 8 dead jobs?")
        await seat.sees("Their leads will not be stored.")
        await seat.press("enter")
        await seat.misses("Discard all 8")
        assert not seat.runner.done, "the focus is on Cancel"
        await seat.press("slash")
        await seat.type("graph")
        await seat.press("enter", "D")
        await seat.sees("Discard all dead jobs that match graph?")
        await seat.press("right", "enter")
        action = await seat.did(Verb.DISCARD_MATCHING)
        assert action.args == {"state": "dead", "match": "graph"}


async def test_all_discarded_are_taken_back_by_the_key_that_retries_all() -> None:
    async with opened() as seat:
        await at_dead(seat)
        await seat.press("right")
        await seat.sees("2 shown")
        await seat.press("R")
        await seat.sees("Take back all 2 discarded jobs?")
        await seat.press("right", "enter")
        assert (await seat.did(Verb.UNDO_MATCHING)).args["match"] == ""


async def test_a_bar_shows_how_far_it_is_and_the_end_tells_the_count() -> None:
    world = World()
    runner = FakeRunner(world, gate=asyncio.Event())
    async with opened(world, runner=runner) as seat:
        await at_dead(seat)
        await seat.press("R")
        await seat.sees("Retry all 8 dead jobs?")
        await seat.press("right", "enter")
        await seat.sees("━━━━━━━━──────── 1 of 2")
        assert runner.gate is not None
        runner.gate.set()
        await seat.sees("everything is done")


async def test_how_much_there_is_to_do_is_known_though_the_steps_do_not_say() -> None:
    class Counting(FakeRunner):
        """Says how many it has looked at, not of how many."""

        async def run(self, action: Action) -> AsyncIterator[Progress | Result]:
            yield Progress("3 discarded, 4 looked at", done=4)
            await release.wait()
            yield Result(ok=False, text="3 jobs discarded; 01J has been stored meanwhile", changed=3)

    release = asyncio.Event()
    world = World()
    async with opened(world, runner=Counting(world)) as seat:
        await at_dead(seat)
        await seat.press("D")
        await seat.sees("Discard all 8 dead jobs?")
        await seat.press("right", "enter")
        await seat.sees("━━━━━━━━──────── 4 of 8  0 s · 3 discarded")
        release.set()
        await seat.sees("has been stored meanwhile")


def test_what_is_not_listed_any_more_falls_out() -> None:
    selection = Selection()
    selection.begin("b", lasting=True)
    selection.reach(["a", "b", "c"], 2)
    assert selection.keys == {"b", "c"}
    selection.keep({"a", "c"})
    assert selection.keys == {"c"}
    assert selection.span is None, "its start has gone"
