"""init as a user runs it: a new folder, the same again, an older one; asked first, never a secret shown."""

from __future__ import annotations

import json
import shlex
import stat
from pathlib import Path

import pytest

from tests.console.cli.calls import leadsctl


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A stack's folder, made by init."""
    call = leadsctl("init", str(tmp_path / "stack"), env={"META_APP_SECRET": "hunter2"})
    assert (call.code, call.out) == (0, b""), call.err
    assert "hunter2" not in call.err
    return tmp_path / "stack"


def older(folder: Path, path: str) -> None:
    """Let a file be an older version's."""
    import hashlib

    (folder / path).write_text("old")
    record = folder / "compose" / ".leadsctl.json"
    content = json.loads(record.read_text())
    content["files"][path] = hashlib.sha256(b"old").hexdigest()
    record.write_text(json.dumps(content))


def test_a_new_stack_has_its_secrets(folder: Path) -> None:
    env = folder / "compose" / ".env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert "META_APP_SECRET='hunter2'" in env.read_text()
    assert "POSTGRES_PASSWORD=\n" not in env.read_text()


def test_the_next_command_can_be_pasted(tmp_path: Path) -> None:
    call = leadsctl("init", str(tmp_path / "my $stack's"))
    assert call.code == 0, call.err
    line = call.err.splitlines()[-1]
    assert shlex.split(line.removeprefix("then: ")) == ["leadsctl", "--dir", str(tmp_path / "my $stack's"), "up"]


def test_the_same_again_asks_nothing_and_changes_nothing(folder: Path) -> None:
    before = (folder / "compose" / ".env").read_text()
    call = leadsctl("init", str(folder), "--json")
    assert call.code == 0, call.err
    assert (call.document["env_kept"], call.document["missing"]) == (True, [])
    assert call.document["changes"]["updated"] == []
    assert (folder / "compose" / ".env").read_text() == before


def test_an_older_file_is_replaced_only_if_that_was_agreed_to(folder: Path) -> None:
    older(folder, "compose/Dockerfile")
    call = leadsctl("init", str(folder))
    assert call.code == 2
    assert "updated: compose/Dockerfile" in call.err
    assert "add --yes" in call.err
    assert (folder / "compose" / "Dockerfile").read_text() == "old"
    call = leadsctl("init", str(folder), "--yes", "--json")
    assert call.document["changes"]["updated"] == ["compose/Dockerfile"]
    assert (folder / "compose" / "Dockerfile").read_text() != "old"


def test_an_edited_file_stays(folder: Path) -> None:
    (folder / "compose" / "docker-compose.yml").write_text("mine")
    call = leadsctl("init", str(folder))
    assert call.code == 0, call.err
    assert "compose/docker-compose.yml was edited and stays" in call.err
    assert (folder / "compose" / "docker-compose.yml").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    call = leadsctl("init", str(tmp_path / "file"))
    assert (call.code, call.out) == (1, b"")
    assert "cannot be written" in call.err
