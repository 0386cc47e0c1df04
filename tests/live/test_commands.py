"""Every command on a real engine: documented JSON, a silent standard error, exit codes; an engine that is not there."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path

import pytest

from tests.console.cli import every
from tests.console.cli.calls import inside, leadsctl
from tests.live.stacks import LiveStack
from tests.servers import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


def where(stack: LiveStack) -> list[str]:
    """The options that name the stack."""
    files = [word for path in stack.files for word in ("--file", str(path))]
    return ["--docker", "--project", stack.project, *files, "--env-file", str(stack.env_file)]


def test_every_command_prints_its_documented_json(stack: LiveStack, tmp_path: Path) -> None:
    run = partial(inside, *where(stack))
    external_id = run("send", "--json").document["external_id"]
    assert run("send", "--id", f"no-number-{secrets.token_hex(4)}").code == 0
    found: list[str] = []

    def stored() -> bool:
        call = run("leads", "show", external_id, "--json")
        found.extend(str(one["lead"]["id"]) for one in (call.document["found"] if call.code == 0 else ()))
        return bool(found)

    wait_until(stored, "the lead's row", 60)
    (dead,) = run("queue", "list", "dead", "--json").document["jobs"]
    every.run_all(run, tmp_path / "backups", lead=found[0], dead=dead["id"])


def test_an_engine_that_does_not_answer_ends_with_3(stack: LiveStack) -> None:
    for words in (["ps"], ["queue"], ["leads"], ["volumes"], ["up"], ["stop", "app", "--yes"]):
        call = leadsctl(*where(stack), *words, env={"DOCKER_HOST": "tcp://127.0.0.1:1"})
        assert (call.code, call.out) == (3, b""), call
        assert len([line for line in call.err.splitlines() if not line.startswith("◐")]) <= 2, call.err
