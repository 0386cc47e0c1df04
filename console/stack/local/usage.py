"""Measures CPU and memory of whole process trees, cheaply enough to be asked every second."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

TREE_FOR_S = 5.0
"""Seconds for which the set of a tree's processes is believed; finding it reads the whole process table."""


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU in percent of one core (None at the first look), resident bytes (memory shared within the tree once)."""

    cpu_percent: float | None
    memory_bytes: int


@dataclass(slots=True)
class _Tree:
    root: int
    found_at: float = 0.0
    members: dict[int, psutil.Process] = field(default_factory=dict)
    spent: dict[int, float] = field(default_factory=dict)
    measured_at: float = 0.0


class UsageMeter:
    """Remembers the last look at each tree. Use it from one thread at a time."""

    def __init__(self) -> None:
        self._trees: dict[int, _Tree] = {}

    def measure(self, roots: list[int]) -> dict[int, Usage]:
        """The usage of each tree whose root still runs."""
        self._trees = {root: self._trees.get(root) or _Tree(root) for root in roots}
        now = time.monotonic()
        if any(now - tree.found_at > TREE_FOR_S for tree in self._trees.values()):
            self._find(now)
        return {root: usage for root, tree in self._trees.items() if (usage := _measure(tree, now))}

    def _find(self, now: float) -> None:
        """One pass over the process table for all trees."""
        import psutil

        parents = {process: process.info["ppid"] for process in psutil.process_iter(["ppid"])}
        children: dict[int, list[psutil.Process]] = {}
        for process, parent in parents.items():
            children.setdefault(parent, []).append(process)
        by_id = {process.pid: process for process in parents}
        for tree in self._trees.values():
            members = {tree.root: by_id[tree.root]} if tree.root in by_id else {}
            waiting = list(members)
            while waiting:
                for child in children.get(waiting.pop(), []):
                    if child.pid not in members:
                        members[child.pid] = child
                        waiting.append(child.pid)
            tree.members, tree.found_at = members, now


def _measure(tree: _Tree, now: float) -> Usage | None:
    import psutil

    own, shared, burnt = 0, 0, 0.0
    spent: dict[int, float] = {}
    for pid, process in tree.members.items():
        try:
            with process.oneshot():
                times, memory = process.cpu_times(), process.memory_info()
        except psutil.Error:
            continue
        spent[pid] = times.user + times.system
        burnt += max(spent[pid] - tree.spent.get(pid, spent[pid] if not tree.spent else 0.0), 0.0)
        common = getattr(memory, "shared", 0)
        own += max(memory.rss - common, 0)
        shared = max(shared, common)
    if tree.root not in spent:
        return None
    elapsed = now - tree.measured_at
    percent = 100 * burnt / elapsed if tree.measured_at and elapsed > 0.05 else None
    tree.spent, tree.measured_at = spent, now
    return Usage(percent, own + shared)
