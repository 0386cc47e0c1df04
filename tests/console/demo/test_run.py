"""The whole demo: it adds up, and leaves nothing behind however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from api.models import Accounting, Outcome, QueueSnapshot
from console.demo.leftovers import clear_leftovers
from console.demo.run import CHECK_FAILED, Report
from console.demo.session import DemoSession
from console.session import Session
from console.snapshots import Progress, StackSnapshot

COMMAND = [sys.executable, "-m", "console", "demo", "--seed", "1"]


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A TMPDIR of the test's own."""
    folder = Path(tempfile.mkdtemp(prefix="leadsctl-test-"))
    folder.chmod(0o711)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    monkeypatch.setattr(tempfile, "tempdir", None)
    shutil.rmtree(folder)


def processes_in(folder: Path) -> list[str]:
    """Commands of running processes whose directory, command or environment lies in `folder`, but for the console's."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = " ".join(process.cmdline())
            inside = process.cwd().startswith(str(folder)) or str(folder) in command
            if inside and process.status() != psutil.STATUS_ZOMBIE:
                found.append(command)
    return found


@contextlib.asynccontextmanager
async def console(*options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *options, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        process._transport.close()  # type: ignore[attr-defined]  # what a killed one's children hold open


async def until_it_says(process: asyncio.subprocess.Process, text: str) -> None:
    assert process.stderr is not None
    async with asyncio.timeout(60):
        seen = b""
        while text.encode() not in seen:
            line = await process.stderr.readline()
            assert line, f"{text!r} was never said: {seen!r}"
            seen += line


async def ended(process: asyncio.subprocess.Process) -> str:
    """What is still said on standard error until the end."""
    async with asyncio.timeout(60):
        _, rest = await process.communicate()
    return rest.decode()


async def test_a_run_adds_up_and_leaves_nothing(temporary: Path) -> None:
    async with console("--leads", "300", "--json") as process:
        out, _ = await asyncio.wait_for(process.communicate(), 100)
    document = json.loads(out)
    assert process.returncode == 0
    assert document["ok"] is True
    assert document["leads_answered_200"] == 300
    assert document["accounting"]["accepted"] == 300
    assert document["accounting"]["dead"] == document["unreadable_leads"] == 2
    assert document["accounting"]["deliveries"]["stored"] == 298
    assert document["queue"]["duplicates"] >= document["duplicates_sent"] > 0
    assert {service["state"] for service in document["stack"]["services"]} == {"healthy"}
    assert list(temporary.iterdir()) == []
    assert processes_in(temporary) == []


@pytest.mark.parametrize(
    ("which", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
async def test_a_signal_under_way_ends_everything(temporary: Path, which: signal.Signals, code: int) -> None:
    async with console("--leads", "100000") as process:
        await until_it_says(process, "leads")
        process.send_signal(which)
        process.send_signal(which)
        rest = await ended(process)
    assert "the demo has ended" in rest
    assert "Traceback" not in rest
    assert process.returncode == code
    assert list(temporary.iterdir()) == []
    assert processes_in(temporary) == []


@pytest.mark.parametrize("said", ["preparing", "starting", "db: ready", "app: starting"])
async def test_a_signal_during_the_start_ends_everything(temporary: Path, said: str) -> None:
    async with console() as process:
        await until_it_says(process, said)
        process.terminate()
        rest = await ended(process)
    assert "Traceback" not in rest
    assert process.returncode == 143
    assert list(temporary.iterdir()) == []
    assert processes_in(temporary) == []


async def test_nobody_listening_to_its_progress_changes_nothing(temporary: Path) -> None:
    async with console("--leads", "30") as process:
        await until_it_says(process, "starting")
        process._transport.get_pipe_transport(2).close()  # type: ignore[attr-defined]
        assert process.stdout is not None
        async with asyncio.timeout(120):
            told = (await process.stdout.read()).decode()
            await process.wait()
    assert process.returncode == 0
    assert "adds up" in told
    assert list(temporary.iterdir()) == []
    assert processes_in(temporary) == []


async def test_the_next_demo_clears_away_one_whose_console_was_killed(temporary: Path) -> None:
    async with console("--leads", "100000") as process:
        await until_it_says(process, "leads")
        process.kill()
        await process.wait()
    assert len(list(temporary.iterdir())) == 1
    assert len(processes_in(temporary)) >= 3
    assert await clear_leftovers() >= 1
    assert list(temporary.iterdir()) == []
    assert processes_in(temporary) == []


async def test_a_demo_that_runs_is_left_alone(temporary: Path) -> None:
    async with console("--leads", "100000") as process:
        await until_it_says(process, "leads")
        before = list(temporary.iterdir())
        await clear_leftovers()
        assert list(temporary.iterdir()) == before
        process.terminate()
        await ended(process)


async def test_what_only_looks_like_a_demo_is_left_alone(temporary: Path) -> None:
    (temporary / "leadsctl-demo-file").touch()
    (temporary / "leadsctl-demo-young").mkdir()
    (temporary / "elsewhere").mkdir()
    (temporary / "leadsctl-demo-link").symlink_to(temporary / "elsewhere")
    old = temporary / "leadsctl-demo-old"
    old.mkdir()
    os.utime(old, (1, 1))
    await clear_leftovers()
    left = sorted(path.name for path in temporary.iterdir())
    assert left == ["elsewhere", "leadsctl-demo-file", "leadsctl-demo-link", "leadsctl-demo-young"]


async def test_a_session_shows_a_living_stack(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("META_APP_SECRET", "of another stack")
    monkeypatch.setenv("DATABASE_URL", "postgresql://of.another/stack")
    said: list[Progress] = []
    async with (
        DemoSession(rate=50.0, seed=3, on_step=said.append) as demo,
        Session(demo.settings, demo.runtime) as session,
    ):
        assert "META_APP_SECRET" not in os.environ
        async with asyncio.timeout(60):
            # The forms' names are read as well, beside the first leads: these may be stored without.
            while not any(lead.form_name for lead in (await session.leads.read()).latest if lead.source == "meta"):
                await asyncio.sleep(0.1)
        assert (await session.sender.test({})).ok, "its own secret is known to the console"
        assert Path(session.backup_wanted()["directory"]).is_relative_to(temporary), "it goes with the demo"
        before = demo.traffic.sent.leads
        stopped = [step async for step in demo.runtime.stop(["app"])]
        assert stopped[-1].ok
        refused = demo.traffic.sent.refused
        async with asyncio.timeout(60):
            while demo.traffic.sent.refused == refused:
                await asyncio.sleep(0.05)
        assert [step async for step in demo.runtime.start(["app"])][-1].ok
        async with asyncio.timeout(60):
            while demo.traffic.sent.leads <= before + 20:
                await asyncio.sleep(0.05)
        url = demo.graph.url
    assert os.environ["META_APP_SECRET"] == "of another stack"
    assert said[-1].text == "the demo has ended"
    assert list(temporary.iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))


async def test_a_start_that_fails_leaves_nothing(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from console.errors import StackError

    monkeypatch.setenv("LEADSCTL_REDIS_BIN", "/bin/false")
    with pytest.raises(StackError, match="LEADSCTL_REDIS_BIN"):
        async with DemoSession():
            pass
    assert list(temporary.iterdir()) == []


def report(**changes: object) -> Report:
    accounting = Accounting(
        accepted=10, ready=0, in_flight=0, retry=0, dead=1, deliveries={Outcome.STORED: 9}, **changes.pop("more", {})
    )  # type: ignore[arg-type]
    fields = {
        "taken": 10,
        "repeated": 1,
        "hopeless": 1,
        "settled": True,
        "seconds": 1.0,
        "accounting": accounting,
        "queue": QueueSnapshot(taken_at=0),
        "stack": StackSnapshot("local", "leads", "", (), 0.0),
    }
    return Report(**(fields | changes))  # type: ignore[arg-type]


def test_only_what_adds_up_is_a_success(capsys: pytest.CaptureFixture[str]) -> None:
    from console.cli.output import Output
    from console.demo.run import show

    assert report().adds_up
    for wrong in (report(taken=11), report(settled=False), report(more={"missing": ("#3 meta:12345",)})):
        assert not wrong.adds_up
        show(Output(sys.stdout), wrong)
        assert "✖ It does not add up" in capsys.readouterr().out
    show(Output(sys.stdout), report(more={"missing": ("#3 meta:12345",)}))
    assert "#3 meta:12345" in capsys.readouterr().out
    assert CHECK_FAILED == 4
