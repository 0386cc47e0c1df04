"""How the stack's verbs are done: by the runtime, whose steps become one result."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

from console.errors import UsageError
from console.ports import Action, Result, Runtime, Verb
from console.snapshots import Progress
from console.wording import counted

VERBS = frozenset(
    {Verb.UP, Verb.DOWN, Verb.START, Verb.STOP, Verb.RESTART, Verb.RECREATE, Verb.SCALE, Verb.BUILD, Verb.PULL}
)
DONE = {
    Verb.UP: "up",
    Verb.START: "started",
    Verb.STOP: "stopped",
    Verb.RESTART: "restarted",
    Verb.RECREATE: "recreated",
}
MOST_REPLICAS = 100
Events = AsyncIterator[Progress | Result]


async def do(action: Action, runtime: Runtime, changed: Callable[[], None]) -> Events:
    """Steps, then one Result; the first step that failed is it. `changed` is called however it ends.

    Raises:
        ConsoleError: the runtime refused or failed the verb.
    """
    broken = ""
    try:
        async with aclosing(_steps(action, runtime)) as steps:  # type: ignore[type-var]  # see Runtime: generators
            async for step in steps:
                if step.ok is False:
                    broken = f"{step.service}: {step.text}" if step.service else step.text
                yield step
    finally:
        changed()
    if broken:
        yield Result(ok=False, text=broken, exit_code=1)
    else:
        yield Result(ok=True, text=_text(action), changed=max(len(action.targets), 1))


def _steps(action: Action, runtime: Runtime) -> AsyncIterator[Progress]:
    targets, args = action.targets, action.args
    match action.verb:
        case Verb.UP:
            return runtime.up(targets, build={"yes": True, "no": False}.get(args.get("build", "")))
        case Verb.DOWN:
            return runtime.down(volumes=args.get("volumes") == "yes")
        case Verb.START:
            return runtime.start(targets)
        case Verb.STOP:
            return runtime.stop(targets)
        case Verb.RESTART:
            return runtime.restart(targets, index=replica_of(action))
        case Verb.RECREATE:
            return runtime.recreate(targets)
        case Verb.SCALE:
            return runtime.scale(_one(targets), _count(action), keep=args.get("keep") == "yes")
        case Verb.BUILD:
            return runtime.build(targets)
        case _:
            return runtime.pull(targets)


def replica_of(action: Action) -> int:
    """Which replica of its one target an action is for, 0 for all.

    Raises:
        UsageError: that is no number, or there are more targets than one.
    """
    text = action.args.get("index", "")
    if not text:
        return 0
    if len(action.targets) != 1:
        raise UsageError("a replica is one of one service", "name one service beside --index")
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= MOST_REPLICAS):
        raise UsageError(f"{text} is no number of a replica", f"write 1 to {MOST_REPLICAS}")
    return int(text)


def _one(targets: tuple[str, ...]) -> str:
    if len(targets) != 1:
        raise UsageError("one service is scaled at a time", "leadsctl scale worker=3")
    return targets[0]


def _count(action: Action) -> int:
    """How many replicas are asked for. No worker at all is allowed: webhooks are taken in all the same."""
    text = action.args.get("count", "")
    if not (text.isascii() and text.isdigit() and int(text[:9]) <= MOST_REPLICAS):
        raise UsageError(f"{text or 'nothing'} is not a number of replicas", f"write 0 to {MOST_REPLICAS}")
    return int(text)


def _text(action: Action) -> str:
    who = ", ".join(action.targets) or "the stack"
    who += f" {action.args['index']}" if action.args.get("index") else ""
    many = "are" if len(action.targets) > 1 else "is"
    match action.verb:
        case Verb.DOWN:
            kept = "deleted" if action.args.get("volumes") == "yes" else "kept"
            return f"the stack is down; its data is {kept}"
        case Verb.SCALE:
            later = "" if action.args.get("keep") == "yes" or who != "worker" else _LATER
            return f"{who} has {counted(_count(action), 'replica')}{later}"
        case Verb.BUILD:
            return "the images are built; up puts them to use"
        case Verb.PULL:
            return "the images are here; up puts newer ones to use"
        case _:
            return f"{who} {many} {DONE[action.verb]}"


_LATER = "; at the next up WORKERS in .env decides (scale --save writes it there)"
