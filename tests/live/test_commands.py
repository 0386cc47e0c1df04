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

    dead: list[str] = []

    def refused() -> bool:
        dead.extend(job["id"] for job in run("queue", "list", "dead", "--json").document["jobs"])
        return bool(dead)

    wait_until(stored, "the lead's row", 60)
    wait_until(refused, "the dead letter", 60)
    every.run_all(run, tmp_path / "backups", lead=found[0], dead=dead[0])


def test_one_replica_of_several(stack: LiveStack) -> None:
    run = partial(inside, *where(stack))
    assert run("scale", "worker=2", "--quiet").code == 0
    names = [f"{stack.project}-worker-{n}" for n in (1, 2)]
    try:
        call = leadsctl(*where(stack), "shell", "--index", "2", "worker", "--", "hostname")
        assert (call.code, call.text.strip()) == (
            0,
            stack.docker("inspect", "-f", "{{.Config.Hostname}}", names[1]).strip(),
        )
        began = [stack.docker("inspect", "-f", "{{.State.StartedAt}}", name) for name in names]
        assert run("restart", "--index", "2", "worker", "--quiet").code == 0
        after = [stack.docker("inspect", "-f", "{{.State.StartedAt}}", name) for name in names]
        assert (after[0] == began[0], after[1] == began[1]) == (True, False)
        shown = run("logs", "--index", "2", "worker", "--json").documents
        assert {line["replica"] for line in shown} == {names[1]}
        for words in (["shell", "--index", "3", "worker", "--", "true"], ["logs", "--index", "3", "worker"]):
            call = leadsctl(*where(stack), *words)
            assert (call.code, call.out) == (1, b"")
            assert "worker has no replica 3" in call.err
        assert run("restart", "--index", "1").code == 2
    finally:
        assert run("scale", "worker=1", "--quiet").code == 0


def test_an_engine_that_does_not_answer_ends_with_3(stack: LiveStack) -> None:
    for words in (["ps"], ["queue"], ["leads"], ["volumes"], ["up"], ["stop", "app", "--yes"]):
        call = leadsctl(*where(stack), *words, env={"DOCKER_HOST": "tcp://127.0.0.1:1"})
        assert (call.code, call.out) == (3, b""), call
        assert len([line for line in call.err.splitlines() if not line.startswith("◐")]) <= 2, call.err
