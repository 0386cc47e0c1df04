"""Owns where the stack's files are: compose files, `.env`, and what the image is built from.

In a checkout, and in a folder that `write` filled, `compose/` stands beside `api/`. An installed package carries
`compose/` inside itself, without `api/` beside it: such a stack is written to the user's data folder to be started.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from console.errors import StackError, UsageError
from console.settings import at_home

BASE = "docker-compose.yml"
HTTPS, HTTPS_FILE = "https", "docker-compose.https.yml"
"""A profile of our own stack, and the file that goes with it."""
NAMES = (BASE, "docker-compose.yaml", "compose.yml", "compose.yaml")
ENV = ".env"
HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent.parent.parent
DOCKERIGNORE = """\
# Only what the images are made of.
*
!api
!compose/requirements.lock
!compose/healthcheck.py
!compose/Caddyfile
**/__pycache__
"""


@dataclass(frozen=True, slots=True)
class StackFiles:
    """What Compose is given. `files`: the base first; before `prepare` it may not be there yet.

    `profiles` are those that were asked for; where none was, those of COMPOSE_PROFILES in `.env` count.
    """

    files: tuple[Path, ...]
    env_file: Path
    profiles: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where Compose works: the folder of the base file."""
        return self.files[0].parent


def packaged() -> Path:
    """The folder `compose` that belongs to this program: of the checkout, or carried by the installed package."""
    carried = HERE.parent / "files"
    return carried if (carried / BASE).is_file() else PACKAGE / "compose"


def locate(
    directory: Path | None = None,
    files: Sequence[Path] = (),
    env_file: Path | None = None,
    cwd: Path | None = None,
    profiles: Sequence[str] = (),
) -> StackFiles:
    """The stack's files: those that were named, else those in the directory, else ours in the working directory, else
    those of this checkout, else those in the user's data folder, where `prepare` writes them.

    A directory may hold the compose files itself or in its folder `compose`, which is how `write` lays them out.
    COMPOSE_FILE in the `.env` beside the base names others, as it does for Compose itself. With the profile https ours
    gets the file that goes with it.

    Raises:
        UsageError: a file was named that is not there, or a directory without a compose file.
    """
    if files:
        for path in files:
            if not path.is_file():
                raise UsageError(f"{path} {_lacking(path)}", "name a compose file that is there")
        found = tuple(path.resolve() for path in files)
    elif directory is not None:
        base = _base(directory)
        if base is None:
            raise UsageError(f"{directory} holds no compose file", "name one that does, or leave it out")
        found = (base,)
    else:
        base = _ours(cwd or Path.cwd()) or _default()
        found = (base.resolve(),)
    if env_file is not None and not env_file.is_file():
        raise UsageError(f"{env_file} {_lacking(env_file)}", "give --env-file the path of the stack's settings")
    env = env_file.absolute() if env_file else found[0].parent / ENV
    if not files:
        given = filed(env)
        found = _named_in(given, env.parent) or found
        asked = profiles or _words(given.get("COMPOSE_PROFILES", ""))
        https = found[0].parent / HTTPS_FILE
        if HTTPS in asked and https not in found and (https.is_file() or not found[0].is_file()):
            found = (*found, https)
    return StackFiles(found, env, tuple(profiles))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if (word := part.strip()))


def _named_in(given: Mapping[str, str], folder: Path) -> tuple[Path, ...]:
    """The files that COMPOSE_FILE in `.env` names, if all are there."""
    separator = given.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    named = [folder / part for part in given.get("COMPOSE_FILE", "").split(separator) if part]
    return tuple(path.resolve() for path in named) if all(path.is_file() for path in named) else ()


def data_folder() -> Path:
    """Where an installed package keeps the stack it started, by the platform's custom; not created here."""
    from platformdirs import user_data_path

    with at_home():
        return user_data_path("leadsctl", appauthor=False) / "stack"


def _default() -> Path:
    ours = packaged()
    return (ours if (ours.parent / "api").is_dir() else data_folder() / "compose") / BASE


def prepare(stack: StackFiles) -> None:
    """Write the stack in the user's data folder, or bring it up to this version; any other is left as it is.

    Raises:
        StackError: the folder cannot be written.
    """
    if stack.folder.parent != data_folder().resolve():
        return
    from console.stack.docker.settings import new_settings

    try:
        write(stack.folder.parent, new_settings())
    except OSError as error:
        raise StackError(f"{stack.folder} cannot be written: {error.strerror}.") from None


def _base(directory: Path) -> Path | None:
    for folder in (directory, directory / "compose"):
        for name in NAMES:
            if (folder / name).is_file():
                return (folder / name).resolve()
    return None


def _ours(cwd: Path) -> Path | None:
    """A stack of ours in the working directory: not any compose file that happens to lie there."""
    for folder in (cwd, cwd / "compose"):
        path = folder / BASE
        if path.is_file() and "leads_redis" in path.read_text(encoding="utf-8", errors="replace"):
            return path
    return None


def buildable(stack: StackFiles) -> bool:
    """Whether what the image is built from lies where the compose files expect it."""
    return (stack.folder.parent / "api" / "__main__.py").is_file()


def _lacking(path: Path) -> str:
    return "is no file" if path.exists() else "is not there"


def settings(stack: StackFiles, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The stack's settings by name: the environment over `.env`, as Compose reads them. Holds secrets."""
    given = os.environ if env is None else env
    return filed(stack.env_file) | {name: value for name, value in given.items() if value}


def filed(env_file: Path) -> dict[str, str]:
    """What a `.env` sets, empty values left out; nothing where it cannot be read. Holds secrets."""
    from console.stack.docker import envfile

    try:
        if not env_file.is_file():
            return {}
        with env_file.open(encoding="utf-8") as source:
            return envfile.read(source)
    except (OSError, UnicodeDecodeError):
        return {}


def write(directory: Path, env: str = "") -> StackFiles:
    """Lay a stack out in a directory, or bring it up to this version, as console.stack.docker.layout does.

    `env` is the text of a new `.env`, "" for none.

    Raises:
        OSError: the directory cannot be written.
    """
    from console.stack.docker import layout

    return layout.apply(layout.plan(directory, env))
