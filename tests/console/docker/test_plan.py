"""What the compose files want, and in what the containers differ from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from console.snapshots import Role, Service
from console.stack.docker import plan
from console.stack.docker.plan import Held, Plan, Wanted

CONFIG = json.dumps(
    {
        "name": "leads",
        "services": {
            "app": {"image": "leads_app:latest", "build": {"labels": {"leadsctl.sources": "new"}}},
            "worker": {"image": "leads_app:latest", "deploy": {"replicas": 2}},
            "db": {"image": "postgres:15-alpine"},
            "own": {"build": {"context": "."}},
        },
    }
)
PLAN = plan.read(CONFIG, "app aa\nworker bb\ndb cc\nown dd\n", {"app": "new", "caddy": "other"}, "app\ncaddy\ndb\n")
HELD = {"leads_app:latest": Held("i1", "new"), "postgres:15-alpine": Held("i2"), "leads-own": Held("i3")}


def container(service: str, digest: str, image: str, *, mounted: str = "") -> dict[str, Any]:
    """A container as inspected, as far as it matters here."""
    return {
        "Image": image,
        "Config": {
            "Labels": {
                "com.docker.compose.service": service,
                "com.docker.compose.config-hash": digest,
                "com.docker.compose.project.config_files": "/s/a.yml,/s/b.yml",
            }
        },
        "Mounts": [{"Destination": mounted}] if mounted else [],
    }


def running(**other: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What the plan wants, but for some services."""
    found: dict[str, dict[str, Any] | None] = {
        "app": container("app", "aa", "i1"),
        "worker": container("worker", "bb", "i1"),
        "worker2": container("worker", "bb", "i1"),
        "db": container("db", "cc", "i2"),
        "own": container("own", "dd", "i3"),
    }
    return [one for one in (found | other).values() if one]


def test_the_plan_is_read_from_what_compose_prints() -> None:
    assert PLAN.services == {
        "app": Wanted("aa", "leads_app:latest", 1, built=True, labelled=True),
        "worker": Wanted("bb", "leads_app:latest", 2),
        "db": Wanted("cc", "postgres:15-alpine"),
        "own": Wanted("dd", "leads-own", built=True),
    }
    assert PLAN.sources == {"leads_app:latest": "new"}
    assert PLAN.pulled == ("db",)
    with pytest.raises(ValueError, match="JSON"):
        plan.read("nonsense", "", {})


def test_nothing_differs() -> None:
    assert plan.differences(running(), PLAN, HELD) == {}
    assert plan.differences([], PLAN, HELD) == {}


@pytest.mark.parametrize(
    ("other", "held", "expected"),
    [
        ({"db": container("db", "zz", "i2")}, {}, {"db": ("its settings in the compose files or .env changed",)}),
        ({"db": container("db", "cc", "i0")}, {}, {"db": ("its image was replaced by a newer one",)}),
        ({"db": None}, {}, {"db": ("not created",)}),
        ({"worker2": None}, {}, {"worker": ("1 replica where the compose files want 2",)}),
        (
            {"more": container("more", "x", "i9")},
            {},
            {"more": ("not in the compose files",)},
        ),
        (
            {"caddy": container("caddy", "x", "i9")},
            {},
            {"caddy": ("its profile is off: up leaves it running, leadsctl stop caddy ends it",)},
        ),
        (
            {},
            {"leads_app:latest": Held("i1", "old")},
            dict.fromkeys(("app", "worker"), ("its sources changed since the image was built",)),
        ),
        (
            {"app": container("app", "aa", "i1", mounted="/app/api"), "worker": None, "worker2": None},
            {"leads_app:latest": Held("i1", "old")},
            {"worker": ("not created",)},
        ),
    ],
)
def test_each_difference_has_its_words(
    other: dict[str, Any], held: dict[str, Held], expected: dict[str, tuple[str, ...]]
) -> None:
    assert plan.differences(running(**other), PLAN, HELD | held) == expected


@pytest.mark.parametrize(
    ("held", "services", "expected"),
    [
        ({}, (), ()),
        ({"leads_app:latest": Held("i1", "old")}, (), ("app",)),
        ({"leads_app:latest": Held("i1", "")}, ("worker",), ("app",)),
        ({"leads_app:latest": Held("i1", "old")}, ("db",), ()),
        ({"leads-own": Held("i3", "whatever")}, (), ()),
    ],
)
def test_what_must_be_built(held: dict[str, Held], services: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert plan.to_build(PLAN, HELD | held, services) == expected


def test_what_is_missing_must_be_built() -> None:
    assert plan.to_build(PLAN, {}) == ("app", "own")


def test_older_compose_files_build_what_is_missing_only() -> None:
    """Their image has no label, and nothing says what it should be."""
    older = Plan({"app": Wanted("aa", "leads_app:latest", built=True)})
    assert plan.to_build(older, {"leads_app:latest": Held("i1")}) == ()


def test_a_stack_that_was_started_from_other_files() -> None:
    assert plan.elsewhere(running(), "/s/a.yml") == ""
    assert plan.elsewhere(running(), "/t/a.yml") == "/s/a.yml,/s/b.yml"
    assert plan.elsewhere([], "/t/a.yml") == ""


def test_services_get_their_drift_and_those_only_in_the_files_are_listed() -> None:
    found = plan.marked((Service("app", Role.APP), Service("own", Role.OTHER)), {"caddy": ("x",), "app": ("y",)})
    assert [(one.name, one.drift) for one in found] == [("app", ("y",)), ("caddy", ("x",)), ("own", ())]
