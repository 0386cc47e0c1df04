"""check on a real local stack in the forms that monitoring systems read."""

from __future__ import annotations

import re
import subprocess

import pytest
from typer.main import get_command

from console.cli.app import app
from console.cli.failure import VALUED
from tests.console.cli.calls import COMMAND, environment, inside, leadsctl
from tests.console.cli.conftest import Stack


def test_a_nagios_plugin(stack: Stack) -> None:
    call = stack("check", "--format", "nagios")
    assert call.code in (0, 1), call
    first = call.text.splitlines()[0]
    assert re.match(r"LEADS (OK|WARNING) - .* \| age=[0-9.]+s stuck=0 dead=\d+ workers=1 disk=[0-9.]+% ", first)


def test_a_nagios_plugin_that_reaches_nothing_is_unknown() -> None:
    call = leadsctl("--redis-url", "redis://127.0.0.1:1/0", "check", "--format", "nagios")
    assert call.code == 3
    assert call.text.startswith("LEADS UNKNOWN - ")


@pytest.mark.parametrize(
    "words",
    [
        ["--max-stuck", "many"],
        ["--max-stuck", "-1"],
        ["--frob"],
        ["--max-age", "soon"],
        ["surplus"],
    ],
)
def test_a_nagios_plugin_that_is_called_wrongly_is_unknown_not_critical(words: list[str]) -> None:
    for format_ in (["--format", "nagios"], ["--format=nagios"]):
        call = inside("--local", "check", *words, *format_)
        assert (call.code, call.err) == (3, "")
        assert re.fullmatch(r"LEADS UNKNOWN - [^\n|]+\n", call.text)
    call = inside("--local", "check", *words)
    assert (call.code, call.text) == (3, ""), "whoever else looks at its exit code takes 2 for critical as well"
    assert call.err.startswith("leadsctl: ")


def test_a_nagios_plugin_whose_output_cannot_be_written_says_so() -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [*COMMAND, "check", "--frob", "--format", "nagios"],
            stdout=full, stderr=subprocess.PIPE, env=environment(), text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr == "leadsctl: No such option: --frob\nhint: leadsctl check --help shows what it takes\n"


def test_options_before_it_may_be_wrong_as_well() -> None:
    call = inside("--redis-url", "http://h", "check", "--format", "nagios")
    assert (call.code, call.text[:16]) == (3, "LEADS UNKNOWN - ")


def test_metrics_for_a_textfile_collector(stack: Stack) -> None:
    call = stack("check", "--format", "prometheus")
    assert call.code == 0
    assert "\nleadsctl_check_ok 1\n" in call.text
    assert 'leadsctl_check{name="backup"} 0' in call.text


def test_limits_come_from_the_environment_too(stack: Stack) -> None:
    call = stack("check", "--json", LEADSCTL_CHECK_MIN_WORKERS="2")
    assert call.code == 4
    (workers,) = [found for found in call.document["findings"] if found["name"] == "workers"]
    assert (workers["verdict"], workers["value"]) == ("fail", 1)


def test_a_format_that_is_none_is_said(stack: Stack) -> None:
    for words in (["--format", "nagoos"], ["--format=nagoos"]):
        call = stack("check", *words)
        assert (call.code, call.err) == (3, "")
        assert call.text == "LEADS UNKNOWN - there is no format nagoos (there are text, json, nagios, prometheus)\n"
    call = stack("check", "--format", "json", "--frob")
    assert (call.code, call.out) == (3, b""), "a reader of JSON is told as by any other command"


def test_only_a_check_that_is_called_wrongly_ends_so() -> None:
    assert inside("queue", "list", "check", "--format", "nagios").code == 2
    assert inside("--dir", "check", "ps", "--frob").code == 2
    assert inside("--project", "ps", "--read-only", "check", "--frob").code == 3


def test_the_options_before_a_command_that_have_a_value_are_known() -> None:
    valued = {
        name for option in get_command(app).params if not getattr(option, "is_flag", True) for name in option.opts
    } - {"--install-completion", "--show-completion"}
    assert valued == VALUED
