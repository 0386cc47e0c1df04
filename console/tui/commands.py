"""The palette's commands: the verbs of the screen that is open, the screens, and the stack's verbs without a key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from console.tui.stackcommands import StackCommand, stack_commands
from console.tui.widgets.bars import key_name

if TYPE_CHECKING:
    from console.tui.app import LeadsApp


UNSHOWN_VERBS = ("send", "copy", "again", "find(1)", "find(-1)")
"""Verbs that the key line leaves out."""


class LeadsCommands(Provider):
    """Everything that a key does here can be found by its name; so can what is done to the stack."""

    def _all(self) -> Iterator[tuple[str, str, Callable[[], None]]]:
        for name, hint, key in self._keys():
            yield name, hint, partial(self._press, key)
        known = cast("LeadsApp", self.app).known
        for command in () if known.read_only else stack_commands(known.stack.value):
            yield command.name, command.hint, partial(self._do, command)

    def _keys(self) -> Iterator[tuple[str, str, str]]:
        app = cast("LeadsApp", self.app)
        seen = set()
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            if active.node is app or not active.enabled or not (binding.show or binding.action in UNSHOWN_VERBS):
                continue
            if binding.action not in seen:
                seen.add(binding.action)
                shown = binding.key_display or key_name(key)
                yield binding.description[0].upper() + binding.description[1:], f"key {shown}", key
        for number, name in enumerate(("Overview", "Logs", "Queue", "Leads", "Volumes", "Activity"), 1):
            yield f"Go to {name}", f"key {number}", str(number)
        yield "Read everything now", "key f5", "f5"
        yield "Light or dark", "the other theme", "f2"
        yield "Help", "key ?", "question_mark"
        yield "Quit", "key q", "ctrl+c"

    async def discover(self) -> Hits:
        """All of them."""
        for name, hint, run in self._all():
            yield DiscoveryHit(name, run, help=hint)

    async def search(self, query: str) -> Hits:
        """Those whose name matches."""
        matcher = self.matcher(query)
        for name, hint, run in self._all():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, help=hint)

    def _do(self, command: StackCommand) -> None:
        cast("LeadsApp", self.app).acting.begin(command.action, command.label)

    def _press(self, key: str) -> None:
        self.app.simulate_key(key)
