"""Owns the web processes of one port: forks them, replaces one that dies, and ends them all together.

Each listens by itself (SO_REUSEPORT), so that the kernel spreads the connections; they end when the first one does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

from api import logs
from api.settings import Settings
from api.web.board import Board
from api.web.server import Place, listen

log = logs.get_logger()

PAUSE_S = 1.0
"""Between the death of a process and its successor: one that cannot live must not take all processor time."""

_AWAITED = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}

Run = Callable[[Settings, Place], int]


def serve_all(settings: Settings, run: Run) -> int:
    """Serve with as many processes as the settings say until SIGTERM or SIGINT; the exit code.

    `run` serves in the process that calls it.

    Raises:
        SettingsError: HOST or PORT cannot be listened on.
    """
    if settings.web_processes == 1:
        return run(settings, Place(listen(settings.host, settings.port)))
    # Without SO_REUSEPORT first: with it, a port on which somebody listens already would go unnoticed.
    listen(settings.host, settings.port).close()
    with contextlib.closing(listen(settings.host, settings.port, shared=True)):
        return _Family(settings, run).live()


class _Family:
    def __init__(self, settings: Settings, run: Run) -> None:
        self._settings = settings
        self._run = run
        self._board = Board(settings.web_processes)
        self._slots: dict[int, int] = {}
        self._due: dict[int, float] = {}
        """When a slot whose process died gets another one."""
        self._alive, self._kept = os.pipe()

    def live(self) -> int:
        """Start all, keep them going, and end with them."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
        log.info("web.processes", count=self._board.slots, pid=os.getpid())
        for slot in range(self._board.slots):
            self._start(slot)
        while True:
            wait_s = min([due - time.monotonic() for due in self._due.values()], default=3_600.0)
            caught = signal.sigtimedwait(_AWAITED, max(wait_s, 0.0))
            if caught is not None and caught.si_signo != signal.SIGCHLD:
                return self._end()
            self._bury()
            for slot in [slot for slot, due in self._due.items() if due <= time.monotonic()]:
                del self._due[slot]
                self._start(slot)

    def _start(self, slot: int) -> None:
        logs.flush()
        pid = os.fork()
        if pid:
            self._slots[pid] = slot
            return
        code = 1
        try:
            os.close(self._kept)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
            listener = listen(self._settings.host, self._settings.port, shared=True)
            code = self._run(self._settings, Place(listener, self._board, slot, self._alive))
        except BaseException as error:
            log.error("web.failed", exc_info=error)
        finally:
            logs.flush()
            # Nothing of the parent's is to be ended here.
            os._exit(code)

    def _bury(self) -> None:
        for pid, code in _ended():
            slot = self._slots.pop(pid, None)
            if slot is not None:
                log.error("web.died", pid=pid, code=code)
                self._due[slot] = time.monotonic() + PAUSE_S

    def _end(self) -> int:
        worst = 0
        for pid in self._slots:
            os.kill(pid, signal.SIGTERM)
        for pid in self._slots:
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            # One that had not begun to listen for the signal is ended by it.
            worst = max(worst, int(code not in (0, -signal.SIGTERM)))
        return worst


def _ended() -> list[tuple[int, int]]:
    """(process id, exit code) of the children that have ended."""
    found = []
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            found.append((pid, os.waitstatus_to_exitcode(status)))
    return found
