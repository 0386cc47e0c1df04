"""Lists that are read page by page: what stays when new items come before it, what is let go, and when a list waits."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import cast

from textual.screen import Screen

from console.tui.present.grid import Listed, Row
from console.tui.screens.paging import GROWTH, Paging
from tests.tui.conftest import opened
from tests.tui.fakes import World
from tests.tui.test_leads import at_leads, page

PAGE = 100


class Numbers:
    """A list of numbers, newest first, that somebody looks at."""

    def __init__(self, newest: int) -> None:
        self.newest = newest
        self.pinned: Collection[Hashable] = ()
        self.pages: Paging[int] = Paging(
            cast("Screen[None]", None), lambda n: n, lambda: None, pinned=lambda: self.pinned, timeout_s=1, slow=""
        )
        self.pages.replace(self.page(), "more")

    def page(self) -> list[int]:
        """The newest."""
        return list(range(self.newest, self.newest - PAGE, -1))

    def grow(self, by: int, *, only_grows: bool = True) -> list[int]:
        """So many more come, and the first page is read; what is listed then."""
        self.newest += by
        (self.pages.newest if only_grows else self.pages.first)(self.page(), "more")
        return self.pages.items


def test_nobody_is_there_and_the_list_stays_one_page() -> None:
    numbers = Numbers(1_000)
    for _ in range(100):
        assert numbers.grow(50) == numbers.page()
    assert not numbers.pages.behind


def test_what_somebody_is_at_stays_listed_without_a_gap() -> None:
    numbers = Numbers(1_000)
    numbers.pinned = {990}
    for _ in range(5):
        numbers.grow(50)
    assert numbers.pages.items == list(range(1_250, 900, -1))
    assert not numbers.pages.behind


def test_a_list_that_would_have_a_gap_waits_and_goes_on_once_nobody_is_there() -> None:
    numbers = Numbers(1_000)
    numbers.pinned = {990}
    before = numbers.pages.items
    assert numbers.grow(PAGE + 1) == before
    assert numbers.pages.behind
    numbers.pinned = ()
    assert numbers.grow(0) == numbers.page()
    assert not numbers.pages.behind


def test_a_list_before_which_much_has_come_waits() -> None:
    numbers = Numbers(1_000)
    numbers.pinned = {990}
    for _ in range(100):
        numbers.grow(50)
    assert len(numbers.pages.items) <= PAGE + GROWTH
    assert numbers.pages.index[990]
    assert numbers.pages.behind


def test_pages_that_were_asked_for_are_no_growth() -> None:
    numbers = Numbers(10_000)
    numbers.pages.more(list(range(9_900, 5_000, -1)), "more")
    numbers.pinned = {5_001}
    assert numbers.grow(50)[:2] == [10_050, 10_049]
    assert numbers.pages.items[-1] == 5_001


def test_a_page_beyond_the_first_is_read_anew_in_its_place() -> None:
    numbers = Numbers(1_000)
    numbers.pages.more(list(range(900, 800, -1)), "800")
    numbers.pages.more(list(range(800, 700, -1)), "700")
    assert numbers.pages.start_of(950, 20) is None, "on the first page"
    assert numbers.pages.start_of(890, 20) is None, "what is above it is on the first page"
    assert numbers.pages.start_of(790, 20) == (901, "more")
    assert numbers.pages.start_of(750, 20) == (801, "800")
    numbers.pages.again(801, [n for n in range(800, 700, -1) if n != 750], "700")
    assert numbers.pages.items == [n for n in range(1_000, 700, -1) if n != 750], "one that was erased is gone"
    numbers.pages.again(901, list(range(900, 880, -1)), "880")
    assert numbers.pages.items == [n for n in range(1_000, 700, -1) if n != 750], "what lies beyond stays"
    numbers.pages.again(901, [], "850")
    numbers.pages.again(5_000, [4_999], "")
    assert len(numbers.pages.items) == 299, "nothing was found yet, or where it belongs is not listed any more"
    numbers.pages.again(801, [800, 799], "")
    assert numbers.pages.items[-1] == 799, "the end has come nearer"


def test_what_lies_beyond_is_let_go_when_much_has_come_and_nobody_is_there() -> None:
    numbers = Numbers(1_000)
    most = 0
    for _ in range(100):
        most = max(most, len(numbers.grow(50, only_grows=False)))
    assert PAGE < most <= PAGE + GROWTH
    numbers.pinned = {numbers.newest}
    for _ in range(100):
        numbers.grow(50, only_grows=False)
    assert numbers.pages.index[next(iter(numbers.pinned))]


def test_a_row_is_made_when_it_is_looked_at() -> None:
    made: list[int] = []

    def make(n: int) -> Row:
        made.append(n)
        return Row(str(n), ())

    rows = Listed(("0", "1", "2"), make)
    assert (len(rows), rows.keys, made) == (3, ["0", "1", "2"], [])
    assert rows[-1].key == "2"
    assert [row.key for row in rows[:2]] == ["0", "1"]
    assert made == [2, 0, 1]


async def test_many_leads_come_while_one_is_read_and_none_is_lost_to_the_reader() -> None:
    world = World()
    async with opened(world) as seat:
        await at_leads(seat)
        await seat.press(*"jjj")
        key = page(seat).table.key
        world.total += 2 * PAGE
        await seat.sees("g shows newer ones")
        assert page(seat).table.key == key
        await seat.press("g")
        await seat.until(lambda: page(seat).table.key == str(world.total))
        await seat.misses("g shows newer ones")
        assert len(page(seat).table.rows) == PAGE


async def test_a_page_that_is_wanted_while_another_is_read_follows_it() -> None:
    async with opened(World(calm=True)) as seat:
        await at_leads(seat)
        leads = page(seat).leads
        leads.reload()
        leads.load_more()
        await seat.until(lambda: len(leads.leads) == 200)


async def test_leads_that_come_all_night_do_not_make_the_list_longer() -> None:
    world = World()
    async with opened(world) as seat:
        await at_leads(seat)
        for _ in range(4):
            world.total += 60
            await seat.until(lambda: page(seat).table.key == str(world.total))
            assert len(page(seat).table.rows) == PAGE


async def test_a_lead_comes_into_an_empty_list_in_which_somebody_has_pressed_a_key() -> None:
    world = World(empty=True)
    async with opened(world) as seat:
        await seat.press("4")
        await seat.sees("No leads yet")
        await seat.press("j")
        world.empty = False
        await seat.until(lambda: page(seat).table.rows)


async def test_leads_that_came_while_another_screen_was_looked_at_are_listed_on_return() -> None:
    world = World(calm=True)
    async with opened(world) as seat:
        await at_leads(seat)
        await seat.press("1")
        world.total += 5
        await seat.until(lambda: (store := seat.app.known.leads.value) and store.total == world.total)
        await seat.press("4")
        await seat.until(lambda: page(seat).table.key == str(world.total))


async def test_a_search_that_is_read_again_at_once_lists_nothing_of_what_was_there_before() -> None:
    world = World(calm=True)
    async with opened(world) as seat:
        await at_leads(seat)
        await seat.press(*"jjj")
        page(seat).leads.search("yamada")
        page(seat).leads.reload()
        await seat.until(lambda: page(seat).leads.settled)
        assert {lead.email for lead in page(seat).leads.leads} == {"yamada@example.jp"}


async def test_a_search_that_failed_lists_nothing_of_what_was_there_before_when_it_is_tried_again() -> None:
    world = World(calm=True)
    async with opened(world) as seat:
        await at_leads(seat)
        await seat.press(*"jjj")
        world.leads_error = "Postgres is away"
        page(seat).leads.search("yamada")
        await seat.sees("✖ Postgres is away")
        world.leads_error = ""
        await seat.press("r")
        await seat.until(lambda: page(seat).leads.settled)
        assert {lead.email for lead in page(seat).leads.leads} == {"yamada@example.jp"}


def test_another_list_takes_nothing_of_the_one_before() -> None:
    for again in (Paging[int].first, Paging[int].newest):
        numbers = Numbers(1_000)
        numbers.pinned = {950}
        numbers.pages.turn()
        again(numbers.pages, list(range(1_000, 960, -2)), "more")
        assert numbers.pages.items == list(range(1_000, 960, -2))
        assert numbers.pages.answers
