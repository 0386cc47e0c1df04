"""Owns the running of Compose: which program it is, its words, its steps while it runs, its failure in one line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

from console.errors import StackError, UnreachableError
from console.snapshots import Progress
from console.stack.docker.address import find, missing
from console.stack.docker.files import StackFiles
from console.stack.docker.progress import Step, parse, progress, refusal
from console.stack.docker.pulling import Pulling
from console.stack.piping import output, piped

VERSION_S = 20.0
END_S = 5.0
LINE_BYTES = 1024 * 1024
KEPT_LINES = 40
JSON_SINCE = (2, 29)
EVERY = ("--profile", "*")
PLUGINS = (
    Path(os.path.expanduser("~/.docker/cli-plugins")),  # noqa: PTH111 - a user without a home is no error here
    Path("/usr/local/lib/docker/cli-plugins"),
    Path("/usr/local/libexec/docker/cli-plugins"),
    Path("/usr/lib/docker/cli-plugins"),
    Path("/usr/libexec/docker/cli-plugins"),
)
Names = Callable[[], Awaitable[dict[str, str]]]


class Compose:
    """Compose v2 for one project.

    Args:
        stack: its files; `files` may be set to others, which count from then on.
        names: gives the service of each container name, asked for when an unknown name comes up.
        docker_host: given to Compose in place of what it would find itself; "" to leave that to it.
    """

    def __init__(self, project: str, stack: StackFiles, names: Names, docker_host: str = "") -> None:
        self.project = project
        self.files = stack
        self._names = names
        self._docker_host = docker_host
        self._known: dict[str, str] = {}
        self._program: tuple[list[str], tuple[int, ...]] | None = None

    async def run(
        self, verb: str, *words: str, files: bool = True, every: bool = False, given: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Progress, None]:
        """Run a verb and yield the command line, then its steps. Closing the generator interrupts it, as Ctrl-C would.

        Args:
            files: False leaves the compose files out, for what Compose can do by the containers' labels alone.
            every: services of every profile too, whether it is on or not.
            given: variables for the compose files, beside the environment.

        Raises:
            UnreachableError: no engine, or no Compose v2. StackError: the verb failed; the message says why.
        """
        program = [*await self._words(files=files), *(EVERY if every and files else ())]
        yield Progress(shown([*program, verb, *words]), command=True)
        process = await self._start([*program, verb, *words], given)
        kept: deque[str] = deque(maxlen=KEPT_LINES)
        pulling = Pulling()
        try:
            async for line in _lines(process):
                step = parse(line)
                if step.kind == "error":
                    kept.append(step.word)
                    continue
                told = pulling.took(step) or progress(step, await self._service(step))
                if told is not None:
                    yield told
            code = await process.wait()
        finally:
            await _end(process)
        if code:
            raise self._failure(list(kept), code)

    async def config(self, *words: str, every: bool = False, given: Mapping[str, str] | None = None) -> str:
        """What `config` prints: the compose files put together, with values filled in. Holds secrets.

        Args:
            every: services of every profile too.
            given: variables for the compose files, over the environment and `.env`.

        Raises:
            UnreachableError: no Compose v2. StackError: the files are not valid; the message says why.
        """
        program = [*await self._words(files=True), *(EVERY if every else ())]
        try:
            found = await output(piped([*program, "config", *words], None, env=self._env(given), name="config"))
        except StackError as error:
            raise self._failure([str(error).removeprefix("config failed: ")], 1) from None
        return found.decode("utf-8", "replace")

    async def pipe(
        self, words: Sequence[str], source: AsyncIterator[bytes] | None, *, files: bool = True
    ) -> AsyncGenerator[bytes, None]:
        """Run a verb as a pipe: standard output while it reads `source`.

        Raises:
            UnreachableError: no Compose v2. StackError: it failed; the message has its last line.
        """
        program = await self._words(files=files)
        async with aclosing(piped([*program, *words], source, env=self._env(), name=words[0])) as chunks:
            async for chunk in chunks:
                yield chunk

    async def command(self, words: Sequence[str], *, files: bool = True) -> tuple[tuple[str, ...], dict[str, str]]:
        """A verb's command line for a terminal, and its environment.

        Raises:
            UnreachableError: no Compose v2.
        """
        program = await self._words(files=files)
        given = {"DOCKER_HOST": self._docker_host} if self._docker_host else {}
        return (*program, *words), {**os.environ, "COMPOSE_MENU": "0", **given}

    async def _words(self, *, files: bool) -> list[str]:
        """The program and its options. Nothing in them is secret."""
        program, version = await self._find()
        form = "json" if version >= JSON_SINCE else "plain"
        words = [*program, "--project-name", self.project, "--ansi", "never", "--progress", form]
        if files:
            for path in self.files.files:
                words += ["--file", str(path)]
            if self.files.env_file.is_file():
                words += ["--env-file", str(self.files.env_file)]
            for profile in self.files.profiles:
                words += ["--profile", profile]
        return words

    def _env(self, given: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment that Compose gets."""
        env = {**os.environ, "COMPOSE_MENU": "0", "BUILDKIT_PROGRESS": "plain", "NO_COLOR": "1", **(given or {})}
        return env | ({"DOCKER_HOST": self._docker_host} if self._docker_host else {})

    async def _find(self) -> tuple[list[str], tuple[int, ...]]:
        if self._program is None:
            for program in candidates():
                if (version := await self._version(program)) >= (2,):
                    self._program = (program, version)
                    return self._program
            raise UnreachableError(
                "Docker Compose v2 is not installed.",
                "Install the package docker-compose-plugin, or try leadsctl demo.",
            )
        return self._program

    async def _version(self, program: list[str]) -> tuple[int, ...]:
        """The version of a program that may be Compose; empty if it is none."""
        try:
            process = await self._start([*program, "version", "--short"])
        except UnreachableError:
            return ()
        try:
            async with asyncio.timeout(VERSION_S):
                text = [line async for line in _lines(process)]
                code = await process.wait()
        except TimeoutError:
            return ()
        finally:
            await _end(process)
        numbers = text[-1].strip().lstrip("v").split("-")[0].split(".") if text and not code else []
        return tuple(int(number) for number in numbers if number.isdigit())

    async def _start(self, words: list[str], given: Mapping[str, str] | None = None) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=self._env(given),
                limit=LINE_BYTES,
                start_new_session=True,
            )
        except OSError as error:
            raise UnreachableError(
                f"{words[0]} cannot be run: {error.strerror}.", "Install Docker Compose v2."
            ) from None

    async def _service(self, step: Step) -> str:
        """The service of a container's step; "" for one that is only being created under a name of its own."""
        if step.kind != "container":
            return ""
        if step.name not in self._known and step.word.lower() != "creating":
            with contextlib.suppress(UnreachableError, StackError):
                self._known |= await self._names()
        return self._known.get(step.name) or guess(step.name, self.project)

    def _failure(self, lines: list[str], code: int) -> UnreachableError | StackError:
        reason = refusal(lines, code, str(self.files.env_file))
        if reason.away:
            return missing(self._docker_host or find().url)
        return StackError(self._plain(reason.text), reason.hint)

    def _plain(self, text: str) -> str:
        """The text with containers called by their services."""
        for name, service in self._known.items():
            text = text.replace(name, service)
        return text


def shown(words: Sequence[str]) -> str:
    """A command line as a person would type it, without the options that only shape its output for us."""
    kept, skipped = [], False
    for word in words:
        if skipped or word in ("--ansi", "--progress"):
            skipped = not skipped
        else:
            kept.append(word)
    return shlex.join(kept)


def plugins() -> list[Path]:
    """Where the docker command finds Compose, as far as it is there."""
    return [path for folder in PLUGINS if (path := folder / "docker-compose").is_file()]


def candidates() -> list[list[str]]:
    """The programs that may be Compose v2, the likeliest first."""
    found = [["docker", "compose"]] if shutil.which("docker") else []
    if alone := shutil.which("docker-compose"):
        found.append([alone])
    return found + [[str(path)] for path in plugins()]


def guess(container: str, project: str) -> str:
    """The service of a container by the name Compose gives it, "" if it has another."""
    middle = container.removeprefix(f"{project}-")
    name, _, number = middle.rpartition("-")
    return name if number.isdigit() and middle != container else ""


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    """Lines of output; one that is longer than the bound is dropped."""
    if process.stdout is None:
        return
    while True:
        try:
            line = await process.stdout.readline()
        except ValueError:
            continue
        if not line:
            return
        yield line.decode("utf-8", "replace").rstrip("\r\n")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Interrupt it and its plugin if they still run, and kill them if they do not listen."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    try:
        async with asyncio.timeout(END_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
