"""Running Compose: the program that is found, its words, its steps, its failure; a stand-in program plays its part."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from console.errors import StackError, UnreachableError
from console.snapshots import Progress
from console.stack.docker import compose as module
from console.stack.docker.compose import Compose, candidates, guess
from console.stack.docker.files import StackFiles
from tests.console.docker.waiting import until

Program = Callable[..., Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Makes a program `docker` that answers `compose version` and otherwise runs a shell script; notes its words."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "sleep", "head", "tr"):
        (folder / tool).symlink_to(shutil.which(tool) or tool)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(module, "PLUGINS", ())

    def make(script: str, version: str = "2.26.1", name: str = "docker") -> Path:
        path = folder / name
        path.write_text(
            "#!/bin/sh\n"
            f'case "$*" in *"version --short") echo {version}; exit 0;; esac\n'
            f'echo "$@" >>{tmp_path}/words\n'
            f"{script}\n"
        )
        path.chmod(0o755)
        return tmp_path / "words"

    return make


def compose(tmp_path: Path, *, env: bool = True, docker_host: str = "") -> Compose:
    base = tmp_path / "docker-compose.yml"
    base.touch()
    path = tmp_path / ".env"
    if env:
        path.write_text("POSTGRES_PASSWORD=secret\n")

    async def names() -> dict[str, str]:
        return {"leads_db": "db", "leads_app": "app"}

    return Compose("leads", StackFiles((base,), path), names, docker_host)


async def run(it: Compose, verb: str, *words: str, files: bool = True) -> list[Progress]:
    """The steps after the command line."""
    first, *steps = [step async for step in it.run(verb, *words, files=files)]
    assert first.command
    return steps


async def test_steps_are_told_by_service(tmp_path: Path, program: Program) -> None:
    words = program(
        "echo ' Network leads_app-network  Created' >&2\n"
        "echo ' Container leads_db  Creating' >&2\n"
        "echo ' Container leads_db  Started' >&2\n"
        "echo ' Container leads-worker-1  Healthy' >&2\n"
    )
    assert await run(compose(tmp_path), "up", "--detach", "--", "db") == [
        Progress("network leads_app-network created", ok=True),
        Progress("started", "db", ok=True),
        Progress("healthy", "worker", ok=True),
    ]
    assert words.read_text().strip() == (
        f"compose --project-name leads --ansi never --progress plain --file {tmp_path}/docker-compose.yml "
        f"--env-file {tmp_path}/.env up --detach -- db"
    )
    assert "secret" not in words.read_text()


async def test_the_command_line_is_told_first_as_one_would_type_it(tmp_path: Path, program: Program) -> None:
    program("exit 0")
    it = compose(tmp_path)
    it.files = replace(it.files, profiles=("https",))
    (told,) = [step async for step in it.run("up", "--", "a b", every=True)]
    assert told == Progress(
        f"docker compose --project-name leads --file {tmp_path}/docker-compose.yml --env-file {tmp_path}/.env "
        "--profile https --profile '*' up -- 'a b'",
        command=True,
    )


async def test_variables_are_given_in_the_environment(tmp_path: Path, program: Program) -> None:
    words = program('echo " Container leads_app  $LEADS_SOURCES"')
    it = compose(tmp_path)
    assert [step async for step in it.run("up", given={"LEADS_SOURCES": "f00"})][1:] == [Progress("f00", "app")]
    assert "f00" not in words.read_text()


async def test_the_configuration_is_what_it_prints(tmp_path: Path, program: Program) -> None:
    words = program('echo "services: $A"')
    assert await compose(tmp_path).config("--format", "yaml", given={"A": "b"}) == "services: b\n"
    assert words.read_text().strip().endswith("config --format yaml")
    program("echo 'required variable REDIS_PASSWORD is missing a value: copy it' >&2; exit 15")
    with pytest.raises(StackError, match="REDIS_PASSWORD is not set"):
        await compose(tmp_path).config()


async def test_a_newer_compose_is_asked_for_json(tmp_path: Path, program: Program) -> None:
    words = program("""echo '{"id":"Container leads_app","status":"Working","text":"Stopping"}'""", "v5.0.1-desktop.1")
    assert await run(compose(tmp_path), "stop") == [Progress("stopping", "app")]
    assert "--progress json" in words.read_text()


async def test_without_files_compose_goes_by_labels(tmp_path: Path, program: Program) -> None:
    words = program("exit 0")
    assert await run(compose(tmp_path, env=False), "down", files=False) == []
    assert "--file" not in words.read_text()
    assert "--env-file" not in words.read_text()


async def test_a_failure_is_one_line_with_a_hint(tmp_path: Path, program: Program) -> None:
    program("echo 'container leads_app is unhealthy' >&2; exit 1")
    it = compose(tmp_path)
    it._known = {"leads_app": "app"}
    with pytest.raises(StackError, match=r"^app does not become healthy\.$") as caught:
        await run(it, "up")
    assert caught.value.hint == "leadsctl logs shows why."


async def test_a_missing_setting_names_the_file(tmp_path: Path, program: Program) -> None:
    program("echo 'required variable REDIS_PASSWORD is missing a value: copy it' >&2; exit 15")
    with pytest.raises(StackError, match=rf"^REDIS_PASSWORD is not set in {tmp_path}/\.env\.$"):
        await run(compose(tmp_path), "up")


async def test_no_engine(tmp_path: Path, program: Program) -> None:
    program("echo 'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?' >&2; exit 1")
    with pytest.raises(UnreachableError, match=r"^No Docker Engine at unix:///x\.$"):
        await run(compose(tmp_path, docker_host="unix:///x"), "up")


async def test_the_engine_that_was_given_is_given_on(tmp_path: Path, program: Program) -> None:
    program('echo " Container leads_app  $DOCKER_HOST"')
    assert await run(compose(tmp_path, docker_host="tcp://far:1"), "up") == [Progress("tcp://far:1", "app")]


@pytest.mark.parametrize("version", ["1.29.2", "nonsense", ""])
async def test_an_older_compose_is_none(tmp_path: Path, program: Program, version: str) -> None:
    program("exit 0", version, name="docker-compose")
    with pytest.raises(UnreachableError, match="Docker Compose v2 is not installed"):
        await run(compose(tmp_path), "up")


async def test_the_program_of_its_own_is_found(tmp_path: Path, program: Program) -> None:
    program("exit 1", "1.0")
    words = program("exit 0", "2.30.0", name="docker-compose")
    assert candidates() == [["docker", "compose"], [str(tmp_path / "bin" / "docker-compose")]]
    await run(compose(tmp_path), "up")
    assert words.read_text().startswith("--project-name leads")


async def test_no_program_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "PLUGINS", ())
    with pytest.raises(UnreachableError, match="Docker Compose v2 is not installed") as caught:
        await run(compose(tmp_path), "up")
    assert "leadsctl demo" in caught.value.hint


async def test_closing_interrupts_it(tmp_path: Path, program: Program) -> None:
    program(
        f"trap 'echo interrupted >{tmp_path}/end; exit 130' INT\n"
        f"echo $$ >{tmp_path}/pid\n"
        "echo ' Container leads_app  Starting'\n"
        "while :; do sleep 0.05; done"
    )
    async with aclosing(compose(tmp_path).run("up")) as steps:
        async for step in steps:
            if step.command:
                continue
            assert step == Progress("starting", "app")
            break
    assert (tmp_path / "end").read_text() == "interrupted\n"


async def test_one_that_does_not_listen_is_killed(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "END_S", 0.3)
    program(f"trap '' INT\necho $$ >{tmp_path}/pid\nwhile :; do sleep 0.05; done")
    running = asyncio.ensure_future(run(compose(tmp_path), "up"))
    await until(lambda: (tmp_path / "pid").exists() and bool((tmp_path / "pid").read_text()), "the start")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_an_endless_line_is_dropped(tmp_path: Path, program: Program) -> None:
    program("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo ' Container leads_app  Started'")
    assert await run(compose(tmp_path), "up") == [Progress("started", "app", ok=True)]


def test_the_service_of_a_containers_own_name() -> None:
    assert guess("leads-my-worker-12", "leads") == "my-worker"
    assert guess("leads_app", "leads") == ""
    assert guess("leads-app", "leads") == ""
