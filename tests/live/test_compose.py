"""Compose's verbs on a real engine, as a user runs them: rebuilds, drift, scaling, recreating, masked files."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.stack.docker import files
from tests.console.cli.calls import Call, leadsctl, on_terminal, plain
from tests.live.stacks import APP_SECRET, PASSWORD, LiveStack

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """A stack whose sources are its own, as `leadsctl init` lays them out, up by the command."""
    folder = tmp_path_factory.mktemp("stack")
    made = LiveStack(folder, base=files.write(folder).files[0], image=f"leadstest_own{secrets.token_hex(4)}:latest")
    try:
        call = run(made, "up")
        assert call.code == 0, call.err
        assert "app: building: " in call.err
        yield made
    finally:
        made.remove()
        made.docker("image", "rm", "-f", made.image)


def run(stack: LiveStack, *arguments: str) -> Call:
    """A command on the stack, without a terminal."""
    return leadsctl(*stack.words, *arguments)


def drift(stack: LiveStack) -> dict[str, list[str]]:
    """By service, in what it differs, as ps tells."""
    return {one["name"]: one["drift"] for one in run(stack, "ps", "--json").document["services"] if one["drift"]}


def ids(stack: LiveStack) -> dict[str, list[str]]:
    """The containers of each service."""
    services = run(stack, "ps", "--json").document["services"]
    return {one["name"]: sorted(replica["id"] for replica in one["replicas"]) for one in services}


def both(line: str) -> dict[str, list[str]]:
    """What is so for app and worker: they have one image."""
    return {"app": [line], "worker": [line]}


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_up_again_changes_nothing_and_shows_what_it_runs(stack: LiveStack) -> None:
    before = ids(stack)
    call = run(stack, "up")
    assert (call.code, call.out) == (0, b"")
    (command,) = [line for line in call.err.splitlines() if line.startswith("$ ")]
    assert command.startswith(f"$ docker compose --project-name {stack.project} --file {stack.base} --file ")
    assert " up --detach --wait " in command
    for secret in (PASSWORD, APP_SECRET):
        assert secret not in call.err
    assert ids(stack) == before
    assert drift(stack) == {}


def test_sources_that_changed_are_seen_and_built_by_the_next_up(stack: LiveStack) -> None:
    before = ids(stack)
    change(stack.folder / "api" / "ids.py", '"""', '"""Changed. ')
    assert drift(stack) == both("its sources changed since the image was built")
    assert "≠ app: its sources changed since the image was built" in run(stack, "ps").text
    assert run(stack, "up", "--no-build").code == 0
    assert ids(stack) == before
    call = run(stack, "up")
    assert call.code == 0, call.err
    assert "app: building: " in call.err
    assert "app: differs: its image was replaced by a newer one" in call.err
    after = ids(stack)
    assert [name for name in before if before[name] != after[name]] == ["app", "worker"]
    assert drift(stack) == {}
    assert "Changed." in stack.docker("exec", stack.container("app"), "head", "-1", "/app/api/ids.py")


def test_a_build_by_itself_shows_as_a_newer_image(stack: LiveStack) -> None:
    change(stack.folder / "api" / "ids.py", "Changed.", "Changed twice.")
    call = run(stack, "build")
    assert call.code == 0, call.err
    assert call.err.splitlines()[-1] == "the images are built; up puts them to use"
    assert drift(stack) == both("its image was replaced by a newer one")
    assert run(stack, "up").code == 0
    assert drift(stack) == {}


def test_settings_that_changed_are_seen_and_put_right(stack: LiveStack) -> None:
    stack.setting("MAX_ATTEMPTS", "3")
    assert drift(stack) == {"worker": ["its settings in the compose files or .env changed"]}
    before = ids(stack)
    call = run(stack, "up")
    assert "worker: differs: its settings in the compose files or .env changed" in call.err
    assert [name for name, of in ids(stack).items() if of != before[name]] == ["worker"]
    assert drift(stack) == {}


def test_a_service_is_missing_then_extra(stack: LiveStack) -> None:
    stack.docker("rm", "-f", stack.container("graph"))
    assert drift(stack) == {"graph": ["not created"]}
    more = stack.folder / "more.yml"
    more.write_text("services: {more: {image: 'python:3.13-slim', command: [sleep, '3600'], stop_grace_period: 1s}}")
    assert leadsctl("-f", str(more), *stack.words, "ps").code == 0
    assert leadsctl(*stack.words, "-f", str(more), "up").code == 0
    assert drift(stack) == {"more": ["not in the compose files"]}
    assert run(stack, "up").code == 0
    assert drift(stack) == {}


def test_scaling_lasts_until_the_next_up_or_is_saved(stack: LiveStack) -> None:
    call = run(stack, "scale", "worker=2")
    assert call.code == 0, call.err
    assert "at the next up WORKERS in .env decides" in call.err
    assert len(ids(stack)["worker"]) == 2
    assert drift(stack) == {"worker": ["2 replicas where the compose files want 1"]}
    call = run(stack, "scale", "worker=2", "--save")
    assert (call.code, call.err.splitlines()[-1]) == (0, "worker has 2 replicas")
    assert "WORKERS=2\n" in stack.env_file.read_text()
    assert run(stack, "up").code == 0
    assert len(ids(stack)["worker"]) == 2
    assert run(stack, "scale", "worker=1", "--save").code == 0
    assert len(ids(stack)["worker"]) == 1
    assert drift(stack) == {}
    call = run(stack, "scale", "app=2")
    assert call.code == 1
    assert "a container name of its own keeps app from having several replicas" in call.err.lower()
    assert drift(stack) == {}


def test_recreating_one_service_leaves_the_others(stack: LiveStack) -> None:
    before = ids(stack)
    call = run(stack, "recreate", "worker")
    assert (call.code, call.err.splitlines()[-1]) == (0, "worker is recreated")
    assert [name for name, of in ids(stack).items() if of != before[name]] == ["worker"]
    assert drift(stack) == {}


def test_stop_start_restart_of_one_and_of_all(stack: LiveStack) -> None:
    before = ids(stack)
    for words, who in ((["worker"], "worker"), ([], "the stack")):
        for verb, be in (("stop", "stopped"), ("start", "started"), ("restart", "restarted")):
            call = run(stack, verb, *words, *(["--yes"] if verb == "stop" else []))
            assert (call.code, call.err.splitlines()[-1]) == (0, f"{who} is {be}")
    assert ids(stack) == before
    assert run(stack, "up").code == 0


def test_the_resolved_files_show_no_secret(stack: LiveStack) -> None:
    call = run(stack, "config", "compose")
    assert call.code == 0, call.err
    assert "REDIS_PASSWORD: ********" in call.text
    assert f'published: "{stack.port}"' in call.text
    whole = run(stack, "config", "compose", "--json")
    assert whole.document["compose"]["services"]["db"]["environment"]["POSTGRES_PASSWORD"] == "********"
    for secret in (PASSWORD, json.dumps(PASSWORD), APP_SECRET, "EAAtoken"):
        assert secret not in call.text
        assert secret not in whole.text


def test_an_image_of_ones_own_is_not_pulled(stack: LiveStack) -> None:
    call = run(stack, "pull", "app")
    assert (call.code, call.out) == (1, b"")
    assert "app: not an image that is pulled." in call.err
    assert "db, graph, redis" in call.err


def test_files_that_are_not_valid_are_said_beside_what_runs(stack: LiveStack) -> None:
    text = stack.env_file.read_text()
    try:
        stack.env_file.write_text(text.replace("REDIS_PASSWORD", "OTHER"))
        call = run(stack, "ps")
        assert call.code == 0
        assert "it cannot be compared with its compose files: REDIS_PASSWORD is not set" in call.text
        assert call.text.count(" healthy ") == 4
    finally:
        stack.env_file.write_text(text)


def test_going_down_tells_what_it_risks_and_keeps_the_data(stack: LiveStack) -> None:
    code, text = on_terminal(*stack.words, "down", typed="n\n")
    assert code == 1
    assert "AOF is on (always)" in plain(text)
    assert "no backup was ever made" in plain(text)
    assert "no webhook is accepted" in plain(text)
    assert run(stack, "down", "--yes").code == 0
    assert len(stack.docker("volume", "ls", "-q", "--filter", f"name={stack.project}").split()) == 2
    call = run(stack, "down", "--volumes", "--yes")
    assert (call.code, call.err.splitlines()[-1]) == (2, f"hint: add --confirm {stack.project}")
    code, text = on_terminal(*stack.words, "down", "--volumes", typed=f"{stack.project}\n")
    assert code == 0
    assert stack.docker("volume", "ls", "-q", "--filter", f"name={stack.project}") == ""
