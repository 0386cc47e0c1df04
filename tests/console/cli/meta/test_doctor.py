"""doctor on a real local stack: well, ill in several ways, and down; no secret is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.stack.local.places import Places
from tests.console.cli.calls import Call, leadsctl
from tests.console.cli.meta.conftest import SECRETS, Site


def verdicts(call: Call) -> dict[str, str]:
    """The verdict of each thing; of several of a name the worst."""
    found: dict[str, str] = {}
    for one in call.document["diagnoses"]:
        order = ["ok", "warn", "fail"]
        found[one["name"]] = max(found.get(one["name"], "ok"), one["verdict"], key=order.index)
    return found


def told_no_secret(site: Site, call: Call) -> bool:
    access = Places(site.stack.directory).access()
    assert access is not None
    secrets = [*SECRETS.values(), access.redis_url.split(":")[2].split("@")[0]]
    return not any(secret in call.text + call.err for secret in secrets)


@pytest.fixture
def unsubscribed(site: Site) -> Iterator[None]:
    site.graph.setup.subscribed = False
    yield
    site.graph.setup.subscribed = True


def test_a_stack_that_is_well(site: Site) -> None:
    page = site.world.forms[0].page_id
    call = site.stack("doctor", "--page", page, "--json")
    found = verdicts(call)
    assert (call.code, call.document["ok"]) == (0, True), call.document
    assert told_no_secret(site, call)
    assert {
        "programs", "python", "env file", "env access", "settings", "secrets", "port", "disk", "redis", "clock",
        "postgres", "schema", "webhook", "token", f"page {page}",
    } <= found.keys()  # fmt: skip
    assert {name for name, verdict in found.items() if verdict != "ok"} <= {"disk"}


def test_what_is_wrong_at_meta(site: Site, unsubscribed: None) -> None:
    page = site.world.forms[0].page_id
    call = site.stack("doctor", "--page", page)
    assert call.code == 4
    assert "not subscribed to leadgen" in call.text
    assert "→ subscribe it" in call.text
    assert told_no_secret(site, call)
    calls = site.graph.counts.calls
    assert site.stack("doctor", "--page", page, "--offline").code == 0
    assert site.graph.counts.calls == calls


def test_a_file_that_others_read_and_a_public_address_without_tls(site: Site) -> None:
    env = site.stack.directory / ".env"
    env.chmod(0o644)
    try:
        call = site.stack("doctor", "--offline", "--url", "http://leads.example", "--json")
    finally:
        env.chmod(0o600)
    found = verdicts(call)
    assert call.code == 4
    assert (found["env access"], found["public webhook"], found["webhook"]) == ("fail", "fail", "ok")


def test_a_service_that_is_stopped_hides_nothing_else(site: Site) -> None:
    assert site.stack("stop", "redis", "--yes").code == 0
    try:
        call = site.stack("doctor", "--json")
    finally:
        assert site.stack("start", "redis").code == 0
    found = verdicts(call)
    assert call.code == 4
    assert (found["redis"], found["postgres"], found["webhook"], found["token"]) == ("fail", "ok", "ok", "ok")
    assert told_no_secret(site, call)


def test_a_stack_that_was_never_up(tmp_path: Path) -> None:
    call = leadsctl("--local", "--dir", str(tmp_path), "doctor", "--offline", "--json")
    found = verdicts(call)
    assert (call.code, call.err.count("\n")) == (4, 1)
    assert (found["redis"], found["postgres"], found["webhook"]) == ("fail", "fail", "fail")
    assert (found["programs"], found["env file"], found["port"]) == ("ok", "ok", "ok")


def test_a_docker_stack_without_an_engine(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text("services: {}\n")
    env = {"DOCKER_HOST": f"unix://{tmp_path}/no.sock"}
    call = leadsctl("--dir", str(tmp_path), "doctor", "--offline", "--json", env=env)
    found = verdicts(call)
    assert call.code == 4
    assert (found["docker"], found["env file"], found["settings"]) == ("fail", "fail", "fail")
    assert "Traceback" not in call.err


def test_a_page_that_is_no_id(tmp_path: Path) -> None:
    assert leadsctl("--local", "--dir", str(tmp_path), "doctor", "--page", "../x").code == 2
