"""Says what an operator should know before saying yes: what is in flight, what would be lost, what stops arriving."""

from __future__ import annotations

import time

from api.models import QueueSnapshot
from console.errors import ConsoleError
from console.format import age, number
from console.ports import Action, Sources, Verb
from console.snapshots import Role, StackSnapshot
from console.wording import counted

KEPT_DAYS = 30
"""How long a discarded job can be taken back."""


async def risks(action: Action, sources: Sources) -> tuple[str, ...]:
    """One line a risk, the gravest first; empty when there is none. What cannot be read is said, never raised."""
    if action.verb in (Verb.DISCARD, Verb.DISCARD_MATCHING):
        return (f"what is discarded is not stored; it can be taken back for {KEPT_DAYS} days",)
    if action.verb is Verb.RESTORE:
        return await _replaced(sources)
    if action.verb is Verb.FORGET:
        return (
            "what is erased cannot be taken back; backups made before still hold it",
            "should the sender send it again, or a backfill read it, it is not stored a second time",
        )
    if action.verb is Verb.PAUSE:
        return ("nothing is stored until the queue is resumed; webhooks are still accepted",)
    if action.verb not in (Verb.STOP, Verb.DOWN, Verb.RESTART, Verb.RECREATE):
        return ()
    try:
        stack = await sources.stack.read()
    except ConsoleError:
        return ()  # the verb itself will say that nothing answers
    stopped = _stopped(action, stack)
    if not stopped:
        return ()
    lines = await _deleted(sources) if action.args.get("volumes") == "yes" else []
    lines += await _of_queue(action, stopped, sources, stack)
    if action.verb in (Verb.STOP, Verb.DOWN) and stopped & {Role.REDIS, Role.DB}:
        lines.append(await _backup(sources))
    return (*lines, *_arriving(action, stopped))


def _stopped(action: Action, stack: StackSnapshot) -> frozenset[Role]:
    """The roles that serve now and would not."""
    return frozenset(
        service.role
        for service in stack.services
        if service.up and (not action.targets or service.name in action.targets)
    )


async def _of_queue(action: Action, stopped: frozenset[Role], sources: Sources, stack: StackSnapshot) -> list[str]:
    if not stopped & {Role.WORKER, Role.REDIS, Role.DB}:
        return []
    redis = stack.service(Role.REDIS)
    if redis is not None and not redis.up:
        return []
    try:
        queue = await sources.queue.read()
    except ConsoleError as error:
        return [f"what is in flight is not known: {error}"]
    lines = _durability(queue, asked=action.verb in (Verb.STOP, Verb.DOWN)) if Role.REDIS in stopped else []
    if queue.in_flight and stopped & {Role.WORKER, Role.DB, Role.REDIS}:
        what = "workers get time to finish" if Role.WORKER in stopped else "they are tried again later"
        lines.append(f"{_jobs(queue.in_flight)} in flight: {what}")
    return lines


def _durability(queue: QueueSnapshot, *, asked: bool) -> list[str]:
    """What stopping Redis means for what is in it; with `asked` also that nothing is lost."""
    kept = queue.depth + queue.dead + queue.discarded
    if queue.aof in ("off", "no") and not kept:
        return ["AOF is off: nothing is in Redis now"] if asked else []
    if queue.aof in ("off", "no"):
        return [f"AOF is off: {_jobs(kept)} in Redis and may be lost when it stops"]
    if not queue.aof_ok and kept:
        return [f"Redis could not write its AOF last time: {_jobs(kept)} in it and may be lost when it stops"]
    known = queue.aof and queue.aof_ok
    what = f"{_jobs(kept)} in Redis and on disk" if kept else "nothing is in Redis now"
    return [f"AOF is on ({queue.aof}): {what}"] if asked and known else []


async def _backup(sources: Sources) -> str:
    """When the last backup was."""
    try:
        at = await sources.checker.last_backup()
    except ConsoleError as error:
        return f"when the last backup was is not known: {error}"
    return f"the last backup was {age(time.time() - at)} ago" if at else "no backup was ever made"


async def _deleted(sources: Sources) -> list[str]:
    """What a `down` with volumes destroys."""
    try:
        total = (await sources.leads.read()).total
        leads = "1 lead" if total == 1 else f"{number(total)} leads"
    except ConsoleError:
        leads = "all leads"
    return [f"the volumes are deleted: {leads} and everything queued are gone for good"]


async def _replaced(sources: Sources) -> tuple[str, ...]:
    """What a restore takes the place of."""
    try:
        total, queue = (await sources.leads.read()).total, await sources.queue.read()
    except ConsoleError:
        return ("all that is in the stack is replaced",)
    if not total and not queue.accepted:
        return ()
    return (
        f"{counted(total, 'lead')} and {counted(queue.depth + queue.dead, 'queued job')} make way for the archive's",
        "no webhook is accepted until it is done; Meta tries again for 36 h",
    )


def _arriving(action: Action, stopped: frozenset[Role]) -> list[str]:
    if action.verb is Verb.RESTART or not stopped & {Role.APP, Role.REDIS}:
        return []
    return ["no webhook is accepted until it runs again; Meta tries for 36 h, then gives up"]


def _jobs(count: int) -> str:
    return "1 job is" if count == 1 else f"{number(count)} jobs are"
