"""A list that is read page by page: one read in flight, the newest wins, a failure keeps what was read before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from console.poller import one_line
from console.tui.work import begin

if TYPE_CHECKING:
    from textual.screen import Screen

T = TypeVar("T")
P = TypeVar("P")

GROWTH = 1_000
"""So many more items than were asked for are kept when new ones come before them."""


class Paging(Generic[T]):
    """Items known by a key, and the cursor that continues them ("" at the end).

    `answers` is false while what is listed is not of what is looked for now; `behind`: see `newest`.

    Args:
        screen: whose workers read.
        key: an item's identity.
        changed: called after each read.
        pinned: the keys of what somebody is at, and would miss.
        timeout_s: seconds after which a read is given up.
        slow: what is said then.
    """

    def __init__(
        self,
        screen: Screen[None],
        key: Callable[[T], Hashable],
        changed: Callable[[], None],
        *,
        pinned: Callable[[], Collection[Hashable]],
        timeout_s: float,
        slow: str,
    ) -> None:
        self._screen = screen
        self._key = key
        self._changed = changed
        self._pinned = pinned
        self._timeout_s = timeout_s
        self._slow = slow
        self._turn = 0
        self._asked = 0
        self.items: list[T] = []
        self.index: dict[Hashable, T] = {}
        self.cursor = ""
        self._ends: dict[Hashable, str] = {}  # the last item of a page, and the cursor that continues it
        self.error = ""
        self.reading = False
        self.loaded = False
        self.behind = False
        self.answers = True
        self._waiting: list[Callable[[], None]] = []

    def when_loaded(self, do: Callable[[], None]) -> None:
        """Call `do` now, or as soon as something has been read; not at all if the read that is under way fails."""
        if self.loaded:
            do()
        else:
            self._waiting.append(do)

    def turn(self) -> None:
        """Something else is looked for: what is listed stays until that is read, and then goes with all its pages."""
        self.answers = False

    def forget(self) -> None:
        """Another list is wanted: show nothing of this one."""
        self._put([], "")
        self._ends = {}
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
        """The first page has been read anew: it stands before what had been loaded beyond it, as long as that is so.

        What had been loaded is let go when much has come before it and nobody is there.
        """
        if not self.answers:
            self.replace(items, cursor)
            return
        rest, pinned = self._beyond(items, cursor), self._pinned()
        grown = len(items) + len(rest) > self._asked + GROWTH
        if grown and not any(self._key(item) in pinned for item in rest):
            self.replace(items, cursor)
        else:
            self._put([*items, *rest], self.cursor if rest else cursor)
            self._end(items, cursor)

    def newest(self, items: Sequence[T], cursor: str) -> None:
        """The first page of a list that only grows, at its top, has been read anew.

        What somebody is at stays listed. Where that would leave a gap, or too much has come before it, the list stays
        as it was, `behind`; it is so no longer once nothing is pinned.
        """
        pinned = self._pinned()
        if not pinned or not self.answers:
            self.replace(items, cursor)
            return
        rest = self._beyond(items, cursor)
        there = {self._key(item) for item in (*items, *rest)}
        self.behind = len(there) > self._asked + GROWTH or not there.issuperset(pinned)
        if not self.behind:
            self._put([*items, *rest], self.cursor if rest else cursor)
            self._end(items, cursor)

    def _beyond(self, items: Sequence[T], cursor: str) -> list[T]:
        fresh = {self._key(item) for item in items}
        common = [n for n, item in enumerate(self.items) if self._key(item) in fresh]
        return self.items[common[-1] + 1 :] if common and cursor else []

    def more(self, items: Sequence[T], cursor: str) -> None:
        """The next page has been read."""
        self._put([*self.items, *(item for item in items if self._key(item) not in self.index)], cursor)
        self._end(self.items, cursor)
        self._asked = len(self.items)

    def replace(self, items: Sequence[T], cursor: str) -> None:
        """Something else has been read: nothing of what was there stays."""
        self._put(list(items), cursor)
        self._ends = {}
        self._end(items, cursor)
        self._asked = len(self.items)
        self.behind = False
        self.answers = True

    def _put(self, items: list[T], cursor: str) -> None:
        self.items = items
        self.cursor = cursor
        self.index = {self._key(item): item for item in items}

    # --- pages beyond the first, read anew

    def _end(self, items: Sequence[T], cursor: str) -> None:
        ends = {key: end for key, end in self._ends.items() if key in self.index}
        self._ends = {**ends, self._key(items[-1]): cursor} if items and cursor else ends

    def start_of(self, key: Hashable, above: int) -> tuple[Hashable, str] | None:
        """Where to read from for an item and `above` items before it: the item and the cursor before that.

        None if that is the first page, which is read anew by itself.
        """
        place = next((n for n, item in enumerate(self.items) if self._key(item) == key), 0)
        before = (self._key(item) for item in reversed(self.items[: max(place - above, 0)]))
        return next(((each, self._ends[each]) for each in before if each in self._ends), None)

    def again(self, start: Hashable, items: Sequence[T], cursor: str) -> None:
        """What comes after the item `start` has been read anew; what is listed beyond that stays."""
        place = next((n for n, item in enumerate(self.items) if self._key(item) == start), None)
        if place is None or not self.answers or not (items or not cursor):
            return
        before = {self._key(item) for item in self.items[: place + 1]}
        fresh = [item for item in items if self._key(item) not in before]
        rest = self._beyond(items, cursor)
        self._put([*self.items[: place + 1], *fresh, *rest], self.cursor if rest else cursor)
        self._end(fresh, cursor)
