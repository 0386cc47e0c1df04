"""Gives the terminal to another program for a while, and takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from console.errors import StackError

if TYPE_CHECKING:
    from textual.app import App


@contextmanager
def handed_over(app: App[None], what: str) -> Iterator[None]:
    """The app draws and reads nothing inside. What it reads from its sources meanwhile is drawn afterwards.

    Raises:
        StackError: this terminal cannot be given away.
    """
    try:
        suspended = app.suspend()
        suspended.__enter__()
    except SuspendNotSupported:
        raise StackError(
            "this terminal cannot be given to another program", "leadsctl shell in one of its own"
        ) from None
    try:
        with app.batch_update():
            print(f"{what}: exit returns to leadsctl", flush=True)  # noqa: T201 - the terminal is nobody's now
            yield
    finally:
        suspended.__exit__(None, None, None)
