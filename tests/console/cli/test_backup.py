"""backup and restore on a real local stack: what is written and said; restoring itself is in tests/faults."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.console.cli.conftest import Stack


@pytest.fixture
def archive(stack: Stack, tmp_path: Path) -> Path:
    """A backup of the stack."""
    call = stack("backup", "--to", str(tmp_path / "backups"))
    assert (call.code, call.out) == (0, b""), call.err
    assert "read back and verified" in call.err
    (found,) = (tmp_path / "backups").iterdir()
    return found


def test_a_backup_is_its_owners_only_and_recorded(stack: Stack, archive: Path) -> None:
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert stat.S_IMODE(archive.parent.stat().st_mode) == 0o700
    (action,) = stack("activity", "-n", "1", "--json").document["actions"]
    assert (action["what"], action["result"].split(":")[0]) == ("backup", "backed up")
    (finding,) = [found for found in stack("check", "--json").document["findings"] if found["name"] == "backup"]
    assert "old" in finding["text"]
    assert finding["value"] < 60


def test_old_backups_go(stack: Stack, archive: Path) -> None:
    old = archive.with_name("stack-20200101T000000Z.leads.tar")
    old.touch()
    call = stack("backup", LEADSCTL_BACKUP_DIR=str(archive.parent), LEADSCTL_BACKUP_KEEP="2")
    assert call.code == 0, call.err
    assert "1 older removed" in call.err
    assert not old.exists()
    assert archive.exists()


def test_a_dry_run_changes_nothing_and_says_whether_it_fits(stack: Stack, archive: Path) -> None:
    call = stack("restore", str(archive), "--dry-run", "--json")
    assert call.code == 0, call.err
    assert (call.document["fits"], call.document["manifest"]["stack"]) == (True, "stack")
    assert stack("restore", str(archive), "--dry-run").text.endswith("it fits this stack\n")


def test_a_stack_that_holds_leads_is_not_replaced_unasked(stack: Stack, stored: int, archive: Path) -> None:
    call = stack("restore", str(archive))
    assert (call.code, call.out) == (2, b"")
    assert "add --confirm stack" in call.err
    call = stack("restore", str(archive), "--confirm", "other")
    assert (call.code, call.out) == (2, b"")
    assert stack("leads", "show", str(stored)).code == 0
    assert stack("--read-only", "restore", str(archive), "--confirm", "stack").code == 2


def test_an_encrypted_backup_needs_its_identity(stack: Stack, tmp_path: Path) -> None:
    import pyrage

    made = pyrage.x25519.Identity.generate()
    key = tmp_path / "key"
    key.write_text(f"{made}\n")
    call = stack("backup", "--to", str(tmp_path / "sealed"), "--recipient", str(made.to_public()))
    assert call.code == 0, call.err
    (found,) = (tmp_path / "sealed").iterdir()
    assert stack("restore", str(found), "--dry-run").code == 2
    call = stack("restore", str(found), "--dry-run", "--identity", str(key))
    assert call.code == 0, call.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["backup", "--to", "/proc/none"], 1, "cannot be written"),
        (["backup", "--to", "/etc/passwd"], 1, "/etc/passwd is no folder"),
        (["backup", "--recipient", "age1nonsense"], 2, "no age public key"),
        (["restore", "/proc/none"], 1, "cannot be read: No such file"),
        (["restore", "/etc/passwd"], 1, "damaged or is none"),
    ],
)
def test_what_is_off_is_said_in_a_line(stack: Stack, arguments: list[str], code: int, says: str) -> None:
    call = stack(*arguments)
    assert (call.code, call.out) == (code, b"")
    assert says in call.err
    assert "Traceback" not in call.err
