"""Development only: runs a shell command and runs it anew when a Python or SQL file under a folder changes.

Usage: reload.py FOLDER COMMAND. Standard library only: it is mounted into the image, which has no file watcher.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

POLL_S = 0.5
GRACE_S = 10.0
SUFFIXES = (".py", ".sql", ".lua")


def stamp(folder: Path) -> tuple[tuple[str, int], ...]:
    """Path and modification time (ns) of every source file under the folder."""
    found = []
    for root, _, names in os.walk(folder):
        for name in names:
            if name.endswith(SUFFIXES):
                path = os.path.join(root, name)  # noqa: PTH118 - a walk every half second: Path objects cost
                try:
                    found.append((path, os.stat(path).st_mtime_ns))  # noqa: PTH116
                except FileNotFoundError:
                    continue
    return tuple(sorted(found))


def stop(child: subprocess.Popen[bytes]) -> None:
    """Ask the child to end, and end it when it does not within the grace period."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def run(folder: Path, command: str, told_to_end: list[int]) -> None:
    """Run the command, restarting it at each change, until a signal is in `told_to_end`."""
    while not told_to_end:
        seen = stamp(folder)
        child = subprocess.Popen(["sh", "-c", command])
        try:
            while not told_to_end and stamp(folder) == seen:
                time.sleep(POLL_S)
        finally:
            stop(child)
        if not told_to_end:
            sys.stderr.write("reload: a source file changed\n")


def main(folder: str, command: str) -> None:
    """Run the command until SIGTERM or SIGINT."""
    told_to_end: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        # Only noted: an exception could come after the command was started and before anybody knows it to stop it.
        told_to_end.append(number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    run(Path(folder), command, told_to_end)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
