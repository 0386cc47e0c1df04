"""Nothing, not yet, failed and stale look different, and say what to do."""

from __future__ import annotations

from console.format import Tone
from console.snapshots import Reading
from console.tui.app import UNWATCHED_S
from console.tui.present.supply import FRESH, Health, Supply, freshness, health_of
from console.tui.state import Kind
from console.tui.widgets.bars import TopBar
from console.tui.widgets.painted import Ground
from tests.tui.conftest import WIDE, opened
from tests.tui.fakes import NOW, World
from tests.tui.world import MB


async def test_silent_at_first_then_reading() -> None:
    async with opened(World(delay_s=60), settled=False) as seat:
        assert "reading…" not in "\n".join(seat.lines[2:]), "what comes at once does not flicker"
        start = seat.lines[2]
        await seat.until(lambda: seat.app.known.started_at > 0)
        seat.app.known.started_at -= 1
        await seat.sees("│ reading…")
        assert seat.lines[2] == start, "no frame moves"


async def test_empty_says_what_to_do() -> None:
    async with opened(World(empty=True)) as seat:
        await seat.sees("No leads yet. Send a test one: leadsctl send (or press T).")
        await seat.sees("● Nothing needs you.")
        await seat.press("4")
        await seat.sees("No leads yet.")
        await seat.press("3")
        await seat.sees("Nothing waits: every accepted lead has been taken.")
        await seat.press("6")
        await seat.sees("No notices.")


async def test_a_failed_reading_keeps_the_last_value_faded_with_reason_and_next_try() -> None:
    world = World()
    async with opened(world, size=WIDE) as seat:
        await seat.sees("in flight 51")
        world.queue_error = "Redis does not answer: connection refused (leads_redis)"
        seat.app.poke()
        await seat.sees("✖ Redis does not answer: connection refused")
        await seat.sees("next try in 2 s · f5 now")
        await seat.sees("✖ queue 0 s")
        await seat.sees("in flight 51")
        board = seat.app.screen.query_one("#queue")
        grounds = {drawn.ground for drawn in board._drawn if any("in flight" in cell.text for cell in drawn.line)}  # type: ignore[attr-defined]
        assert grounds == {Ground.FADED}
        world.queue_error = ""
        seat.app.poke()
        await seat.misses("Redis does not answer")
        await seat.press("6")
        await seat.sees("answers again")


async def test_what_may_not_hold_any_more_is_not_told_as_if_it_did() -> None:
    world = World()
    async with opened(world) as seat:
        await seat.sees("3 jobs stuck")
        bar = seat.app.screen.query_one(TopBar)
        world.queue_error = world.stack_error = world.leads_error = "no answer"
        seat.app.poke()
        await seat.sees("✖ unreachable")
        await seat.until(lambda: all(seat.app.known.reading(kind).error for kind in (Kind.QUEUE, Kind.LEADS)))
        await seat.until(
            lambda: {c.tone for c in bar._drawn[0].line if "876" in c.text or "18,402" in c.text} <= {Tone.DIM}
        )
        assert "▲   – ▼   –" in seat.lines[0]
        await seat.sees("⧖ as last known")
        needs = seat.app.screen.query_one("#needs")
        assert {d.ground for d in needs._drawn if any("stuck" in c.text for c in d.line)} == {Ground.FADED}  # type: ignore[attr-defined]


async def test_nothing_known_is_not_nothing_to_do() -> None:
    world = World(queue_error="no answer", calm=True)
    async with opened(world, settled=False) as seat:
        await seat.sees("Not known while a source does not answer.")


async def test_a_log_that_cannot_be_read_says_why_and_when_it_is_tried_again() -> None:
    world = World(stack_error="No Docker Engine here")
    async with opened(world, settled=False) as seat:
        await seat.press("2")
        await seat.sees("✖ No Docker Engine here. It is tried again every 3 s.")
        await seat.sees("nothing to follow")
        assert " following " not in seat.text


async def test_without_an_engine_it_says_so_and_r_looks_again() -> None:
    world = World(stack_error="No Docker Engine at unix:///var/run/docker.sock")
    async with opened(world, settled=False) as seat:
        await seat.sees("✖ unreachable")
        await seat.sees("✖ No Docker Engine at")
        world.stack_error = ""
        before = world.reads["stack"]
        await seat.press("r")
        await seat.sees("● healthy")
        assert world.reads["stack"] > before
        assert seat.runner.done == [], "r is not restart while nothing answers"


async def test_r_on_the_queue_reads_again_when_redis_was_away() -> None:
    world = World()
    async with opened(world) as seat:
        await seat.press("3")
        await seat.sees("3 shown")
        world.queue_error = "Redis does not answer"
        seat.app.action_read_now()
        await seat.sees("✖ Redis does not answer")
        await seat.sees("01J9…2M4X0V")
        world.queue_error = ""
        await seat.press("r")
        await seat.misses("Redis does not answer")
        assert seat.runner.done == []


async def test_the_list_says_why_it_cannot_be_read() -> None:
    world = World()
    async with opened(world) as seat:
        await seat.press("4")
        await seat.sees("100+ shown")
        world.leads_error = "Postgres does not answer"
        await seat.press("r")
        await seat.sees("✖ Postgres does not answer")
        await seat.sees("Zoë •••")
        await seat.press("enter")
        await seat.sees("✖ Postgres does not answer")


async def test_stale_readings_are_marked() -> None:
    now = NOW
    world = World(clock=lambda: now)
    async with opened(world, size=WIDE) as seat:
        await seat.sees("queue live")
        await seat.app._stop_reading()
        now += 12
        await seat.sees("⧖ queue 12 s")
        await seat.sees("⧖ 12 s old")


async def test_volumes_are_read_while_they_are_looked_at() -> None:
    async with opened() as seat:
        assert "volumes" not in seat.world.reads
        await seat.press("5")
        for text in (
            "postgres_data",
            "4.2 GB",
            "/data",
            "38 % used",
            "deliveries",
            "always",
            "● every accepted lead",
            "● writes",
        ):
            await seat.sees(text)
        await seat.press("r")
        await seat.until(lambda: seat.world.reads["volumes"] >= 2)
        await seat.press("1")
        poller = seat.app._pollers[Kind.VOLUMES]
        await seat.until(lambda: poller._interval_s == UNWATCHED_S)


async def test_volumes_that_are_looked_at_again_are_read_again() -> None:
    async with opened() as seat:
        for _ in range(3):
            await seat.press("5")
            await seat.sees("postgres_data")
            await seat.press("r", "1")
        read = seat.app.known.volumes.seq
        await seat.press("5")
        await seat.until(lambda: seat.app.known.volumes.seq > read)


async def test_a_disk_that_fills_up_is_told_before_anybody_looks() -> None:
    world = World(disk_free=11_000 * MB, calm=True)
    async with opened(world) as seat:
        seat.app._first_volumes()
        await seat.sees("✖ The engine's disk is 98 % full")
        await seat.until(lambda: seat.app._pollers[Kind.VOLUMES]._interval_s == UNWATCHED_S)


async def test_activity_tells_what_came_to_pass() -> None:
    world = World()
    async with opened(world) as seat:
        await seat.press("6")
        await seat.sees("◐ Page 3 sends leads without ids: turn Include Values on · 4×")
        world.removed.add("worker")
        seat.app.poke()
        await seat.sees("healthy → absent")
        await seat.press("enter")
        await seat.sees("Activity")
        await seat.press("escape")


def test_health_of_a_reading() -> None:
    def of(reading: Reading[int], now: float = 100.0) -> Health:
        return health_of(reading, now, stale_after_s=5, started_at=90)

    assert of(Reading()).supply is Supply.LOADING
    assert of(Reading(), now=90.1).supply is Supply.SILENT
    assert of(Reading(1, taken_at=98)) is FRESH
    assert of(Reading(1, taken_at=90)) == Health(Supply.STALE, "10 s old")
    assert of(Reading(1, "away.", 90, 104)) == Health(Supply.FAILED, "away.", "read 10 s ago · next try in 4 s · r now")
    assert of(Reading(None, "away", 0, 99)) == Health(Supply.FAILED, "away.", "trying again · r now")


def test_freshness_in_the_header() -> None:
    assert freshness("queue", Reading(1, taken_at=97), 100, 5).text == "queue 3 s"
    assert freshness("queue", Reading(1, taken_at=99), 100, 5).text == "queue live"
    assert freshness("queue", Reading(1, taken_at=80), 100, 5).text == "⧖ queue 20 s"
    assert freshness("queue", Reading(1, "e", 80), 100, 5).text == "✖ queue 20 s"
    assert freshness("queue", Reading(None, "e"), 100, 5).text == "✖ queue"
    assert freshness("queue", Reading(), 100, 5).text == "queue –"


async def test_the_overview_names_the_key_that_reads_and_not_the_one_that_restarts_a_service() -> None:
    world = World(leads_error="Postgres is away")
    async with opened(world) as seat:
        await seat.sees("✖ Postgres is away")
        assert "· r now" not in seat.text
        assert "f5 now" in seat.text
        world.leads_error = ""
        await seat.press("f5")
        await seat.misses("✖ Postgres is away")
        assert not seat.runner.done
