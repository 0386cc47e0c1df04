"""The palette: verbs of the screen that is open and of the others, what was at hand lately, the screens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from console.tui.places import PAGES
from console.tui.stackcommands import StackCommand, stack_commands
from console.tui.widgets.bars import key_name

if TYPE_CHECKING:
    from console.tui.app import LeadsApp


UNSHOWN_VERBS = ("send", "copy", "again", "find(1)", "find(-1)")
"""Verbs that the key line leaves out."""


class LeadsCommands(Provider):
    """Everything that a key does here can be found by its name; so can what is done to the stack."""

    def _commands(self) -> Iterator[tuple[str, str, Callable[[], None]]]:
        app = cast("LeadsApp", self.app)
        for name, hint, key in self._here(app):
            yield name, hint, partial(self._press, key)
        for text in reversed(dict.fromkeys((*app.known.recent, *app.typed.history))):
            yield f": {text}", "again", partial(app.typed.run, text)
        for command in () if app.known.read_only else stack_commands(app.known.stack.value):
            yield command.name, command.hint, partial(self._do, command)
        yield from self._elsewhere(app)

    def _elsewhere(self, app: LeadsApp) -> Iterator[tuple[str, str, Callable[[], None]]]:
        """The verbs of the other numbered screens: go there, and press the key."""
        from console.tui.keymap import bound

        here = app.page.NAME if app.page is not None else ""
        for name in PAGES:
            for binding in bound(name) if name != here else ():
                key = app.tools.keys.get(binding.id or "", (binding.key.partition(",")[0],))[0]
                if binding.show and not (app.known.read_only and app.changes(name, binding.action)):
                    go = partial(app.go_and_press, name, key)
                    yield f"{name.capitalize()}: {binding.description}", f"key {key_name(key)} there", go

    def _here(self, app: LeadsApp) -> Iterator[tuple[str, str, str]]:
        seen = set()
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            if active.node is app or not active.enabled or not (binding.show or binding.action in UNSHOWN_VERBS):
                continue
            if binding.action not in seen:
                seen.add(binding.action)
                shown = binding.key_display or key_name(key)
                yield binding.description[0].upper() + binding.description[1:], f"key {shown}", key
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            if active.node is app and binding.description and binding.action not in ("command_palette", *seen):
                seen.add(binding.action)
                name = f"go to {binding.description}" if binding.description in PAGES else binding.description
                yield name[0].upper() + name[1:], f"key {key_name(key)}", key

    async def discover(self) -> Hits:
        """All of them."""
        for name, hint, do in self._commands():
            yield DiscoveryHit(name, do, help=hint)

    async def search(self, query: str) -> Hits:
        """Those whose name matches."""
        matcher = self.matcher(query)
        for name, hint, do in self._commands():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), do, help=hint)

    def _do(self, command: StackCommand) -> None:
        cast("LeadsApp", self.app).acting.begin(command.action, command.label)

    def _press(self, key: str) -> None:
        self.app.simulate_key(key)
