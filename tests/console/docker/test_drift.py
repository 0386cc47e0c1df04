"""The comparison with the compose files: shown at once as far as it is known, found out in the background, kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from console.errors import StackError
from console.snapshots import Role, Service, StackSnapshot
from console.stack.docker import drift as module
from console.stack.docker import plan
from console.stack.docker.compose import Compose
from console.stack.docker.drift import Drift
from console.stack.docker.engine import Engine
from console.stack.docker.files import StackFiles
from console.stack.docker.images import LABEL
from console.stack.docker.planbook import PlanBook
from tests.console.docker.test_plan import CONFIG, HELD, container, running

T = TypeVar("T")


class Files(Compose):
    """Compose that knows one set of files, and how often it was run."""

    def __init__(self, folder: Path) -> None:
        (folder / "a.yml").touch()
        self.project = "leads"
        self.files = StackFiles((folder / "a.yml",), folder / ".env")
        self.runs = 0
        self.fails: Exception | None = None

    async def config(self, *words: str, every: bool = False, given: Mapping[str, str] | None = None) -> str:
        self.runs += 1
        if self.fails:
            raise self.fails
        if "--services" in words:
            return "app\ncaddy\n" if every else "app\n"
        return CONFIG if "json" in words else "app aa\nworker bb\ndb cc\nown dd\n"


class Images:
    """An engine that is only asked for images."""

    async def look(self, _question: object) -> dict[str, dict[str, Any]]:
        return {name: {"Id": one.id, "Config": {"Labels": {LABEL: one.sources}}} for name, one in HELD.items()}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """The compose files."""
    return Files(tmp_path)


@pytest.fixture
def drift(files: Files, tmp_path: Path) -> Drift:
    """A comparison with them."""
    return compared(files, tmp_path)


def compared(files: Files, folder: Path) -> Drift:
    """A comparison with the files by a program of its own, which keeps its book in that folder."""
    return Drift(cast("Engine", Images()), files, PlanBook(folder / "state" / "plans.json"))


def here(containers: list[dict[str, Any]], files: Files) -> list[dict[str, Any]]:
    """The containers, with ids, as started from these files."""
    for number, one in enumerate(containers):
        one["Id"] = f"c{number}"
        one["Config"]["Labels"]["com.docker.compose.project.config_files"] = str(files.files.files[0])
    return containers


SNAPSHOT = StackSnapshot("docker", "leads", "", (Service("db", Role.DB),), 1.0)


async def settled(drift: Drift, containers: list[dict[str, Any]]) -> StackSnapshot:
    """What is shown once all is known."""
    drift.shown(SNAPSHOT, containers)
    assert drift._task is not None
    await drift._task
    return drift.shown(SNAPSHOT, containers)


async def test_whoever_looks_does_not_wait(drift: Drift, files: Files) -> None:
    containers = here(running(db=container("db", "zz", "i2")), files)
    assert drift.shown(SNAPSHOT, containers) == SNAPSHOT
    assert files.runs == 0
    found = await settled(drift, containers)
    assert found.services[0].drift == ("its settings in the compose files or .env changed",)
    await drift.close()


async def test_compose_is_run_again_only_when_a_file_has_changed(
    drift: Drift, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    containers = here(running(), files)
    await settled(drift, containers)
    assert files.runs == 3
    task = drift._task
    drift.shown(SNAPSHOT, containers)
    assert drift._task is task
    monkeypatch.setattr(module, "AGAIN_S", -1.0)
    await settled(drift, containers)
    assert files.runs == 3
    files.files.env_file.write_text("A=b\n")
    await settled(drift, containers)
    assert files.runs == 6
    await drift.close()


async def test_another_program_need_not_run_compose_for_the_same_files(
    drift: Drift, files: Files, tmp_path: Path
) -> None:
    wanted = await drift.plan()
    assert await compared(files, tmp_path).plan() == wanted
    assert files.runs == 3
    files.files.env_file.write_text("A=b\n")
    await compared(files, tmp_path).plan()
    assert files.runs == 6
    (tmp_path / "state" / "plans.json").write_text("no book")
    await compared(files, tmp_path).plan()
    assert files.runs == 9


async def test_other_containers_are_not_judged_by_what_is_known_of_the_former(drift: Drift, files: Files) -> None:
    await settled(drift, here(running(db=container("db", "zz", "i2")), files))
    assert drift.shown(SNAPSHOT, here(running(own=None), files)) == SNAPSHOT
    await drift.close()


async def test_files_that_are_not_valid_are_said(drift: Drift, files: Files) -> None:
    files.fails = StackError("REDIS_PASSWORD is not set in .env.")
    found = await settled(drift, here(running(), files))
    assert found.notes == ("it cannot be compared with its compose files: REDIS_PASSWORD is not set in .env.",)
    with pytest.raises(StackError):
        await drift.compare(here(running(), files))


async def test_a_stack_of_other_files_is_not_compared(drift: Drift, files: Files) -> None:
    found = await settled(drift, running())
    assert found.notes[0].startswith("it was started from /s/a.yml,/s/b.yml, not from ")
    assert files.runs == 0


async def test_what_compose_prints_in_another_form_is_an_error(drift: Drift, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "read", lambda *_: json.loads("{"))
    with pytest.raises(StackError, match="a form that is not known"):
        await drift.plan()


async def test_closing_ends_what_is_being_found_out(
    drift: Drift, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def slow(*_: object, **__: object) -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    monkeypatch.setattr(files, "config", slow)
    drift.shown(SNAPSHOT, here(running(), files))
    await begun.wait()
    await drift.close()
    assert drift._task is not None
    assert drift._task.cancelled()
