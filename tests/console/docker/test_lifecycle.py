"""What Compose is told to do for each verb: what is built first, what is named, what is written to `.env`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from console.errors import StackError
from console.snapshots import Progress
from console.stack.docker import files
from console.stack.docker.compose import Compose
from console.stack.docker.drift import Drift
from console.stack.docker.lifecycle import WAIT, Lifecycle
from console.stack.docker.plan import Held, Plan
from console.stack.docker.stack import StackReader
from tests.console.docker.test_plan import HELD, PLAN, container


class Told(Compose):
    """Compose that notes what it is told."""

    def __init__(self, folder: Path) -> None:
        self.files = files.write(folder, env="WORKERS=1\n")
        self.told: list[list[str]] = []
        self.given: list[Mapping[str, str]] = []
        self.fails: StackError | None = None

    async def run(
        self, verb: str, *words: str, files: bool = True, every: bool = False, given: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Progress, None]:
        self.told.append([verb, *words, *(["EVERY"] if every else [])])
        self.given.append(given or {})
        if self.fails:
            raise self.fails
        yield Progress(verb, ok=True)


class Known:
    """A drift that knows the plan, and what the engine has."""

    held_now = HELD

    async def plan(self) -> Plan:
        return PLAN

    async def held(self, _plan: Plan) -> Mapping[str, Held]:
        return self.held_now

    async def compare(self, _containers: object) -> Mapping[str, tuple[str, ...]]:
        return {"db": ("x", "y"), "app": ("z",)}


class Running:
    """A stack of a db."""

    async def containers(self) -> list[dict[str, Any]]:
        return [container("db", "cc", "i2")]


async def meant(services: Sequence[str]) -> list[str]:
    return ["sql" if one == "db" else one for one in services]


async def explained(error: StackError) -> StackError:
    return StackError(f"{error} Because.")


@pytest.fixture
def compose(tmp_path: Path) -> Told:
    """Compose on a stack that was laid out."""
    return Told(tmp_path)


@pytest.fixture
def drift() -> Known:
    """What is known."""
    return Known()


@pytest.fixture
def lifecycle(compose: Told, drift: Known) -> Lifecycle:
    """The verbs."""
    return Lifecycle(cast("StackReader", Running()), compose, cast("Drift", drift), meant, explained)


async def run(steps: AsyncGenerator[Progress, None]) -> list[Progress]:
    return [step async for step in steps]


async def test_up_says_what_differs_and_builds_nothing_that_need_not_be(compose: Told, lifecycle: Lifecycle) -> None:
    steps = await run(lifecycle.up((), build=None))
    assert compose.told == [["up", *WAIT, "--remove-orphans"]]
    assert set(compose.given[0]) == {"LEADS_SOURCES", "LEADS_CADDY_SOURCES"}
    assert steps[:2] == [Progress("differs: x; y", "db"), Progress("differs: z", "app")]
    await run(lifecycle.up(["app"], build=False))
    assert compose.told[-1] == ["up", *WAIT, "--remove-orphans", "--no-build", "--", "app"]


async def test_up_builds_what_has_changed(compose: Told, lifecycle: Lifecycle, drift: Known) -> None:
    drift.held_now = HELD | {"leads_app:latest": Held("i1", "old")}
    await run(lifecycle.up(["worker"], build=None))
    assert compose.told == [["build", "app"], ["up", *WAIT, "--remove-orphans", "--", "worker"]]
    assert set(compose.given[0]) == {"LEADS_SOURCES", "LEADS_CADDY_SOURCES"}
    await run(lifecycle.up((), build=False))
    assert compose.told[-1] == ["up", *WAIT, "--remove-orphans", "--no-build"]


async def test_up_builds_everything_when_told_to(compose: Told, lifecycle: Lifecycle) -> None:
    await run(lifecycle.up((), build=True))
    assert compose.told[0] == ["build", "app", "own"]


async def test_a_failure_of_up_is_explained(compose: Told, lifecycle: Lifecycle) -> None:
    compose.fails = StackError("app is unhealthy.")
    with pytest.raises(StackError, match=r"^app is unhealthy\. Because\.$"):
        await run(lifecycle.up((), build=None))


async def test_recreate_and_scale_leave_the_rest(compose: Told, lifecycle: Lifecycle) -> None:
    await run(lifecycle.recreate(["db"]))
    assert compose.told[-1] == ["up", *WAIT, "--force-recreate", "--", "sql"]
    await run(lifecycle.scale("worker", 3, keep=False))
    assert compose.told[-1] == ["up", *WAIT, "--no-recreate", "--scale", "worker=3", "--", "worker"]
    assert compose.files.env_file.read_text() == "WORKERS=1\n"
    await run(lifecycle.scale("worker", 0, keep=True))
    assert compose.files.env_file.read_text() == "WORKERS=0\n"


async def test_only_what_comes_from_a_registry_is_pulled(compose: Told, lifecycle: Lifecycle) -> None:
    await run(lifecycle.pull(()))
    assert compose.told == [["pull", "db"]]
    with pytest.raises(StackError, match="app: not an image that is pulled"):
        await run(lifecycle.pull(["app"]))


async def test_down_and_stop_go_for_every_profile(compose: Told, lifecycle: Lifecycle) -> None:
    await run(lifecycle.down(volumes=True))
    await run(lifecycle.stop(()))
    await run(lifecycle.restart(["app"]))
    await run(lifecycle.start(()))
    assert compose.told == [
        ["down", "--remove-orphans", "--volumes", "EVERY"],
        ["stop", "EVERY"],
        ["restart", "--", "app", "EVERY"],
        ["start"],
    ]


async def test_starting_what_was_never_created_creates_it(compose: Told, lifecycle: Lifecycle) -> None:
    await run(lifecycle.start(["app"]))
    assert compose.told[-1][0] == "up"
