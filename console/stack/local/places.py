"""Owns the layout of a state directory: where everything lies, and what is kept about it across restarts.

.env               settings and generated secrets (0600)
state.json         ports, programs and account in use (0600)
lock               held while something changes
data/              postgres_data, redis_data: all that is worth keeping
logs/              what the services write, rotated by the supervisor
run/               specs, process records, the supervisor's configuration and socket (0700)
bin/               copies of the programs, only where the account that runs them cannot reach the originals
"""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from console.errors import StackError, UsageError
from console.settings import at_home

SERVICES = ("db", "redis", "app", "worker")
"""In the order they are started."""

_SOCKET_LIMIT = 85
"""sun_path holds 104 bytes (macOS; Linux 108), and the supervisor binds to NAME.PID first."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What must be the same after a restart. `ports` is by service, `token` marks the processes of this stack."""

    token: str
    ports: dict[str, int]
    user: str = ""
    socket_dir: str = ""
    postgres_version: str = ""
    postgres_origin: str = ""
    postgres_bin: str = ""
    redis_version: str = ""
    redis_origin: str = ""
    database: str = ""
    database_user: str = ""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How the running stack is reached. URLs carry passwords. `namespace` is the queue's."""

    database_url: str
    redis_url: str
    web_url: str
    namespace: str

    def __repr__(self) -> str:
        return f"Access(web_url={self.web_url!r})"


@dataclass(frozen=True, slots=True)
class Places:
    """Paths in one state directory (absolute)."""

    state: Path

    @property
    def up(self) -> str:
        """The command line that starts it, to be pasted into a shell."""
        try:
            usual = self.state == default_state_dir()
        except UsageError:  # a user without a home directory has no usual one
            usual = False
        return "leadsctl --local up" if usual else f"leadsctl --local --dir {shlex.quote(str(self.state))} up"

    @property
    def env_file(self) -> Path:
        """Settings."""
        return self.state / ".env"

    @property
    def run(self) -> Path:
        """Specs, records, configuration."""
        return self.state / "run"

    @property
    def logs(self) -> Path:
        """Log files."""
        return self.state / "logs"

    @property
    def data(self) -> Path:
        """Data directories."""
        return self.state / "data"

    @property
    def postgres_data(self) -> Path:
        """Postgres's cluster."""
        return self.data / "postgres_data"

    @property
    def redis_data(self) -> Path:
        """Redis's append-only file."""
        return self.data / "redis_data"

    def log(self, service: str) -> Path:
        """The current log file of a service."""
        return self.logs / f"{service}.log"

    def record(self, name: str) -> Path:
        """The process record that the launcher writes."""
        return self.run / f"{name}.proc"

    def socket(self, kept: Kept) -> Path:
        """The supervisor's socket."""
        return (Path(kept.socket_dir) if kept.socket_dir else self.run) / "supervisor.sock"

    def load(self) -> Kept | None:
        """What is kept, None when there is nothing (or nothing readable)."""
        try:
            return msgspec.json.decode((self.state / "state.json").read_bytes(), type=Kept)
        except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
            return None

    def save(self, kept: Kept) -> None:
        """Keep it, replacing at once."""
        write_private(self.state / "state.json", msgspec.json.format(msgspec.json.encode(kept)))

    def access(self) -> Access | None:
        """How the stack is reached; None while it is down."""
        try:
            return msgspec.json.decode((self.run / "access.json").read_bytes(), type=Access)
        except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
            return None

    def save_access(self, access: Access) -> None:
        """Write down how the stack is reached, until it is taken down."""
        write_private(self.run / "access.json", msgspec.json.encode(access))

    def socket_dir(self, kept: Kept | None) -> str:
        """A directory for the socket: "" if `run` will do, else a short one of our own (made anew if it went away)."""
        if len(os.fsencode(self.run / "supervisor.sock")) <= _SOCKET_LIMIT:
            return ""
        if kept and kept.socket_dir and _is_mine(Path(kept.socket_dir)):
            return kept.socket_dir
        base = os.environ.get("XDG_RUNTIME_DIR", "")
        if not base or len(os.fsencode(base)) > _SOCKET_LIMIT - 40 or not os.access(base, os.W_OK):
            base = "/tmp"  # noqa: S108 - mkdtemp makes a 0700 directory; the usual one may be too long
        return tempfile.mkdtemp(prefix="leadsctl-", dir=base)

    def prepare(self, user: str) -> None:
        """Create the directories. With `user`, that account can reach its data and nothing else.

        Raises:
            StackError: the directory cannot be used.
        """
        through = 0o711 if user else 0o700
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            found = self.state.stat()
            if found.st_uid != os.geteuid():
                raise StackError(
                    f"{self.state} belongs to another user (uid {found.st_uid})", "choose another directory with --dir"
                )
            if found.st_mode & (stat.S_ISVTX | stat.S_IWOTH):
                raise StackError(
                    f"{self.state} is for every user to write to", "choose a directory below it with --dir"
                )
            for folder, mode in (
                (self.state, through),
                (self.data, through),
                (self.run, 0o700),
                (self.logs, 0o700),
            ):
                folder.mkdir(exist_ok=True)
                folder.chmod(mode)
        except OSError as error:
            raise StackError(
                f"cannot use {self.state}: {error.strerror}", "choose another directory with --dir"
            ) from error


def default_state_dir() -> Path:
    """Where the local stack lives unless told otherwise; never under /root, which its database could not enter."""
    if os.geteuid() == 0:
        return Path("/var/lib/leadsctl" if sys.platform == "linux" else "/usr/local/var/leadsctl")
    from platformdirs import user_data_path

    with at_home():
        return user_data_path("leadsctl", appauthor=False)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, replacing at once."""
    fresh = path.with_name(path.name + ".new")
    with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(content)
    fresh.replace(path)


def remove_tree(folder: Path) -> None:
    """Remove a directory and all in it, also if a process that is just ending still writes there. OSError if not."""
    for attempt in range(3, -1, -1):
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            if not folder.exists():
                return
        except OSError:
            if not attempt:
                raise
        else:
            return


def _is_mine(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
