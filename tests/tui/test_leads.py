"""Screen 4: the list, searching, details with the trace, revealing."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from api.models import Lead, LeadFilter, LeadPage
from console.ports import Result, Sources, Verb
from console.tui.app import LeadsApp
from console.tui.present.search import lead_filter
from console.tui.screens.leads import Leads
from tests.tui.conftest import WIDE, Seat, opened
from tests.tui.fakes import NOW, FakeLeads, FakeRunner, World, sources


def page(seat: Seat) -> Leads:
    assert isinstance(seat.app.page, Leads)
    return seat.app.page


async def at_leads(seat: Seat) -> None:
    await seat.press("4")
    await seat.sees("100+ shown")


async def test_the_newest_come_first_and_masked() -> None:
    async with opened() as seat:
        await at_leads(seat)
        assert "18,402 today · 18,204 in all" in seat.text
        assert page(seat).table.key == "18204"
        for text in ("Zoë •••", "z•••@example.nl", "Chinedu O•••", "山田 •••", "資料請求", "test", "partial"):
            assert text in seat.text
        assert "@gmail.com" in seat.text
        assert "ana.silva" not in seat.text


async def test_a_new_lead_appears_at_the_top_which_is_followed() -> None:
    world = World()
    async with opened(world) as seat:
        await at_leads(seat)
        world.total += 3
        await seat.until(lambda: page(seat).table.key == "18207")


async def test_the_cursor_stays_on_its_lead_at_its_height() -> None:
    world = World()
    async with opened(world) as seat:
        await at_leads(seat)
        await seat.press(*"jjjjj")
        assert page(seat).table.key == "18199"
        height = next(y for y, line in enumerate(seat.lines) if "▌" in line)
        world.total += 7
        await seat.until(lambda: page(seat).table.rows[0].key == "18211")
        await seat.pilot.pause()
        assert page(seat).table.key == "18199"
        assert next(y for y, line in enumerate(seat.lines) if "▌" in line) == height
        await seat.press("g")
        world.total += 1
        await seat.until(lambda: page(seat).table.key == "18212")


@pytest.mark.parametrize("key", ["enter", "v"])
async def test_a_lead_that_is_read_or_revealed_stays_while_others_arrive(key: str) -> None:
    world = World()
    async with opened(world) as seat:
        await at_leads(seat)
        await seat.press(key)
        world.total += 5
        await seat.until(lambda: page(seat).table.rows[0].key == "18209")
        assert page(seat).table.key == "18204"


async def test_pages_follow() -> None:
    async with opened() as seat:
        await at_leads(seat)

        def listed() -> int:
            return len(page(seat).table.rows)

        for _ in range(2):
            before = listed()
            await seat.press("G")
            await seat.until(lambda before=before: listed() > before, "another page")  # type: ignore[misc]
        # The end may be reached once more while a page is drawn: how many have come is known when nothing is read.
        await seat.until(lambda: page(seat).leads.settled)
        many = len(page(seat).leads.leads)
        reads = seat.world.reads["page"]
        await seat.press("r")
        await seat.until(lambda: seat.world.reads["page"] > reads and page(seat).leads.settled)
        assert len(page(seat).leads.leads) >= many


async def test_search_as_you_type() -> None:
    async with opened() as seat:
        await at_leads(seat)
        await seat.press("slash")
        await seat.type("chinedu")
        await seat.until(lambda: {row.cells[1].text for row in page(seat).table.rows} == {"Chinedu O•••"})
        await seat.press("enter")
        await seat.sees("/chinedu")
        assert page(seat).table.has_focus
        await seat.press("escape")
        await seat.sees("Zoë •••")


async def test_nothing_found_is_said() -> None:
    async with opened() as seat:
        await at_leads(seat)
        await seat.press("slash")
        await seat.type("nobody at all")
        await seat.sees("No lead matches nobody at all. Esc clears the search.")
        await seat.press("escape")
        await seat.sees("100+ shown")


async def test_the_newest_search_wins() -> None:
    class Slow(FakeLeads):
        """The first search answers last."""

        async def page(self, where: LeadFilter, *, cursor: str = "", limit: int = 50, full: bool = False) -> LeadPage:
            if where.text == "ana":
                started.set()
                await release.wait()
            return await super().page(where, cursor=cursor, limit=limit)

    started, release = asyncio.Event(), asyncio.Event()
    world = World()
    parts = sources(world)
    runner = FakeRunner(world)
    app = LeadsApp(Sources(parts.stack, parts.queue, Slow(world), parts.checker), runner, clock=world.clock)
    async with app.run_test(size=(80, 24)) as pilot:
        seat = Seat(app, world, runner, pilot)
        await at_leads(seat)
        page(seat).leads.search("ana")
        await seat.until(started.is_set)
        page(seat).leads.search("priya")
        await seat.until(lambda: {row.cells[2].text for row in page(seat).table.rows} == {"p•••@example.in"})
        release.set()
        await pilot.pause(0.1)
        assert {row.cells[2].text for row in page(seat).table.rows} == {"p•••@example.in"}


async def test_details_show_fields_and_the_way_here() -> None:
    async with opened(size=WIDE) as seat:
        await at_leads(seat)
        await seat.press("j")
        for text in (
            "Chinedu O••• · meta 987668203", "campaign     Black Friday 2026 (5550002)", "trace 01J9…",
            "stored in 5.4 s", "request", "as #18,203", "attempt 1", "Graph 500, code 2", "waited 4.8 s", "attempt 2",
            "row #18,203 by worker-1",
            "answers", "wann_möchten_sie", "N•••", "● yes", "○ no", "masked · v reveal",
        ):  # fmt: skip
            await seat.sees(text)


async def test_reveal_is_recorded_first_and_can_be_taken_back() -> None:
    async with opened(size=WIDE) as seat:
        await at_leads(seat)
        await seat.press("j", "v")
        await seat.sees("chinedu@mail.ng")
        await seat.sees("+234 803 123 4567")
        await seat.sees("Nächste Woche")
        assert (await seat.did(Verb.REVEAL)).targets == ("lead 18203",)
        assert "ana.silva" not in seat.text, "the others stay masked"
        await seat.press("6")
        await seat.sees("reveal")
        await seat.sees("lead 18203")
        await seat.press("4", "v")
        await seat.misses("chinedu@mail.ng")


async def test_what_cannot_be_recorded_stays_masked() -> None:
    world = World()
    refused = Result(ok=False, text="personal data stays masked: Postgres is away")
    async with opened(world, runner=FakeRunner(world, fails={Verb.REVEAL: refused})) as seat:
        await at_leads(seat)
        await seat.press("j", "v")
        await seat.sees("personal data stays masked")
        assert "chinedu@mail.ng" not in seat.text


async def test_a_narrow_screen_shows_details_in_place_of_the_list() -> None:
    async with opened() as seat:
        await at_leads(seat)
        await seat.press("enter")
        await seat.sees("row #18,204")
        await seat.misses("100+ shown")
        await seat.press("G")
        await seat.sees("raw")
        await seat.press("escape")
        await seat.sees("100+ shown")


async def test_logs_of_a_lead() -> None:
    async with opened() as seat:
        await at_leads(seat)
        await seat.press("l")
        await seat.sees("/01J9ZK3F8Q018204R7W2M4X4V|9876")
        await seat.sees("No line matches")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", LeadFilter()),
        ("ana silva", LeadFilter(text="ana silva")),
        ("source:meta ana", LeadFilter(text="ana", source="meta")),
        (
            'form:"Imóveis SP" page:1029 campaign:x status:test',
            LeadFilter(form="Imóveis SP", page="1029", campaign="x", status="test"),
        ),
        ("http://x.y source:", LeadFilter(text="http://x.y source:")),
        ('open "quote', LeadFilter(text="open quote")),
        ("day:never", LeadFilter(text="day:never")),
        ("O'Brien", LeadFilter(text="O'Brien")),
        ("a\\b #c", LeadFilter(text="a\\b #c")),
    ],
)
def test_what_is_typed_becomes_a_filter(text: str, expected: LeadFilter) -> None:
    assert lead_filter(text, NOW) == expected


def test_days_are_local() -> None:
    today = lead_filter("day:today", NOW)
    assert today.since == datetime(2026, 11, 25, tzinfo=UTC)
    assert today.until == datetime(2026, 11, 26, tzinfo=UTC)
    assert lead_filter("day:yesterday", NOW).until == today.since
    assert lead_filter("day:2026-02-28", NOW).until == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("noon", "day", "begins", "hours"),
    [
        (datetime(2026, 3, 29, 10, tzinfo=UTC), "today", datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        (datetime(2026, 3, 30, 10, tzinfo=UTC), "yesterday", datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        (datetime(2026, 3, 30, 10, tzinfo=UTC), "today", datetime(2026, 3, 29, 22, tzinfo=UTC), 24),
        (datetime(2026, 10, 25, 10, tzinfo=UTC), "today", datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        (datetime(2026, 10, 26, 10, tzinfo=UTC), "2026-10-25", datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
    ],
)
def test_a_day_on_which_the_clocks_change_has_its_own_length(
    monkeypatch: pytest.MonkeyPatch, noon: datetime, day: str, begins: datetime, hours: int
) -> None:
    monkeypatch.setenv("TZ", "Europe/Madrid")
    time.tzset()
    found = lead_filter(f"day:{day}", noon.timestamp())
    assert found.since == begins
    assert found.until == begins + timedelta(hours=hours)


async def test_a_lead_that_a_search_had_found_is_shown_when_it_is_asked_for_from_elsewhere() -> None:
    world = World(calm=True)
    async with opened(world) as seat:
        await at_leads(seat)
        page(seat).leads.search(world.lead(15_000).job_id)
        await seat.until(lambda: page(seat).table.key == "15000")
        seat.app.open_lead(world.lead(15_000))
        await seat.until(lambda: page(seat).leads.settled and page(seat).table.key == "15000")
        assert world.lead(15_000).external_id in seat.text
        await seat.press("v")
        await seat.did(Verb.REVEAL, "lead 15000")


async def test_a_row_that_was_written_over_is_read_again_though_there_are_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = 0.0
    world = World(calm=True, clock=lambda: NOW + later)
    async with opened(world, size=WIDE) as seat:
        await at_leads(seat)
        await seat.press("j")
        await seat.until(lambda: page(seat).leads.details)
        plain = World.lead

        def over(self: World, identity: int) -> Lead:
            return msgspec.structs.replace(plain(self, identity), form_name="Written over")

        monkeypatch.setattr(World, "lead", over)
        later = 5.0
        await seat.until(lambda: page(seat).current().form_name == "Written over")  # type: ignore[union-attr]
        await seat.until(lambda: "Written over (77)" in seat.text, "the details too")


async def test_a_row_far_down_that_was_written_over_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    later = 0.0
    world = World(clock=lambda: NOW + later)
    async with opened(world) as seat:
        await at_leads(seat)
        for pages in (2, 3):
            await seat.press("G")
            await seat.until(lambda pages=pages: len(page(seat).table.keys) >= pages * 100)  # type: ignore[misc]
        await seat.press("k")
        key = page(seat).table.key
        plain, total = World.lead, world.total

        def over(self: World, identity: int) -> Lead:
            return msgspec.structs.replace(plain(self, identity), form_name="Written over")

        monkeypatch.setattr(World, "lead", over)
        later = 5.0
        await seat.until(lambda: seat.text.count("Written over") > 10, "the rows in sight")
        assert page(seat).table.key == key
        listed = [lead.id for lead in page(seat).leads.leads]
        assert listed == list(range(listed[0], listed[0] - len(listed), -1)), "no gap, none twice"
        assert len(listed) >= 300
        assert listed[0] >= total


async def test_details_are_read_when_a_wider_terminal_shows_them() -> None:
    async with opened(World(calm=True)) as seat:
        await at_leads(seat)
        await seat.pilot.resize_terminal(*WIDE)
        await seat.sees("stored in 5.4 s")


async def test_reading_again_reads_the_details_too() -> None:
    world = World(calm=True)
    async with opened(world, size=WIDE) as seat:
        await at_leads(seat)
        await seat.sees("stored in 5.4 s")
        before = world.reads["details"]
        await seat.press("r")
        await seat.until(lambda: world.reads["details"] > before)
        assert "stored in 5.4 s" in seat.text


async def test_details_that_failed_are_read_again_once_postgres_answers() -> None:
    world = World(calm=True)
    async with opened(world, size=WIDE) as seat:
        await at_leads(seat)
        world.leads_error = "Postgres is away"
        await seat.press("j")
        await seat.until(lambda: page(seat).leads.details_error)
        await seat.until(lambda: seat.app.known.leads.error)
        world.leads_error = ""
        await seat.press("r")
        await seat.sees("stored in 5.4 s")
