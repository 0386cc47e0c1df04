"""Starts what is measured as processes of its own, and ends each by its own process id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from tests import servers
from tests.bench.harness import ROOT, MissingError

TAIL = 1_500
"""Characters of a log shown when its process failed to start."""


def python(*args: str) -> list[str]:
    """A command line for this interpreter."""
    return [sys.executable, *args]


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """A small environment: nothing the caller's shell has set may change a measurement."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | dict(extra)


@contextlib.contextmanager
def running(command: Sequence[str], extra: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose output goes to `log`; SIGTERM at the end, killed if it does not listen."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            list(command),
            env=environment(extra),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL for what is left of its family after 20 s."""
    family = _family(process.pid)
    servers.stop(process, signal.SIGTERM)
    _gone, left = psutil.wait_procs(family, timeout=2)
    for child in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9 of a process and its children."""
    family = _family(process.pid)
    servers.stop(process, signal.SIGKILL)
    for child in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


def memory_bytes(process: subprocess.Popen[bytes]) -> int:
    """Resident memory of a process and its children."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in (psutil.Process(process.pid), *_family(process.pid)):
            total += one.memory_info().rss
    return total


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """Processor time that a process and its children have used so far."""
    total = 0.0
    for one in (psutil.Process(process.pid), *_family(process.pid)):
        used = one.cpu_times()
        total += used.user + used.system
    return total


def await_http(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until `url` answers 200. MissingError with the log's end if the process ends before."""

    def answers() -> bool:
        if process.poll() is not None:
            raise MissingError(f"{process.args!r} ended with {process.returncode}: {tail(log)}")
        try:
            with urllib.request.urlopen(url, timeout=1) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    servers.wait_until(answers, url)


def run(command: Sequence[str], extra: Mapping[str, str], what: str) -> str:
    """Run to the end; what it printed. MissingError naming `what` if it fails."""
    done = subprocess.run(
        list(command),
        env=environment(extra),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MissingError(f"{what} failed with {done.returncode}: {(done.stderr or done.stdout).strip()[-TAIL:]}")
    return done.stdout


def tail(log: Path) -> str:
    """The end of a log."""
    return log.read_text(errors="replace")[-TAIL:].strip()


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
