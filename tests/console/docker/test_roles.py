"""What each service is to the pipeline: by label, by name, by what it runs."""

from __future__ import annotations

from typing import Any

import pytest

from console.snapshots import Role
from console.stack.docker.containers import services
from console.stack.docker.roles import LABEL, called, names, roles
from tests.console.docker.fake_engine import inspected


def container(name: str, image: str = "", *command: str, role: str = "") -> dict[str, Any]:
    made = inspected(name, name)
    made["Config"] |= {"Image": image, "Cmd": list(command)}
    if role:
        made["Config"]["Labels"][LABEL] = role
    return made


@pytest.mark.parametrize(
    ("image", "role"),
    [
        ("postgres:15-alpine", Role.DB),
        ("registry.example:5000/library/postgres@sha256:0123", Role.DB),
        ("timescale/timescaledb:latest-pg16", Role.DB),
        ("valkey/valkey:8", Role.REDIS),
        ("redis", Role.REDIS),
        ("prom/redis-exporter", Role.OTHER),
        ("", Role.OTHER),
    ],
)
def test_by_image(image: str, role: Role) -> None:
    assert roles([container("something", image)]) == {"something": role}


def test_renamed_services_have_their_roles_and_nothing_is_absent() -> None:
    found = services(
        [
            container("cache", "redis:7"),
            container("hooks", "leads_app", "sh", "-c", "python -m api migrate; exec python -m api web"),
            container("jobs", "leads_app", "sh", "-c", "exec python -m api worker"),
            container("sql", "postgres:16"),
        ]
    )
    assert [(one.name, one.role) for one in found] == [
        ("hooks", Role.APP),
        ("jobs", Role.WORKER),
        ("sql", Role.DB),
        ("cache", Role.REDIS),
    ]


def test_a_name_wins_over_an_image_and_a_label_over_both() -> None:
    both = [container("redis", "redis:7"), container("cache", "redis:7")]
    assert roles(both) == {"redis": Role.REDIS, "cache": Role.OTHER}
    labelled = [
        container("redis", "redis:7", role="other"),
        container("a", "redis:7"),
        container("q", "x", role="redis"),
    ]
    assert roles(labelled) == {"redis": Role.OTHER, "a": Role.OTHER, "q": Role.REDIS}
    assert names(labelled)[Role.REDIS] == "q"


def test_of_two_by_image_the_first_by_name_has_the_role() -> None:
    assert roles([container("b", "redis"), container("a", "redis")]) == {"a": Role.REDIS, "b": Role.OTHER}


def test_a_label_that_is_none_counts_for_nothing() -> None:
    assert roles([container("db", "postgres", role="master")]) == {"db": Role.DB}


def test_several_web_services_all_are() -> None:
    both = [container(name, "leads", "python -m api web") for name in ("eu", "us")]
    assert roles(both) == {"eu": Role.APP, "us": Role.APP}


def test_what_is_not_there_goes_by_the_roles_own_word() -> None:
    assert names([]) == {Role.APP: "app", Role.WORKER: "worker", Role.DB: "db", Role.REDIS: "redis"}


def test_a_renamed_service_is_meant_by_its_roles_word_unless_another_is_called_so() -> None:
    there = [container("sql", "postgres"), container("cache", "redis"), container("x", "leads", "api worker")]
    assert called(there, ["db", "redis", "worker", "app", "sql"]) == ["sql", "cache", "x", "app", "sql"]
    there.append(container("redis", "redis", role="other"))
    assert called(there, ["redis"]) == ["redis"]
