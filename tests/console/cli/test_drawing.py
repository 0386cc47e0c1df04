"""What is drawn for a person: plain off a terminal, harmless whatever the text, masked, steps as lines."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from api.models import (
    Attempt,
    Delivery,
    Job,
    JobState,
    JobView,
    Lead,
    LeadDetails,
    Notice,
    Outcome,
    PagePause,
    QueueSnapshot,
    WorkerView,
)
from console.cli import records, views
from console.cli.loglines import Filter, LogPrinter
from console.cli.narrate import LiveSteps, Narrator
from console.cli.output import Output
from console.ports import Result
from console.snapshots import LogLine, Progress, Replica, Role, Service, StackSnapshot, State

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVIL = "\x1b[2J\x1b]0;owned\x07[/red]\u202eevil\x9b31m\r\nline"
HARMFUL = set("\x1b\x07\u202e\x9b\r")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def drawn() -> tuple[Output, io.StringIO]:
    stream = io.StringIO()
    return Output(stream), stream


def test_hostile_text_is_harmless_everywhere() -> None:
    output, stream = drawn()
    lead = Lead(
        source=EVIL, external_id=EVIL, received_at=AT, id=1, full_name=EVIL, email=EVIL, phone=EVIL, form_name=EVIL,
        campaign_name=EVIL, page_name=EVIL, platform=EVIL, status=EVIL, fields={EVIL: [EVIL]}, consent={EVIL: True},
    )  # fmt: skip
    job = Job(
        id=EVIL, source=EVIL, external_id=EVIL, payload=EVIL, received_at=1.0, page=EVIL, form=EVIL, request_id=EVIL,
        history=(Attempt(n=1, worker=EVIL, started_at=1.0, error=EVIL),),
    )  # fmt: skip
    view = JobView(job, JobState.DEAD, worker=EVIL, error=EVIL, stuck=EVIL)
    delivery = Delivery(EVIL, 1, EVIL, EVIL, Outcome.STORED, 1, EVIL, AT, AT)
    replicas = tuple(Replica(EVIL, EVIL, State.FAILED, node=EVIL, health=EVIL, exit_code=1) for _ in range(2))
    for reveal in (False, True):
        records.show_leads(output, [lead], reveal=reveal)
        records.show_details(output, LeadDetails(lead, (delivery,)), reveal=reveal)
        records.show_job(output, view, reveal=reveal)
    records.show_jobs(output, [view])
    views.show_stack(output, StackSnapshot("x", "x", "x", (Service(EVIL, Role.OTHER, replicas, ports=(EVIL,)),), 1.0))
    pauses = (PagePause(EVIL, "token", 0.0, EVIL, name=EVIL, next_at=9.0), PagePause(EVIL, EVIL, 9.0, EVIL, name=EVIL))
    views.show_queue(output, QueueSnapshot(1.0, server=EVIL, aof=EVIL, pauses=pauses))
    LogPrinter(output).show(
        [LogLine(1.0, EVIL, EVIL, EVIL), LogLine(1.0, "a", "a", '{"event":"\\u001b[2J","\\u009b":1}')]
    )
    assert "evil" in stream.getvalue()
    assert set(stream.getvalue()) & HARMFUL == set()


def test_a_page_that_waits_for_an_operator_is_named_with_its_next_try() -> None:
    output, stream = drawn()
    pause = PagePause("1029", "token", 0.0, "Session has expired", 3, name="Casa & Co", lead="7", tries=2, next_at=13.0)
    notice = Notice("page:1029", "page Casa & Co (1029): Session has expired", 1, 1.0, 1.0)
    views.show_queue(output, QueueSnapshot(1.0, pauses=(pause,), notices=(notice,)))
    said = " ".join(stream.getvalue().split())
    assert "3 leads of page Casa & Co (1029) wait: Session has expired; tried again in 12 s" in said
    assert "leadsctl queue resume --page 1029" in said
    assert notice.text not in said


def test_a_page_that_is_the_cause_of_it_all_is_named_once() -> None:
    output, stream = drawn()
    pause, worker = PagePause("1029", "limit", 61.0, "Graph 400, code 80005", 3), WorkerView("w", 1.0, alive=True)
    views.show_queue(output, QueueSnapshot(1.0, retry=3, pauses=(pause,), workers=(worker,)))
    assert "page 1029" in stream.getvalue().splitlines()[0]
    assert stream.getvalue().count("1029") == 1


def test_a_service_with_several_replicas_says_which_has_failed() -> None:
    output, stream = drawn()
    replicas = (
        Replica("w1", "worker-1", State.HEALTHY),
        Replica("w2", "worker-2", State.FAILED, exit_code=137, oom_killed=True),
    )
    views.show_stack(output, StackSnapshot("x", "x", "x", (Service("worker", Role.WORKER, replicas, wanted=2),), 1.0))
    lines = stream.getvalue().splitlines()
    assert lines[1].split()[:4] == ["✖", "worker", "1", "of"]
    assert lines[2].split()[:3] == ["worker-1", "●", "healthy"]
    assert lines[3].split()[:3] == ["worker-2", "✖", "failed"]
    assert lines[4] == "◐ worker-2: killed, out of memory"


def test_colour_only_on_a_terminal() -> None:
    for stream, coloured in ((io.StringIO(), False), (Terminal(), True)):
        views.show_queue(Output(stream), QueueSnapshot(1.0, dead=1))
        assert ("\x1b[" in stream.getvalue()) is coloured


def test_log_lines_become_columns_and_keep_what_is_plain() -> None:
    output, stream = drawn()
    printer = LogPrinter(output)
    printer.show([
        LogLine(1.0, "app", "app", '{"level":"info","event":"webhook.accepted","job_id":"J1","why":"two words"}'),
        LogLine(1.0, "worker", "worker-12", "Traceback (most recent call last):", cut=True),
    ])  # fmt: skip
    first, second = stream.getvalue().splitlines()
    assert first.endswith(" app info  webhook.accepted job_id=J1 why='two words'")
    assert second.endswith(" worker-12 Traceback (most recent call last): …cut")


def test_lines_are_filtered_by_level_and_pattern() -> None:
    import re

    info, error = (LogLine(1.0, "a", "a", f'{{"level":"{level}","event":"x"}}') for level in ("info", "error"))
    assert [Filter(level="warn").takes(line) for line in (info, error)] == [False, True]
    assert [Filter(re.compile("err")).takes(line) for line in (info, error)] == [False, True]
    assert [Filter(re.compile("err"), invert=True).takes(line) for line in (info, error)] == [True, False]


async def _steps(*steps: Progress | Result):  # type: ignore[no-untyped-def]
    for step in steps:
        yield step


OK = Result(ok=True, text="done")


async def test_steps_are_lines_off_a_terminal_each_said_once() -> None:
    stream = io.StringIO()
    steps: list[Progress | Result] = [
        Progress("starting", "db"), Progress("starting", "db"), Progress("ready", "db", ok=True),
        *(Progress("leads", done=n, total=100) for n in range(101)), Progress("does not start", "app", ok=False), OK,
    ]  # fmt: skip
    assert await Narrator(stream).follow(_steps(*steps)) == OK
    lines = stream.getvalue().splitlines()
    assert lines[:2] == ["db: starting", "✔ db: ready"]
    assert lines[2:13] == [f"leads {n * 10} of 100" for n in range(11)]
    assert lines[13:] == ["✖ app: does not start"]


async def test_quiet_says_nothing_but_errors() -> None:
    stream = io.StringIO()
    narrator = Narrator(stream, quiet=True)
    assert await narrator.follow(_steps(Progress("starting", "db"), OK)) == OK
    narrator.say("note")
    assert stream.getvalue() == ""
    narrator.error("broken", "mend it")
    assert stream.getvalue() == "leadsctl: broken\nhint: mend it\n"


async def test_steps_move_on_a_terminal_and_end_as_marks() -> None:
    stream = Terminal()
    narrator = Narrator(stream)
    assert isinstance(narrator.steps(), LiveSteps)
    await narrator.follow(_steps(Progress("starting", "db"), Progress("ready \x1b[2J", "db", ok=True), OK))
    assert "db" in stream.getvalue()
    assert "✔" in stream.getvalue()
    assert "\x1b[2J" not in stream.getvalue()
    assert stream.getvalue().endswith("\n") or "\x1b[?25h" in stream.getvalue()
