"""Keys are taken one after the other: what one opens is in place before the next is looked at."""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import Any

from textual import events
from textual.app import App, ScreenStackError
from textual.dom import DOMNode
from textual.message_pump import MessagePump

STEPS = 3
"""A key may become a message of its widget, and that one another: Enter, `Submitted`, `Ended`."""
PATIENCE_S = 1.0
"""A key is kept waiting no longer than this for the one before it."""


class InTurn(App[None]):
    """The toolkit gives a key to whatever has the focus when it is read from the terminal.

    Where several are read at once (over a slow line, or while something else took its time) what follows `/` would be
    the keys of verbs, as the prompt has not come yet; and a key for a screen that is not in place yet would end it all.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._untaken: deque[events.Key | events.Paste] = deque()
        self._taken_at = 0.0
        """When the key under way was taken, 0 if there is none."""

    async def on_event(self, event: events.Event) -> None:
        """Keep a key until those before it are done with."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
            return
        self._untaken.append(event)
        if not self._taken_at or time.monotonic() - self._taken_at > PATIENCE_S:
            await self._take()

    async def _take(self) -> None:
        """Take the next key, if there is one."""
        if not self._untaken:
            self._taken_at = 0.0
            return
        self._taken_at = taken_at = time.monotonic()
        target = self.focused or self._top()
        await super().on_event(self._untaken.popleft())
        self._step(taken_at, target, STEPS)

    def _step(self, taken_at: float, target: DOMNode | None, left: int) -> None:
        """Let everything happen that the key has brought about at its target, then on what it has opened."""
        if left:
            self._through(target, partial(self._step, taken_at, target, left - 1))
        else:
            self._through(self._top(), partial(self._open, taken_at))

    def _open(self, taken_at: float) -> None:
        """The screen is in place; a prompt on it comes into place and has the focus."""
        top = self._top()
        prompts = top.query_children(".prompt") if top is not None else ()
        self._through(next(iter(prompts), None), partial(self._done, taken_at))

    async def _done(self, taken_at: float) -> None:
        if taken_at == self._taken_at:  # else another did not wait for it
            await self._take()

    def _through(self, node: MessagePump | None, then: Any) -> None:
        """Call `then` as the app's own once what waits at a node, and on the way up from there, is done with.

        At a node that is not in place yet that is after it is.
        """
        if node is None or node is self:
            self.call_later(then)
        elif not node.call_later(self._through, node._parent, then):
            self._through(node._parent, then)

    def _top(self) -> DOMNode | None:
        try:
            return self.screen
        except ScreenStackError:  # the app is closing
            return None
