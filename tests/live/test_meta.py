"""doctor and backfill on a running stack, with a stand-in of the Graph API that both containers and console reach."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from dotenv import dotenv_values

from tests.console.cli.calls import Call, inside
from tests.live.graph import FORM, LISTED, PAGE, UNSUBSCRIBED
from tests.live.stacks import LiveStack
from tests.servers import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

SECRETS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "META_APP_SECRET", "META_VERIFY_TOKEN", "META_ACCESS_TOKEN")
Run = Callable[..., Call]
PUBLISHED = """
services:
  graph: {ports: ["127.0.0.1::8080"]}
"""
"""The workers reach the stand-in by its service's name, the console by a port on loopback."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """A whole stack with secrets as an operator should have them."""
    folder = tmp_path_factory.mktemp("stack")
    overlay = folder / "published.yml"
    overlay.write_text(PUBLISHED)
    made = LiveStack(folder, overlays=(overlay,))
    for name in SECRETS:
        made.setting(name, secrets.token_hex(24))
    made.setting("FORMS_SECRET", "")
    try:
        made.up()
        yield made
    finally:
        made.remove()


@pytest.fixture
def run(stack: LiveStack) -> Run:
    """Commands on the stack, with the console's way to the stand-in."""
    graph = f"http://{stack.compose('port', 'graph', '8080').strip()}"
    return partial(inside, "--docker", *stack.words, env={"META_GRAPH_URL": graph})


def verdicts(call: Call) -> dict[str, str]:
    """What doctor says of each thing, the last word where there are several."""
    return {one["name"]: one["verdict"] for one in call.document["diagnoses"]}


def test_doctor_finds_nothing_wrong_with_a_stack_that_is_well(run: Run, stack: LiveStack) -> None:
    call = run("doctor", "--page", PAGE, "--json", "--quiet")
    assert (call.code, call.err) == (0, ""), call.document
    found = verdicts(call)
    assert {
        "docker", "compose", "env file", "env access", "settings", "secrets", "port", "disk", "redis", "postgres",
        "schema", "clock", "webhook", "token", f"page {PAGE}",
    } <= found.keys()  # fmt: skip
    assert {name for name, verdict in found.items() if verdict != "ok"} <= {"disk"}
    given = dotenv_values(stack.env_file)
    assert not any(str(given[name]) in call.text for name in SECRETS)


def test_doctor_says_what_is_wrong_and_how_to_mend_it(run: Run) -> None:
    call = run("doctor", "--page", UNSUBSCRIBED)
    assert call.code == 4
    assert "not subscribed to leadgen" in call.text
    assert "→ subscribe it" in call.text
    assert run("stop", "redis", "--yes", "--quiet").code == 0
    try:
        call = run("doctor", "--offline", "--json")
    finally:
        assert run("start", "redis", "--quiet").code == 0
    assert (call.code, verdicts(call)["redis"], verdicts(call)["postgres"]) == (4, "fail", "ok")


def test_backfill_brings_in_what_no_webhook_announced(run: Run) -> None:
    words = ("backfill", "--page", PAGE, "--since", "1d")
    before = run(*words, "--dry-run", "--json", "--quiet")
    assert (before.code, before.err) == (0, "")
    assert (before.document["missing"], before.document["known"]) == (LISTED, 0)
    done = run(*words, "--json", "--quiet")
    assert (done.code, done.document["changed"]) == (0, LISTED), done.err

    def stored() -> bool:
        return bool(run("queue", "--json").document["depth"] == 0)

    wait_until(stored, "an empty queue", 60)
    assert len(run("leads", "export", "--format", "jsonl", "--quiet").documents) == LISTED
    after = run("backfill", "--form", FORM, "--since", "1d", "--dry-run", "--json", "--quiet").document
    assert (after["missing"], after["known"]) == (0, LISTED)
    check = run("check", "--json").document["accounting"]
    assert (check["balanced"], check["accepted"]) == (True, LISTED)


def test_backfill_ends_with_3_where_the_graph_api_cannot_be_reached(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.backfill.asking.UNREACHABLE_S", 0.0)
    call = run("backfill", "--form", FORM, "--since", "1d", "--quiet", env={"META_GRAPH_URL": "http://127.0.0.1:1"})
    assert (call.code, call.out) == (3, b"")
    assert "the Graph API cannot be reached" in call.err
