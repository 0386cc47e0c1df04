"""A local stack for the commands: started once, as a user starts it, and taken down at the end."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.console.cli.calls import Call, leadsctl

SETTINGS = """\
META_APP_SECRET=s3cret-of-the-tests
META_VERIFY_TOKEN=token-of-the-tests
META_ACCESS_TOKEN=none
META_GRAPH_URL=http://127.0.0.1:9
FORMS_SECRET=whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=
GOOGLE_KEY=key-of-the-tests
TYPEFORM_SECRET=typeform-secret-of-the-tests
RETRY_BASE_S=0.2
MAX_ATTEMPTS=2
"""


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
    """The stack. Without a Graph API: Meta's leads wait, a form's lead is stored."""
    found = Stack(server_folder / "stack")
    found.directory.mkdir(mode=0o711)
    (found.directory / ".env").write_text(SETTINGS)
    up = found("up")
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
def dead(stack: Stack) -> str:
    """The id of a job that is a dead letter: a signed webhook whose lead id is none."""
    lead = f"no-number-{secrets.token_hex(4)}"
    sent = stack("send", "--id", lead)
    assert sent.code == 0, sent.err
    jobs = stack("queue", "list", "dead", "--json").document["jobs"]
    for job in jobs:
        if lead in stack("queue", "show", job["id"], "--reveal", "--json").document["payload"]:
            return str(job["id"])
    raise AssertionError(f"{lead} is not among the dead letters")


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits until something is so; fails after 30 s."""
    from tests.servers import wait_until

    return lambda ready: wait_until(ready, "what the test waits for")
