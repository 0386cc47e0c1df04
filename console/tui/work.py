"""Begins asynchronous work that belongs to a screen or the app and ends with it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.dom import DOMNode


def begin(
    node: DOMNode, do: Callable[[], Coroutine[Any, Any, None]], group: str = "work", *, exclusive: bool = False
) -> None:
    """Call and await `do`. `exclusive`: what is under way in that group is given up.

    A function is taken, not a coroutine: one that is given up before it began would never have been awaited.
    """
    work: Any = do  # a checker takes the toolkit's own type for a function that never returns
    node.run_worker(work, group=group, exclusive=exclusive, exit_on_error=False)
