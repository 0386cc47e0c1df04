"""The app as a whole: going about, help, palette, read-only, quitting, themes, what it imports."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest
from textual.command import CommandList, CommandPalette
from textual.widgets import Input

from console.ports import Action, Verb
from console.tui.places import PAGES
from console.tui.screens.page import Page
from tests.tui.conftest import WIDE, Seat, opened
from tests.tui.fakes import FakeRunner, World
from tests.tui.test_hostile import check


def shows(seat: Seat, name: str) -> bool:
    """Whether that screen is open."""
    return seat.app.page is not None and name == seat.app.page.NAME


async def test_number_keys_and_clicks_change_screens() -> None:
    async with opened() as seat:
        for key, name in enumerate(PAGES, 1):
            await seat.press(str(key))
            await seat.until(partial(shows, seat, name))
        line = seat.lines[1]
        await seat.pilot.click("TopBar", offset=(line.index("3 Queue") + 3, 1))
        await seat.until(lambda: seat.app.page and seat.app.page.NAME == "queue")


async def test_a_screen_keeps_its_place() -> None:
    async with opened() as seat:
        await seat.press("4")
        await seat.sees("100+ shown")
        await seat.press("j", "j", "1", "4")
        assert isinstance(seat.app.page, Page)
        assert seat.app.page.query_one("#leads").key == "18202"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("1", ("restart", "send a test lead")),
        ("2", ("inverse", "previous match or mark")),
        ("3", ("retry all", "edit and retry", "next state")),
    ],
)
async def test_help_names_the_keys_of_this_context(key: str, words: tuple[str, ...]) -> None:
    async with opened(size=WIDE) as seat:
        await seat.press(key)
        await seat.press("question_mark")
        for word in (*words, "Everywhere", "all commands"):
            await seat.sees(word)
        await seat.press("escape")
        await seat.misses("Everywhere")


async def test_a_click_on_a_key_is_that_key() -> None:
    async with opened() as seat:
        line = seat.lines[-1]
        await seat.pilot.click("Hints", offset=(line.index("D down") + 1, 0))
        await seat.sees("Take the stack down?")
        await seat.press("escape")
        await seat.misses("Take the stack down?")
        await seat.pilot.click("Hints", offset=(line.index("? help"), 0))
        await seat.sees("Everywhere")


async def pick(seat: Seat, words: str, name: str) -> None:
    """Type into the palette until the first of what it finds is called that, and take it."""
    await seat.press("ctrl+p")
    await seat.until(lambda: isinstance(seat.app.screen, CommandPalette))
    await seat.type(words)

    def first() -> str:
        found = seat.app.screen.query_one(CommandList)
        command = found.highlighted_option
        return str(command.prompt).partition("\n")[0] if command is not None else ""

    await seat.until(lambda: seat.app.screen.query_one(Input).value == words and first().startswith(name))
    await seat.press("enter")


async def test_the_palette_has_the_verbs_of_the_screen() -> None:
    async with opened() as seat:
        await seat.press("3")
        await seat.sees("3 shown")
        await pick(seat, "discard", "Discard")
        await seat.sees("Discard job")


async def test_the_palette_has_the_stacks_verbs_without_a_key() -> None:
    world = World()
    runner = FakeRunner(world)
    async with opened(world, runner=runner) as seat:
        await seat.sees("3 of 3")
        await pick(seat, "one worker more", "One worker more")
        await seat.until(lambda: Action(Verb.SCALE, ("worker",), {"count": "4"}) in runner.done)


async def test_the_palette_has_the_verbs_of_other_screens_and_what_was_at_hand() -> None:
    async with opened() as seat:
        seat.app.open_trace("88213")
        await seat.sees("stored in 5.4 s")
        await seat.press("1", "ctrl+p")
        await seat.until(lambda: isinstance(seat.app.screen, CommandPalette))
        await seat.type("trace 88")
        await seat.sees(": trace 88213")
        await seat.press("escape")
        await pick(seat, "queue: discard all", "Queue: discard all")
        await seat.sees("Discard all 3 stuck jobs?")


async def test_read_only_takes_every_verb_away() -> None:
    world = World()
    runner = FakeRunner(world)
    async with opened(world, runner=runner, read_only=True) as seat:
        assert "stop" not in seat.lines[-1]
        assert "r retry" not in seat.text
        for screen, keys in (("1", "surDT"), ("3", "rRXUep"), ("4", "T")):
            await seat.press(screen)
            await seat.pilot.pause(0.05)
            for key in keys:
                await seat.press(key)
                await seat.pilot.pause()
                assert isinstance(seat.app.screen, Page), f"{key} on screen {screen} opened a box"
        assert not any(action.verb.value != "reveal" for action in runner.done)
        await seat.press("1", "tab", "tab", "r")
        await seat.pilot.pause()
        assert not any(action.verb.value != "reveal" for action in runner.done)


@pytest.mark.parametrize(
    "keys", [("1", "s"), ("1", "D"), ("1", "T"), ("3", "X"), ("3", "space"), ("4", "T"), ("5", "b"), ("5", "B")]
)
async def test_the_key_of_a_verb_says_that_this_console_only_reads(keys: tuple[str, ...]) -> None:
    async with opened(read_only=True) as seat:
        await seat.press(*keys)
        await seat.sees("This console only reads: start it without --read-only.")


async def test_a_read_only_console_offers_no_verb_and_no_selection_in_its_help() -> None:
    async with opened(read_only=True) as seat:
        for screen in "1345":
            await seat.press(screen, "question_mark")
            await seat.sees("Everywhere")
            for what in ("select", "retry", "discard", "restart", "send", "restore", "pause"):
                assert what not in seat.text.partition("Moving")[0].partition("Keys")[2], (screen, what)
            await seat.press("escape")
            await seat.misses("Everywhere")


async def test_a_read_only_console_asks_redis_again_by_the_key_that_says_so() -> None:
    async with opened(read_only=True) as seat:
        await seat.press("3")
        await seat.sees("Stuck")
        seat.world.queue_error = "connection refused"
        seat.app.poke()
        await seat.sees("r now")
        seat.world.queue_error = ""
        await seat.press("r")
        await seat.misses("r now")
        assert "only reads" not in seat.text


async def test_a_read_only_runner_makes_a_read_only_console() -> None:
    world = World()
    async with opened(world, runner=FakeRunner(world, read_only=True)) as seat:
        assert seat.app.known.read_only


async def test_q_quits_from_the_top_and_ctrl_c_from_anywhere() -> None:
    for keys in (("q",), ("3", "q"), ("D", "ctrl+c"), ("2", "slash", "ctrl+c")):
        async with opened() as seat:
            await seat.press(*keys)
            await seat.until(lambda: not seat.app.is_running or seat.app._exit)


async def test_q_in_a_box_closes_the_box() -> None:
    async with opened() as seat:
        await seat.press("question_mark")
        await seat.sees("Everywhere")
        await seat.press("q")
        await seat.misses("Everywhere")
        assert not seat.app._exit


async def test_what_the_caller_started_is_cleaned_up_before_the_end() -> None:
    order = []

    async def clean() -> None:
        order.append(("cleaning", seat.app._exit))

    async with opened(on_quit=clean) as seat:
        await seat.press("q")
        await seat.until(lambda: seat.app._exit)
    assert order == [("cleaning", False)]


async def test_a_failing_clean_up_does_not_keep_the_console_open() -> None:
    async def fail() -> None:
        raise RuntimeError("no")

    async with opened(on_quit=fail) as seat:
        await seat.press("q")
        await seat.until(lambda: seat.app._exit)


async def test_light_and_dark_and_foreign_themes() -> None:
    async with opened() as seat:
        dark = seat.app.screen.query_one("#services").palette  # type: ignore[attr-defined]
        await seat.press("f2")
        await seat.until(lambda: not seat.app.current_theme.dark)
        assert seat.app.screen.query_one("#services").palette is not dark  # type: ignore[attr-defined]
        check(seat)
        for theme in ("nord", "ansi-light", "textual-ansi", "solarized-light"):
            if theme in seat.app.available_themes:
                seat.app.theme = theme
                await seat.pilot.pause()
                check(seat)


async def test_without_colour_everything_is_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened() as seat:
        await seat.press("3")
        await seat.sees("✖ stuck")
        await seat.press("space")
        await seat.sees("▌")
        await seat.sees("◆")
        await seat.press("1")
        await seat.sees("● app")


def test_the_interface_brings_no_client_and_no_toolkit_too_many() -> None:
    code = "import sys, console.tui.app; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "textual.app" in loaded
    late = {"docker", "redis", "psycopg", "httpx", "structlog", "typer", "rich.markdown", "textual.widgets._text_area"}
    late |= {"console.tui.screens.queue", "console.tui.screens.logs", "console.tui.commands"}
    assert sorted(late & loaded) == []


async def test_full_screen_has_no_key_line_after_a_prompt_either() -> None:
    async with opened() as seat:
        await seat.press("2")
        await seat.sees("following")
        await seat.press("slash")
        await seat.clear()
        await seat.press("escape")
        await seat.sees("? help")
        await seat.press("f")
        await seat.misses("? help")


@pytest.mark.parametrize("away", ["click", "tab"])
async def test_a_prompt_ends_when_the_focus_goes_elsewhere_and_keeps_what_was_found(away: str) -> None:
    async with opened() as seat:
        await seat.press("4")
        await seat.sees("100+ shown")
        await seat.press("slash")
        await seat.clear("yamada")
        await seat.misses("z•••@example.nl")
        if away == "click":
            await seat.pilot.click("#leads", offset=(10, 4))
        else:
            await seat.press("tab")
        await seat.sees("? help")
        assert " /yamada" in seat.text
        assert seat.app.focused is seat.app.screen.query_one("#leads")
        await seat.press("slash")
        await seat.until(lambda: seat.app.screen.query(Input))


@pytest.mark.parametrize("key", ["x", "colon"])
async def test_a_prompt_for_a_name_or_a_command_is_given_up_when_the_focus_goes_elsewhere(key: str) -> None:
    async with opened() as seat:
        await seat.press("4")
        await seat.sees("100+ shown")
        await seat.press(key)
        await seat.until(lambda: isinstance(seat.app.focused, Input))
        await seat.pilot.click("#leads", offset=(10, 4))
        await seat.sees("? help")
        assert not seat.app.screen.query(Input)


@pytest.mark.parametrize("size", [(60, 15), (80, 24)])
async def test_the_answers_to_a_question_are_seen_however_much_is_at_stake(size: tuple[int, int]) -> None:
    world = World()
    risks = tuple(f"risk {n} that is told of at such a length that it takes some lines of this box" for n in range(9))
    async with opened(world, runner=FakeRunner(world, risks=risks), size=size) as seat:
        await seat.press("D")
        await seat.sees("risk 1")
        for text in ("Take the stack down?", "[ Cancel ]", "Take down"):
            assert text in seat.text


@pytest.mark.parametrize(("key", "last"), [("D", "Take down"), ("question_mark", "╯")])
async def test_a_box_fits_into_a_terminal_that_shrinks(key: str, last: str) -> None:
    async with opened(size=(200, 60)) as seat:
        await seat.press(key)
        await seat.sees("Take down" if key == "D" else "Everywhere")
        await seat.pilot.resize_terminal(50, 20)
        await seat.until(lambda: len(seat.lines) == 20)
        box = seat.app.screen.children[0]
        await seat.until(lambda: seat.app.screen.region.contains_region(box.region))
        assert last in seat.text
