"""A program opened beside a local service: its environment, its login, what is not there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from console.errors import StackError, UnreachableError
from console.foreground import Foreground, opened
from console.stack.local import LocalRuntime
from console.stack.local.processes import MARK


def output(program: Foreground) -> str:
    done = subprocess.run(
        program.argv, env=dict(program.env), cwd=program.cwd, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


async def test_programs_beside_a_running_stack(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = LocalRuntime(state_dir, {"SHELL": "/bin/sh", "PATH": "/usr/bin:/bin", "TERM": "xterm", "SECRET": "x"})
    async for _ in runtime.up(["worker"]):
        pass
    shell = await runtime.foreground("worker")
    assert shell.argv == ("/bin/sh",)
    assert "DATABASE_URL" in shell.env
    assert "TERM" in shell.env
    assert not {MARK, "SECRET"} & set(shell.env)

    psql = await runtime.foreground("db", ("-Atc", "SELECT current_database()"), tool="psql")
    assert output(psql) == "leads"
    access = runtime._places.access()
    assert access is not None
    for program in (psql, await runtime.foreground("redis", ("true",))):
        passwords = [program.env[name] for name in ("PGPASSWORD", "REDISCLI_AUTH") if name in program.env]
        assert passwords
        assert not any(password in word for password in passwords for word in program.argv)
        assert not any(password in repr(program) for password in passwords)

    monkeypatch.setattr("console.stack.local.shell.REDIS_CLIS", ("no-such-cli",))
    with pytest.raises(StackError, match="redis-cli is not on this machine"):
        await runtime.foreground("redis", tool="redis-cli")
    with pytest.raises(StackError, match="app was never started here"):
        await runtime.foreground("app")


async def test_no_stack(state_dir: Path) -> None:
    with pytest.raises(UnreachableError, match="no local stack is up"):
        await LocalRuntime(state_dir, {}).foreground("app")


@pytest.mark.parametrize(("command", "code"), [("exit 3", 3), ("kill -TERM $$", 143), ("kill -INT $PPID; exit 0", 0)])
async def test_the_exit_code_is_the_programs_and_keys_are_for_it_alone(command: str, code: int) -> None:
    assert await opened(Foreground(("/bin/sh", "-c", command), {}, "/")) == code


async def test_a_program_that_is_not_there() -> None:
    with pytest.raises(StackError, match="/no/such cannot be run: No such file"):
        await opened(Foreground(("/no/such",), {}))
