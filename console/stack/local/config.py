"""Writes what the processes are started from: the supervisor's configuration and one spec a service (all 0600).

The configuration holds no path of the state directory (all are relative to it) and no setting, so that any character in
them is harmless and a changed setting needs no new supervisor.
"""

from __future__ import annotations

import hashlib
import shlex
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from console.stack.local import launch
from console.stack.local.environment import Environment
from console.stack.local.places import SERVICES, Access, Kept, Places, write_private
from console.stack.local.processes import MARK
from console.stack.local.programs import Program

CONFIGURATION = "run/supervisord.conf"


@dataclass(frozen=True, slots=True)
class Manners:
    """How a service is asked to stop, and how many seconds it gets."""

    stop: signal.Signals
    grace_s: int


MANNERS: Mapping[str, Manners] = {
    "db": Manners(signal.SIGINT, 30),
    "redis": Manners(signal.SIGTERM, 30),
    "app": Manners(signal.SIGTERM, 30),
    "worker": Manners(signal.SIGTERM, 40),
}

_HEAD = """\
[supervisord]
nodaemon=true
silent=true
nocleanup=true
umask=077
logfile=logs/supervisord.log
logfile_maxbytes=1MB
logfile_backups=1
pidfile=run/supervisord.pid
childlogdir=logs
identifier=leadsctl

[unix_http_server]
file=%(ENV_LEADSCTL_SOCKET)s
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

# startretries: waits 1 s longer each time, so it gives up after about a minute and a half.
_PROGRAM = """
[program:{name}]
command=%(ENV_LEADSCTL_LAUNCH)s {name}
autostart=false
autorestart=true
startsecs=1
startretries=12
stopsignal={signal}
stopwaitsecs={grace}
killasgroup=true
redirect_stderr=true
stdout_logfile=logs/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""


def supervisor_configuration() -> str:
    """The text of supervisord.conf (http://supervisord.org/configuration.html)."""
    programs = (
        _PROGRAM.format(name=name, signal=MANNERS[name].stop.name.removeprefix("SIG"), grace=MANNERS[name].grace_s)
        for name in SERVICES
    )
    return _HEAD + "".join(programs)


def launcher() -> list[str]:
    """The command that becomes a service; its working directory must be the state directory."""
    return [sys.executable, "-I", "-S", str(Path(launch.__file__).resolve())]


def supervisor_spec(places: Places, kept: Kept, base: Mapping[str, str]) -> dict[str, Any]:
    """The spec of supervisord itself."""
    own = {
        "LEADSCTL_LAUNCH": shlex.join(launcher()),
        "LEADSCTL_SOCKET": str(places.socket(kept)) if kept.socket_dir else "run/supervisor.sock",
        MARK: kept.token,
    }
    argv = [sys.executable, "-P", "-m", "supervisor.supervisord", "-n", "-c", CONFIGURATION]
    return _spec(argv, {**base, **own}, str(places.state), digest="")


def service_specs(
    places: Places, kept: Kept, *, access: Access, environment: Environment, postgres: Program, redis: Program
) -> dict[str, dict[str, Any]]:
    """The specs of all four services.

    Raises:
        StackError: a setting is wrong.
    """
    settings = environment.service(access.database_url, access.redis_url, kept.ports["app"])
    mark = {MARK: kept.token}
    python = {**environment.base, **settings, **mark, "PYTHONUNBUFFERED": "1"}
    # Wherever this process found the package, `-m` finds it too: it looks in its working directory first.
    import api

    home = str(Path(api.__file__).resolve().parent.parent)
    conf = redis_configuration(kept.ports["redis"], environment.settings)
    return {
        "db": _spec(
            [
                str(postgres.path / "postgres"), "-D", str(places.postgres_data), "-p", str(kept.ports["db"]),
                "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "logging_collector=off",
                "-c", "log_line_prefix=%m [%p] ", "-c", "log_timezone=UTC",
            ],
            {**environment.base, **mark}, str(places.postgres_data), user=kept.user,
        ),
        "redis": _spec(
            [str(redis.path), "-"], {**environment.base, **mark, "TZ": "UTC"}, str(places.redis_data),
            user=kept.user, stdin="redis.conf", digest=_digest(conf, redis.version),
        ),
        "app": _spec([sys.executable, "-m", "api", "web"], python, home, digest=_digest(settings)),
        "worker": _spec([sys.executable, "-m", "api", "worker"], python, home, digest=_digest(settings)),
    }  # fmt: skip


def redis_configuration(port: int, settings: Mapping[str, str]) -> str:
    """redis.conf; it is read from standard input, so the server needs no way to the file."""
    fsync = settings.get("REDIS_APPENDFSYNC", "always")
    # Its words are split like a shell's, with \xHH in double quotes for any byte.
    password = "".join(f"\\x{byte:02x}" for byte in settings["REDIS_PASSWORD"].encode())
    return (
        f'bind 127.0.0.1\nport {port}\nprotected-mode yes\nrequirepass "{password}"\ndaemonize no\nlogfile ""\ndir .\n'
        f'appendonly yes\nappendfsync {fsync}\nsave ""\nmaxmemory-policy noeviction\n'
    )


def write_spec(places: Places, name: str, spec: Mapping[str, Any]) -> None:
    """Put a spec where the launcher finds it."""
    write_private(places.run / f"{name}.spec", msgspec.json.encode(spec))


def _spec(
    argv: list[str],
    env: Mapping[str, str],
    cwd: str,
    *,
    user: str = "",
    stdin: str = "",
    digest: str | None = None,
) -> dict[str, Any]:
    """What launch.become reads. `digest` tells whether a running process was started from the same settings."""
    if digest is None:
        digest = _digest(argv)
    return {"argv": argv, "env": dict(env), "cwd": cwd, "user": user, "stdin": stdin, "digest": digest}


def _digest(*parts: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:16]
