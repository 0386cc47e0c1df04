"""Turns the signals that want the process gone into a cancellation, and keeps them off the cleaning up after it.

If the program no longer listens, it steps in.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DEAF_S = 10.0
"""Seconds after a signal within which the cleaning up must have begun."""

_INSIST = 3


class Interrupts:
    """A context manager for the task that enters it.

    The first signal cancels that task. Once `cleaning` is set, signals wait for the end of it, unless somebody insists.
    On the way out the signal takes its course: KeyboardInterrupt for SIGINT, else SystemExit(128 + its number).

    A user interface whose terminal has gone away may block the whole event loop for good. So if `cleaning` is not set
    within DEAF_S of the first signal, `rescue` is called in a thread of its own, and the process ends.
    """

    def __init__(self, rescue: Callable[[], None] = lambda: None) -> None:
        self.cleaning = False
        self._rescue = rescue
        self._over = threading.Event()
        self._got: list[int] = []
        self._before: dict[signal.Signals, Any] = {}
        self._task: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        for which in SIGNALS:
            # Not in the main thread: whoever runs us there looks after signals.
            with contextlib.suppress(ValueError):
                self._before[which] = signal.signal(which, self._on_signal)
        threading.Thread(target=self._watch, name="rescue", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for which, before in self._before.items():
            signal.signal(which, before)
        # A terminal that went away makes writing to it fail as well.
        if not self._got or not isinstance(error, asyncio.CancelledError | OSError | None):
            return
        if self._task is not None:
            self._task.uncancel()
        if self._got[0] == signal.SIGINT:
            raise KeyboardInterrupt from None
        raise SystemExit(128 + self._got[0]) from None

    def _on_signal(self, which: int, _: FrameType | None) -> None:
        """Runs between any two steps of the program, also while it waits for a lock: only hands on what happened."""
        self._got.append(which)
        assert self._task is not None
        assert self._loop is not None
        if (not self.cleaning and len(self._got) == 1) or len(self._got) == _INSIST:
            self._loop.call_soon_threadsafe(self._task.cancel)

    def _watch(self) -> None:
        """In a thread. It looks now and then: a handler that took locks to wake it could wait for itself."""
        deaf_since = 0.0
        while not self._over.wait(0.5):
            if not self._got or self.cleaning:
                continue
            deaf_since = deaf_since or time.monotonic()
            if time.monotonic() - deaf_since > DEAF_S:
                try:
                    self._rescue()
                finally:
                    os._exit(128 + self._got[0])
