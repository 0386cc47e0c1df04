"""Becomes one supervised process: records who it is, drops privileges, execs. A plain script of the standard library.

Its working directory is the state directory. `run/NAME.spec` (0600) says what to become, so that no argument and not
the supervisor's environment carries a secret; `run/NAME.proc` says who it became, so that it can be found again by
process id and start time whatever happens to its supervisor.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn


def start_mark(pid: int) -> str:
    """What tells this process from a later one with the same id: boot and start tick. "" where there is no /proc.

    Raises:
        ProcessLookupError: no such process, or only its zombie is left.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            raise ProcessLookupError(pid) from None
        return ""
    # proc(5): the name is in parentheses and may hold any character; state is field 3, starttime field 22.
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":
        raise ProcessLookupError(pid)
    return f"{boot}:{fields[19]}"


def record(path: Path, digest: str) -> None:
    """Write down this process, and how often the service was started since it was last stopped on purpose."""
    try:
        starts = int(json.loads(path.read_bytes())["starts"])
    except (OSError, ValueError, KeyError, TypeError):
        starts = 0
    me = {
        "pid": os.getpid(),
        "mark": start_mark(os.getpid()),
        "at": time.time(),
        "starts": starts + 1,
        "digest": digest,
    }
    fresh = path.with_suffix(".proc.new")
    with open(fresh, "w", encoding="ascii", opener=_private) as out:
        json.dump(me, out)
    fresh.replace(path)


def become(state: Path, name: str) -> NoReturn:
    """Turn into the service `name` as its spec says. Does not return."""
    spec: dict[str, Any] = json.loads((state / "run" / f"{name}.spec").read_bytes())
    record(state / "run" / f"{name}.proc", spec["digest"])
    source = os.open(state / "run" / spec["stdin"] if spec["stdin"] else os.devnull, os.O_RDONLY)
    os.dup2(source, 0)
    os.chdir(spec["cwd"])
    os.umask(0o077)
    # Python ignores SIGPIPE, and what is ignored stays so across exec.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if spec["user"]:
        entry = pwd.getpwnam(spec["user"])
        os.initgroups(entry.pw_name, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    os.execve(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606 - no shell is the point


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


if __name__ == "__main__":
    try:
        become(Path.cwd(), sys.argv[1])
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"cannot start {sys.argv[1]}: {type(error).__name__}: {error}\n")
        sys.exit(127)
