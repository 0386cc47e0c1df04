"""What a front end is lent besides sources and runner: the command line's words, what is configured."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from console.ports import Action, Result

Ask = Callable[[Action, str, str], Awaitable[Result]]
"""Does an action, asking first: the question ("" for none), and the word that must be typed ("" for none)."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said: its output, its notes, and its exit code (0: ok)."""

    output: tuple[str, ...]
    notes: tuple[str, ...]
    exit_code: int


class CommandLine(Protocol):
    """Runs a line of the command line's words inside a front end, on the front end's own stack."""

    def complete(self, line: str) -> tuple[str, ...]:
        """What the last word of `line` may become, whole lines."""
        ...

    async def run(self, line: str, ask: Ask, *, columns: int = 100) -> Said:
        """Run it; its output is `columns` cells wide. Whatever changes something is handed to `ask`. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What a front end is lent besides sources and runner.

    Attributes:
        commands: runs typed commands; None: there are none.
        backup: gives the arguments of the verb backup. Raises ConsoleError when what is configured makes no sense.
        stack_name: what an operator types before the stack is replaced.
        keys: the keys of actions by their names, where they are not the usual ones.
        to_write: what an operator of a read-only console does to get one that changes things.
    """

    commands: CommandLine | None = None
    backup: Callable[[], dict[str, str]] | None = None
    stack_name: Callable[[], str] | None = None
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    to_write: str = "start it without --read-only"
