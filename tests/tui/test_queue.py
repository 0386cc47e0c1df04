"""Screen 3: listing, filtering, and every verb on jobs."""

from __future__ import annotations

import json

import pytest
from textual.widgets import TextArea

from api.models import JobState
from console.ports import Verb
from console.tui.screens.queue import Queue
from console.tui.screens.trace import TracePage
from tests.tui.conftest import WIDE, Seat, opened
from tests.tui.fakes import World, job_id


def stuck(n: int) -> str:
    """The id of the n-th stuck job."""
    return job_id(30_000 + n)


def page(seat: Seat) -> Queue:
    assert isinstance(seat.app.page, Queue)
    return seat.app.page


async def at_queue(seat: Seat) -> None:
    await seat.press("3")
    await seat.sees("worker-2 go")


async def confirmed(seat: Seat, key: str) -> None:
    """Press a key that asks first, and say yes."""
    await seat.press(key)
    await seat.sees("51 jobs in flight")
    await seat.press("tab", "enter")


async def test_it_begins_with_what_is_in_trouble() -> None:
    async with opened() as seat:
        await at_queue(seat)
        for text in ("ready 822", "in flight 51", "retry 3", "stuck 3", "dead 8", "discarded 2", "Stuck"):
            assert text in seat.text
        assert stuck(0) in seat.text, "the details name the job in full"
        assert "Graph 500, code 2" in seat.text
        assert '"leadgen_id":"123480000"' in seat.text


async def test_tabs_by_key_and_by_mouse() -> None:
    async with opened() as seat:
        await at_queue(seat)
        await seat.press("right")
        await seat.sees("Dead")
        assert page(seat).table.key == job_id(40_000)
        await seat.press("left", "left")
        await seat.sees("in 5 s: Graph 403")
        line = seat.lines[2]
        await seat.pilot.click("#states", offset=(line.index("discarded") + 2, 0))
        await seat.sees("Discarded")
        await seat.press("right")
        await seat.sees("Ready")


async def test_the_filter_is_applied_as_it_is_typed() -> None:
    async with opened() as seat:
        await at_queue(seat)
        await seat.press("h", "h", "h", "slash")
        await seat.type("msg_2kwp00003")
        await seat.sees("1 shown")
        await seat.press("enter")
        await seat.sees("/msg_2kwp00003")
        await seat.press("escape")
        await seat.misses("/msg_2kwp00003")
        await seat.sees("100+ shown")


async def test_escape_in_the_filter_gives_back_what_was_there() -> None:
    async with opened() as seat:
        await at_queue(seat)
        await seat.press("slash")
        await seat.type("nothing like it")
        await seat.sees("No job matches nothing like it")
        await seat.press("escape")
        await seat.sees("3 shown")


async def test_retry_takes_the_job_under_the_cursor() -> None:
    async with opened() as seat:
        await at_queue(seat)
        await seat.press("j", "r")
        await seat.did(Verb.RETRY, stuck(1))
        await seat.sees("2 shown")
        assert page(seat).table.key == stuck(2), "the row in its place"


async def test_retry_takes_the_selected_jobs() -> None:
    async with opened() as seat:
        await at_queue(seat)
        await seat.press("space", "space")
        await seat.sees("2 selected")
        await seat.press("r")
        await seat.did(Verb.RETRY, stuck(0), stuck(1))
        await seat.sees("1 shown")
        assert not page(seat).table.selected


async def test_retry_all_asks_and_names_how_many() -> None:
    async with opened() as seat:
        await at_queue(seat)
        await seat.press("R")
        await seat.sees("Retry all 3 stuck jobs?")
        await seat.sees("51 jobs in flight")
        await seat.press("right", "enter")
        action = await seat.did(Verb.RETRY_MATCHING)
        assert action.args == {"state": "stuck", "match": ""}
        await seat.sees("Nothing is stuck.")


async def test_retry_all_keeps_to_the_filter() -> None:
    async with opened() as seat:
        await at_queue(seat)
        await seat.press("right", "slash")
        await seat.type("code 190")
        await seat.press("enter", "R")
        await seat.sees("Retry all dead jobs that match code 190?")
        await seat.press("escape")
        assert seat.runner.done == []


async def test_discard_asks_names_the_lead_and_can_be_undone() -> None:
    async with opened() as seat:
        await at_queue(seat)
        await seat.press("X")
        await seat.sees("Discard job 01J9…2M4X0V?")
        await seat.sees("meta 123480000 will not be stored.")
        await seat.sees("51 jobs in flight")
        await seat.press("enter")
        await seat.misses("will not be stored")
        assert seat.runner.done == [], "the focus was on Cancel"
        await confirmed(seat, "X")
        await seat.did(Verb.DISCARD, stuck(0))
        await seat.sees("2 shown")
        await seat.press("U")
        await seat.did(Verb.UNDO, stuck(0))


async def test_undo_among_the_discarded_takes_the_one_under_the_cursor() -> None:
    async with opened() as seat:
        await at_queue(seat)
        await seat.press("right", "right")
        await seat.sees("Discarded")
        await seat.until(lambda: page(seat).table.key == job_id(50_000))
        await seat.press("X")
        await seat.press("U")
        await seat.did(Verb.UNDO, job_id(50_000))
        assert len(seat.runner.done) == 1


async def test_only_what_can_be_done_in_that_state_is_hinted_and_the_rest_says_why_not() -> None:
    async with opened(size=WIDE) as seat:
        await at_queue(seat)

        def hinted() -> set[str]:
            return {key for key in ("r", "R", "e", "X", "D", "U", "p") if f" {key} " in seat.lines[-1]}

        await seat.until(lambda: hinted() == {"r", "R", "e", "X", "D", "p"}, "all but undo for what is stuck")
        page(seat).open(JobState.READY)
        await seat.until(lambda: hinted() == {"e", "X", "D", "p"})
        await seat.sees("100+ shown")
        await seat.press("R")
        await seat.sees("Ready waits for a worker: nothing to retry.")
        page(seat).open(JobState.IN_FLIGHT)
        await seat.until(lambda: hinted() == {"p"})
        await seat.sees("51 shown")
        await seat.press("X")
        await seat.sees("A worker is at it. It ends by itself, or gets stuck.")
        page(seat).open(JobState.DISCARDED)
        await seat.until(lambda: hinted() == {"r", "R", "e", "U", "p"})
        await seat.sees("2 shown")
        await seat.press("X")
        await seat.sees("Discarded already. U takes it back.")
        page(seat).open(JobState.DEAD, "nothing like it")
        await seat.sees("No job matches")
        await seat.press("R")
        await seat.sees("No dead job is listed.")
        await seat.until(lambda: hinted() == {"p"}, "there is no row to do anything to")
        assert "enter details" not in seat.lines[-1]
        page(seat).open(JobState.DISCARDED, "nothing like it")
        await seat.sees("No job matches")
        await seat.until(lambda: hinted() == {"p"})
        page(seat).open(JobState.DEAD, "")
        await seat.until(lambda: hinted() == {"r", "R", "e", "X", "D", "p"})
        assert seat.runner.done == []


async def test_undo_is_hinted_once_there_is_something_to_undo() -> None:
    async with opened(size=WIDE) as seat:
        await at_queue(seat)
        await seat.misses(" U undo")
        await confirmed(seat, "X")
        await seat.sees(" U undo")
        await seat.press("U")
        await seat.misses(" U undo")


async def test_undo_without_a_discard_does_nothing() -> None:
    async with opened() as seat:
        await at_queue(seat)
        await seat.press("U")
        await seat.sees("Nothing that U can take back.")
        assert seat.runner.done == []


async def discard_all(seat: Seat) -> None:
    """Discard everything in the state that is listed."""
    await confirmed(seat, "D")
    await seat.did(Verb.DISCARD_MATCHING)
    await seat.until(lambda: page(seat).discards)


async def test_undo_takes_back_one_discard_after_the_other_also_of_many() -> None:
    async with opened() as seat:
        await at_queue(seat)
        await confirmed(seat, "X")
        await seat.sees("2 shown")
        await discard_all(seat)
        await seat.sees("Nothing is stuck.")
        await seat.press("U")
        await seat.did(Verb.UNDO, stuck(1), stuck(2))
        await seat.until(lambda: len(page(seat).discards) == 1)
        await seat.press("U")
        await seat.did(Verb.UNDO, stuck(0))
        await seat.until(lambda: not page(seat).discards)
        await seat.press("U")
        await seat.sees("Nothing that U can take back.")


async def test_what_was_discarded_before_it_failed_can_be_taken_back() -> None:
    async with opened() as seat:
        await at_queue(seat)
        seat.runner.breaks = True
        await discard_all(seat)
        await seat.press("U")
        await seat.did(Verb.UNDO, stuck(0), stuck(1), stuck(2))
        await seat.until(lambda: not seat.app.known.doing)
        assert page(seat).discards, "where nothing answered it still can be"
        seat.runner.breaks = False
        await seat.press("U")
        await seat.until(lambda: not page(seat).discards)


async def test_a_job_whose_discard_was_refused_is_not_taken_back() -> None:
    async with opened() as seat:
        await at_queue(seat)
        seat.runner.refuses = frozenset({stuck(1)})
        await seat.press("space", "space", "space")
        await confirmed(seat, "X")
        await seat.sees("2 jobs discarded")
        await seat.until(lambda: page(seat).discards)
        await seat.press("U")
        await seat.did(Verb.UNDO, stuck(0), stuck(2))


async def test_a_discard_too_big_for_undo_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.tui.screens.jobverbs.UNDONE_MOST", 2)
    async with opened() as seat:
        await at_queue(seat)
        await discard_all(seat)
        await seat.press("U")
        await seat.sees("Too many for U")
        await seat.until(lambda: not page(seat).discards)
        assert [action.verb for action in seat.runner.done] == [Verb.DISCARD_MATCHING]


async def test_edit_then_retry() -> None:
    async with opened(size=WIDE) as seat:
        await at_queue(seat)
        await seat.press("right")
        await seat.sees("8 shown")
        await seat.press("e")
        await seat.sees("ctrl+s save and retry")
        assert seat.runner.done[0].verb is Verb.REVEAL, "editing shows the payload: that is recorded"
        editor = seat.app.screen.query_one("#payload", TextArea)
        editor.move_cursor(editor.document.end)
        await seat.press("x")
        await seat.sees("✖")
        await seat.press("ctrl+s")
        assert editor.is_attached, "what is not valid is not kept"
        await seat.press("backspace", "backspace")
        await seat.type(',"note":"fixed"}')
        await seat.sees("● valid JSON, changed")
        await seat.press("ctrl+s")
        edited = await seat.did(Verb.EDIT, job_id(40_000))
        assert json.loads(edited.args["payload"])["note"] == "fixed"
        assert "\n" not in edited.args["payload"]
        await seat.did(Verb.RETRY, job_id(40_000))
        await seat.sees("f follow the retried")
        await seat.press("f")
        await seat.until(lambda: isinstance(seat.app.screen, TracePage))
        assert f"trace {job_id(40_000)}" in seat.app.known.recent


async def test_an_edited_stuck_job_is_ready_by_itself() -> None:
    async with opened(size=WIDE) as seat:
        await at_queue(seat)
        await seat.press("e")
        await seat.sees("○ unchanged")
        seat.app.screen.query_one("#payload", TextArea).text = '{"leadgen_id":"1"}'
        await seat.sees("● valid JSON, changed")
        await seat.press("ctrl+s")
        await seat.did(Verb.EDIT, stuck(0))
        await seat.sees("f follow the retried")
        assert [action.verb for action in seat.runner.done] == [Verb.REVEAL, Verb.EDIT]


async def test_a_payload_that_was_not_changed_is_not_saved() -> None:
    async with opened(size=WIDE) as seat:
        await at_queue(seat)
        await seat.press("e")
        await seat.sees("○ unchanged")
        editor = seat.app.screen.query_one("#payload", TextArea)
        await seat.press("ctrl+s")
        await seat.sees("Nothing changed, so nothing is saved.")
        editor.move_cursor(editor.document.end)
        await seat.press("enter", "space")
        await seat.press("ctrl+s")
        assert editor.is_attached, "what stands between the values does not count"
        assert [action.verb for action in seat.runner.done] == [Verb.REVEAL]


async def test_nothing_can_be_followed_before_something_was_retried() -> None:
    async with opened(size=WIDE) as seat:
        await at_queue(seat)
        assert "follow" not in seat.lines[-1]
        await seat.press("f")
        assert not isinstance(seat.app.screen, TracePage)


async def test_leaving_the_editor_changes_nothing() -> None:
    async with opened() as seat:
        await at_queue(seat)
        await seat.press("e")
        await seat.sees("○ unchanged")
        await seat.press("escape")
        await seat.misses("unchanged")
        assert [action.verb for action in seat.runner.done] == [Verb.REVEAL]


async def test_pause_asks_and_resume_does_not() -> None:
    async with opened(size=WIDE) as seat:
        await at_queue(seat)
        await seat.press("p")
        await seat.sees("Pause the queue?")
        await seat.sees("51 jobs in flight")
        await seat.press("tab", "enter")
        await seat.did(Verb.PAUSE)
        await seat.sees("◐ paused")
        await seat.until(lambda: " p resume " in seat.lines[-1])
        await seat.press("p")
        await seat.did(Verb.RESUME)
        await seat.misses("◐ paused")
        await seat.until(lambda: " p pause " in seat.lines[-1])


async def test_payloads_with_personal_data_are_masked_until_revealed() -> None:
    async with opened(size=WIDE) as seat:
        await at_queue(seat)
        await seat.press("right", "j", "j", "j")
        await seat.sees("payload, masked (v reveal)")
        await seat.sees('"email":"c•••@mail.ng"')
        assert "chinedu@mail.ng" not in seat.text
        await seat.press("v")
        await seat.sees("chinedu@mail.ng")
        assert seat.runner.done[0].targets == (f"job {job_id(40_003)}",)
        await seat.press("v")
        await seat.misses("chinedu@mail.ng")


async def test_details_in_full_and_back() -> None:
    async with opened() as seat:
        await at_queue(seat)
        await seat.press("right", "enter")
        await seat.misses("discarded 2 shown")
        await seat.sees(" 8  ")
        await seat.press("escape")
        await seat.sees("8 shown")
        assert page(seat).table.has_focus


async def test_logs_of_a_job() -> None:
    async with opened() as seat:
        await at_queue(seat)
        await seat.press("l")
        await seat.sees(f"/{stuck(0)[:10]}")
        await seat.sees("No line matches")


async def test_the_cursor_stays_on_its_job() -> None:
    world = World()
    async with opened(world) as seat:
        await at_queue(seat)
        await seat.press("right")
        await seat.sees("8 shown")
        await seat.press("j", "j", "j")
        key = page(seat).table.key
        world.jobs_gone |= {job_id(40_000), job_id(40_001)}
        seat.app.action_read_now()
        await seat.sees("6 shown")
        assert page(seat).table.key == key


async def test_pages_come_as_the_cursor_nears_the_end() -> None:
    async with opened() as seat:
        await at_queue(seat)
        page(seat).open(JobState.READY)
        await seat.sees("100+ shown")
        await seat.press("G")
        # The end may be reached once more while a page is drawn.
        await seat.until(lambda: "200+ shown" in seat.text or "230 shown" in seat.text, "another page")
        await seat.press("G")
        await seat.sees("230 shown")
        await seat.press("G")
        assert page(seat).table.key == job_id(229)
        seat.app.action_read_now()
        before = seat.world.reads["jobs"]
        await seat.until(lambda: seat.world.reads["jobs"] > before)
        await seat.pilot.pause()
        assert page(seat).table.key == job_id(229), "reading again keeps what was loaded"
