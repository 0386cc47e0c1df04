"""Ends the terminal UI for good, also where its terminal is gone."""

from __future__ import annotations

from typing import Any

from textual.app import App


async def until_closed(app: App[Any]) -> None:
    """Run the app; the thread that reads its keys ends with it, however it ends.

    Where the end is cut short by a terminal that goes away Textual leaves that thread behind: it would read nothing
    again and again, and the process could not end.
    """
    try:
        await app.run_async()
    finally:
        told = getattr(app._driver, "exit_event", None)
        if told is not None:
            told.set()
