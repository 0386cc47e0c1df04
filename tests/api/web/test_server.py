"""The web process's own end: a server that fails ends it with 1 and a line in the log."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace

import pytest
from granian.server.embed import Server

from api.settings import Settings
from api.web import server
from tests.api.web.conftest import LogLines


@pytest.fixture
def _untouched_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("collect", "freeze", "set_threshold"):
        monkeypatch.setattr(gc, name, lambda *_: None)


@pytest.mark.usefixtures("_untouched_collector")
@pytest.mark.parametrize("error", [RuntimeError("native part broke"), None])
async def test_a_server_that_ends_by_itself_is_a_failure(
    error: Exception | None,
    settings: Settings,
    free_port: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
    log_lines: LogLines,
) -> None:
    async def serve(_self: object) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(Server, "serve", serve)
    assert await server.serve(replace(settings, host="127.0.0.1", port=free_port())) == 1
    events = [line["event"] for line in await log_lines()]
    assert events == ["web.started", *(["web.failed"] if error else []), "web.stopped"]
