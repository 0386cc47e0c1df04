"""How the screens look, as pictures: time stands still, nothing blinks. Update on purpose with --snapshot-update."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.metadata import version

import pytest
from textual.pilot import Pilot

from api.models import QueueSnapshot
from console.tui.app import LeadsApp
from console.tui.state import INTERVALS_S, TIMEOUTS_S, Kind
from tests.tui.conftest import NARROW, WIDE
from tests.tui.fakes import NOW, FakeQueue, FakeRunner, World, sources

TAKEN_WITH = "8.2"
"""The Textual these pictures were taken with; another one may draw the same screen as another picture."""

pytestmark = pytest.mark.skipif(
    not version("textual").startswith(TAKEN_WITH + "."),
    reason=f"needs Textual {TAKEN_WITH}: the pictures were taken with it",
)

SCREENS = {
    "overview": (),
    "logs": ("2",),
    "queue": ("3",),
    "leads": ("4",),
    "volumes": ("5",),
    "activity": ("6",),
}
READING = ("pages", "details", "scan", "backup", "record")
"""What a screen reads, by the beginnings of the groups of its workers."""
Compare = Callable[..., bool]


async def five_minutes() -> list[QueueSnapshot]:
    """Readings of the queue before now."""
    return [await FakeQueue(World(clock=lambda at=at: at)).read() for at in range(int(NOW) - 300, int(NOW))]  # type: ignore[misc]


def settle(screen: str) -> Callable[[Pilot[None]], object]:
    """Opens a screen once everything has been read, and lets it come to rest."""

    async def run(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, LeadsApp)
        known = app.known
        while not (known.stack.seq and known.queue.seq and known.leads.seq and len(known.logs)):
            await pilot.pause(0.01)
        await opened(app, pilot, screen)
        await rest(app, pilot)
        page = app.page
        if page is not None:
            page.refresh_edges()
            page.show(None)
        await pilot.pause()

    return run


async def opened(app: LeadsApp, pilot: Pilot[None], screen: str) -> None:
    """Go to a screen; it is in place afterwards."""
    await pilot.press(*SCREENS[screen])
    while app.page is None or screen != app.page.NAME:
        await pilot.pause(0.01)
    await pilot.pause(0.4)


async def rest(app: LeadsApp, pilot: Pilot[None]) -> None:
    """What the open screen reads by itself has been read; some of it only once the rest has been drawn."""
    while reading := [each for each in app.workers if each.group.startswith(READING)]:
        await app.workers.wait_for_complete(reading)
        await pilot.pause()


async def broken(app: LeadsApp, world: World, pilot: Pilot[None]) -> None:
    """Every source fails once, and is not asked again: when it would be depends on how often it had failed before."""
    pollers = dict(app._pollers)
    if Kind.VOLUMES in pollers:
        while not app.known.volumes.seq:
            await pilot.pause(0.01)
    await app._stop_reading()
    world.stack_error = "No Docker Engine at unix:///var/run/docker.sock: connection refused"
    world.queue_error = "Redis does not answer: connection refused (leads_redis)"
    world.leads_error = "Postgres does not answer: timeout expired"
    for kind, poller in pollers.items():
        poller.pace(INTERVALS_S[kind])
        await poller._once()
    while not all(app.known.reading(kind).error for kind in pollers):
        await pilot.pause(0.01)
    if app.page is not None:
        app.page.read_again()
    await rest(app, pilot)


def in_state(state: str, world: World, later: list[float], screen: str) -> Callable[[Pilot[None]], object]:
    """Opens a screen and brings it into a state in which it comes to rest."""

    async def run(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, LeadsApp)
        known = app.known
        if state != "loading":
            while not (known.stack.seq and known.queue.seq and known.leads.seq and len(known.logs)):
                await pilot.pause(0.01)
        await opened(app, pilot, screen)
        if state != "loading":
            await rest(app, pilot)
        if state == "failed":
            await broken(app, world, pilot)
        elif state == "stale":
            await app._stop_reading()
            await rest(app, pilot)
            later[0] = 42.0
        elif state == "loading":
            later[0] = 1.0
        await pilot.pause(0.3)
        if app.page is not None:
            app.page.refresh_edges()
            app.page.show(None)
        await pilot.pause()

    return run


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "160x45"])
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("state", ["empty", "loading", "failed", "stale"])
def test_states(
    snap_compare: Compare, state: str, screen: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    if state == "loading":  # however long it takes until the picture is taken: nothing has been given up by then
        for kind in TIMEOUTS_S:
            monkeypatch.setitem(TIMEOUTS_S, kind, 3600.0)
        for module in ("joblist", "leadlist", "activity", "volumes"):
            monkeypatch.setattr(f"console.tui.screens.{module}.TIMEOUT_S", 3600.0)
    later = [0.0]
    world = World(clock=lambda: NOW + later[0], empty=state == "empty", delay_s=60 * (state == "loading"))
    app = LeadsApp(sources(world), FakeRunner(world), theme="dark", clock=world.clock)
    assert snap_compare(app, terminal_size=size, run_before=in_state(state, world, later, screen))


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "160x45"])
@pytest.mark.parametrize("screen", SCREENS)
def test_screens(snap_compare: Compare, screen: str, size: tuple[int, int]) -> None:
    world = World()
    app = LeadsApp(sources(world), FakeRunner(world), theme="dark", clock=world.clock)
    for reading in asyncio.run(five_minutes()):
        app.known.history.add(reading)
    assert snap_compare(app, terminal_size=size, run_before=settle(screen))
