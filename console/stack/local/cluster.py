"""Creates the database cluster, and clears what a Postgres that died has left in it."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import signal
import sys

from console.errors import StackError
from console.stack.local.account import own
from console.stack.local.environment import Environment
from console.stack.local.places import Kept, Places
from console.stack.local.processes import Record, end
from console.stack.local.programs import Program
from console.stack.local.runner import run

LOCALE = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"
"""Letters beyond ASCII have upper and lower case; the order is by code point where the system has that."""


async def ensure(
    places: Places, postgres: Program, user: str, environment: Environment, *, throwaway: bool = False
) -> bool:
    """Create the cluster with its user and database if there is none yet; whether it was created now.

    It is made beside its place and moved there when finished, so that half a cluster is never taken for a whole one.
    A throwaway one is not flushed to disk before it is used.

    Raises:
        StackError: it cannot be made, is of another version, or belongs to somebody else.
    """
    data = places.postgres_data
    if data.exists():
        _check(places, postgres)
        return False
    for left in places.data.glob("postgres_data.new-*"):
        shutil.rmtree(left, ignore_errors=True)
    fresh = places.data / f"postgres_data.new-{secrets.token_hex(4)}"
    password = places.data / "password.new"
    fresh.mkdir(mode=0o700)
    own(fresh, user)
    settings = environment.settings
    try:
        password.touch(mode=0o600)
        password.write_text(settings["POSTGRES_PASSWORD"] + "\n", encoding="utf-8")
        own(password, user)
        made = await run(
            [
                str(postgres.path / "initdb"), "-D", str(fresh), "-U", settings["POSTGRES_USER"], "-E", "UTF8",
                f"--locale={LOCALE}", "-A", "scram-sha-256", f"--pwfile={password}",
                *(["--no-sync"] if throwaway else []),
            ],
            env=environment.base, record=places.record("initdb"), user=user,
        )  # fmt: skip
        if made.code:
            raise StackError(f"initdb failed: {made.last_line}")
        if settings["POSTGRES_DB"] not in ("postgres", "template1"):
            await _create_database(places, postgres, user, environment, str(fresh))
        fresh.rename(data)
    finally:
        password.unlink(missing_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
    return True


async def demand_password(places: Places, postgres: Program, environment: Environment, kept: Kept) -> None:
    """Check that the running database takes our password, which everything else would find out one by one, slowly.

    Raises:
        StackError: it does not.
    """
    psql = postgres.path / "psql"
    if not psql.exists():
        return
    done = await run(
        [
            str(psql), "-X", "-q", "-w", "-h", "127.0.0.1", "-p", str(kept.ports["db"]), "-U", kept.database_user,
            "-d", kept.database, "-c", "SELECT",
        ],
        env={**environment.base, "PGPASSWORD": environment.settings["POSTGRES_PASSWORD"], "LC_ALL": "C"},
        record=places.record("psql"),
    )  # fmt: skip
    if "password authentication failed" in done.output:
        raise StackError(
            "POSTGRES_PASSWORD is not the one that the database was created with",
            "give it the old one, or begin anew with down --volumes",
        )


async def clear(places: Places, token: str) -> None:
    """End a Postgres on this cluster that no record knows, and remove the lock file of one that died.

    Postgres takes a foreign process that got the dead one's id for itself, and refuses to start.
    """
    lock = places.postgres_data / "postmaster.pid"
    try:
        lines = lock.read_text(encoding="utf-8", errors="replace").splitlines()
        pid, started = int(lines[0]), float(lines[2])
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    except (ValueError, IndexError):
        pid, started = 0, 0.0
    if pid > 0 and _is_postmaster(pid, places):
        await end(Record(pid=pid, mark=_mark(pid), at=started), token, signal.SIGINT, 20)
    lock.unlink(missing_ok=True)


def _check(places: Places, postgres: Program) -> None:
    try:
        made_by = (places.postgres_data / "PG_VERSION").read_text(encoding="ascii").strip()
    except OSError as error:
        raise StackError(f"{places.postgres_data} cannot be read: {error.strerror}") from error
    if made_by != postgres.version.partition(".")[0]:
        raise StackError(
            f"the data in {places.postgres_data} is of Postgres {made_by}, the program is {postgres.version}",
            "give its program with LEADSCTL_PG_BIN, or dump and restore",
        )


async def _create_database(places: Places, postgres: Program, user: str, environment: Environment, data: str) -> None:
    name = environment.settings["POSTGRES_DB"].replace('"', '""')
    # -j: a statement ends at an empty line, so a name may hold anything.
    made = await run(
        [str(postgres.path / "postgres"), "--single", "-j", "-D", data, "template1"],
        env=environment.base, record=places.record("initdb"), user=user,
        stdin=f'CREATE DATABASE "{name}";\n\n'.encode(),
    )  # fmt: skip
    failed = [line for line in made.output.splitlines() if "ERROR:" in line or "FATAL:" in line]
    if made.code or failed:
        raise StackError(f"the database cannot be created: {failed[0][:300] if failed else made.last_line}")


def _is_postmaster(pid: int, places: Places) -> bool:
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(places.postgres_data.resolve())
    return False


def _mark(pid: int) -> str:
    from console.stack.local.launch import start_mark

    try:
        return start_mark(pid)
    except ProcessLookupError:
        return "gone"
