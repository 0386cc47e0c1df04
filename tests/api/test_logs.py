"""The log: one safe JSON object a line, whatever is logged, and no text of a stranger's exception."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import logs
from api.errors import QueueUnavailableError


class Out(io.BytesIO):
    """A log kept in memory."""

    def lines(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def out() -> Iterator[Out]:
    kept = Out()
    logs.configure("info", kept)
    yield kept
    logs.configure("info")


def test_a_line_has_time_level_and_event_first(out: Out) -> None:
    logs.get_logger().info("lead.stored", job_id="j-1", n=3)
    logs.emit("warning", "webhook.rejected", {"status": 401})
    first, second = out.lines()
    assert list(first) == ["ts", "level", "event", "job_id", "n"]
    assert (first["level"], first["event"], first["job_id"], first["n"]) == ("info", "lead.stored", "j-1", 3)
    assert (second["level"], second["event"], second["status"]) == ("warning", "webhook.rejected", 401)
    assert len(first["ts"]) == len("2026-09-12T10:04:32.120Z")


def test_what_is_below_the_level_is_not_written(out: Out) -> None:
    logs.get_logger().debug("a.b")
    logs.emit("debug", "a.b", {})
    logging.getLogger("library").info("noise")
    assert out.lines() == []


def test_a_stranger_s_exception_is_named_and_not_quoted(out: Out) -> None:
    try:
        raise ValueError("greta@example.com")
    except ValueError:
        logs.get_logger().exception("worker.failed", job_id="j-1")
        logging.getLogger("library").exception("it broke")
    for line in out.lines():
        assert line["exception"] == line["error"] == "ValueError"
        assert line["frames"][-1].endswith("test_a_stranger_s_exception_is_named_and_not_quoted")
        assert line["level"] == "error"
    assert b"greta" not in out.getvalue()


async def test_asyncio_quotes_no_exception_that_nobody_looked_at(out: Out) -> None:
    async def fail() -> None:
        raise ValueError("greta@example.com")

    # What other tests of this process have left behind is told before.
    gc.collect()
    before = len(out.lines())
    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    del task
    gc.collect()
    (line,) = out.lines()[before:]
    assert (line["text"], line["exception"]) == ("Task exception was never retrieved", "ValueError")
    assert b"greta" not in out.getvalue()


def test_our_own_exception_is_quoted(out: Out) -> None:
    logs.get_logger().error("queue.away", exc_info=QueueUnavailableError("Redis does not answer"))
    (line,) = out.lines()
    assert (line["error"], line["exception"]) == ("Redis does not answer", "QueueUnavailableError")


def test_what_libraries_log_are_lines_too(out: Out) -> None:
    logging.getLogger("library").error("it %s", "broke\nERROR fake")
    bridge = next(handler for handler in logging.getLogger().handlers if type(handler).__module__ == "api.logs")
    bridge.emit(logging.makeLogRecord({"name": "library", "msg": "%d", "args": ("no number",), "levelno": 30}))
    assert [(line["level"], line["event"]) for line in out.lines()] == [
        ("error", "library.log"),
        ("warning", "library.log"),
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("é\x1b\x9b\u202e", "é\x1b\x9b\u202e"),
        ("\ud800", "\ufffd"),
        ("x" * 5_000, "x" * 2_000 + "…"),
        (float("nan"), "nan"),
        (10**400, "<int>"),
        (object(), "<object>"),
        (b"bytes", "<bytes>"),
        ({"a": [1, {"b": object()}]}, {"a": [1, {"b": "<object>"}]}),
    ],
)
def test_values_are_made_safe(out: Out, value: Any, shown: Any) -> None:
    logs.emit("info", "a.b", {"value": value, "other": object()})
    assert out.lines()[0]["value"] == shown
    assert out.getvalue().isascii()


def test_a_value_that_holds_itself_is_cut(out: Out) -> None:
    loop: list[Any] = []
    loop.append(loop)
    logs.emit("info", "a.b", {"value": loop})
    assert len(out.lines()) == 1


@given(st.dictionaries(st.text(alphabet=st.characters(codec=None)), st.text(alphabet=st.characters(codec=None))))
def test_any_text_makes_one_ascii_line(fields: dict[str, str]) -> None:
    line = logs.line("info", "a.b", fields)
    assert line.isascii()
    assert b"\n" not in line
    assert json.loads(line)


def test_a_log_nobody_reads_fails_nothing() -> None:
    closed = io.BytesIO()
    logs.configure("info", closed)
    closed.close()
    logs.emit("info", "a.b", {})
    logs.get_logger().info("a.b")
    logs.configure("info")
