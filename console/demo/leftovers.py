"""Owns the demo's directories: makes one that says whose it is, and removes those whose owner was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.errors import ConsoleError, StackError
from console.stack.local.account import choose, closed_to
from console.stack.local.conductor import Conductor
from console.stack.local.places import Places, remove_tree
from console.stack.local.tasks import in_thread

PREFIX = "leadsctl-demo-"
_MARKER = "demo.lock"
_YOUNG_S = 60.0


@contextmanager
def demo_directory() -> Iterator[Path]:
    """A fresh directory, marked as in use for as long as this process lives, and removed at the end.

    The mark is a lock: the kernel takes it away however the process ends, so nobody has to guess from process ids.
    """
    base = _bases()[0]
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    unseen = folder / f"{_MARKER}.new"
    marker = os.open(unseen, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(marker, fcntl.LOCK_EX)
        # Only now under its name, and locked until all is gone: others take one without a lock for a killed console's.
        unseen.rename(folder / _MARKER)
        try:
            yield folder
        finally:
            _remove(folder)
    finally:
        os.close(marker)


def _remove(folder: Path) -> None:
    try:
        remove_tree(folder)
    except OSError as error:
        raise StackError(f"{folder} cannot be removed: {error.strerror}", "remove it by hand") from error


async def clear_leftovers() -> int:
    """End and remove the demos of this user whose console was killed; how many there were."""
    cleared = 0
    for base in _bases():
        for folder in sorted(base.glob(f"{PREFIX}*")):
            with contextlib.suppress(OSError, ConsoleError):
                cleared += await _clear(folder)
    return cleared


async def _clear(folder: Path) -> bool:
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return False
    try:
        marker = os.open(folder / _MARKER, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        # Killed before it could be marked, or being made this very moment.
        if time.time() - found.st_mtime < _YOUNG_S:
            return False
        await in_thread(remove_tree, folder)
        return True
    try:
        fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        await remove_demo(folder)
        return True
    finally:
        os.close(marker)


async def remove_demo(folder: Path) -> None:
    """End whatever runs in a demo's directory, whoever may be changing it, and remove it."""
    await Conductor(Places(folder), {}, lambda _: None).down(volumes=False)
    await in_thread(remove_tree, folder)


def _bases() -> list[Path]:
    """Where temporary directories may lie; those first that the database's account can enter."""
    bases = list(dict.fromkeys(Path(name) for name in (tempfile.gettempdir(), "/tmp", "/var/tmp")))  # noqa: S108
    bases = [base for base in bases if base.is_dir() and os.access(base, os.W_OK)]
    user = choose()
    if user:
        bases.sort(key=lambda base: closed_to(user, base / "x") is not None)
    if not bases:
        raise StackError("there is no temporary directory to write to", "set TMPDIR")
    return bases
