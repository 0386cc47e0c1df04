"""A list that is read page by page: one read in flight, the newest wins, a failure keeps what was read before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from console.poller import one_line
from console.tui.work import begin

if TYPE_CHECKING:
    from textual.screen import Screen

T = TypeVar("T")
P = TypeVar("P")


class Paging(Generic[T]):
    """Items known by a key, and the cursor that continues them ("" at the end).

    Args:
        screen: whose workers read.
        key: an item's identity.
        changed: called after each read.
        timeout_s: seconds after which a read is given up.
        slow: what is said then.
    """

    def __init__(
        self,
        screen: Screen[None],
        key: Callable[[T], Hashable],
        changed: Callable[[], None],
        *,
        timeout_s: float,
        slow: str,
    ) -> None:
        self._screen = screen
        self._key = key
        self._changed = changed
        self._timeout_s = timeout_s
        self._slow = slow
        self._turn = 0
        self.items: list[T] = []
        self.index: dict[Hashable, T] = {}
        self.cursor = ""
        self.error = ""
        self.reading = False
        self.loaded = False
        self._waiting: list[Callable[[], None]] = []

    def when_loaded(self, do: Callable[[], None]) -> None:
        """Call `do` now, or as soon as something has been read; not at all if the read that is under way fails."""
        if self.loaded:
            do()
        else:
            self._waiting.append(do)

    def forget(self) -> None:
        """Another list is wanted: show nothing of this one."""
        self._put([], "")
        self.loaded = False

    def read(self, read: Callable[[], Awaitable[P]], take: Callable[[P], None]) -> None:
        """Read, giving up a read under way; `take` gets the page if nothing newer has been asked for meanwhile."""
        self._turn += 1
        self.reading = True
        begin(self._screen, partial(self._run, self._turn, read, take), f"pages {id(self)}", exclusive=True)

    async def _run(self, turn: int, read: Callable[[], Awaitable[Any]], take: Callable[[Any], None]) -> None:
        error = ""
        page = None
        try:
            async with asyncio.timeout(self._timeout_s):
                page = await read()
        except TimeoutError:
            error = self._slow
        except Exception as raised:  # noqa: BLE001 - shown; the next reading tries again
            error = one_line(raised)
        if turn != self._turn:
            return
        self.reading = False
        self.error = error
        if not error:
            self.loaded = True
            take(page)
        self._changed()
        waiting, self._waiting = self._waiting, []
        for do in waiting if not error else ():
            do()

    def first(self, items: Sequence[T], cursor: str) -> None:
        """The first page has been read anew: it stands before what had been loaded beyond it."""
        fresh = {self._key(item) for item in items}
        common = [n for n, item in enumerate(self.items) if self._key(item) in fresh]
        rest = self.items[common[-1] + 1 :] if common and cursor else []
        self._put([*items, *rest], self.cursor if rest else cursor)

    def more(self, items: Sequence[T], cursor: str) -> None:
        """The next page has been read."""
        self._put([*self.items, *(item for item in items if self._key(item) not in self.index)], cursor)

    def replace(self, items: Sequence[T], cursor: str) -> None:
        """Something else has been read: nothing of what was there stays."""
        self._put(list(items), cursor)

    def _put(self, items: list[T], cursor: str) -> None:
        self.items = items
        self.cursor = cursor
        self.index = {self._key(item): item for item in items}
