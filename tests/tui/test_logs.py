"""Screen 2: following, searching, folding, taking lines away, and staying within bounds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from textual import events

from console.snapshots import LogLine
from console.tui.app import LeadsApp
from console.tui.screens.logs import Logs
from tests.tui.conftest import WIDE, Seat, opened
from tests.tui.fakes import NOW, FakeRunner, FakeStack, World, sources


def page(seat: Seat) -> Logs:
    assert isinstance(seat.app.page, Logs)
    return seat.app.page


async def at_logs(seat: Seat) -> None:
    await seat.press("2")
    await seat.sees("120 lines")
    await seat.sees("following")


def line(n: int, text: str = "", service: str = "app", at: float = 0.0) -> LogLine:
    return LogLine(at or NOW + n / 1000, service, service, text or f"line {n}")


async def write(seat: Seat, *lines: LogLine) -> None:
    """The stack writes lines; they are in the log afterwards."""
    stack = seat.app.sources.stack
    assert isinstance(stack, FakeStack)
    before = len(seat.app.known.logs) + seat.app.known.logs.dropped
    stack.written.put_nowait(list(lines))
    await seat.until(lambda: len(seat.app.known.logs) + seat.app.known.logs.dropped >= before + len(lines))
    await seat.pilot.pause()


async def test_json_lines_become_columns() -> None:
    async with opened(size=WIDE) as seat:
        await at_logs(seat)
        for text in (
            "■ app ■ worker ■ db ■ redis",
            "worker-2 error lead.retry",
            'error="(#100) Invalid parameter"',
            "app      info  webhook.accepted",
            "4 ms",
            "db       info  checkpoint starting: time",
            "redis    info  Background saving",
            "12:04:32.630",
        ):
            await seat.sees(text)


async def test_it_follows_until_it_is_scrolled() -> None:
    async with opened() as seat:
        await at_logs(seat)
        await write(seat, line(1, "the first new line"))
        await seat.sees("the first new line")
        await seat.press("k")
        await seat.sees("following stopped")
        before = seat.lines[3:10]
        await write(seat, *(line(n) for n in range(2, 98)))
        await seat.sees("96 new")
        assert seat.lines[3:10] == before, "nothing moves"
        await seat.press("G")
        await seat.sees("line 97")
        await seat.misses("following stopped")


async def test_moving_past_the_end_follows_again() -> None:
    async with opened() as seat:
        await at_logs(seat)
        await seat.press("k", "k", "j", "j", "j")
        await seat.misses("following stopped")
        assert page(seat).pane.following


async def test_the_oldest_line_and_pages() -> None:
    async with opened() as seat:
        await at_logs(seat)
        await seat.press("g")
        pane = page(seat).pane
        assert pane.entry is seat.app.known.logs.entries[0]
        await seat.press("pagedown")
        assert pane.entry is not None
        assert pane.view.position(pane.entry) > 10
        await seat.press("pageup", "pageup")
        assert pane.entry is seat.app.known.logs.entries[0]


async def test_the_wheel_scrolls_and_follows_at_the_end() -> None:
    async with opened() as seat:
        await at_logs(seat)
        top = seat.lines[3]
        await seat.pilot._post_mouse_events([events.MouseScrollUp], "#log", offset=(5, 5))
        await seat.sees("following stopped")
        assert seat.lines[3] != top
        for _ in range(3):
            await seat.pilot._post_mouse_events([events.MouseScrollDown], "#log", offset=(5, 5))
        await seat.misses("following stopped")


async def test_search_shows_matching_lines_only_and_counts_them() -> None:
    async with opened() as seat:
        await at_logs(seat)
        await seat.press("slash")
        await seat.type("lead.re")
        await seat.sees("10 of 120 lines")
        await seat.misses("webhook.accepted")
        await seat.press("enter")
        await seat.sees("/lead.re")
        await write(seat, line(1, "no match"), line(2, "lead.replayed"))
        await seat.sees("11 of 122 lines")
        await seat.press("escape")
        await seat.sees("122 lines")
        await seat.misses("/lead.re")


async def test_search_is_a_regular_expression_and_takes_a_broken_one_literally() -> None:
    async with opened() as seat:
        await at_logs(seat)
        await seat.press("slash")
        await seat.type("RETRY|limited$")
        await seat.press("enter")
        await seat.sees("0 of 120 lines")
        await seat.press("slash")
        await seat.clear()
        await seat.type("retry|limited")
        await seat.press("enter")
        await seat.sees("20 of 120 lines")
        await seat.press("slash")
        await seat.clear()
        await seat.type("(#100")
        await seat.press("enter")
        await seat.sees("10 of 120 lines")


async def test_inverse_hides_what_matches() -> None:
    async with opened() as seat:
        await at_logs(seat)
        await seat.press("exclamation_mark")
        await seat.sees("type a pattern first")
        await seat.press("slash")
        await seat.type("webhook")
        await seat.press("enter")
        await seat.sees("30 of 120 lines")
        await seat.press("exclamation_mark")
        await seat.sees("90 of 120 lines")
        await seat.sees("!webhook")
        await seat.press("escape", "slash")
        await seat.type("!stored")
        await seat.press("enter")
        await seat.sees("!stored")
        await seat.misses("lead.stored")


async def test_levels() -> None:
    async with opened() as seat:
        await at_logs(seat)
        await seat.press("L")
        await seat.sees("level ≥ info")
        await seat.misses("debug")
        await seat.press("L")
        await seat.sees("20 of 120 lines")
        await seat.press("L")
        await seat.sees("10 of 120 lines")
        await seat.press("L")
        await seat.misses("level ≥")


async def test_services_are_switched() -> None:
    async with opened() as seat:
        await at_logs(seat)
        await seat.press("a")
        await seat.sees("Services in the log")
        await seat.press("j", "space", "enter")
        await seat.sees("□ worker")
        await seat.misses("lead.stored")
        await seat.press("a", "a", "enter")
        await seat.sees("■ worker")
        await seat.press("a", "j", "j", "o", "enter")
        await seat.sees("□ app")
        await seat.sees("checkpoint")
        await seat.misses("webhook.accepted")


async def test_since() -> None:
    async with opened() as seat:
        await at_logs(seat)
        await write(seat, line(0, "long ago", at=NOW - 500))
        await seat.press("i")
        await seat.sees("last 1 min")
        await seat.sees("120 of 121 lines")
        await seat.press("i", "i")
        await seat.sees("last 15 min")
        await seat.sees("121 of 121 lines")
        await seat.press("i", "i")
        await seat.misses("last ")


async def test_the_window_of_time_slides_while_the_log_is_followed_and_holds_while_somebody_reads() -> None:
    later = 0.0
    async with opened(World(clock=lambda: NOW + later)) as seat:
        await at_logs(seat)
        await seat.press("i")
        await seat.sees("last 1 min")
        await seat.sees("120 of 120 lines")
        later = 30.0
        await seat.sees(" 81 of 120 lines")
        await seat.press("k")
        await seat.sees("since 12:04:03")
        later = 50.0
        await seat.press("k")
        await seat.sees(" 81 of 120 lines")
        await seat.press("G")
        await seat.sees("last 1 min")
        await seat.sees(" 27 of 120 lines")
        later = 90.0
        await seat.sees("No line matches")
        await write(seat, line(0, "just now", at=NOW + later))
        await seat.sees(" 1 of 121 lines")


async def test_enter_unfolds_in_full_and_folds_again() -> None:
    async with opened() as seat:
        await at_logs(seat)
        await write(seat, line(1, json.dumps({"level": "warn", "event": "odd.thing", "deep": {"list": [1, 2]}})))
        await seat.press("enter")
        await seat.sees('"deep": {')
        await seat.sees('"list": [')
        await seat.press("enter")
        await seat.misses('"list": [')


async def test_wrap_and_times() -> None:
    async with opened() as seat:
        await at_logs(seat)
        await write(seat, line(1, "word " * 40 + "the end"))
        assert "the end" not in seat.text
        await seat.press("w")
        await seat.sees("the end")
        await seat.press("w")
        await seat.misses("the end")
        await seat.sees("12:04:33.00")
        await seat.press("t")
        await seat.misses("12:04:33.00")
        await seat.press("t")
        await seat.until(lambda: not any(text.strip().startswith("12:0") for text in seat.lines))


async def test_marks_and_matches_are_gone_through() -> None:
    async with opened() as seat:
        await at_logs(seat)
        pane = page(seat).pane
        await seat.press("k", "k", "m")
        marked = pane.entry
        await seat.press("g", "n")
        assert pane.entry is marked
        assert marked is not None
        assert marked.marked
        await seat.press("n")
        await seat.sees("no further mark")
        page(seat).show_matching("lead.retry")
        await seat.sees("10 of 120 lines")
        await seat.press("N")
        assert pane.entry is not None
        assert "lead.retry" in pane.entry.line.text


async def test_full_shows_nothing_but_the_log() -> None:
    async with opened() as seat:
        await at_logs(seat)
        await seat.press("f")
        await seat.misses("1 Overview")
        assert "following" in seat.lines[-1]
        await seat.press("escape")
        await seat.sees("1 Overview")


async def test_copy_takes_the_whole_line_without_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as seat:
        await at_logs(seat)
        await write(seat, line(1, "whole\x1b[31m line\u202e " + "x" * 300))
        await seat.press("c")
        await seat.sees("copied the line")
        assert seat.app.clipboard == "whole line " + "x" * 300


async def test_save_writes_what_is_shown(tmp_path: Path) -> None:
    async with opened() as seat:
        await at_logs(seat)
        page(seat).show_matching("lead.retry")
        await seat.sees("10 of 120 lines")
        await seat.press("S")
        await seat.sees("save to leads-logs-20261125-120433.log")
        target = tmp_path / "kept.log"
        await seat.clear(str(target))
        await seat.press("enter")
        await seat.until(target.exists)
        await seat.sees("● saved")
        lines = target.read_text().splitlines()
        assert len(lines) == 10
        assert lines[0].startswith("2026-11-25T12:03:")
        assert "worker-2 {" in lines[0]
        assert target.stat().st_mode & 0o777 == 0o600
        await seat.press("S")
        await seat.clear(str(target))
        await seat.press("enter")
        await seat.sees("✖ not saved")


async def test_a_flood_stays_within_bounds_and_keys_are_answered() -> None:
    async with opened() as seat:
        seat.app.known.logs._max_bytes = 2_000_000
        await at_logs(seat)
        for batch in range(20):
            await write(seat, *(line(n, f"flood {n} " + "x" * 80) for n in range(batch * 2000, batch * 2000 + 2000)))
        book = seat.app.known.logs
        assert book.bytes <= 2_000_000
        assert len(book) + book.dropped == 40_120
        await seat.sees("flood 39999 ")
        await seat.press("k", "k")
        await seat.sees("following stopped")
        pane = page(seat).pane
        held = pane.entry
        assert held is not None
        await write(seat, *(line(n, f"flood {n} " + "x" * 80) for n in range(40_000, 60_000)))
        assert held not in book.entries, "the line that was read is gone"
        await seat.press("j")
        assert pane.entry in book.entries


async def test_a_log_that_ends_or_fails_is_opened_again_where_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ending(FakeStack):
        """A log that ends after two lines, then fails, then goes on."""

        asked: ClassVar[list[float]] = []

        async def logs(
            self, services: Sequence[str] = (), *, since: float = 0.0, tail: int | None = None, follow: bool = False
        ) -> AsyncIterator[list[LogLine]]:
            self.asked.append(since)
            if len(self.asked) == 2:
                raise ConnectionError("the engine is gone")
            yield [line(len(self.asked))]
            if len(self.asked) > 2:
                await asyncio.Event().wait()

    monkeypatch.setattr("console.tui.logfeed.RETRY_S", 0.5)
    world = World()
    parts = sources(world)
    app = LeadsApp(replace(parts, stack=Ending(world)), FakeRunner(world), clock=world.clock)
    async with app.run_test(size=(80, 24)) as pilot:
        seat = Seat(app, world, FakeRunner(world), pilot)
        await seat.until(lambda: app.known.logs_error == "the engine is gone")
        await seat.until(lambda: len(app.known.logs) == 2)
        assert app.known.logs_error == ""
    assert Ending.asked[0] == 0
    assert Ending.asked[1] > NOW, "what was read is not read again"


async def test_a_log_that_is_open_again_is_followed_though_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fragile(FakeStack):
        """Some lines, with the last one of which it breaks; opened again it is quiet."""

        async def logs(
            self, services: Sequence[str] = (), *, since: float = 0.0, tail: int | None = None, follow: bool = False
        ) -> AsyncIterator[list[LogLine]]:
            yield []
            if not since:
                yield [line(n) for n in range(120)]
                raise ConnectionError("the engine is gone")
            await asyncio.Event().wait()

    monkeypatch.setattr("console.tui.logfeed.RETRY_S", 0.5)
    world = World()
    app = LeadsApp(replace(sources(world), stack=Fragile(world)), FakeRunner(world), clock=world.clock)
    async with app.run_test(size=(80, 24)) as pilot:
        seat = Seat(app, world, FakeRunner(world), pilot)
        await seat.until(lambda: app.known.logs_error == "the engine is gone" and len(app.known.logs) == 120)
        await seat.press("2")
        await seat.sees("following")
        await seat.misses("nothing to follow")
        assert app.known.logs_error == ""
        assert len(app.known.logs) == 120


async def test_saving_to_the_home_of_nobody_is_said() -> None:
    async with opened() as seat:
        await at_logs(seat)
        await seat.press("S")
        await seat.clear("~nobody-of-that-name/leads.log")
        await seat.press("enter")
        await seat.sees("✖ not saved")


def cursor_line(seat: Seat) -> str:
    """The line that shows the cursor."""
    return next(line for line in seat.lines if line.startswith("▌"))


async def test_the_cursor_stays_in_sight_when_a_search_ends_lines_wrap_or_the_terminal_is_resized() -> None:
    async with opened(World(hostile=True), size=WIDE) as seat:
        await at_logs(seat)
        await seat.press("slash")
        await seat.clear("LOG:")
        await seat.press("enter")
        await seat.sees("10 of 120 lines")
        await seat.press(*"kkkk")
        entry = page(seat).pane.entry
        before = cursor_line(seat)[:14]
        await seat.press("escape")
        await seat.sees(" 120 lines")
        assert page(seat).pane.entry is entry
        assert cursor_line(seat).startswith(before)
        await seat.press("w")
        assert cursor_line(seat).startswith(before)
        await seat.pilot.resize_terminal(80, 24)
        await seat.until(lambda: seat.app.size.width == 80)
        await seat.pilot.pause()
        assert cursor_line(seat).startswith(before)


async def test_what_is_copied_or_marked_is_a_line_that_is_shown() -> None:
    async with opened() as seat:
        await at_logs(seat)
        await seat.press(*"kkk")
        pane = page(seat).pane
        assert pane.entry
        hidden = pane.entry
        page(seat).show_services({"app", "worker", "db", "redis"} - {hidden.line.service})
        await seat.sees(" of 120 lines")
        assert pane.entry is not hidden
        await seat.press("m")
        assert not hidden.marked
        assert cursor_line(seat).startswith("▌◆")
