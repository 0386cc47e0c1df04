"""Describes the machine and the servers that a run used, for whoever quotes its figures."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

import psutil

from tests import servers


def describe() -> str:
    """Several lines: cores, memory, kernel, load, file system, Python, servers."""
    memory = psutil.virtual_memory().total / 2**30
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    node = tool("node", "--version")
    facts = {
        "machine": f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}, load {load} before the run",
        "disk": _file_system(Path(tempfile.gettempdir())),
        "runtime": f"Python {platform.python_version()}, uvloop {version('uvloop')}, Node {node}",
        "servers": f"{_redis()}, {_postgres()}",
    }
    return "\n".join(f"{name:8} {text}" for name, text in facts.items())


def tool(*command: str) -> str:
    """The first line a command prints, "absent" if it is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except OSError:
        return "absent"
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0].strip() if lines else "silent"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else platform.machine()


def _file_system(folder: Path) -> str:
    """The kind of file system the servers' data is on: on tmpfs an fsync costs nothing."""
    held = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    return max(held, key=lambda part: len(part.mountpoint)).fstype if held else "unknown"


def _redis() -> str:
    found = re.search(r"v=(\S+)", tool(str(servers.RedisServer(Path()).binary), "--version"))
    return f"Redis-compatible server {found.group(1) if found else 'unknown'}"


def _postgres() -> str:
    return tool(str(servers._postgres_bin() / "postgres"), "--version")
