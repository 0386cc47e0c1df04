"""What a plan is remembered under: it changes with all that Compose goes by, and with nothing else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from console.stack.docker import compose
from console.stack.docker.files import StackFiles
from console.stack.docker.plan import Plan, Wanted
from console.stack.docker.planbook import KEPT, PlanBook, key

PLAN = Plan({"app": Wanted("aa", "leads_app", 2, built=True)}, {"leads_app": "dd"}, frozenset({"caddy"}))


@pytest.fixture
def stack(tmp_path: Path) -> StackFiles:
    """Compose files that name a variable."""
    (tmp_path / "a.yml").write_text("services: {app: {image: $IMAGE, environment: [PASSED]}}")
    (tmp_path / ".env").write_text("OTHER=${FROM_HERE}")
    return StackFiles((tmp_path / "a.yml",), tmp_path / ".env")


def test_a_plan_comes_back_whole(tmp_path: Path) -> None:
    PlanBook(tmp_path / "new" / "plans.json").keep("k", PLAN)
    assert PlanBook(tmp_path / "new" / "plans.json").find("k") == PLAN
    assert PlanBook(tmp_path / "new" / "plans.json").find("other") is None
    assert stat.S_IMODE((tmp_path / "new" / "plans.json").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["plans.json"]


def test_only_the_latest_are_kept(tmp_path: Path) -> None:
    book = PlanBook(tmp_path / "plans.json")
    for n in range(KEPT + 5):
        book.keep(str(n), PLAN)
    assert book.find("4") is None
    assert book.find("5") == PLAN


def test_a_book_that_cannot_be_written_or_read_is_let_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    book = PlanBook(tmp_path / "file" / "plans.json")
    book.keep("k", PLAN)
    assert book.find("k") is None
    (tmp_path / "plans.json").write_bytes(b"\xff{")
    assert PlanBook(tmp_path / "plans.json").find("k") is None


@pytest.mark.parametrize("name", ["IMAGE", "PASSED", "FROM_HERE", "COMPOSE_PROFILES", "HOME"])
def test_a_variable_that_compose_goes_by_makes_another_key(stack: StackFiles, name: str) -> None:
    assert key(stack, "leads", 1, {name: "a"}) != key(stack, "leads", 1, {name: "b"})


def test_any_other_variable_does_not(stack: StackFiles) -> None:
    assert key(stack, "leads", 1, {"TERM": "a"}) == key(stack, "leads", 1, {"TERM": "b"}) != ""


def test_files_and_project_and_program_do(stack: StackFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = key(stack, "leads", 1, {})
    assert key(stack, "leads", 2, {}) != first
    assert key(stack, "other", 1, {}) != first
    (tmp_path / "docker-compose").write_text("another")
    monkeypatch.setattr(compose, "PLUGINS", (tmp_path,))
    assert key(stack, "leads", 1, {}) != first


@pytest.mark.parametrize("line", ["include:\n- b.yml", "services: {app: {extends: b}}", 'x: {"env_file": b.env}'])
def test_files_that_lead_to_further_ones_are_not_remembered(stack: StackFiles, line: str, tmp_path: Path) -> None:
    stack.files[0].write_text(line)
    assert key(stack, "leads", 1, {}) == ""
    PlanBook(tmp_path / "plans.json").keep("", PLAN)
    assert not (tmp_path / "plans.json").exists()
