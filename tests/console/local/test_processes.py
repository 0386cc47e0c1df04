"""Records of processes, the launcher, ending groups, measuring trees."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from console.stack.local import launch
from console.stack.local.config import launcher
from console.stack.local.processes import MARK, Record, end, gone, group_of, read_record
from console.stack.local.usage import UsageMeter
from tests.console.local.stacks import DEAF_GROUP, runs, until
from tests.servers import wait_until


def me() -> Record:
    return Record(pid=os.getpid(), mark=launch.start_mark(os.getpid()), at=time.time())


def test_a_record_knows_its_process_and_no_other() -> None:
    assert me().alive()
    assert not msgspec.structs.replace(me(), mark="another boot:1").alive()
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL) as ended:
        record = Record(pid=ended.pid, mark="x", at=time.time())
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert not record.alive(), "a zombie is no running process"


def test_the_launcher_counts_starts(tmp_path: Path) -> None:
    for _ in range(3):
        launch.record(tmp_path / "a.proc", "digest")
    found = read_record(tmp_path / "a.proc")
    assert found is not None
    assert (found.pid, found.starts, found.digest) == (os.getpid(), 3, "digest")
    assert found.alive()
    assert stat.S_IMODE((tmp_path / "a.proc").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}'])
def test_a_record_that_makes_no_sense_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.proc").write_bytes(content)
    assert read_record(tmp_path / "a.proc") is None
    launch.record(tmp_path / "a.proc", "")
    assert read_record(tmp_path / "a.proc") is not None


def test_the_launcher_becomes_what_the_spec_says(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "in").write_text("from a file")
    code = "import os,sys; print(sys.stdin.read(), os.getcwd(), sorted(os.environ), os.umask(0))"
    spec = {
        "argv": [sys.executable, "-c", code],
        "env": {"A": "1", "LC_CTYPE": "C.UTF-8"},
        "cwd": str(tmp_path / "run"),
        "user": "",
        "stdin": "in",
        "digest": "d",
    }
    (tmp_path / "run" / "x.spec").write_text(json.dumps(spec))
    done = subprocess.run([*launcher(), "x"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"from a file {tmp_path / 'run'} ['A', 'LC_CTYPE'] {0o077}\n"
    record = read_record(tmp_path / "run" / "x.proc")
    assert record is not None
    assert record.digest == "d"


def test_a_spec_that_cannot_be_followed_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run([*launcher(), "x"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 127
    assert done.stderr.startswith("cannot start x: FileNotFoundError")
    assert done.stderr.count("\n") == 1


async def test_ending_reaches_a_deaf_process_and_the_rest_of_its_group() -> None:
    env = {**os.environ, MARK: "token"}
    with subprocess.Popen(
        [sys.executable, "-c", DEAF_GROUP], stdout=subprocess.PIPE, start_new_session=True, env=env
    ) as leader:
        assert leader.stdout is not None
        child = int(leader.stdout.readline())
        record = Record(pid=leader.pid, mark=launch.start_mark(leader.pid), at=time.time())
        assert sorted(group_of(record, "token")) == sorted([leader.pid, child])
        ending = asyncio.create_task(end(record, "token", signal.SIGTERM, 0.2))
        await asyncio.to_thread(leader.wait)
        await ending
    assert not await asyncio.to_thread(runs, child)


async def test_the_group_of_a_dead_leader_is_known_by_its_mark() -> None:
    env = {**os.environ, MARK: "token"}
    with subprocess.Popen(
        [sys.executable, "-c", DEAF_GROUP], stdout=subprocess.PIPE, start_new_session=True, env=env
    ) as leader:
        assert leader.stdout is not None
        child = int(leader.stdout.readline())
        record = Record(pid=leader.pid, mark=launch.start_mark(leader.pid), at=time.time())
        leader.kill()
        leader.wait()
    await until(lambda: group_of(record, "token") == [child], "the child shows its environment")
    assert group_of(record, "another stack") == []
    await end(record, "token", signal.SIGTERM, 1)
    assert await gone([record], 0)
    await until(lambda: not runs(child), "the child has ended")


def test_a_tree_is_measured_with_its_children() -> None:
    busy = "print(1, flush=True)\nwhile 1: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True) as root:
        try:
            assert root.stdout is not None
            root.stdout.readline()
            meter = UsageMeter()
            first = meter.measure([root.pid, 2**22 + 1])
            assert list(first) == [root.pid]
            assert first[root.pid].cpu_percent is None
            (child,) = psutil.Process(root.pid).children()
            worked = child.cpu_times().user
            # On a busy machine it may have to wait for its turn.
            wait_until(lambda: child.cpu_times().user > worked + 0.2, "its work")
            usage = meter.measure([root.pid])[root.pid]
            assert usage.cpu_percent is not None
            assert usage.cpu_percent > 0
            assert usage.memory_bytes > 4_000_000
        finally:
            os.killpg(root.pid, signal.SIGKILL)
