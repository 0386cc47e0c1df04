"""A stack's files brought up to this version: what was edited stays, the rest is replaced, settings are only added."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from console.errors import StackError
from console.stack.docker import files, layout
from console.stack.docker.layout import What, apply, plan, settings_in
from console.stack.docker.settings import new_settings

FILE = "compose/Dockerfile"


def changes(directory: Path, env: str) -> dict[str, What]:
    """What would change, but for what stays the same."""
    return {one.path: one.what for one in plan(directory, env).changes if one.what is not What.SAME}


@pytest.fixture
def env() -> str:
    """A new `.env`."""
    return new_settings({"META_APP_SECRET": "it's $ecret"})


@pytest.fixture
def stack(tmp_path: Path, env: str) -> Path:
    """A folder with a stack of this version."""
    apply(plan(tmp_path, env))
    return tmp_path


def written_before(stack: Path, path: str, text: str) -> None:
    """Let a file be as an older version had written it."""
    (stack / path).write_text(text)
    record = json.loads((stack / layout.RECORD).read_text())
    record["files"][path] = layout._digest(stack / path)
    (stack / layout.RECORD).write_text(json.dumps(record))


def test_a_new_stack_is_whole(stack: Path, env: str) -> None:
    assert changes(stack, env) == {}
    assert (stack / "api" / "__main__.py").is_file()
    assert (stack / layout.ENV).read_text() == env
    assert stat.S_IMODE((stack / layout.ENV).stat().st_mode) == 0o600
    assert files.settings(files.locate(stack), {})["META_APP_SECRET"] == "it's $ecret"
    assert not [
        path for path in stack.rglob("*") if path.name.endswith((".part", ".pyc")) or path.name == "__pycache__"
    ]


def test_a_file_of_an_older_version_is_replaced(stack: Path, env: str) -> None:
    written_before(stack, FILE, "old")
    made = plan(stack, env)
    assert {one.path: one.what for one in made.overwrites} == {FILE: What.UPDATED}
    apply(made)
    assert (stack / FILE).read_bytes() == (files.packaged() / "Dockerfile").read_bytes()


def test_a_file_that_was_edited_stays_with_the_new_one_beside_it(stack: Path, env: str) -> None:
    written_before(stack, FILE, "old")
    (stack / FILE).write_text("mine")
    made = plan(stack, env)
    assert (made.overwrites, [one.path for one in made.edited]) == ((), [FILE])
    apply(made)
    assert (stack / FILE).read_text() == "mine"
    assert (stack / f"{FILE}.new").read_bytes() == (files.packaged() / "Dockerfile").read_bytes()


def test_a_file_that_is_no_more_is_removed_unless_it_was_edited(stack: Path, env: str) -> None:
    written_before(stack, "api/gone.py", "old")
    written_before(stack, "api/mine.py", "old")
    (stack / "api/mine.py").write_text("edited")
    assert changes(stack, env) == {"api/gone.py": What.REMOVED}
    apply(plan(stack, env))
    assert not (stack / "api/gone.py").exists()
    assert (stack / "api/mine.py").read_text() == "edited"


def test_without_a_record_whatever_differs_counts_as_edited(stack: Path, env: str) -> None:
    (stack / layout.RECORD).unlink()
    (stack / FILE).write_text("who knows")
    assert changes(stack, env) == {FILE: What.EDITED}


def test_settings_that_are_new_or_required_are_added_and_edits_stay(stack: Path, env: str) -> None:
    path = stack / layout.ENV
    kept = "".join(f"{line}\n" for name, line in settings_in(env).items() if name not in ("REDIS_PASSWORD", "PORT"))
    path.write_text(kept + "# mine\nexport META_VERIFY_TOKEN_FILE=/run/secrets/token")
    (change,) = plan(stack, env + "SHINY_NEW=1\n").overwrites
    assert change.names == ("REDIS_PASSWORD", "SHINY_NEW")
    apply(plan(stack, env + "SHINY_NEW=1\n"))
    text = path.read_text()
    assert text.startswith(kept + "# mine\n")
    assert settings_in(text)["REDIS_PASSWORD"] == settings_in(env)["REDIS_PASSWORD"]
    assert "PORT" not in settings_in(text)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert changes(stack, env + "SHINY_NEW=1\n") == {}


def test_a_secret_in_a_file_of_its_own_is_there(stack: Path, env: str) -> None:
    path = stack / layout.ENV
    path.write_text(path.read_text().replace("REDIS_PASSWORD=", "REDIS_PASSWORD_FILE=/run/x#"))
    assert changes(stack, env) == {}


@pytest.mark.parametrize("record", [b"", b"[]", b"\xff", b'{"files": {"../../etc/passwd": "0"}}', b'{"files": 3}'])
def test_a_record_that_makes_no_sense_is_none(stack: Path, env: str, record: bytes) -> None:
    (stack / layout.RECORD).write_bytes(record)
    assert changes(stack, env) == {}


def test_a_link_in_a_files_place_is_replaced_not_followed(stack: Path, env: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("old")
    (stack / FILE).unlink()
    (stack / FILE).symlink_to(outside)
    written = json.loads((stack / layout.RECORD).read_text())
    written["files"][FILE] = layout._digest(outside)
    (stack / layout.RECORD).write_text(json.dumps(written))
    apply(plan(stack, env))
    assert outside.read_text() == "old"
    assert not (stack / FILE).is_symlink()


def test_a_setting_is_put_in_its_place(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("# WORKERS=9\nWORKERS=1\nPORT=80\n")
    env.chmod(0o600)
    layout.set_setting(env, "WORKERS", "3")
    assert env.read_text() == "# WORKERS=9\nWORKERS=3\nPORT=80\n"
    layout.set_setting(env, "NEW", "x")
    assert env.read_text() == "# WORKERS=9\nWORKERS=3\nPORT=80\nNEW=x\n"
    assert env.stat().st_mode & 0o777 == 0o600
    with pytest.raises(StackError, match="none cannot be written"):
        layout.set_setting(tmp_path / "none", "WORKERS", "3")
