"""Owns the hidden file in which something large is written until it is whole: who writes it holds a lock on it.

A lock ends with its process, however that ends: a part without one was left by a `kill -9`, and is in nobody's use.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO

from console.errors import ConsoleError

_NAME_LENGTH = 40
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def part_of(target: Path) -> Path:
    """The part of a target. A long name is told by its sum: with more before and after it, it would not be one."""
    name = target.name
    short = name if len(name) <= _NAME_LENGTH else f"{name[:_NAME_LENGTH]}-{sha256(os.fsencode(name)).hexdigest()[:16]}"
    return target.with_name(f".{short}.part")


def begin(part: Path) -> int:
    """The part, empty, open, locked, for its owner only; what a process that was killed left in it is gone.

    Raises:
        BlockingIOError: somebody writes it just now.
        OSError: it cannot be written.
    """
    while True:
        handle = os.open(part, _FLAGS | os.O_CREAT, 0o600)
        try:
            found = _locked(handle)
            if not _mine(found):
                raise FileExistsError(0, "there is a file of the same name that is another's", str(part))
            if _is(part, found):
                if found.st_nlink == 1:
                    os.fchmod(handle, 0o600)
                    os.ftruncate(handle, 0)
                    return handle
                # It is in its place already, and whole: only its second name was left.
                part.unlink()
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def sweep(part: Path) -> None:
    """Remove a part that nobody writes any more."""
    with suppress(OSError):
        handle = os.open(part, _FLAGS)
        try:
            found = _locked(handle)
            if _mine(found) and _is(part, found):
                part.unlink()
        finally:
            os.close(handle)


@contextmanager
def placed(target: Path, *, replace: bool = False) -> Iterator[IO[bytes]]:
    """A file that appears in its place, readable by its owner only, once it is whole.

    Raises:
        ConsoleError: it cannot be written, another process writes it, or one is there meanwhile and not to be replaced.
    """
    part = part_of(target)
    try:
        handle = begin(part)
    except BlockingIOError:
        raise ConsoleError(f"{target} is being written already", "wait for its end, or name another file") from None
    except OSError as error:
        raise ConsoleError(f"{target} cannot be written: {error.strerror}") from error
    try:
        # Unlocked, by being closed, only when the part is in its place or gone: from then on its name may be another's.
        with os.fdopen(handle, "wb") as stream:
            try:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
                _place(part, target, replace=replace)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise ConsoleError(f"{target} cannot be written: {error.strerror}") from error


def _place(part: Path, target: Path, *, replace: bool) -> None:
    if replace:
        part.replace(target)
        return
    try:
        target.hardlink_to(part)
        part.unlink()
    except FileExistsError:
        raise ConsoleError(f"{target} is there already", "it was made meanwhile; name another file") from None
    except OSError:
        # A file system without hard links.
        if target.exists():
            raise ConsoleError(f"{target} is there already", "it was made meanwhile; name another file") from None
        part.replace(target)


def _locked(handle: int) -> os.stat_result:
    """What is open, locked where the file system can. BlockingIOError if somebody else has."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        pass
    return os.fstat(handle)


def _mine(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()


def _is(part: Path, found: os.stat_result) -> bool:
    """Whether the name still stands for what is open: whoever was done with it a moment ago has renamed it."""
    try:
        there = part.lstat()
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (found.st_dev, found.st_ino)
