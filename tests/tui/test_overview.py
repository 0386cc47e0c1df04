"""Screen 1 and the stack's verbs."""

from __future__ import annotations

import asyncio

import pytest

from console.ports import Action, Result, Verb
from console.snapshots import LogLine, State
from console.tui.widgets.mainpanels import NeedsTable
from tests.tui.conftest import WIDE, opened
from tests.tui.fakes import NOW, FakeRunner, World
from tests.tui.test_logs import write


async def test_everything_that_matters_is_on_80_by_24() -> None:
    async with opened() as seat:
        for text in (
            "leads·docker", "● healthy", "stuck 3 dead 8", "18,402 today", "12:04:33", "1 Overview",
            "● app", "3 of 3", "● db", "● redis", "ready", "in flight 51", "3 leads of page 2040 wait",
            "Zoë •••", "z•••@example.nl", "stored", "3 jobs stuck: their worker (worker-2) is gone", "8 dead letters",
            "s stop", "u up", "r restart", "D down", "? help",
        ):  # fmt: skip
            await seat.sees(text)
        assert "zoe@example.nl" not in seat.text, "personal data is masked"
        assert len(seat.lines) == 24


async def test_a_wide_screen_shows_more() -> None:
    async with opened(size=WIDE) as seat:
        for text in (
            "├ ● worker-1", "└ ● worker-3", "restarts", "0.0.0.0:3000→3000", "cpu, 3 min", "▲ in", "▼ out",
            "Last warnings", "graph.limited", "stack live · queue live", "unix:///var/run/docker.sock", "phone",
        ):  # fmt: skip
            await seat.sees(text)


async def test_stop_asks_and_cancel_has_the_focus() -> None:
    async with opened() as seat:
        await seat.press("j", "s")
        await seat.sees("Stop worker?")
        await seat.sees("worker (3 replicas) of leads (docker) will be stopped.")
        await seat.sees("51 jobs in flight: workers get time to finish")
        await seat.sees("[ Cancel ]")
        await seat.press("enter")
        await seat.misses("Stop worker?")
        assert seat.runner.done == []


async def test_stop_is_done_once_yes_was_chosen() -> None:
    async with opened() as seat:
        await seat.press("j", "s")
        await seat.sees("51 jobs in flight")
        await seat.press("tab")
        await seat.sees("[ Stop worker ]")
        await seat.press("enter")
        await seat.did(Verb.STOP, "worker")
        await seat.sees("○ worker")
        await seat.sees("worker is done")
        await seat.press("6")
        await seat.sees("healthy → stopped")


@pytest.mark.parametrize("key", ["escape", "q", "n"])
async def test_a_question_is_left_without_doing_anything(key: str) -> None:
    async with opened() as seat:
        await seat.press("D")
        await seat.sees("Take the stack down?")
        await seat.press("right", "left", key)
        if key == "n":
            await seat.sees("Take the stack down?")
        else:
            await seat.misses("Take the stack down?")
        assert seat.runner.done == []


async def test_yes_cannot_be_chosen_before_the_warnings_are_known() -> None:
    class Slow(FakeRunner):
        async def warnings(self, action: Action) -> tuple[str, ...]:
            await asked.wait()
            return await super().warnings(action)

    asked = asyncio.Event()
    world = World()
    async with opened(world, runner=Slow(world)) as seat:
        await seat.press("D")
        await seat.sees("checking what is at stake")
        await seat.press("tab", "enter")
        await seat.misses("Take the stack down?")
        assert seat.runner.done == []
        asked.set()


async def test_warnings_that_cannot_be_read_are_said_to_be_missing() -> None:
    class Broken(FakeRunner):
        async def warnings(self, action: Action) -> tuple[str, ...]:
            raise RuntimeError("no\x1b[31m idea")

    world = World()
    async with opened(world, runner=Broken(world)) as seat:
        await seat.press("D")
        await seat.sees("What is at stake could not be checked: no idea")


async def test_down_names_everything_that_goes() -> None:
    async with opened() as seat:
        await seat.press("D")
        await seat.sees("leads (docker): app, worker ×3, db, redis will be removed.")
        await seat.sees("Volumes are kept.")
        await seat.sees("51 jobs")
        await seat.press("right", "enter")
        await seat.did(Verb.DOWN)
        await seat.sees("○ stopped")
        await seat.sees("The stack is stopped")


async def test_restart_and_up() -> None:
    world = World(states={"db": State.STOPPED})
    async with opened(world) as seat:
        await seat.sees("○ db")
        await seat.press("r")
        await seat.did(Verb.RESTART, "app")
        await seat.press("j", "j", "u")
        await seat.did(Verb.UP, "db")
        await seat.sees("● db")


async def test_one_replica_is_restarted_under_its_own_row() -> None:
    async with opened(size=(160, 45)) as seat:
        await seat.sees("worker-2")
        await seat.press("j", "j", "j", "r")
        action = await seat.did(Verb.RESTART, "worker")
        assert action.args == {"index": "2"}


async def test_up_on_a_service_that_runs_brings_up_the_rest() -> None:
    async with opened(World(states={"db": State.STOPPED})) as seat:
        await seat.press("u")
        assert (await seat.did(Verb.UP)).targets == ()


async def test_progress_is_shown_while_it_lasts() -> None:
    world = World()
    runner = FakeRunner(world, gate=asyncio.Event())
    async with opened(world, runner=runner) as seat:
        await seat.press("r")
        await seat.sees("◐ restart app  ━━━━━━━━──────── 1 of 2  0 s · app: begun")
        await seat.press("6")
        await seat.sees("under way")
        assert runner.gate is not None
        runner.gate.set()
        await seat.misses("under way")
        await seat.sees("app is done")


async def test_a_failure_says_why_and_what_to_do() -> None:
    world = World()
    refused = Result(ok=False, text="the engine refused", hint="see leadsctl doctor")
    async with opened(world, runner=FakeRunner(world, fails={Verb.RESTART: refused})) as seat:
        await seat.press("r")
        await seat.sees("✖ restart app")
        await seat.sees("the engine refused. See leadsctl doctor")
        await seat.press("6")
        await seat.sees("✖ the engine refused")


async def test_enter_shows_a_service_with_its_replicas() -> None:
    async with opened() as seat:
        await seat.press("j", "enter")
        await seat.sees("3 up of 3 wanted")
        await seat.sees("● worker-2")
        await seat.press("escape")
        await seat.misses("3 up of 3 wanted")


async def test_l_shows_the_logs_of_the_service_alone() -> None:
    async with opened() as seat:
        await seat.press("j", "l")
        await seat.sees("□ app")
        await seat.sees("■ worker")
        await seat.misses("webhook.accepted")


async def test_needs_lead_to_where_they_are() -> None:
    async with opened() as seat:
        await seat.press("tab", "tab", "enter")
        await seat.sees("worker worker-2 go")
        assert seat.app.page is not None
        assert seat.app.page.NAME == "queue"
        assert "Stuck" in seat.text


async def test_a_need_is_healed_where_it_stands() -> None:
    async with opened() as seat:
        await seat.press("tab", "tab", "r")
        action = await seat.did(Verb.RETRY_MATCHING)
        assert action.args == {"state": "stuck", "match": ""}
        await seat.misses("3 jobs stuck")


async def test_a_lead_is_opened_from_the_latest() -> None:
    async with opened() as seat:
        await seat.press("tab", "j", "enter")
        await seat.sees("Chinedu O••• · meta 987668203")
        await seat.sees("trace")


async def test_a_test_lead_is_sent() -> None:
    async with opened() as seat:
        await seat.press("T")
        await seat.did(Verb.SEND)


async def test_failed_services_are_named_first() -> None:
    async with opened(World(states={"worker": State.FAILED})) as seat:
        await seat.sees("✖ failed")
        await seat.sees("✖ worker is failed, out of memory")
        await seat.press("tab", "tab", "r")
        await seat.did(Verb.RESTART, "worker")


async def test_numbers_do_not_move_what_stands_beside_them() -> None:
    world = World()
    async with opened(world) as seat:
        first = seat.lines[0]
        world.jobs_gone.add("nothing")
        seat.app.action_read_now()
        before = seat.app.known.queue.seq
        await seat.until(lambda: seat.app.known.queue.seq > before)
        assert [i for i, c in enumerate(first) if c == "▲"] == [i for i, c in enumerate(seat.lines[0]) if c == "▲"]


async def test_a_shell_gets_the_terminal_and_gives_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as seat:
        driver = seat.app._driver
        assert driver is not None
        told: list[str] = []
        monkeypatch.setattr(type(driver), "can_suspend", True)
        monkeypatch.setattr(driver, "suspend_application_mode", lambda: told.append("given"))
        monkeypatch.setattr(driver, "resume_application_mode", lambda: told.append("back"))
        await seat.press("j", "E")
        await seat.did(Verb.SHELL, "worker")
        await seat.sees("worker is done")
        assert told == ["given", "back"]


async def test_a_terminal_that_cannot_be_given_away_is_said() -> None:
    async with opened() as seat:
        await seat.press("E")
        await seat.sees("this terminal cannot be given")
        assert seat.runner.done == []


async def test_a_read_only_console_has_no_shell() -> None:
    async with opened(read_only=True) as seat:
        await seat.misses("E shell")
        await seat.press("E")
        assert seat.runner.done == []


async def test_a_warning_that_comes_late_is_among_the_last_ones_at_its_time() -> None:
    async with opened(size=WIDE) as seat:
        await write(seat, LogLine(NOW + 9, "app", "app", "ERROR the last one"))
        await seat.sees("the last one")
        await write(seat, LogLine(NOW + 5, "worker", "worker-1", "ERROR a late one"))
        await seat.sees("a late one")
        await write(seat, LogLine(NOW + 10, "app", "app", "INFO nothing to see"))
        await write(seat, LogLine(NOW + 7, "db", "db", "ERROR another late one"), LogLine(NOW + 11, "app", "app", "ok"))
        await seat.sees("another late one")
        told = [
            next(n for n, row in enumerate(seat.lines) if text in row)
            for text in ("the last one", " another ", "a late one")
        ]
        assert told == sorted(told), "newest first"


async def test_the_most_urgent_need_is_in_sight_unless_somebody_is_at_the_list() -> None:
    world = World()
    async with opened(world) as seat:
        await seat.sees("3 jobs stuck")
        world.states["redis"] = State.FAILED
        seat.app.poke()
        await seat.sees("redis is failed")
        needs = seat.app.screen.query_one("#needs", NeedsTable)
        needs.focus()
        await seat.press("j")
        at = needs.key
        world.states["app"] = State.FAILED
        seat.app.poke()
        await seat.until(lambda: "service:app" in needs.keys)
        await seat.pilot.pause()
        assert needs.key == at, "what is acted upon stays under the cursor"
        await seat.press("shift+tab")
        await seat.sees("app is failed")
        assert needs.key == "service:app"
