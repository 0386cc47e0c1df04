"""Looks at this machine: Docker, Compose, the programs of a local stack, the web port, the disk, Python."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from console.checks import Limits
from console.doctor.diagnosis import Said, fail, fine, warn
from console.errors import ConsoleError, StackError, UnreachableError
from console.format import size
from console.ports import VolumesSource

DOCKER_LEAST = (20, 10)
COMPOSE_LEAST = (2,)
PYTHON_LEAST = (3, 11)
DISK_TIMEOUT_S = 10.0
PROGRAM_TIMEOUT_S = 10.0
LITTLE_BYTES = 1_000_000_000

_PORT = re.compile(r"(?:(?P<host>\[[0-9a-fA-F:.]+\]|[^:\[\]]+):)?(?P<port>[0-9]{1,5})")


async def python(running: tuple[int, ...] = tuple(sys.version_info[:3])) -> Said:
    """The interpreter that runs this."""
    version = ".".join(map(str, running))
    if running < PYTHON_LEAST:
        return (fail("python", f"{version}; 3.11 or later is needed", "install a newer Python"),)
    return (fine("python", version),)


async def docker(host: str = "") -> Said:
    """The engine: that it answers, and its version. `host` "": as the docker command finds it."""
    from console.stack.docker.engine import Engine

    engine = Engine(host)
    try:
        told = await engine.ask(lambda client: client.version(api_version=False))
    except UnreachableError as error:
        mend = error.hint or "start it: systemctl start docker; its users are in the group docker"
        return (fail("docker", str(error), mend),)
    finally:
        await engine.close()
    version = str(told.get("Version", ""))
    if numbers(version) < DOCKER_LEAST:
        return (
            fail(
                "docker",
                f"{version or 'its version is not known'}; 20.10 or later is needed",
                "docs.docker.com/engine/install",
            ),
        )
    return (fine("docker", f"engine {version}"),)


def engine_elsewhere() -> bool:
    """Whether the engine that the docker command would use is, or may be, on another machine."""
    from console.stack.docker.address import find

    try:
        return not find("").local
    except UnreachableError:
        return False


async def compose() -> Said:
    """Compose: that there is one, of the second generation."""
    from console.stack.docker.compose import candidates

    seen = ""
    for program in candidates():
        version = await _version([*program, "version", "--short"])
        if numbers(version) >= COMPOSE_LEAST:
            return (fine("compose", version.lstrip("v")),)
        seen = seen or version
    mend = "install the package docker-compose-plugin; docs.docker.com/compose/install"
    return (fail("compose", f"{seen} is too old; v2 is needed" if seen else "Compose v2 is not installed", mend),)


async def programs(env: Mapping[str, str]) -> Said:
    """What a local stack is made of: Postgres, Redis and the supervisor."""
    from console.stack.local.programs import demand_supervisor, find_postgres, find_redis

    def look() -> tuple[str, str]:
        demand_supervisor()
        nowhere = Path(os.devnull) / "copies"
        return tuple(find(env, "", nowhere).version for find in (find_postgres, find_redis))  # type: ignore[return-value]

    try:
        postgres, redis = await asyncio.to_thread(look)
    except StackError as error:
        return (fail("programs", str(error), error.hint or "pip install 'leadsctl[local]'"),)
    return (fine("programs", f"Postgres {postgres}, Redis {redis}"),)


async def port(setting: str, web_url: str) -> Said:
    """The web port: free, or taken by this stack.

    Args:
        setting: PORT as it is set, "" where it is not.
        web_url: where the stack's web service is now, "" while it is down.
    """
    if web_url and await _ours(web_url):
        return (fine("port", f"the stack answers at {web_url}"),)
    found = _PORT.fullmatch(setting.strip())
    if not setting:
        return (fine("port", "a free one is taken at the start"),)
    if found is None or not 0 < int(found["port"]) < 65_536:
        return (fail("port", "PORT is no port, nor ADDRESS:PORT", "set PORT in .env to a number from 1 to 65535"),)
    host, number = (found["host"] or "").strip("[]"), int(found["port"])
    taken = await asyncio.to_thread(_taken, host, number)
    if not taken:
        return (fine("port", f"{number} is free"),)
    mend = f"end what listens there (ss -ltnp 'sport = :{number}' names it), or set another PORT in .env"
    return (fail("port", f"{number} {taken}", mend),)


async def disk(volumes: VolumesSource, folder: Path, limits: Limits) -> Said:
    """The disk beneath the volumes; the one beneath the stack's files where the runtime does not tell."""
    total = free = 0
    try:
        async with asyncio.timeout(DISK_TIMEOUT_S):
            told = await volumes.read()
        total, free = told.disk_total, told.disk_free
    except (ConsoleError, TimeoutError):
        pass
    if not total:
        total, free = _disk_of(folder)
    used = 100 * (1 - free / total) if total else 0.0
    text = f"{used:.0f} % used, {size(free)} free"
    mend = "leadsctl volumes shows what takes it; docker system prune frees what no container uses"
    if used > limits.max_disk:
        return (fail("disk", f"{text}; {limits.max_disk} % allowed", mend),)
    return (warn("disk", text, mend) if free < LITTLE_BYTES else fine("disk", text),)


def _disk_of(folder: Path) -> tuple[int, int]:
    """(total, free) bytes of the disk a folder is on, or would be."""
    usage = shutil.disk_usage(next(each for each in (folder, *folder.absolute().parents) if each.exists()))
    return usage.total, usage.free


def numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: "v2.27.1-desktop" is (2, 27, 1)."""
    found = re.match(r"v?([0-9]{1,9}(?:\.[0-9]{1,9})*)", version.strip())
    return tuple(int(part) for part in found[1].split(".")) if found else ()


async def _version(words: list[str]) -> str:
    from console.stack.piping import output, piped

    try:
        async with asyncio.timeout(PROGRAM_TIMEOUT_S):
            return (await output(piped(words, env=os.environ))).decode("utf-8", "replace").strip()[:100]
    except (StackError, TimeoutError):
        return ""


async def _ours(web_url: str) -> bool:
    """Whether a web service of ours answers there."""
    import httpx

    try:
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            answer = await client.get(f"{web_url.rstrip('/')}/health/live")
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and "x-request-id" in answer.headers


def _taken(host: str, number: int) -> str:
    """Why the port cannot be had, "" if it can. Blocks."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except PermissionError:
            return ""  # a low port: Docker's engine may have it though this user may not
        except OSError as error:
            return f"cannot be had: {error.strerror}"
    return ""
