"""The way in: quick help, words that are off, completion, versions, closed pipes; no stack is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from console.cli.app import COMMANDS, app
from tests.console.cli.calls import COMMAND, environment, leadsctl, on_terminal, plain

HEAVY = ("docker", "redis", "hiredis", "psycopg", "httpx", "textual", "rich.console", "rich.table", "rich.markup",
         "requests", "supervisor", "httptools", "asyncio", "msgspec", "structlog", "pydantic")  # fmt: skip


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["queue", "--help"], ["ps", "--help"]])
def test_nothing_heavy_is_imported_to_show_help(arguments: list[str]) -> None:
    code = (
        "import sys; from console.__main__ import run; code = run(sys.argv[1:]);"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment(), check=False
    )
    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_nothing_heavy_is_imported_for_the_help_of_any_command() -> None:
    code = (
        "import sys, typer; from console.__main__ import run; from console.cli.app import COMMANDS, app\n"
        "group = typer.main.get_command(app)\n"
        "inner = [[name, one] for name in COMMANDS for one in getattr(group.commands[name], 'commands', ())]\n"
        "for words in [*([name] for name in COMMANDS), *inner]:\n"
        f"    print(run([*words, '--help']), [n for n in {HEAVY!r} if n in sys.modules], words, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    assert [line for line in done.stderr.splitlines() if not line.startswith("0 [] ")] == []


def test_the_table_of_commands_says_what_they_say_themselves() -> None:
    group = typer.main.get_command(app)
    for name, entry in COMMANDS.items():
        command = group.commands[name]  # type: ignore[attr-defined]  # it is a group
        assert command.help.splitlines()[0] == entry.help, name
        assert command.name == name


def test_help_fits_eighty_columns() -> None:
    call = leadsctl("--help", env={"COLUMNS": "80"})
    assert call.code == 0
    assert [line for line in call.text.splitlines() if len(line) > 80] == []
    assert all(f"\n  {name} " in call.text for name in COMMANDS)
    assert leadsctl("-h", env={"COLUMNS": "80"}).out == call.out


def test_the_readme_lists_every_command() -> None:
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text()
    table = re.findall(
        r"^\| [a-z ]+ \| (`.*) \|$", readme.split("## The command line")[1].split("```")[0], re.MULTILINE
    )
    listed = set(re.findall(r"`([a-z-]+)`", " ".join(table)))
    group = typer.main.get_command(app)
    inner = {one for name in COMMANDS for one in getattr(group.commands[name], "commands", ())}  # type: ignore[attr-defined]
    assert listed == set(COMMANDS) | inner


def test_version() -> None:
    assert leadsctl("--version").out == f"leadsctl {version('leadsctl')}\n".encode()


@pytest.mark.parametrize(
    ("arguments", "text", "hint"),
    [
        (["frob"], "No such command 'frob'", "leadsctl --help"),
        (["upp"], "Did you mean 'up'?", "leadsctl --help"),
        (["ps", "--frob"], "No such option: --frob", "leadsctl ps --help"),
        (["queue", "show"], "Missing argument", "leadsctl queue show --help"),
        (["queue", "list", "asleep"], "there is no state asleep", "states: ready, in-flight"),
        (["queue", "retry"], "say which jobs", "leadsctl queue list"),
        (["logs", "--grep", "("], "is not a regular expression", ""),
        (["logs", "--level", "loud"], "there is no level loud", "levels: debug"),
        (["leads", "count", "--by", "mood"], "leads are not counted by mood", "ways: day"),
        (["leads", "list", "--since", "soon"], "--since soon is not a time", "15m"),
        (["send", "--field", "a=b"], "--field goes with --form or --source", ""),
        (["send", "--form", "x", "--source", "google"], "it does not go with --source", ""),
        (["send", "--form", "x", "--page", "1"], "--page is Meta's", ""),
        (["send", "--source", "google", "--page", "1"], "--page is Meta's", ""),
        (["--redis-url", "http://x", "queue"], "--redis-url cannot be used: it begins with redis://", ""),
        ([], "the terminal UI needs a terminal", "leadsctl --help"),
    ],
)
def test_words_that_are_off_end_with_2_and_say_what_to_do(arguments: list[str], text: str, hint: str) -> None:
    call = leadsctl(*arguments)
    assert (call.code, call.out) == (2, b"")
    first, *rest = call.err.splitlines()
    assert first.startswith("leadsctl: ")
    assert text in first
    assert "Traceback" not in call.err
    assert not hint or (rest[0].startswith("hint: ") and hint in rest[0])


@pytest.mark.parametrize(
    ("name", "value"), [("LEADSCTL_RUNTIME", "podman"), ("LEADSCTL_READ_ONLY", "maybe"), ("LEADSCTL_DATABASE_URL", "x")]
)
def test_a_wrong_environment_is_named(name: str, value: str) -> None:
    call = leadsctl("ps", env={name: value})
    assert call.code == 2
    assert name in call.err


@pytest.mark.parametrize(
    "end",
    [
        ":99999/x", ":0/x", ":hunter2/x", ":5432,h2:70000/x", "/x?port=70000", "/x?hunter2=1", "/x?hunter2",
        "/hunter2%zz", "/x?sslmode=hunter2", "/x?connect_timeout=hunter2",
    ],
)  # fmt: skip
def test_a_database_that_cannot_be_asked_for_is_a_wrong_word_and_not_an_absent_server(end: str) -> None:
    url = f"postgresql://u:hunter2@127.0.0.1{end}"
    for call in (leadsctl("--database-url", url, "ps"), leadsctl("ps", env={"LEADSCTL_DATABASE_URL": url})):
        assert call.code == 2, call.err
        assert "database" in call.err.lower()
        assert "hunter2" not in call.err


@pytest.mark.parametrize("end", [":1/x", ":1,127.0.0.1:1/x", ":1/x?sslmode=disable&connect_timeout=2", "/x?port=1"])
def test_a_database_that_is_away_is_unreachable(end: str) -> None:
    call = leadsctl("--redis-url", "redis://127.0.0.1:1/0", "leads", "list", env={
        "LEADSCTL_DATABASE_URL": f"postgresql://u:hunter2@127.0.0.1{end}"
    })  # fmt: skip
    assert call.code == 3, call.err
    assert "hunter2" not in call.err


def test_a_wrong_environment_does_not_hide_the_help() -> None:
    assert leadsctl("ps", "--help", env={"LEADSCTL_RUNTIME": "podman"}).code == 0


def test_a_password_in_a_url_is_never_shown() -> None:
    call = leadsctl(
        "--redis-url", "redis://:hunter2@127.0.0.1:1/0", "--database-url", "postgresql://u:hunter2@h/x", "queue"
    )
    assert call.code == 3
    assert "hunter2" not in call.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_given(shell: str) -> None:
    call = leadsctl(env={"_LEADSCTL_COMPLETE": f"source_{shell}"})
    assert (call.code, call.err) == (0, "")
    assert b"_LEADSCTL_COMPLETE" in call.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("leadsctl rest", ["restart", "restore"]),
        ("leadsctl queue pa", ["pause"]),
        ("leadsctl queue list de", ["dead"]),
        ("leadsctl stop wo", ["worker"]),
        ("leadsctl logs --level wa", ["warn"]),
        ("leadsctl --read", ["--read-only"]),
    ],
)
def test_the_shell_completes(words: str, expected: list[str]) -> None:
    env = {"_LEADSCTL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    call = leadsctl(env=env)
    assert call.err == ""
    assert call.text.split() == expected


@pytest.mark.parametrize("words", ["--help", "config --json", "config"])
def test_a_reader_that_goes_away_is_told_by_the_exit_code_alone(words: str) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--quiet", *words.split()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (141, "")


def test_closed_standard_streams_are_survived() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'"{sys.executable}" -m console --version >&- 2>&-'], env=environment(), check=False
    )
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "--version"], stdout=full, stderr=subprocess.PIPE, env=environment(), text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "leadsctl: cannot write: No space left on device\n")


def test_errors_are_plain_without_a_terminal_and_red_on_one() -> None:
    assert "\x1b" not in leadsctl("frob").err
    code, text = on_terminal("frob")
    assert code == 2
    assert "\x1b[31mleadsctl: No such command" in text
    assert "\x1b" not in on_terminal("frob", env={"NO_COLOR": "1"})[1]
    assert plain(text).startswith("leadsctl: No such command")


def test_a_defect_is_told_in_two_lines_and_written_to_a_file_on_request(tmp_path: Path) -> None:
    code = (
        "import sys, console.cli.app as app, console.__main__ as m\n"
        "def boom(*_, **__): raise RuntimeError('boom \\x1b[2J')\n"
        "app.Root.invoke = boom\nsys.exit(m.run(['ps']))"
    )
    for env in ({}, {"LEADSCTL_DEBUG": "1", "XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path)}):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment(**env), check=False
        )
        assert done.returncode == 1
        assert done.stderr.startswith("leadsctl: unexpected RuntimeError: boom \n")
        assert "Traceback" not in done.stderr
    report = next(path for path in tmp_path.rglob("debug-*.log"))
    assert "RuntimeError: boom" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("words", [[], ["ps"], ["queue", "retry"]])
def test_help_on_a_command_is_the_commands_own(words: list[str]) -> None:
    assert leadsctl("help", *words).text == leadsctl(*words, "--help").text


def test_help_on_keys_lists_what_is_bound_where() -> None:
    call = leadsctl("help", "KEYS", "--json")
    assert call.code == 0, call.err
    keys = {
        section["place"]: {key["does"]: key["keys"] for key in section["keys"]} for section in call.document["sections"]
    }
    assert keys["everywhere"]["quit"] == ["q", "ctrl+c"]
    assert keys["queue"]["discard"] == ["X"]
    assert keys["overview: services"]["stop"] == ["s"]
    assert re.search(r"X +discard", leadsctl("help", "keys").text)


def test_help_on_exit_codes_and_on_nothing_there_is() -> None:
    assert "cannot reach" in leadsctl("help", "codes").text
    assert leadsctl("help", "nope").code == 2
