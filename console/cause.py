"""Says in one line why the queue is as it is, and what needs an operator. Pure: snapshots in, sentences out."""

from __future__ import annotations

from dataclasses import dataclass

from api.models import PagePause, QueueSnapshot
from console.format import Tone, age, clock, number, rate, safe
from console.history import Rates
from console.snapshots import Role, StackSnapshot, State

SLOW_AFTER_S = 10.0
"""Something in flight for longer than this is held up by the store or the Graph API."""
BURST_GROWTH = 1.0
"""Jobs a second by which a queue must grow to be called growing."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the queue is as it is. `tone` OK: nothing to do; WARN: it will pass or slow down; BAD: it will not pass."""

    text: str
    tone: Tone

    @property
    def shape(self) -> str:
        """The mark that goes with it."""
        return {Tone.BAD: "✖", Tone.WARN: "◐"}.get(self.tone, "●")


def empty_in_s(queue: QueueSnapshot, rates: Rates) -> float | None:
    """Seconds until the queue is empty at the present rates; None if it is empty, grows or the rates are unknown."""
    return queue.depth / -rates.growth if queue.depth and rates.growth < -0.05 else None


def why(queue: QueueSnapshot, stack: StackSnapshot | None, rates: Rates) -> Cause:
    """The one line for the queue panel: the first of these that is so, the most telling first."""
    return (
        _nobody_works(queue, stack)
        or _must_act(queue)
        or _store_away(queue, stack)
        or _limited(queue)
        or _held_up(queue)
        or _moving(queue, rates)
    )


def _nobody_works(queue: QueueSnapshot, stack: StackSnapshot | None) -> Cause | None:
    waiting = f"; {number(queue.depth)} {_wait(queue.depth)}" if queue.depth else ""
    if queue.paused:
        return Cause(f"Paused by an operator{waiting}", Tone.WARN)
    if any(worker.alive for worker in queue.workers):
        return None
    service = stack.service(Role.WORKER) if stack else None
    if service is None or service.state.up:
        return Cause(f"No worker answers{waiting}", Tone.BAD)
    if service.state in (State.STARTING, State.RESTARTING):
        return Cause(f"Workers are starting{waiting}", Tone.WARN)
    return Cause(f"No worker: {safe(service.name, 40)} is {service.state}{waiting}", Tone.BAD)


def _must_act(queue: QueueSnapshot) -> Cause | None:
    pause = next((p for p in queue.pauses if p.kind != "limit"), None)
    return Cause(pause_text(pause), Tone.BAD) if pause else None


def _limited(queue: QueueSnapshot) -> Cause | None:
    limits = sorted((p for p in queue.pauses if p.kind == "limit"), key=lambda p: -p.waiting)
    if not limits:
        return None
    more = f" (and {number(len(limits) - 1)} more)" if len(limits) > 1 else ""
    return Cause(pause_text(limits[0]) + more, Tone.WARN)


UNREACHABLE = "cannot be reached"
"""In the reason of a pause that nobody asked for: the connection itself failed."""


def pause_text(pause: PagePause) -> str:
    """What a paused page means for its leads."""
    whole = pause.page == "*"
    page = "the whole app" if whole else f"page {safe(pause.page, 40)}"
    its = "" if whole else "its "
    waiting = f"; {its}{number(pause.waiting)} leads wait" if pause.waiting != 1 else f"; {its}1 lead waits"
    if UNREACHABLE in pause.reason:
        return f"Graph API cannot be reached, next try {clock(pause.until)}{waiting if pause.waiting else ''}"
    if pause.kind == "limit":
        return f"Graph API limits {page} until {clock(pause.until)}{waiting if pause.waiting else ''}"
    if pause.reason:
        leads = "1 lead" if pause.waiting == 1 else f"{number(pause.waiting)} leads"
        who = f"{leads} of {page}" if pause.waiting else page[0].upper() + page[1:]
        return f"{who} {'wait' if pause.waiting > 1 else 'waits'}: {safe(pause.reason, 160)}"
    what = {"token": "access token", "permission": "permission"}.get(pause.kind, safe(pause.kind, 20))
    return f"Graph API refuses the {what} of {page}{waiting if pause.waiting else ''}"


def _store_away(queue: QueueSnapshot, stack: StackSnapshot | None) -> Cause | None:
    service = stack.service(Role.DB) if stack else None
    if service is None or service.state.up:
        return None
    return Cause(f"The database is {service.state}: leads wait in the queue", Tone.BAD)


def _held_up(queue: QueueSnapshot) -> Cause | None:
    if queue.stuck:
        gone = [safe(w.name, 40) for w in queue.workers if not w.alive and w.in_flight]
        text = f"{number(queue.stuck)} stuck" + (f": {gone[0]} is gone" if gone else "")
        return Cause(text, Tone.BAD)
    if queue.in_flight and queue.oldest_in_flight_s > SLOW_AFTER_S:
        return Cause(
            f"Slow: a job has been in flight for {age(queue.oldest_in_flight_s)} (database or Graph)", Tone.WARN
        )
    return None


def _moving(queue: QueueSnapshot, rates: Rates) -> Cause:
    if not queue.depth:
        return Cause("Nothing waits", Tone.OK)
    if rates.growth > BURST_GROWTH and queue.ready > max(20.0, rates.leaving or 0.0):
        return Cause(f"Burst: more comes in than workers store, +{rate(rates.growth)}", Tone.WARN)
    if queue.retry == queue.depth:
        return Cause(
            f"{number(queue.retry)} {_wait(queue.retry)} to be tried again, next in {age(queue.next_retry_s)}", Tone.OK
        )
    return Cause("Workers keep up", Tone.OK)


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"
