"""Runs wrk on a file of requests and reads what it found."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.bench.harness import MissingError

SCRIPT = Path(__file__).with_name("wrk.lua")
MAX_PER_S = 45_000
"""Requests a second to have ready: a faster server makes `load` say so."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk saw. `answered` counts 2xx and 3xx; latencies are seconds; errors are counts."""

    answered: int
    duration_s: float
    refused: int
    broken: int
    timed_out: int
    p50_s: float
    p99_s: float
    max_s: float

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.answered / self.duration_s

    @property
    def errors(self) -> int:
        """Whatever was no good answer."""
        return self.refused + self.broken + self.timed_out


def find() -> str:
    """Where wrk is. MissingError that says how to get it."""
    path = shutil.which("wrk")
    if path is None:
        raise MissingError("wrk is missing: apt-get install wrk (Debian, Ubuntu), brew install wrk (macOS)")
    return path


def load(port: int, requests: Path, connections: int, seconds: int) -> Load:
    """One thread, so many connections for so many seconds, each request of the file sent once.

    Raises:
        MissingError: the file held too few requests, or wrk failed.
    """
    done = subprocess.run(
        [
            find(), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
            "-s", str(SCRIPT), f"http://127.0.0.1:{port}", "--", str(requests),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    line = next((text for text in done.stdout.splitlines() if text.startswith("{")), "")
    if done.returncode or not line:
        raise MissingError(f"wrk failed with {done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}")
    found = json.loads(line)
    if found["exhausted"]:
        raise MissingError(f"more than {MAX_PER_S} requests a second: raise MAX_PER_S in {__name__}")
    return Load(
        answered=found["requests"] - found["status"],
        duration_s=found["duration_us"] / 1e6,
        refused=found["status"],
        broken=found["socket"],
        timed_out=found["timeout"],
        p50_s=found["p50_us"] / 1e6,
        p99_s=found["p99_us"] / 1e6,
        max_s=found["max_us"] / 1e6,
    )
