"""The words that open a program in a service."""

from __future__ import annotations

import pytest

from console.errors import StackError
from console.stack.docker.labels import NUMBER
from console.stack.docker.replicas import find
from console.stack.docker.shell import SHELL, demand_running, exec_words
from tests.console.docker.fake_engine import inspected


def test_a_shell() -> None:
    assert exec_words("app", (), "", terminal=True) == ["exec", "app", "sh", "-c", SHELL]


def test_one_replica_of_several() -> None:
    assert exec_words("worker", ("id",), "", terminal=True, index=2) == ["exec", "--index", "2", "worker", "id"]
    containers = [inspected("1", "worker"), inspected("2", "worker")]
    containers[1]["Config"]["Labels"][NUMBER] = "2"
    assert find(containers, "worker", 2)["Id"] == "2"
    with pytest.raises(StackError, match=r"worker has no replica 3; there: 1, 2"):
        find(containers, "worker", 3)
    with pytest.raises(StackError, match=r"app has no replica 1; there: none"):
        find(containers, "app", 1)


def test_a_command_without_a_terminal() -> None:
    assert exec_words("app", ("ls", "-l"), "", terminal=False) == ["exec", "--no-TTY", "app", "ls", "-l"]


@pytest.mark.parametrize("tool", ["psql", "redis-cli"])
def test_a_tool_gets_its_words_untouched(tool: str) -> None:
    words = exec_words("x", ("-c", "select $1; `x`"), tool, terminal=True)
    assert words[:4] == ["exec", "x", "sh", "-c"]
    assert words[5:] == [tool, "-c", "select $1; `x`"]


def test_only_what_runs_is_entered() -> None:
    containers = [inspected("1", "app"), inspected("2", "worker", status="exited")]
    demand_running(containers, "app", "leads")
    with pytest.raises(StackError, match="worker is not running"):
        demand_running(containers, "worker", "leads")
    with pytest.raises(StackError, match="there is no service x in leads"):
        demand_running(containers, "x", "leads")
