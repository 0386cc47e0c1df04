"""The stack's verbs that have no key, for the palette: build, pull, recreate, more and fewer workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from console.format import safe
from console.ports import Action, Verb
from console.snapshots import Role, Service, StackSnapshot


class StackCommand(NamedTuple):
    """A command of the palette: its name, what it does, and the action with its label."""

    name: str
    hint: str
    action: Action
    label: str


def stack_commands(stack: StackSnapshot | None) -> Iterator[StackCommand]:
    """What can be done to this stack: nothing of it to local processes, which have no containers."""
    if stack is None or stack.runtime != "docker":
        return
    yield StackCommand(
        "Build and bring up the stack", "up --build", Action(Verb.UP, (), {"build": "yes"}), "up --build"
    )
    yield StackCommand("Build the images", "build", Action(Verb.BUILD), "build")
    yield StackCommand("Pull the images", "pull", Action(Verb.PULL), "pull")
    for service in stack.services:
        if service.replicas:
            label = f"recreate {safe(service.name, 60)}"
            hint = "replace its containers by new ones"
            yield StackCommand(label.capitalize(), hint, Action(Verb.RECREATE, (service.name,)), label)
        if service.role is Role.WORKER and service.replicas:
            yield from _scaling(service)


def _scaling(service: Service) -> Iterator[StackCommand]:
    now, name = len(service.replicas), safe(service.name, 60)
    for word, count in (("more", now + 1), ("fewer", now - 1)):
        label = f"scale {name}={count}"
        action = Action(Verb.SCALE, (service.name,), {"count": str(count)})
        yield StackCommand(f"One {name} {word}", f"{label}, until the next up", action, label)
