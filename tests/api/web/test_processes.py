"""Several web processes on one port: shared work, one set of metrics, successors for the dead, one end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from api.counts import Counts
from api.web.board import SLOT_BYTES, Board
from tests import servers
from tests.api.web.conftest import SECRETS, Queue, WebProcess
from tests.api.web.test_app import leads
from tests.api.web.test_process import CLOSE, post, statuses

PROCESSES = 3


@pytest.fixture
def many(redis_url: str, database_url: str, tmp_path: Path) -> Iterator[WebProcess]:
    """Three processes on one port."""
    env = {
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "META_APP_SECRET": SECRETS[0].decode(),
        "META_VERIFY_TOKEN": "v",
        "WEB_PROCESSES": str(PROCESSES),
    }
    process = WebProcess(tmp_path / "many", env).start()
    servers.wait_until(lambda: events(process).count("web.started") == PROCESSES, "all processes")
    yield process
    if process.process is not None and process.process.poll() is None:
        process.stop(signal.SIGKILL)


def events(web: WebProcess) -> list[str]:
    return [line["event"] for line in web.log()]


def children(web: WebProcess) -> list[psutil.Process]:
    assert web.process is not None
    return psutil.Process(web.process.pid).children()


def total(web: WebProcess) -> str:
    """The line of the metrics that counts accepted leads."""
    page = httpx.get(f"{web.url}/metrics").text
    return next((line for line in page.splitlines() if line.startswith("leads_webhook_events_total")), "")


def test_they_share_the_connections_and_any_of_them_tells_the_sum(many: WebProcess, queue: Queue) -> None:
    ids = set()
    for n in range(60):
        answer = many.raw(post(leads(n), CLOSE.strip()))
        assert statuses(answer) == [200]
    ids = {job.id for job in queue.ready()}
    assert len(ids) == 60
    expected = 'leads_webhook_events_total{outcome="accepted",source="meta"} 60.0'
    servers.wait_until(lambda: all(total(many) == expected for _ in range(10)), "the sum in every process")
    busy = [child for child in children(many) if child.cpu_times().user + child.cpu_times().system > 0]
    assert len(busy) == PROCESSES


def test_one_that_dies_is_replaced_and_its_counts_stay(many: WebProcess, queue: Queue) -> None:
    for n in range(20):
        many.raw(post(leads(n), CLOSE.strip()))
    expected = 'leads_webhook_events_total{outcome="accepted",source="meta"} 20.0'
    servers.wait_until(lambda: all(total(many) == expected for _ in range(10)), "the sum in every process")
    for child in children(many):
        os.kill(child.pid, signal.SIGKILL)
    servers.wait_until(lambda: events(many).count("web.started") == 2 * PROCESSES, "the successors")
    assert events(many).count("web.died") == PROCESSES
    assert total(many) == expected
    assert statuses(many.raw(post(leads(99), CLOSE.strip()))) == [200]


def test_sigterm_ends_all(many: WebProcess) -> None:
    family = children(many)
    assert many.stop() == 0
    assert events(many).count("web.stopped") == PROCESSES
    assert not any(child.is_running() for child in family)


def test_none_outlives_the_first(many: WebProcess) -> None:
    family = children(many)
    many.stop(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    again = WebProcess(many.folder / "again", many.env, many.port).start()
    assert again.stop() == 0


def test_a_board_gives_back_what_was_left() -> None:
    board = Board(2)
    assert board.others(0) == []
    board.write(1, b"abc")
    assert (board.read(1), board.others(0), board.others(1)) == (b"abc", [b"abc"], [])
    board.write(1, b"x" * SLOT_BYTES)
    assert board.read(1) == b"abc"


def test_counts_add_up() -> None:
    one, two = Counts(), Counts()
    for counts in (one, two):
        counts.events["meta", "accepted"] = 2
        counts.requests["/x", "GET", "200"] = 1
    assert one.add(two.dump()) == 0
    assert one.events == {("meta", "accepted"): 4}
    with pytest.raises(ValueError, match=r"."):
        one.add(b"\xc1")
