"""The one line about the queue as the console shows it: what the service says, and what only the console knows."""

from __future__ import annotations

from dataclasses import dataclass

from api import cause
from api.cause import Database, Kind, Level
from api.models import QueueSnapshot
from console.format import Tone, safe
from console.history import Rates
from console.snapshots import Role, StackSnapshot, State

pause_text = cause.pause_text

_BEFORE_DATABASE = (Kind.PAUSED, Kind.REDIS_AWAY, Kind.REDIS_DISK)
_TONES = {Level.OK: Tone.OK, Level.WARN: Tone.WARN, Level.BAD: Tone.BAD}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the queue is as it is. `tone` OK: nothing to do; WARN: it will pass or slow down; BAD: it will not pass."""

    text: str
    tone: Tone
    kind: Kind

    @property
    def shape(self) -> str:
        """The mark that goes with it."""
        return {Tone.BAD: "✖", Tone.WARN: "◐"}.get(self.tone, "●")


def empty_in_s(queue: QueueSnapshot, rates: Rates) -> float | None:
    """Seconds until the queue is empty at the present rates; None if it is empty, grows or the rates are unknown."""
    return queue.depth / -rates.growth if queue.depth and rates.growth < -0.05 else None


def why(
    queue: QueueSnapshot | None, stack: StackSnapshot | None, rates: Rates, database: Database | None = None
) -> Cause:
    """The one line for the queue panel. The kind is the service's own; the stack tells more of a service that is down.

    `rates` are taken where no worker has sampled any; `database`: whether Postgres answers the console.
    """
    found = cause.why(queue, rates=rates, database=database)
    if found.kind is Kind.NO_WORKER and queue is not None:
        told = _no_worker(queue, stack)
    elif found.kind in _BEFORE_DATABASE:
        told = None
    else:
        told = _database_down(stack)
    return told or Cause(found.text, _TONES[found.level], found.kind)


def _no_worker(queue: QueueSnapshot, stack: StackSnapshot | None) -> Cause | None:
    service = stack.service(Role.WORKER) if stack else None
    if service is None or service.state.up:
        return None
    waiting = cause.waiting_text(queue)
    if service.state in (State.STARTING, State.RESTARTING):
        return Cause(f"Workers are starting{waiting}", Tone.WARN, Kind.NO_WORKER)
    return Cause(f"No worker: {safe(service.name, 40)} is {service.state}{waiting}", Tone.BAD, Kind.NO_WORKER)


def _database_down(stack: StackSnapshot | None) -> Cause | None:
    """A stopped database is known before a worker has anything to write to it."""
    service = stack.service(Role.DB) if stack else None
    if service is None or service.state.up:
        return None
    return Cause(f"The database is {service.state}: leads wait in the queue", Tone.BAD, Kind.DATABASE_AWAY)
