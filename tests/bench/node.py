"""Installs the Node peers into the user's cache: they are what we are compared with, never a dependency."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import platformdirs

from tests.bench.harness import MissingError, narrate

PEERS = Path(__file__).with_name("peers")
MANIFEST = PEERS / "package.json"


@cache
def modules() -> Path:
    """The folder `node_modules` with the versions of package.json, installed on first use with npm.

    Raises:
        MissingError: node or npm is missing, or the registry cannot be reached.
    """
    node()
    npm = shutil.which("npm")
    if npm is None:
        raise MissingError("npm is missing: apt-get install npm, or https://nodejs.org")
    mark = hashlib.sha256(MANIFEST.read_bytes()).hexdigest()[:12]
    folder = Path(platformdirs.user_cache_dir("leadsctl")) / "bench" / f"peers-{mark}"
    done = folder / ".complete"
    if not done.exists():
        narrate(f"installing the Node peers into {folder}")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(MANIFEST, folder / MANIFEST.name)
        install = subprocess.run(
            [npm, "install", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if install.returncode:
            raise MissingError(f"npm could not install the peers: {install.stderr.strip()[:500]}")
        done.touch()
    return folder / "node_modules"


def node() -> str:
    """Where node is. MissingError that says how to get it."""
    path = shutil.which("node")
    if path is None:
        raise MissingError("Node 20 or later is missing: apt-get install nodejs npm, or https://nodejs.org")
    return path


def command(script: str, *args: str) -> list[str]:
    """The command line of a peer's script."""
    return [node(), str(PEERS / script), *args]


def settings() -> dict[str, str]:
    """The environment a peer's script needs to find its packages, in production mode."""
    return {"NODE_ENV": "production", "NODE_PATH": os.fspath(modules())}
