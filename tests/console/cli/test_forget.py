"""leads forget on a real local stack: rows and queued jobs are gone, the accounting is true, the act is recorded."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
import redis

from console.stack.local.places import Places
from tests.console.cli.conftest import Stack

Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture
def address(stack: Stack, eventually: Eventually) -> Iterator[str]:
    """The address of somebody with a stored lead, and another that waits in the queue."""
    address = f"zoe-{secrets.token_hex(4)}@example.org"
    fields = ("--field", f"email={address}", "--field", "full_name=Zoe Doe", "--field", "phone=+4915123456789")
    assert stack("send", "--form", "contact", *fields).code == 0
    eventually(lambda: len(stack("leads", "search", address, "--json").document["leads"]) == 1)
    assert stack("queue", "pause").code == 0
    try:
        assert stack("send", "--form", "contact", *fields).code == 0
        yield address
    finally:
        assert stack("queue", "resume").code == 0


def test_everything_of_a_person_is_erased(stack: Stack, address: str) -> None:
    (lead,) = stack("leads", "search", address, "--json").document["leads"]
    refused = stack("leads", "forget", address)
    assert refused.code == 2
    assert "add --yes" in refused.err
    call = stack("leads", "forget", address, "--yes", "--json")
    assert call.code == 0, call.err
    assert call.document["text"] == "1 lead and 1 queued job erased"
    assert stack("leads", "search", address, "--json").document["leads"] == []
    assert stack("trace", address).code == 1
    assert stack("check", "--json").document["accounting"]["balanced"]
    (action, *_) = stack("activity", "-n", "1", "--json").document["actions"]
    assert (action["what"], action["target"]) == ("forget", f"lead {lead['id']}")
    assert "zoe" not in str(action)
    again = stack("leads", "forget", address, "--yes")
    assert (again.code, again.out) == (1, b"")


def test_nothing_of_it_is_left_in_redis(stack: Stack, address: str) -> None:
    assert stack("leads", "forget", address, "--yes").code == 0
    access = Places(stack.directory).access()
    assert access is not None
    with redis.Redis.from_url(access.redis_url) as client:
        for key in client.scan_iter(count=1000):
            assert address.encode() not in (client.dump(key) or b"")


def test_read_only_refuses(stack: Stack) -> None:
    assert stack("--read-only", "leads", "forget", "nobody@example.org", "--yes").code == 2
