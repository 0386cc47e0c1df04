"""Remembers what Compose made of a stack's files, so that a command need not run Compose when none of them changed.

A plan is remembered under a digest of all that Compose makes it from: the files, `.env`, the sources of the images, the
variables of the environment that the files name, and the program itself. It holds no settings, only digests of them.
Files that lead to further ones (include, extends, env_file) are not remembered.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from console.keeping import replace_file
from console.stack.docker.compose import candidates, plugins
from console.stack.docker.files import StackFiles
from console.stack.docker.plan import Plan

KEPT = 20
"""Plans kept, of the stacks that were looked at last."""
_FURTHER = re.compile(rb"\b(include|extends|env_file)\b[\"']?\s*:")
_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
_ALWAYS = ("COMPOSE_", "DOCKER_")
_ALSO = frozenset({"HOME"})


class PlanBook:
    """The plans in one file of this user. What cannot be read or written is let be."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, key: str) -> Plan | None:
        """The plan under that key, None where there is none."""
        return self._read().get(key) if key else None

    def keep(self, key: str, plan: Plan) -> None:
        """Remember a plan, for the next program that asks."""
        if not key:
            return
        book = {name: one for name, one in self._read().items() if name != key}
        kept = dict([*book.items(), (key, plan)][-KEPT:])
        with contextlib.suppress(OSError):
            replace_file(self._path, msgspec.json.encode(kept))

    def _read(self) -> dict[str, Plan]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Plan])
        except (OSError, msgspec.MsgspecError, UnicodeError):
            return {}


def key(stack: StackFiles, project: str, stamp: object, env: Mapping[str, str] | None = None) -> str:
    """What a plan is remembered under; "" where it cannot be. `stamp` changes with each file's name, time and size.

    Raises:
        OSError: a file cannot be read.
    """
    texts = [path.read_bytes() for path in stack.files]
    if any(_FURTHER.search(text) for text in texts):
        return ""
    if stack.env_file.is_file():
        texts.append(stack.env_file.read_bytes())
    given = os.environ if env is None else env
    named = {word.decode() for text in texts for word in _NAME.findall(text)} | _ALSO
    seen = sorted((name, value) for name, value in given.items() if name in named or name.startswith(_ALWAYS))
    told = (project, stamp, seen, sorted(_programs()))
    return hashlib.sha256(repr(told).encode(errors="surrogateescape")).hexdigest()


def _programs() -> Iterable[tuple[str, int, int]]:
    """The programs that may be Compose, and docker's plugins for it, as they are now."""
    for path in {Path(shutil.which(words[0]) or words[0]) for words in candidates()} | set(plugins()):
        with contextlib.suppress(OSError):
            seen = path.stat()
            yield str(path), seen.st_mtime_ns, seen.st_size
