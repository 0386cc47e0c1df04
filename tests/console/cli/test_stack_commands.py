"""up, down, start, stop, restart, ps and logs on a real local stack: bytes, narration, exit codes."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from collections.abc import Callable

import pytest

from console import loglines
from console.format import width_of
from tests.console.cli.calls import COMMAND, environment, leadsctl, on_terminal, plain
from tests.console.cli.conftest import Stack

SERVICES = {"app", "worker", "db", "redis"}


def test_up_again_changes_nothing_and_says_so_on_stderr(stack: Stack) -> None:
    before = {s["name"]: s["replicas"][0]["pid"] for s in stack("ps", "--json").document["services"]}
    call = stack("up")
    assert (call.code, call.out) == (0, b"")
    assert call.err.splitlines()[-1] == "the stack is up"
    assert {s["name"]: s["replicas"][0]["pid"] for s in stack("ps", "--json").document["services"]} == before


def test_ps_is_a_table_on_stdout(stack: Stack) -> None:
    call = stack("ps")
    assert (call.code, call.err) == (0, "")
    head, *rows = call.text.splitlines()
    assert head.split() == ["SERVICE", "STATE", "UPTIME", "MEMORY", "RESTARTS", "PORTS", "VERSION"]
    assert {row.split()[1] for row in rows} == SERVICES
    assert all(row.startswith("●  ") and " healthy " in row for row in rows)
    assert b"\x1b" not in call.out


def test_ps_with_figures(stack: Stack) -> None:
    call = stack("ps", "--stats")
    assert "  CPU  MEMORY  " in call.text.splitlines()[0]
    assert len(re.findall(r" \d+ %  ", call.text)) == 4


def test_ps_as_json(stack: Stack) -> None:
    document = stack("ps", "--json").document
    assert document["version"] == 1
    assert (document["runtime"], document["where"]) == ("local", str(stack.directory))
    assert {service["name"]: service["state"] for service in document["services"]} == dict.fromkeys(SERVICES, "healthy")
    assert stack("--json", "ps").document["services"][0]["name"] == document["services"][0]["name"]


@pytest.mark.parametrize("columns", [80, 200])
def test_nothing_is_wider_than_the_terminal(stack: Stack, stored: int, dead: str, columns: int) -> None:
    for command in ("ps", "queue", "leads", "queue list", "check"):
        code, text = on_terminal(*stack.where, *command.split(), columns=columns)
        assert code == 0
        assert "\x1b[" in text
        assert max(width_of(line) for line in plain(text).splitlines()) <= columns, command


def test_no_color_is_honoured(stack: Stack) -> None:
    assert "\x1b" not in on_terminal(*stack.where, "ps", env={"NO_COLOR": "1"})[1]


def test_restart_of_one_service(stack: Stack) -> None:
    call = stack("restart", "worker", "--json")
    assert call.document | {"hint": ""} == {
        "version": 1, "ok": True, "text": "worker is restarted", "changed": 1, "hint": "", "exit_code": 0,
    }  # fmt: skip
    assert call.code == 0


def test_stop_asks_first(stack: Stack) -> None:
    call = stack("stop", "worker")
    assert (call.code, call.out) == (2, b"")
    assert call.err == (
        "leadsctl: stop asks first, and there is no terminal to ask on\nhint: add --yes to do it unasked\n"
    )
    code, text = on_terminal(*stack.where, "stop", "worker", typed="n\n")
    assert code == 1
    assert "Stop worker? [y/N]" in plain(text)
    assert "nothing was done" in text
    assert "○" not in stack("ps").text


def test_stop_and_start_with_consent(stack: Stack) -> None:
    code, text = on_terminal(*stack.where, "stop", "app", typed="y\n")
    assert code == 0
    assert "no webhook is accepted until it runs again" in plain(text)
    assert plain(text).splitlines()[-1] == "app is stopped"
    assert re.search(r"○  app +stopped", stack("ps").text)
    assert stack("send").code == 3
    assert stack("start", "app", "--quiet").err == ""
    assert re.search(r"●  app +healthy", stack("ps").text)


def test_data_is_only_deleted_once_the_stack_is_named(stack: Stack) -> None:
    for words in ([], ["--yes"]):
        call = stack("down", "--volumes", *words)
        assert (call.code, call.out) == (2, b"")
        assert call.err == (
            "leadsctl: down --volumes deletes all leads and the queue, and there is no terminal to ask on\n"
            "hint: add --confirm stack\n"
        )
    call = stack("down", "--volumes", "--confirm", "other")
    assert (call.code, call.err) == (2, "leadsctl: the stack is called stack, not other\n")
    code, text = on_terminal(*stack.where, "down", "--volumes", typed="y\n")
    assert code == 1
    assert "Type stack to DELETE its leads and its queue:" in plain(text)
    assert "the volumes are deleted" in plain(text)
    assert "no backup was ever made" in plain(text) or "the last backup was" in plain(text)
    assert "nothing was done" in text
    assert stack("ps").text.count(" healthy ") == 4


def test_going_down_asks_and_tells_of_aof_and_backup(stack: Stack) -> None:
    code, text = on_terminal(*stack.where, "down", typed="n\n")
    assert code == 1
    assert "AOF is on (always)" in plain(text)
    assert "Take the stack down? [y/N]" in plain(text)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["recreate"], "local processes are not recreated"),
        (["scale", "worker=2"], "the local stack runs one process of each service"),
        (["build"], "the local stack has no images"),
        (["pull"], "the local stack has no images"),
        (["up", "--build"], "the local stack has no images"),
        (["config", "compose"], "the local stack has no compose files"),
        (["scale", "worker"], "worker says no number"),
        (["scale", "db=2", "--save"], "only the number of workers is a setting"),
    ],
)
def test_what_means_nothing_to_local_processes_is_said(stack: Stack, arguments: list[str], text: str) -> None:
    call = stack(*arguments)
    assert (call.code, call.out) == (2, b"")
    assert call.err.startswith(f"leadsctl: {text}")


def test_a_service_that_is_none(stack: Stack) -> None:
    call = stack("restart", "mysql")
    assert (call.code, call.out) == (2, b"")
    assert "mysql" in call.err


@pytest.mark.parametrize(
    "arguments",
    [["up"], ["down", "--yes"], ["down", "--volumes"], ["recreate"], ["scale", "worker=2"], ["build"], ["pull"],
     ["stop", "app", "--yes"], ["restart"], ["queue", "pause"], ["send"],
     ["queue", "discard", "x", "--yes"], ["queue", "edit", "x"], ["queue", "retry", "--all", "dead"]],
)  # fmt: skip
def test_read_only_refuses(stack: Stack, arguments: list[str]) -> None:
    call = stack("--read-only", *arguments)
    assert (call.code, call.out) == (2, b"")
    assert "is refused: the console is read-only" in call.err
    assert stack(*arguments, LEADSCTL_READ_ONLY="1").code == 2


def test_logs_as_lines_and_as_json(stack: Stack, stored: int) -> None:
    call = stack("logs", "app", "--grep", "webhook.accepted")
    assert call.code == 0
    line = call.text.splitlines()[-1]
    assert re.match(r"\d\d:\d\d:\d\d app info  webhook\.accepted ", line)
    assert "ana@gmail.com" not in stack("logs").text
    documents = stack("logs", "app", "-n", "2", "--json").documents
    assert len(documents) == 2
    assert {document["service"] for document in documents} == {"app"}


def test_logs_are_filtered(stack: Stack) -> None:
    nothing = stack("logs", "--grep", "no such line anywhere")
    assert (nothing.code, nothing.out, nothing.err) == (0, b"", "no log line matches\n")
    everything = stack("logs", "db").text.splitlines()
    rest = stack("logs", "db", "--grep", "LISTENING", "-i", "-v").text.splitlines()
    assert 0 < len(rest) < len(everything)
    errors = stack("logs", "--level", "error", "--json").documents
    assert all(loglines.level_of(document["text"]) == loglines.ERROR for document in errors)
    assert stack("logs", "--since", "2100-01-01").out == b""


def test_following_logs_ends_quietly_with_130(stack: Stack) -> None:
    followed = threading.Event()
    with subprocess.Popen(
        [*COMMAND, *stack.where, "logs", "app", "-f", "-n", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(), text=True,
    ) as process:  # fmt: skip
        out, err = process.stdout, process.stderr
        assert out is not None
        assert err is not None

        def read() -> None:
            for line in out:
                if "followed" in line:
                    followed.set()

        reading = threading.Thread(target=read)
        reading.start()
        try:
            # A line that is written before anybody follows is not among them: another is.
            while not followed.wait(1.0):
                assert process.poll() is None
                assert stack("send", "--form", "followed").code == 0
            process.send_signal(signal.SIGINT)
            assert (process.wait(30), err.read()) == (130, "")
        finally:
            process.kill()
            reading.join()


def test_a_reader_that_goes_away_ends_the_logs_with_141(stack: Stack, stored: int) -> None:
    done = subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {' '.join(COMMAND)} {' '.join(stack.where)} logs -f | head -1"],
        capture_output=True, env=environment(), text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (141, "")
    assert done.stdout.count("\n") == 1


def test_a_stack_that_is_down(tmp_path_factory: pytest.TempPathFactory, eventually: Callable[..., None]) -> None:
    where = ("--local", "--dir", str(tmp_path_factory.mktemp("none") / "stack"))
    call = leadsctl(*where, "ps")
    assert call.code == 0
    assert call.text.count("absent") == 4
    for command in (["queue"], ["leads"], ["check"]):
        call = leadsctl(*where, *command)
        assert (call.code, call.out) == (3, b"")
        assert re.fullmatch(r"leadsctl: no local stack is up in .*\nhint: leadsctl --local --dir \S+ up\n", call.err)
    assert leadsctl(*where, "down", "--yes").code == 0


def test_no_engine_is_told_with_exit_3() -> None:
    for command in (["up"], ["ps"], ["queue"], ["stop", "--yes"]):
        call = leadsctl(*command, env={"DOCKER_HOST": "unix:///nonexistent.sock"})
        assert (call.code, call.out) == (3, b"")
        assert call.err.startswith("leadsctl: ")
        assert "hint: " in call.err
        assert "Traceback" not in call.err
