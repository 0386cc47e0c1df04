"""What is configured: flags over environment over config.toml over defaults, and clear words where a value is off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.__main__ import main as api
from console import settings
from console.cli import failure
from console.config import Configuration, config_path, load
from console.errors import UsageError
from console.options import OPTIONS
from console.settings import Settings
from console.stack.docker.address import DEFAULT_SOCKET, find
from console.stack.docker.files import data_folder
from console.stack.local.places import default_state_dir
from console.stack.select import stack_environment
from tests.console.cli.calls import leadsctl


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where config.toml is looked for; not there yet."""
    return tmp_path / "config.toml"


def configured(file: Path, text: str, flags: dict[str, Any] | None = None, **env: str) -> Configuration:
    """The options with `text` in config.toml."""
    file.write_text(text)
    return load(flags, {"LEADSCTL_CONFIG": str(file), **env})


def test_a_flag_wins_over_the_environment_that_over_the_file_that_over_the_default(file: Path) -> None:
    text = '[check]\nmax_age = "10m"\nmax_stuck = 4\nmax_dead = 9\n'
    found = configured(
        file,
        text,
        {"check.max_dead": 0, "check.max_stuck": None},
        LEADSCTL_CHECK_MAX_AGE="90s",
        LEADSCTL_CHECK_MAX_DEAD="5",
    )
    assert found["check.max_dead"] == 0
    assert found.values["check.max_dead"].origin == "flag"
    assert found["check.max_age"] == 90
    assert found.values["check.max_age"].origin == "LEADSCTL_CHECK_MAX_AGE"
    assert found["check.max_stuck"] == 4
    assert found.values["check.max_stuck"].origin == str(file)
    assert found["check.min_workers"] == 1
    assert found.values["check.min_workers"].origin == "default"


def test_every_option_has_its_own_name_in_the_environment() -> None:
    names = [option.env[0] for option in OPTIONS]
    assert len(set(names)) == len(names)
    assert all(name.startswith("LEADSCTL_") for name in names)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("runtime = 'podman'", "runtime in {file} cannot be 'podman': write docker or local"),
        ("speed = 1", "{file} has 'speed', which is no option"),
        ("[check]\nmax_agee = 1", "{file} has 'check.max_agee', which is no option"),
        ("[check]\nmax_age = 'soon'", "check.max_age in {file} cannot be 'soon': write seconds"),
        ("[check]\nmax_age = true", "check.max_age in {file} cannot be 'True'"),
        ("[check]\nmax_stuck = -1", "write a whole number"),
        ("[check]\nmax_disk = 101", "from 0 to 100"),
        ("[tui]\nlog_memory = 'much'", "write bytes, or"),
        ("[tui]\ntheme = 'pink'", "write auto or dark or light or terminal"),
        ("read_only = 'perhaps'", "write true or false"),
        ("files = 3", "write a list of paths"),
        ("files = [3]", "write a path"),
        ("redis_url = 'redis://:pw@h'", "{file} holds redis_url, which carries a password"),
        ("runtime = ", "{file} is not TOML"),
        ("\x00", "{file} is not TOML"),
    ],
)
def test_what_is_off_in_the_file_is_said_in_a_line(file: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        configured(file, text)
    assert says.replace("{file}", str(file)) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "pw" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("url", ["redis://:geheim@h/?db=x", "redis://:geheim@h:x", "redis://h/0?geheim=1"])
def test_a_wrong_address_of_redis_is_named_and_not_repeated(file: Path, url: str) -> None:
    with pytest.raises(UsageError, match=r"LEADSCTL_REDIS_URL cannot be used: .*expected") as caught:
        configured(file, "", LEADSCTL_REDIS_URL=url)
    assert "geheim" not in str(caught.value) + caught.value.hint


def test_a_file_that_was_named_must_be_there(file: Path) -> None:
    with pytest.raises(UsageError, match="is not there"):
        load(None, {"LEADSCTL_CONFIG": str(file)})


def test_a_folder_in_the_files_place_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load(None, {"LEADSCTL_CONFIG": str(tmp_path)})


def test_the_usual_place_is_the_users_config_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_path({}).name == "config.toml"
    assert not load(None, {}).found


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user that passwd does not know, without HOME: as in a container that runs as a number."""

    def unknown(_: object) -> None:
        raise KeyError

    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setattr("os.geteuid", lambda: 54_321)


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize(
    "place", [config_path, settings.state_dir, default_state_dir, data_folder], ids=lambda place: str(place.__name__)
)
def test_a_user_without_a_home_directory_is_told_so(place: Callable[[], Path]) -> None:
    with pytest.raises(UsageError, match="no home directory") as caught:
        place()
    assert "set HOME" in caught.value.hint


@pytest.mark.usefixtures("homeless")
def test_docker_is_found_without_a_home_directory() -> None:
    assert find(env={}).url == DEFAULT_SOCKET


@pytest.mark.usefixtures("homeless")
def test_details_that_cannot_be_written_are_no_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEADSCTL_DEBUG", "1")
    assert failure.tell(UsageError("no")) == 2
    assert "the details cannot be written: this user has no home directory" in capsys.readouterr().err
    (tmp_path / "leadsctl").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert failure.tell(UsageError("no")) == 2
    assert "the details cannot be written:" in capsys.readouterr().err


def test_a_home_directory_that_is_none_is_said(file: Path) -> None:
    with pytest.raises(UsageError, match="LEADSCTL_CONFIG cannot be '~no-such-user/x': there is no such home"):
        load(None, {"LEADSCTL_CONFIG": "~no-such-user/x"})
    with pytest.raises(UsageError, match=r"dir in .* cannot be '~no-such-user/x': there is no such home directory"):
        configured(file, "dir = '~no-such-user/x'")


@pytest.mark.parametrize("flags", [{"env_file": Path("e")}, {"project": "p"}, {"files": (Path("f"),)}])
def test_what_is_composes_is_not_a_local_stacks(file: Path, flags: dict[str, Any]) -> None:
    file.touch()
    env = {"LEADSCTL_CONFIG": str(file)}
    with pytest.raises(UsageError, match=r"^--[a-z-]+ is for a stack on Docker$"):
        Settings.load(env, flags={"runtime": "local", **flags})
    assert Settings.load(env, flags=flags).runtime == "docker"


def test_a_local_stack_has_its_own_settings_whatever_compose_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FORMS_SECRET=mine\n")
    (tmp_path / "other").write_text("FORMS_SECRET=other\n")
    told = Settings(runtime="local", directory=tmp_path, env_file=tmp_path / "other")
    assert stack_environment(told, {})["FORMS_SECRET"] == "mine"


def test_the_settings_follow_it(file: Path) -> None:
    file.write_text("runtime = 'local'\ndir = '~/stack'\nread_only = true\noperator = 'night shift'\n")
    found = Settings.load({"LEADSCTL_CONFIG": str(file), "COMPOSE_FILE": "a.yml:b.yml"})
    assert (found.runtime, found.directory) == ("local", Path.home() / "stack")
    assert (found.read_only, found.operator) == (True, "night shift")
    assert found.files == (Path("a.yml"), Path("b.yml"))


@pytest.mark.parametrize("end", ["?port=70000", "?hunter2=1", "?sslmode=hunter2"])
def test_the_service_refuses_a_database_that_cannot_be_asked_for_too(
    end: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:hunter2@db/x{end}")
    assert api(["migrate"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("api migrate: DATABASE_URL is not valid")
    assert "hunter2" not in said


def test_it_says_how_to_get_a_console_that_is_not_read_only(file: Path) -> None:
    told = {"LEADSCTL_CONFIG": str(file)}
    file.write_text("")
    assert Settings.load(told, flags={"read_only": True}).to_write == "start it without --read-only"
    by_env = Settings.load({**told, "LEADSCTL_READ_ONLY": "1"})
    assert by_env.to_write == "start it with LEADSCTL_READ_ONLY unset"
    file.write_text("read_only = true\n")
    assert Settings.load(told).to_write == f"take read_only out of {file}"


def test_it_is_shown_with_where_each_value_comes_from(file: Path) -> None:
    file.write_text("[check]\nmax_dead = 3\n")
    env = {"LEADSCTL_CONFIG": str(file), "LEADSCTL_REDIS_URL": "redis://:hunter2@127.0.0.1/0"}
    call = leadsctl("--local", "config", "show", "--json", env=env)
    assert call.code == 0, call.err
    options = {option["name"]: option for option in call.document["options"]}
    assert (options["runtime"]["value"], options["runtime"]["origin"]) == ("local", "flag")
    assert (options["check.max_dead"]["value"], options["check.max_dead"]["origin"]) == (3, str(file))
    assert (options["redis_url"]["value"], options["redis_url"]["origin"]) == ("set", "LEADSCTL_REDIS_URL")
    assert (call.document["path"], call.document["found"]) == (str(file), True)
    shown = leadsctl("config", env=env)
    assert "config.toml" in shown.text
    assert b"hunter2" not in call.out + shown.out
    assert leadsctl("config", "path", env=env).text == f"{file}\n"
