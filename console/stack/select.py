"""Chooses the runtime that the settings name, and reads the settings of its stack. Imports only what is chosen."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from console.errors import UsageError
from console.ports import Runtime
from console.settings import Settings


def runtime(settings: Settings) -> Runtime:
    """The runtime, not yet connected to anything."""
    if settings.runtime == "local":
        from console.stack.local import LocalRuntime

        return LocalRuntime(settings.directory)
    from console.stack.docker import DockerRuntime

    return DockerRuntime(
        project=settings.project,
        directory=settings.directory,
        files=settings.files,
        env_file=settings.env_file,
        profiles=settings.profiles,
    )


def env_file(settings: Settings) -> Path:
    """The stack's `.env`, whether it is there or not. UsageError when compose files were named that are not there."""
    if settings.runtime == "local":
        from console.stack.local.places import default_state_dir

        return (settings.directory or default_state_dir()) / ".env"
    if settings.env_file is not None:
        return settings.env_file
    from console.stack.docker.files import locate

    return locate(settings.directory, settings.files).env_file


def stack_environment(settings: Settings, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The stack's settings by name: the environment over its `.env`, as the runtimes read them. Holds secrets.

    Raises:
        UsageError: the file is there and cannot be read, or was named and is not there.
    """
    path = env_file(settings)
    known = os.environ if env is None else env
    filed: Mapping[str, str | None] = {}
    try:
        with path.open(encoding="utf-8") as source:
            filed = _filed(settings, source, known)
    except FileNotFoundError:
        if path == settings.env_file:
            raise UsageError(f"{path} is not there", "give --env-file the path of the stack's settings") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{path} cannot be read: {reason}") from error
    given = {name: value for name, value in known.items() if value}
    # A secret given as NAME replaces one filed as NAME_FILE, and the other way round: a service refuses both.
    replaced = {f"{name}_FILE" for name in given} | {name.removesuffix("_FILE") for name in given}
    return {name: value for name, value in filed.items() if value and name not in replaced} | given


def _filed(settings: Settings, source: IO[str], env: Mapping[str, str]) -> Mapping[str, str | None]:
    """What a `.env` says: Compose replaces variables in it, the local runtime takes it as it is written."""
    if settings.runtime == "local":
        from dotenv import dotenv_values

        return dotenv_values(stream=source, interpolate=False)
    from console.stack.docker import envfile

    return envfile.read(source, env)
