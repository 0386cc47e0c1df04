"""Has a command end in order when it is told to: by SIGTERM, or by SIGHUP as its terminal goes away."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def in_order() -> Iterator[None]:
    """Cancel the task that enters it at the first such signal: what was begun is undone, or left where it can go on.

    Then the process ends with 128 + the signal's number. A signal that is ignored (nohup) stays so.
    """
    import asyncio

    loop, task, got = asyncio.get_running_loop(), asyncio.current_task(), list[int]()
    assert task is not None

    def told(which: int) -> None:
        if not got:
            task.cancel()
        got.append(which)

    here = threading.current_thread() is threading.main_thread()
    heard = [which for which in SIGNALS if here and signal.getsignal(which) is signal.SIG_DFL]
    for which in heard:
        loop.add_signal_handler(which, told, which)
    try:
        yield
    except (asyncio.CancelledError, OSError):  # a terminal that went away makes writing to it fail as well
        if not got:
            raise
        task.uncancel()
        raise SystemExit(128 + got[0]) from None
    finally:
        for which in heard:
            loop.remove_signal_handler(which)


@contextmanager
def at_once() -> Iterator[None]:
    """End at once when told to, by Ctrl-C too: while a line is read an event loop's handlers would wait for it."""
    wanted = {signal.SIGINT: signal.default_int_handler} | dict.fromkeys(SIGNALS, signal.SIG_DFL)
    before = {which: signal.getsignal(which) for which in wanted}
    changed = [which for which in wanted if before[which] not in (signal.SIG_IGN, None)]
    for which in changed:
        signal.signal(which, wanted[which])
    try:
        yield
    finally:
        for which in changed:
            signal.signal(which, before[which])
