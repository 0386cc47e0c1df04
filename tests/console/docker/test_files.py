"""Where the stack's files are, and what is written out for a stack of one's own."""

from __future__ import annotations

import re
import shutil
import stat
import tomllib
from pathlib import Path

import pytest

from api.sources import SOURCES
from console.errors import UsageError
from console.stack.docker import files
from console.stack.docker.settings import GENERATED

COMPOSE = files.packaged()
SWITCHES = ("FORMS_SECRET", "GOOGLE_KEY", "TYPEFORM_SECRET")


def test_the_checkouts_own_files(tmp_path: Path) -> None:
    found = files.locate(cwd=tmp_path)
    assert found.files == ((COMPOSE / "docker-compose.yml").resolve(),)
    assert found.env_file == COMPOSE.resolve() / ".env"
    assert files.buildable(found)


def test_a_stack_that_was_written_is_found_from_its_folder(tmp_path: Path) -> None:
    written = files.write(tmp_path, env="A=b\n")
    assert files.locate(cwd=tmp_path) == written
    assert files.locate(cwd=tmp_path / "compose") == written
    assert files.locate(tmp_path) == written
    assert files.locate(tmp_path / "compose") == written
    assert files.buildable(written)
    assert stat.S_IMODE(written.env_file.stat().st_mode) == 0o600
    assert (tmp_path / "api" / "__main__.py").is_file()
    assert not list(tmp_path.rglob("__pycache__"))


def test_another_projects_compose_file_in_the_working_folder_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text("services: {web: {image: x}}\n")
    assert files.locate(cwd=tmp_path).files[0].parent == COMPOSE.resolve()


def test_an_installed_package_writes_its_stack_to_the_users_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried, data = tmp_path / "installed" / "files", tmp_path / "data"
    shutil.copytree(COMPOSE, carried, ignore=shutil.ignore_patterns(".env", "__pycache__"))
    monkeypatch.setattr(files, "HERE", tmp_path / "installed" / "docker")
    monkeypatch.setattr(files, "data_folder", lambda: data)
    found = files.locate(cwd=tmp_path)
    assert found.folder == data / "compose"
    assert not files.buildable(found)
    files.prepare(found)
    assert files.buildable(found)
    given = files.settings(found, {})
    assert all(len(given[name]) >= 32 for name in GENERATED)
    assert len({given[name] for name in GENERATED}) == len(GENERATED)
    assert "META_APP_SECRET" not in given
    files.prepare(found)
    assert files.settings(found, {}) == given


def test_a_stack_elsewhere_is_left_as_it_is(tmp_path: Path) -> None:
    written = files.write(tmp_path)
    (tmp_path / "compose" / "Dockerfile").write_text("mine")
    files.prepare(written)
    assert (tmp_path / "compose" / "Dockerfile").read_text() == "mine"
    assert not written.env_file.exists()


def test_named_files(tmp_path: Path) -> None:
    base, env = tmp_path / "a.yml", tmp_path / "b.env"
    base.touch()
    with pytest.raises(UsageError, match=r"b\.env is not there"):
        files.locate(files=(base,), env_file=env)
    env.touch()
    assert files.locate(files=(base,), env_file=env) == files.StackFiles((base,), env)
    assert files.locate(files=(base,)).env_file == tmp_path / ".env"
    with pytest.raises(UsageError, match=r"c\.yml is not there"):
        files.locate(files=(base, tmp_path / "c.yml"))
    for names in ({"files": (tmp_path,)}, {"files": (base,), "env_file": tmp_path}):
        with pytest.raises(UsageError, match="is no file"):
            files.locate(**names)
    with pytest.raises(UsageError, match="holds no compose file"):
        files.locate(tmp_path)


@pytest.mark.parametrize("asked", ["flag", "env"])
def test_the_profile_https_brings_its_file(tmp_path: Path, asked: str) -> None:
    written = files.write(tmp_path, env="COMPOSE_PROFILES=x, https\n" if asked == "env" else "A=b\n")
    found = files.locate(tmp_path, profiles=("https",) if asked == "flag" else ())
    assert found.files == (*written.files, tmp_path / "compose" / "docker-compose.https.yml")
    assert found.profiles == (("https",) if asked == "flag" else ())
    assert files.locate(tmp_path, profiles=("other",)).files == written.files
    assert files.locate(files=written.files, profiles=("https",)).files == written.files


def test_the_env_file_may_name_the_compose_files(tmp_path: Path) -> None:
    written = files.write(tmp_path, env="COMPOSE_FILE=docker-compose.yml:docker-compose.dev.yml\n")
    base = written.files[0]
    assert files.locate(tmp_path).files == (base, base.with_name("docker-compose.dev.yml"))
    written.env_file.write_text("COMPOSE_FILE=none.yml\n")
    assert files.locate(tmp_path).files == (base,)


def test_settings_are_the_environment_over_the_file(tmp_path: Path) -> None:
    stack = files.StackFiles((tmp_path / "compose.yml",), tmp_path / ".env")
    assert files.settings(stack, {"A": "1"}) == {"A": "1"}
    stack.env_file.write_text("A=2\nB='p@$$ #'\nC=\n")
    assert files.settings(stack, {"A": "1", "D": ""}) == {"A": "1", "B": "p@$$ #"}
    stack.env_file.write_bytes(b"\xff\xfe")
    assert files.settings(stack, {}) == {}


def test_every_setting_of_the_stack_is_explained_in_the_example() -> None:
    used = set()
    for name in ("docker-compose.yml", "docker-compose.dev.yml", "docker-compose.https.yml"):
        used |= set(re.findall(r"\$\{([A-Z_]+)", (COMPOSE / name).read_text()))
    explained = set(re.findall(r"^#?([A-Z_]+)=", (COMPOSE / ".env.example").read_text(), re.MULTILINE))
    used |= {"COMPOSE_PROFILES"}
    rare = {"LEADS_IMAGE", "LEADS_SOURCES", "LEADS_CADDY_IMAGE", "LEADS_CADDY_SOURCES", "QUEUE_NAMESPACE"}
    rare |= {"MAX_BUFFERED_BYTES", "MAX_REQUESTS", "BODY_TIMEOUT", "WORKER_PREFETCH"}
    assert used - explained <= rare
    assert explained <= used


def test_the_wheel_carries_every_file_of_the_stack_but_no_settings() -> None:
    project = tomllib.loads((files.PACKAGE / "pyproject.toml").read_text())
    carried = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    there = {path.name for path in COMPOSE.iterdir() if path.is_file() and path.name != ".env"}
    assert carried == {f"compose/{name}": f"console/stack/files/{name}" for name in there}


def test_no_secret_has_a_default() -> None:
    text = (COMPOSE / "docker-compose.yml").read_text()
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "META_APP_SECRET", "META_VERIFY_TOKEN"):
        assert f"${{{name}:-" not in text
        assert f"${{{name}:?" in text
    example = (COMPOSE / ".env.example").read_text()
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "META_APP_SECRET", "META_VERIFY_TOKEN", *SWITCHES):
        assert re.search(rf"^{name}=$", example, re.MULTILINE)


def test_the_secret_of_every_source_reaches_the_app_and_can_be_filled_in() -> None:
    app = (COMPOSE / "docker-compose.yml").read_text()
    example = (COMPOSE / ".env.example").read_text()
    for make in SOURCES.values():
        assert re.search(rf"^ +{make.secret}: \$\{{{make.secret}:", app, re.MULTILINE)
        assert re.search(rf"^{make.secret}=$", example, re.MULTILINE)
