"""Small terminals: every screen shows what it is for, and every list a row."""

from __future__ import annotations

import pytest

from console.format import width_of
from console.tui.present import activity, leads, needs, queue, services, trace, volumes
from console.tui.screens.page import LARGER
from console.tui.state import INTERVALS_S, Kind
from console.tui.widgets.table import Table
from tests.tui.conftest import opened
from tests.tui.fakes import World, job_id
from tests.tui.test_queue import at_queue, page

SMALL = (60, 15)


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ((), ("1 Overview", "● app", "● redis", "retry 3", "3 leads of page 2040", "Zoë", "Needs you", "3 jobs stuck")),
        (("2",), ("2 Logs", "following", "120 lines")),
        (("3",), ("3 Queue", "▌ 01J9…2M4X0V", "01J9…2M4X2V", "received ")),
        (("4",), ("4 Leads", "Zoë", "100+ shown")),
        (("5",), ("5 Volumes", "redis_data", "9 d ago", "18,204 leads", "fsync always")),
        (("6",), ("6 Activity", "Values on", "ana@ops", "12 recorded")),
    ],
)
async def test_every_screen_is_of_use_in_a_small_terminal(keys: tuple[str, ...], shown: tuple[str, ...]) -> None:
    async with opened(size=SMALL) as seat:
        await seat.press(*keys)
        for text in (*shown, "12:04:33", "? help"):
            await seat.sees(text)
        assert all(width_of(line) == SMALL[0] for line in seat.lines)


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ((), ("● app", "● worker", "● db", "● redis")),
        (("3",), ("01J9…2M4X0V", "01J9…2M4X1V")),
        (("4",), ("Zoë", "100+ shown")),
        (("5",), ("postgres_data", "redis_data")),
        (("6",), ("ana@ops", "12 recorded")),
    ],
)
async def test_in_a_very_small_terminal_a_line_stands_for_what_has_no_room(
    keys: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    async with opened(size=(40, 10)) as seat:
        await seat.press(*keys)
        for text in shown:
            await seat.sees(text)
        assert (LARGER in seat.text) == (keys != ("4",)), "leads have one panel at a time anyway"
        await seat.pilot.resize_terminal(80, 24)
        await seat.misses(LARGER)


@pytest.mark.parametrize(
    "table",
    [
        Table("leads", leads.COLUMNS),
        Table("jobs", queue.JOB_COLUMNS, selectable=True),
        Table("services", services.COLUMNS, gap=1),
        Table("volumes", volumes.COLUMNS),
        Table("activity", activity.COLUMNS),
        Table("needs", needs.COLUMNS),
        Table("trace", trace.COLUMNS),
    ],
    ids=lambda table: str(table.title),
)
def test_no_column_stands_beyond_the_edge(table: Table) -> None:
    for width in range(SMALL[0] - 4, 220):
        widths = [each for each in table._widths(width) if each]
        margin = 2 if table.selectable else 1
        assert sum(widths) + table.gap * (len(widths) - 1) <= width - margin, f"in {width} cells"


async def test_the_tabs_can_be_clicked_where_their_names_are_short() -> None:
    async with opened(size=SMALL) as seat:
        await seat.pilot.click("TopBar", offset=(seat.lines[1].index("5 Vol") + 2, 1))
        await seat.sees("5 Volumes")


async def test_the_queue_is_listed_anew_when_one_comes_back_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # The queue's figures are read once: each reading of them lists the jobs, too.
    monkeypatch.setitem(INTERVALS_S, Kind.QUEUE, 3600.0)
    world = World()
    async with opened(world) as seat:
        await at_queue(seat)
        await seat.sees("3 shown")
        await seat.press("1")
        await seat.sees("Needs you")
        world.jobs_gone.add(job_id(30_000))
        before = world.reads["jobs"]
        await seat.press("3")
        await seat.until(lambda: len(page(seat).jobs.views) == 2, "read at once")
        assert world.reads["jobs"] == before + 1
