"""Completion in the shells themselves: the script that is given is sourced, and completes verbs, states, services."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.cli.calls import environment, leadsctl

BASH = """
source {script}
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
$(complete -p leadsctl | sed 's/.*-F \\([^ ]*\\).*/\\1/') leadsctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """
compdef() {{ :; }}
_arguments() {{ print -rl -- "$@"; }}
source {script}
words=({words}); CURRENT=${{#words}}
_leadsctl_completion
"""
FISH = """
source {script}
complete -C "{words}"
"""
SHELLS = {"bash": (["bash", "--norc", "-c"], BASH), "zsh": (["zsh", "-f", "-c"], ZSH), "fish": (["fish", "-c"], FISH)}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    """A shell that this machine has."""
    name: str = request.param
    if shutil.which(name) is None:
        pytest.skip(f"no {name} on this machine")
    return name


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("leadsctl rest", {"restart", "restore"}),
        ("leadsctl queue dis", {"discard"}),
        ("leadsctl queue list de", {"dead"}),
        ("leadsctl queue retry --all stu", {"stuck"}),
        ("leadsctl stop wo", {"worker"}),
    ],
)
def test_the_shell_completes(shell: str, words: str, expected: set[str], tmp_path: Path) -> None:
    program = tmp_path / "leadsctl"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m console "$@"\n')
    program.chmod(0o755)
    script = tmp_path / f"completion.{shell}"
    script.write_bytes(leadsctl(env={"_LEADSCTL_COMPLETE": f"source_{shell}"}).out)
    command, text = SHELLS[shell]
    env = environment(HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path))
    env["PATH"] = f"{tmp_path}:{env['PATH']}"
    done = subprocess.run(
        [*command, text.format(script=script, words=words)], capture_output=True, text=True, env=env, check=False
    )
    assert done.stderr == ""
    assert _offered(shell, done.stdout) == expected, done.stdout


def _offered(shell: str, text: str) -> set[str]:
    """The words offered: in zsh those of `_arguments '*: :(("word":"its help" …))'`, elsewhere one a line."""
    if shell == "zsh":
        return set(re.findall(r'(?:\(\(|" )"([^"]+)"', text))
    return {line.split("\t")[0] for line in text.split("\n") if line}
