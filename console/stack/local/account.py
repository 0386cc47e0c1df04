"""Owns whom Postgres and Redis run as when the console runs as root: an unprivileged account that is in passwd."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from console.errors import StackError

ACCOUNT = "leadsctl"
_OTHERS = ("postgres", "nobody")


def choose() -> str:
    """The account's name, "" when not root: then everything runs as whoever calls. May create the account.

    Raises:
        StackError: root, and there is no account to be had.
    """
    if os.geteuid() != 0:
        return ""
    if not _known(ACCOUNT):
        _create()
    for name in (ACCOUNT, *_OTHERS):
        if _known(name):
            return name
    raise StackError(
        "Postgres refuses to run as root, and there is no unprivileged account to run it as",
        f"create one: useradd --system --no-create-home --shell /usr/sbin/nologin {ACCOUNT}",
    )


def closed_to(user: str, path: Path) -> Path | None:
    """The first directory on the way to `path` that the account cannot enter, outermost first; None if all are open."""
    entry = pwd.getpwnam(user)
    groups = set(os.getgrouplist(user, entry.pw_gid))
    for folder in reversed(path.resolve().parents):
        found = folder.stat()
        if found.st_uid == entry.pw_uid:
            enters = found.st_mode & stat.S_IXUSR
        elif found.st_gid in groups:
            enters = found.st_mode & stat.S_IXGRP
        else:
            enters = found.st_mode & stat.S_IXOTH
        if not enters:
            return folder
    return None


def demand_way(user: str, path: Path) -> None:
    """Check that the account, if there is one, can get to `path`.

    Raises:
        StackError: it cannot.
    """
    if user and (folder := closed_to(user, path)):
        raise StackError(
            f"{folder} is closed to {user}, who runs Postgres", "choose a directory outside of it with --dir"
        )


def own(path: Path, user: str) -> None:
    """Give a file or directory to the account; nothing to do without one."""
    if user:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _known(name: str) -> bool:
    try:
        return pwd.getpwnam(name).pw_uid != 0
    except KeyError:
        return False


def _create() -> None:
    """Try to; whether it worked shows in passwd (two at once: one of them is told that it exists)."""
    tool = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if tool is None:
        return
    subprocess.run(
        [tool, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT],
        stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20,
    )  # fmt: skip
