"""The terminal UI itself, in a pseudo-terminal on a real engine: a shell and back, an engine that dies under it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.bench.terminal import Terminal
from tests.live.consoles import opened, sees
from tests.live.proxies import Proxy
from tests.live.stacks import LiveStack

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """db and redis."""
    made = LiveStack(tmp_path_factory.mktemp("stack"))
    try:
        made.up("db", "redis")
        yield made
    finally:
        made.remove()


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Proxy]:
    """The way to the engine."""
    made = Proxy(tmp_path / "e.sock")
    await made.open()
    yield made
    await made.cut()


def console(stack: LiveStack, proxy: Proxy) -> AbstractAsyncContextManager[Terminal]:
    """The console in a terminal, connected through the proxy."""
    return opened(stack.words, proxy.url)


async def test_a_shell_gets_the_terminal_and_the_console_comes_back(stack: LiveStack, proxy: Proxy) -> None:
    async with console(stack, proxy) as terminal:
        await sees(terminal, lambda text: text.count("healthy") >= 2)
        terminal.send("jjE")
        await sees(terminal, lambda text: "exit returns to leadsctl" in text)
        await sees(terminal, lambda text: ":/$" in text)
        terminal.send("echo $((6*7))-$POSTGRES_USER\r")
        await sees(terminal, lambda text: "42-leads" in text)
        terminal.send("exit\r")
        await sees(terminal, lambda text: "the shell in db has ended" in text and "Services" in text)


async def test_an_engine_that_dies_and_comes_back_under_the_console(stack: LiveStack, proxy: Proxy) -> None:
    async with console(stack, proxy) as terminal:
        await sees(terminal, lambda text: text.count("healthy") >= 2)
        await proxy.cut()
        await sees(terminal, lambda text: "No Docker Engine at" in text)
        assert terminal.process.poll() is None
        await proxy.open()
        await sees(terminal, lambda text: "No Docker Engine at" not in text and text.count("healthy") >= 2)
        terminal.send("2")
        await sees(terminal, lambda text: "database system is ready" in text)


async def test_an_engine_that_is_away_at_the_start(stack: LiveStack, proxy: Proxy) -> None:
    await proxy.cut()
    async with console(stack, proxy) as terminal:
        await sees(terminal, lambda text: "No Docker Engine at" in text)
        await proxy.open()
        await sees(terminal, lambda text: "No Docker Engine at" not in text and text.count("healthy") >= 2)
