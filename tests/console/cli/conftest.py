"""A local stack for the commands: started once, as a user starts it, and taken down at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.console.cli.calls import Call, leadsctl


@dataclass(frozen=True)
class Stack:
    """A running local stack and its commands."""

    directory: Path

    def __call__(self, *arguments: str, stdin: str = "", **env: str) -> Call:
        """Run a command on it, without a terminal."""
        return leadsctl("--local", "--dir", str(self.directory), *arguments, stdin=stdin, env=env)

    @property
    def where(self) -> tuple[str, ...]:
        """The options that name it."""
        return ("--local", "--dir", str(self.directory))


@pytest.fixture(scope="session")
def stack(server_folder: Path) -> Iterator[Stack]:
    """The stack. Without a Graph API: a Meta lead cannot be read and stays in the queue, a form's lead is stored."""
    found = Stack(server_folder / "stack")
    up = found(
        "up", META_GRAPH_URL="http://127.0.0.1:9", META_ACCESS_TOKEN="none", RETRY_BASE_S="0.2", MAX_ATTEMPTS="2"
    )
    try:
        assert up.code == 0, up.err
        yield found
    finally:
        down = found("down", "--yes")
    assert down.code == 0, down.err


@pytest.fixture
def stored(stack: Stack, eventually: Callable[[Callable[[], bool]], None]) -> int:
    """The id of a lead that was sent as a web form's and has been stored."""
    sent = stack(
        "send", "--form", "contact", "--field", "full_name=Ana Silva", "--field", "email=ana@gmail.com", "--json"
    )
    assert sent.code == 0, sent.err
    external_id = sent.document["external_id"]
    found: list[int] = []

    def there() -> bool:
        shown = stack("leads", "show", external_id, "--json")
        if shown.code == 0:
            found.append(json.loads(shown.out)["found"][0]["lead"]["id"])
        return bool(found)

    eventually(there)
    return found[0]


@pytest.fixture
def dead(stack: Stack, eventually: Callable[[Callable[[], bool]], None]) -> str:
    """The id of a job that has become a dead letter: a signed webhook whose lead id is none."""
    sent = stack("send", "--json")
    assert sent.code == 0, sent.err
    jobs: list[str] = []

    def there() -> bool:
        listed = stack("queue", "list", "dead", "--match", sent.document["external_id"], "--json")
        jobs.extend(job["id"] for job in listed.document["jobs"])
        return bool(jobs)

    eventually(there)
    return jobs[0]


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits until something is so; fails after 30 s."""
    from tests.servers import wait_until

    return lambda ready: wait_until(ready, "what the test waits for")
