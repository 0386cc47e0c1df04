"""The trace of one lead: from everywhere, with everything, and back."""

from __future__ import annotations

from console.ports import Verb
from console.tui.widgets.table import Table
from tests.tui.conftest import WIDE, Seat, opened
from tests.tui.fakes import HOSTILE, World, job_id


async def at_trace(seat: Seat) -> None:
    await seat.press("4")
    await seat.sees("shown")
    await seat.press("t")
    await seat.sees("attempt")


async def test_a_lead_is_followed_from_request_to_row() -> None:
    async with opened() as seat:
        await at_trace(seat)
        for text in ("request", "queued", "attempt", "Graph 500", "4.8 s in which nothing happened", "stored in 5.4 s",
                     "3 log lines", "lead.retry"):  # fmt: skip
            assert text in seat.text, text
        assert "Ana" not in seat.text or "•••" in seat.text
        await seat.press("escape")
        await seat.misses("stored in 5.4 s")
        await seat.sees("/ name, e-mail")


async def test_bars_stand_to_scale_where_there_is_room() -> None:
    async with opened(size=WIDE) as seat:
        await at_trace(seat)
        assert "━" in seat.text


async def test_a_job_that_is_still_queued_is_followed_too() -> None:
    async with opened() as seat:
        await seat.press("3")
        await seat.sees("worker-2 go")
        await seat.press("t")
        await seat.sees("stuck after")
        await seat.sees("a notice")
        await seat.press("o")
        await seat.sees("stuck after")  # it has no row


async def test_enter_reads_a_step_and_goes_to_the_row() -> None:
    async with opened() as seat:
        await at_trace(seat)
        await seat.press("enter")
        await seat.sees("Step")
        await seat.press("escape", "G", "enter")
        await seat.misses("in which nothing happened")
        await seat.sees("Casa & Cia (1029)")


async def test_the_row_of_an_old_lead_is_found_beyond_the_newest() -> None:
    world = World()
    old = world.total - 3_000
    async with opened(world) as seat:
        seat.app.open_trace(str(old))
        await seat.sees("stored in 5.4 s")
        await seat.press("o")
        await seat.sees(f"forms {world.lead(old).external_id}")
        await seat.until(lambda: seat.app.page is not None and not seat.app.page.query_one("#leads", Table).rows[1:])
        assert f"forms {world.lead(old).external_id}" in seat.text, "and it stays"
        assert "987668204" not in seat.text, "no other lead is shown in its place"


async def test_reveal_is_recorded_and_masked_again() -> None:
    async with opened() as seat:
        await at_trace(seat)
        await seat.press("v")
        action = await seat.did(Verb.REVEAL)
        assert action.targets[0].startswith("lead ")
        await seat.misses("•••")
        await seat.press("v")
        await seat.sees("•••")


async def test_replay_asks_and_hands_the_lead_over() -> None:
    async with opened() as seat:
        await at_trace(seat)
        await seat.press("P")
        await seat.sees("Replay 98")
        await seat.press("right", "enter")
        assert (await seat.did(Verb.REPLAY)).targets[0].startswith("lead ")


async def test_its_log_lines() -> None:
    async with opened() as seat:
        await at_trace(seat)
        await seat.press("l")
        await seat.sees("lines")
        assert seat.app.page is not None
        assert seat.app.page.NAME == "logs"


async def test_what_nobody_knows_is_said() -> None:
    async with opened() as seat:
        seat.app.open_trace(job_id(9))
        await seat.sees("Nothing stored or queued has")


async def test_a_store_that_does_not_answer_is_said_and_asked_again() -> None:
    world = World()
    async with opened(world) as seat:
        world.leads_error = "Postgres does not answer"
        seat.app.open_trace("88213")
        await seat.sees("✖ Postgres does not answer.")
        world.leads_error = ""
        await seat.press("r")
        await seat.sees("stored in 5.4 s")


async def test_another_screen_goes_over_it_and_the_way_back_is_clear() -> None:
    async with opened() as seat:
        await at_trace(seat)
        await seat.press("3")
        await seat.sees("worker-2 go")
        await seat.press("4")
        await seat.sees("/ name, e-mail")


async def test_hostile_text_is_harmless() -> None:
    async with opened(World(hostile=True), size=WIDE) as seat:
        await seat.press("4")
        await seat.sees("shown")
        await seat.press("t")
        await seat.sees("attempt")
        assert not set(HOSTILE) & {"\x1b", "\x07", "\x9b"} & set(seat.text)
