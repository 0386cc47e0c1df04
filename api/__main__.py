"""Owns the command line of the service: `python -m api web|worker|migrate`. Settings come from the environment.

Exit codes: 0 done or stopped on request, 1 failed, 2 a wrong setting or word; 1 and 2 with one line on stderr.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from api import logs
from api.errors import ServiceError, SettingsError
from api.settings import Settings

T = TypeVar("T")

USAGE = "usage: python -m api web|worker|migrate"


def main(arguments: list[str]) -> int:
    """Run one command; the process's exit code."""
    if arguments in (["-h"], ["--help"]):
        sys.stdout.write(f"{USAGE}\n\n{__doc__}")
        return 0
    if len(arguments) != 1 or arguments[0] not in _COMMANDS:
        return _complain(USAGE, 2)
    command = arguments[0]
    try:
        settings = Settings.load().demand(command)
        _demand_database(settings.database_url)
        logs.configure(settings.log_level)
        return _COMMANDS[command](settings)
    except SettingsError as error:
        return _complain(f"api {command}: {error}", 2)
    except ServiceError as error:
        return _complain(f"api {command}: {error}", 1)
    except KeyboardInterrupt:
        return 130


def _demand_database(url: str) -> None:
    """Complain of what libpq would complain of each time it connects: waiting does not help there."""
    from api.store.address import checked

    try:
        checked(url)
    except ValueError as error:
        raise SettingsError(f"DATABASE_URL is not valid: {error}") from None


def _web(settings: Settings) -> int:
    from api.web.processes import serve_all
    from api.web.server import serve

    code = serve_all(settings, lambda settings, place: run(serve(settings, place)))
    logs.flush()
    return code


def _worker(settings: Settings) -> int:
    from api.worker import run as work

    return work(settings)


def _migrate(settings: Settings) -> int:
    from api.store import migrate

    done = run(migrate(settings.database_url))
    logs.get_logger().info("migrate.done", applied=done)
    return 0


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on uvloop where that is installed, else on asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


def _complain(text: str, code: int) -> int:
    sys.stderr.write(text.replace("\n", " ") + "\n")
    return code


_COMMANDS = {"web": _web, "worker": _worker, "migrate": _migrate}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
