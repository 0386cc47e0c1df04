"""Measures how much of the machine other processes took meanwhile: figures from a busy machine must say so."""

from __future__ import annotations

import contextlib
import resource

import psutil


class Others:
    """Starts counting when it is made."""

    def __init__(self) -> None:
        self._began = (*_machine(), family())

    def share(self) -> float:
        """Processor time of others by that of the whole machine since then, 0 to 1."""
        now = (*_machine(), family())
        total, busy, ours = (later - before for later, before in zip(now, self._began, strict=True))
        return min(max(busy - ours, 0.0) / total, 1.0) if total > 0 else 0.0


def family() -> float:
    """Seconds of processor time that this process and all its children, ended ones too, have used."""
    seconds = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(who)
        seconds += used.ru_utime + used.ru_stime
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            # A child's own children that have ended are in its figures; those that live are listed themselves.
            seconds += sum(child.cpu_times()[:4])
    return seconds


def _machine() -> tuple[float, float]:
    """Seconds of processor time of all cores since the start: in all, and busy."""
    times = psutil.cpu_times()
    total = sum(times[:8])
    return total, total - times.idle - getattr(times, "iowait", 0.0)
