"""Typed commands: places, verbs through the runner, reading commands in a box, errors in one line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from console.cli.inside import CommandsInside
from console.ports import Verb
from console.session import Session
from console.settings import Settings
from console.tools import Tools
from tests.tui.conftest import Seat, opened
from tests.tui.fakes import FakeRunner, World, job_id, sources


def commands(world: World, runner: FakeRunner) -> Tools:
    """The real command line over the made-up stack."""
    read = sources(world)
    session: Any = SimpleNamespace(
        settings=Settings(), sources=read, queue=read.queue, leads=read.leads, runner=runner, stack_name="leads"
    )
    return Tools(commands=CommandsInside(cast("Session", session)))


def seated(world: World | None = None, *, read_only: bool = False) -> Any:
    """An app in which commands can be typed."""
    world = world or World()
    runner = FakeRunner(world, read_only=read_only)
    return opened(world, runner=runner, tools=commands(world, runner))


async def typed(seat: Seat, text: str) -> None:
    await seat.press("colon")
    await seat.until(lambda: seat.app.screen.query("CommandLine Input"))
    await seat.clear(text)
    await seat.press("enter")


async def test_places() -> None:
    async with seated() as seat:
        await typed(seat, "logs worker")
        await seat.sees("□ db")
        await typed(seat, "trace 88213")
        await seat.sees("stored in 5.4 s")
        await typed(seat, "volumes")
        await seat.sees("postgres_data")
        assert list(seat.app.typed.history) == ["logs worker", "trace 88213", "volumes"]


async def test_a_verb_goes_through_the_runner() -> None:
    async with seated() as seat:
        await typed(seat, "queue retry --all dead")
        action = await seat.did(Verb.RETRY_MATCHING)
        assert action.args == {"state": "dead", "match": ""}
        await seat.sees("everything is done")


async def test_a_destructive_verb_asks_as_its_key_would() -> None:
    async with seated() as seat:
        await typed(seat, f"queue discard {job_id(30_000)}")
        await seat.sees("Discard 1 job?")
        await seat.press("enter")
        await seat.misses("Discard 1 job?")
        assert not seat.runner.done
        await typed(seat, "stop worker")
        await seat.sees("51 jobs in flight")
        await seat.press("right", "enter")
        await seat.did(Verb.STOP, "worker")


async def test_what_reads_is_shown_in_a_box() -> None:
    async with seated() as seat:
        await typed(seat, "ps")
        await seat.sees("worker-2")
        await seat.press("escape")
        await typed(seat, "queue --help")
        await seat.sees("Usage")


async def test_an_error_is_one_line() -> None:
    async with seated() as seat:
        for text, said in (
            ("qeue", "there is no command qeue"),
            ("queue retry", "say which jobs"),
            ("init here", "for the shell"),
            ("leads export", "exports what is listed"),
            ("queue list 'dead", "cannot be read"),
            ("ps --nonsense", "No such option"),
        ):
            await typed(seat, text)
            await seat.sees(said)
            assert "Traceback" not in seat.text
            seat.app.clear_notifications()


async def test_words_are_completed() -> None:
    async with seated() as seat:
        await seat.press("colon")
        await seat.until(lambda: "recreate" in seat.lines[-2])
        await seat.type("que")
        await seat.until(lambda: seat.lines[-2].strip() == "queue")
        await seat.press("tab")
        await seat.type("re")
        await seat.until(lambda: "resume" in seat.lines[-2])
        await seat.press("escape")
        await seat.until(lambda: "resume" not in seat.lines[-2])


async def test_a_word_is_completed_however_fast_one_types_on() -> None:
    async with seated() as seat:
        await seat.press("colon")
        await seat.until(lambda: seat.app.screen.query("CommandLine Input"))
        await seat.press(*"vol", "tab", *"--json")
        await seat.until(lambda: seat.lines[-1].strip() == ":volumes --json")


async def test_earlier_commands_come_back() -> None:
    async with seated() as seat:
        await typed(seat, "volumes")
        await seat.sees("postgres_data")
        await seat.press("colon")
        await seat.until(lambda: seat.app.screen.query("CommandLine Input"))
        await seat.press("up")
        await seat.until(lambda: ":volumes" in seat.lines[-1].replace(" ", ""))
        await seat.press("down", "escape")


async def test_a_read_only_console_changes_nothing() -> None:
    async with seated(read_only=True) as seat:
        await typed(seat, "queue retry --all dead")
        await seat.sees("read-only")
        assert not seat.runner.done


async def test_a_reveal_is_recorded_before_anything_is_shown() -> None:
    async with seated() as seat:
        await typed(seat, f"queue show {job_id(30_000)} --reveal")
        await seat.did(Verb.REVEAL, f"job {job_id(30_000)}")
        await seat.sees("123480000")


async def test_what_is_wrong_with_a_command_and_what_to_do_are_two_sentences() -> None:
    async with seated() as seat:
        await typed(seat, "queue list --state dead")
        await seat.sees("No such option: --state. leadsctl queue list --help")
        await seat.misses("hint:")
