"""Turns the signals that want the process gone into a cancellation, and keeps them off the cleaning up after it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from types import TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_INSIST = 3


class Interrupts:
    """A context manager for the task that enters it.

    The first signal cancels that task. Once `cleaning` is set, signals wait for the end of it, unless somebody insists.
    On the way out the signal takes its course: KeyboardInterrupt for SIGINT, else SystemExit(128 + its number).
    """

    def __init__(self) -> None:
        self.cleaning = False
        self._got: list[signal.Signals] = []
        self._before: dict[signal.Signals, Any] = {}
        self._task: asyncio.Task[Any] | None = None

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for which in SIGNALS:
            # Not in the main thread: whoever runs us there looks after signals.
            with contextlib.suppress(ValueError, RuntimeError):
                before = signal.getsignal(which)
                loop.add_signal_handler(which, self._on_signal, which)
                self._before[which] = before
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for which, before in self._before.items():
            loop.remove_signal_handler(which)
            if before is not None:
                signal.signal(which, before)
        if not self._got or (error is not None and not isinstance(error, asyncio.CancelledError)):
            return
        if self._task is not None:
            self._task.uncancel()
        if self._got[0] is signal.SIGINT:
            raise KeyboardInterrupt from None
        raise SystemExit(128 + self._got[0]) from None

    def _on_signal(self, which: signal.Signals) -> None:
        self._got.append(which)
        assert self._task is not None
        if (not self.cleaning and len(self._got) == 1) or len(self._got) == _INSIST:
            self._task.cancel()
